export {
  type Batch,
  type FinalRunStatus,
  type MetricPoint,
  MODEL_STAGES,
  type ModelStage,
  type ModelVersion,
  type ModelVersionSelector,
  type RegisteredModel,
  type RegisterModel,
  type RunStatus,
  type StartRun,
  type Tracking,
  type TrackingRun,
  type TransitionStage,
} from "./api.ts";
export { TrackingError, type TrackingErrorCode } from "./errors.ts";
export { openTracking } from "./tracking.ts";
