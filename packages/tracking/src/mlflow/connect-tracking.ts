import type { Tracking } from "../api.ts";
import { TrackingError } from "../errors.ts";
import { MlflowArtifacts } from "./mlflow-artifacts.ts";
import { MlflowHttp, MlflowRefusal, type MlflowServer, plainly } from "./mlflow-http.ts";
import { MlflowRegistry } from "./mlflow-registry.ts";
import { MlflowRuns } from "./mlflow-runs.ts";

/**
 * Tracking on an MLflow server: MLflow's own, of a cloud, or one that `serveTracking` serves. The server is asked when
 * something is; that it is not there is `TRACKING_UNREACHABLE` then.
 *
 * Idempotency keys are tags there (`dagwright.key`): of several processes that start one thing at once the first wins,
 * and what the others made is deleted.
 *
 * @throws TrackingError INVALID_ARGUMENT for what is no address
 */
export function connectTracking(server: MlflowServer): Tracking {
  if (!/^https?:\/\//.test(server.url) || !URL.canParse(server.url))
    throw new TrackingError("INVALID_ARGUMENT", "url is no address of an MLflow server: expected http://host:port.", {
      field: "url",
    });
  const http = new MlflowHttp(server);
  const runs = new MlflowRuns(http);
  const artifacts = new MlflowArtifacts(http, runs);
  const registry = new MlflowRegistry(http, runs);
  let closed = false;
  const ask = async <T>(work: () => Promise<T>): Promise<T> => {
    if (closed) throw new TrackingError("TRACKING_STORE_FAILED", "Tracking is closed.");
    try {
      return await work();
    } catch (error) {
      throw error instanceof MlflowRefusal ? plainly(error) : error;
    }
  };
  return {
    startRun: (run) => ask(() => runs.start(run)),
    logBatch: (runId, batch) => ask(() => runs.log(runId, batch)),
    metricHistory: (runId, metric) => ask(() => runs.history(runId, metric)),
    logArtifact: (runId, path, bytes) => ask(() => artifacts.write(runId, path, bytes)),
    readArtifact: (runId, path) => ask(() => artifacts.read(runId, path)),
    listArtifacts: (runId) => ask(() => artifacts.list(runId)),
    artifactUri: (runId, path) => ask(() => artifacts.uri(runId, path)),
    logLineage: (runId, lineage) => ask(() => runs.logLineage(runId, lineage)),
    finishRun: (runId, status) => ask(() => runs.finish(runId, status)),
    getRun: (runId) => ask(() => runs.get(runId)),
    searchRuns: ({ experiment, limit = 100 }) => ask(() => runs.search(experiment, limit)),
    registerModel: (model) => ask(() => registry.register(model)),
    transitionStage: (transition) => ask(() => registry.transition(transition)),
    setModelAlias: (alias) => ask(() => registry.setAlias(alias)),
    updateModelDescription: (update) => ask(() => registry.describe(update)),
    deleteModelVersion: (version) => ask(() => registry.delete(version)),
    getModelVersion: (selector) => ask(() => registry.get(selector)),
    listModels: () => ask(() => registry.list()),
    listModelVersions: (name) => ask(() => registry.listVersions(name)),
    versionLineage: (selector) => ask(() => registry.lineage(selector)),
    versionsFromTable: (table) => ask(() => registry.fromTable(table)),
    close: async () => {
      closed = true;
    },
  };
}
