import type { Deployed, Deployments } from "@dagwright/serving";
import type { Tracking } from "@dagwright/tracking";

/** Where a training run keeps its model. */
const MODEL_ARTIFACT = "model/model.bin";

/** What the tools work on. */
export interface ModelServing {
  readonly deployments: Deployments;
  readonly tracking: Tracking;
}

/** Serves a registered version: its run is found in the registry, its file among the run's artifacts. */
export async function deployVersion(
  { deployments, tracking }: ModelServing,
  model: string,
  version: number,
): Promise<Deployed> {
  const { runId } = await tracking.getModelVersion({ name: model, version });
  const modelBytes = await tracking.readArtifact(runId, MODEL_ARTIFACT);
  return await deployments.deploy({ model, version, runId, modelBytes });
}

/** Serves the version before the present one again, or the one named; stops the server when there is none before. */
export async function rollBack(
  serving: ModelServing,
  { model, toVersion }: { readonly model: string; readonly toVersion?: number | undefined },
  key: string | undefined,
): Promise<{ model: string; version: number | null; endpoint: string | null }> {
  const { version, endpoint } =
    toVersion === undefined
      ? await serving.deployments.rollback(model, { key })
      : await deployVersion(serving, model, toVersion);
  return { model, version, endpoint };
}
