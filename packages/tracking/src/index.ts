export {
  type Batch,
  type FinalRunStatus,
  type Lineage,
  type MetricPoint,
  MODEL_STAGES,
  type ModelStage,
  type ModelVersion,
  type ModelVersionSelector,
  type RegisteredModel,
  type RegisterModel,
  type RunStatus,
  type StartRun,
  type TableUse,
  type Tracking,
  type TrackingRun,
  type TransitionStage,
  type VersionLineage,
} from "./api.ts";
export { TrackingError, type TrackingErrorCode } from "./errors.ts";
export { connectTracking } from "./mlflow/connect-tracking.ts";
export type { MlflowServer } from "./mlflow/mlflow-http.ts";
export { openTracking, type TrackingPlace } from "./open-tracking.ts";
export { MLFLOW_VERSION, type ServeTracking, serveTracking, type TrackingServer } from "./server/serve-tracking.ts";
