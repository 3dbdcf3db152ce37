import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { loadModel, type Model, serializeModel, toOnnxInTurns } from "@dagwright/learn";
import { type ToolArguments, type ToolContext, ToolError, type ToolOutput } from "@dagwright/mcp-kit";
import type { Tracking } from "@dagwright/tracking";
import type { training } from "./contract.ts";
import { MODEL_PATH, readModel } from "./run-artifacts.ts";

interface Services {
  readonly tracking: Tracking;
}

/** Writes a run's model to a file among its artifacts; again, the same bytes to the same place. */
export async function saveTrainedModel(
  { tracking }: Services,
  { runId, format, name }: ToolArguments<typeof training, "save_model">,
  { signal }: Pick<ToolContext, "signal">,
): Promise<ToolOutput<typeof training, "save_model">> {
  const model = await readModel(tracking, runId);
  const bytes = format === "onnx" ? await toOnnxInTurns(model, signal) : serializeModel(model);
  const path = `saved/${name}.${format === "onnx" ? "onnx" : "bin"}`;
  await tracking.logArtifact(runId, path, bytes);
  return { runId, uri: await tracking.artifactUri(runId, path), bytes: bytes.length, sha256: sha256(bytes) };
}

/**
 * Loads a run's model and says what it is. A file becomes a run of its own first, so that it can be validated, registered
 * and served like any other; the same bytes become the same run.
 */
export async function loadTrainedModel(
  { tracking }: Services,
  { runId, source, experiment }: ToolArguments<typeof training, "load_model">,
  { signal }: Pick<ToolContext, "signal">,
): Promise<ToolOutput<typeof training, "load_model">> {
  if ((runId === undefined) === (source === undefined))
    throw new ToolError("ONE_SOURCE", "Expected either runId or source, and not both.", {
      field: runId === undefined ? "runId" : "source",
    });
  if (source === undefined) {
    const bytes = await tracking.readArtifact(runId!, MODEL_PATH);
    return described(tracking, runId!, loadModel(bytes), bytes.length);
  }
  const bytes = await readFile(source, { signal }).catch((error: unknown) => {
    throw new ToolError(
      "SOURCE_UNREADABLE",
      `source ${source} cannot be read: ${error instanceof Error ? error.message : error}.`,
      {
        field: "source",
      },
    );
  });
  const model = loadModel(new Uint8Array(bytes));
  const run = await tracking.startRun({
    experiment,
    name: `imported ${model.algorithm}`,
    key: `import/${experiment}/${sha256(bytes)}`,
    tags: { algorithm: model.algorithm, task: model.task, source },
  });
  if (run.status !== "FINISHED") {
    await tracking.logArtifact(run.runId, MODEL_PATH, new Uint8Array(bytes));
    await tracking.finishRun(run.runId, "FINISHED");
  }
  return described(tracking, run.runId, model, bytes.length);
}

async function described(tracking: Tracking, runId: string, model: Model, bytes: number) {
  const { algorithm, task, featureNames, textFeatures, classes, params } = model;
  const texts = new Set(textFeatures);
  return {
    runId,
    modelUri: await tracking.artifactUri(runId, MODEL_PATH),
    algorithm,
    task,
    features: featureNames.map((name) => ({ name, type: texts.has(name) ? ("text" as const) : ("number" as const) })),
    classes: [...classes],
    params: { ...params },
    bytes,
  };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
