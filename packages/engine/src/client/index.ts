/** The asking side of runs: starts, reads and steers them, and keeps schedules in line with the code. */
export { connectEngine } from "./connect-engine.ts";
export type {
  AssetExplanation,
  AssetRow,
  ConnectOptions,
  EmitAsset,
  EngineClient,
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
  ControllerNotFoundError,
  NothingToClearError,
  NotWaitingError,
  NoWorkerError,
  RunActiveError,
  RunNotFoundError,
  RunOverError,
  ScheduleNotFoundError,
  TemporalRequestError,
  TemporalUnreachableError,
} from "./errors.ts";
export type { RunExplanation, TaskExplanation } from "./explain.ts";
export { type AttemptLog, type LogLine, logText } from "./task-logs.ts";
