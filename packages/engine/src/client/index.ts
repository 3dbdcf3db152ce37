/** The asking side of runs: starts, reads and steers them, and keeps schedules in line with the code. */
export { type LogLine, logText } from "../logs/log-line.ts";
export type { BackfillCancel, BackfillView } from "../sandbox/backfill-protocol.ts";
export { ASSET_EVENTS, REPROCESS } from "../sandbox/backfill-protocol.ts";
export type { PoolPlace, PoolSetting, PoolView } from "../sandbox/pool-protocol.ts";
export type { BackfillList, CreateBackfill } from "./backfill-calls.ts";
export { connectEngine } from "./connect-engine.ts";
export type {
  AssetExplanation,
  AssetRow,
  ClearedTasks,
  ClearRun,
  ConnectOptions,
  EmitAsset,
  EngineClient,
  MarkTask,
  PrunedRuns,
  PruneRuns,
  RunList,
  RunRow,
  ScheduleRow,
  StartedRun,
  StartRun,
  SyncResult,
  WaitOptions,
} from "./engine-client.ts";
export {
  AssetNotFoundError,
  BackfillExistsError,
  BackfillNotFoundError,
  BackfillOverError,
  ControllerNotFoundError,
  InvalidPoolError,
  InvalidRunIdError,
  NoAssetScheduleError,
  NoRunStoreError,
  NothingToClearError,
  NotWaitingError,
  NoWorkerError,
  ParamsFixedError,
  PoolNotFoundError,
  PruneTooRecentError,
  RunActiveError,
  RunNotFoundError,
  RunOverError,
  RunRefusedError,
  ScheduleNotFoundError,
  TaskNotInRunError,
  TemporalRequestError,
  TemporalUnreachableError,
} from "./errors.ts";
export type { RunExplanation, TaskExplanation } from "./explain.ts";
export type { FollowedLine } from "./follow-logs.ts";
export type { FieldChange, ScheduleChange, SyncPlan, SyncScope } from "./schedule-plan.ts";
export type { AttemptLog, LogFilter } from "./task-logs.ts";
