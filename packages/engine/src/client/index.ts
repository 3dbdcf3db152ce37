/** The asking side of runs: starts, reads and steers them, and keeps schedules in line with the code. */

export { type LogLine, logText } from "../logs/log-line.ts";
export type { PoolPlace, PoolSetting, PoolView } from "../sandbox/pool-protocol.ts";
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
  InvalidPoolError,
  NothingToClearError,
  NotWaitingError,
  NoWorkerError,
  PoolNotFoundError,
  RunActiveError,
  RunNotFoundError,
  RunOverError,
  ScheduleNotFoundError,
  TemporalRequestError,
  TemporalUnreachableError,
} from "./errors.ts";
export type { RunExplanation, TaskExplanation } from "./explain.ts";
export type { FollowedLine } from "./follow-logs.ts";
export type { AttemptLog, LogFilter } from "./task-logs.ts";
