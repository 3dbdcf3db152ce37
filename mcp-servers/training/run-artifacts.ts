import { loadModel, type Model, serializeModelInTurns, toOnnxInTurns } from "@dagwright/learn";
import type { Tracking } from "@dagwright/tracking";
import { z } from "zod";

/** Where the parts of a trained model lie among a run's artifacts. */
export const MODEL_PATH = "model/model.bin";
export const ONNX_PATH = "model/model.onnx";
const SIGNATURE_PATH = "model/signature.json";
const IMPORTANCE_PATH = "feature_importance.json";
const METRICS_PATH = "metrics.json";

/** What was measured, beside the model. */
const Measured = z.object({
  metrics: z.record(z.string(), z.number()),
  rows: z.object({ train: z.number(), validation: z.number() }),
  positives: z.number(),
});
export type Measured = z.output<typeof Measured>;

const Importance = z.array(z.object({ feature: z.string(), importance: z.number() }));

/** Keeps a model and what was measured; again, it replaces the same files. */
export async function logModel(
  tracking: Tracking,
  runId: string,
  model: Model,
  { label, measured, signal }: { readonly label: string; readonly measured: Measured; readonly signal: AbortSignal },
): Promise<void> {
  const json = (value: unknown) => new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
  // First, as it may refuse a model that is too large for the format.
  await tracking.logArtifact(runId, ONNX_PATH, await toOnnxInTurns(model, signal));
  await tracking.logArtifact(runId, MODEL_PATH, await serializeModelInTurns(model, signal));
  await tracking.logArtifact(
    runId,
    SIGNATURE_PATH,
    json({ features: model.featureNames, label, classes: model.classes, inputs: model.inputs }),
  );
  await tracking.logArtifact(runId, IMPORTANCE_PATH, json(model.featureImportance));
  await tracking.logArtifact(runId, METRICS_PATH, json(measured));
}

/** The model of a run. @throws TrackingError RUN_NOT_FOUND, ARTIFACT_NOT_FOUND; LearnError INVALID_MODEL */
export async function readModel(tracking: Tracking, runId: string): Promise<Model> {
  return loadModel(await tracking.readArtifact(runId, MODEL_PATH));
}

/** What `logModel` kept of a finished run, beside the model. */
export async function readMeasured(tracking: Tracking, runId: string) {
  const read = async (path: string): Promise<unknown> =>
    JSON.parse(new TextDecoder().decode(await tracking.readArtifact(runId, path)));
  return {
    ...Measured.parse(await read(METRICS_PATH)),
    featureImportance: Importance.parse(await read(IMPORTANCE_PATH)),
  };
}
