import { join, resolve } from "node:path";
import type { Tracking } from "./api.ts";
import { ArtifactFolder } from "./artifacts.ts";
import { Database } from "./database.ts";
import { ModelRegistry } from "./model-registry.ts";
import { Runs } from "./runs.ts";

/**
 * Opens tracking in a folder: `tracking.db` (SQLite, WAL) and `artifacts/<runId>/…`. Creates what is missing.
 * @throws TrackingError TRACKING_SCHEMA_NEWER when a newer program wrote the database
 */
export async function openTracking({ root }: { readonly root: string }): Promise<Tracking> {
  const folder = resolve(root);
  const database = new Database(join(folder, "tracking.db"));
  const runs = new Runs(database);
  const registry = new ModelRegistry(database, runs);
  const artifacts = new ArtifactFolder(join(folder, "artifacts"));
  return {
    startRun: async (run) => runs.start(run),
    logBatch: async (runId, batch) => runs.log(runId, batch),
    metricHistory: async (runId, metric) => runs.history(runId, metric),
    logArtifact: async (runId, path, bytes) => {
      runs.require(runId);
      await artifacts.write(runId, path, bytes);
    },
    readArtifact: async (runId, path) => {
      runs.require(runId);
      return await artifacts.read(runId, path);
    },
    listArtifacts: async (runId) => {
      runs.require(runId);
      return await artifacts.list(runId);
    },
    artifactUri: (runId, path) => artifacts.uri(runId, path),
    finishRun: async (runId, status) => runs.finish(runId, status),
    getRun: async (runId) => runs.get(runId),
    searchRuns: async ({ experiment, limit = 100 }) => runs.search(experiment, limit),
    registerModel: async (model) => registry.register(model),
    transitionStage: async (transition) => registry.transition(transition),
    setModelAlias: async (alias) => registry.setAlias(alias),
    updateModelDescription: async (update) => registry.describe(update),
    deleteModelVersion: async (version) => registry.delete(version),
    getModelVersion: async (selector) => registry.get(selector),
    listModels: async () => registry.list(),
    listModelVersions: async (name) => registry.listVersions(name),
    close: async () => database.close(),
  };
}
