/** The asking side of runs: starts, reads and steers them, and keeps schedules in line with the code. */
export type { BackfillCancel, BackfillView } from "../sandbox/backfill-protocol.ts";
export { ASSET_EVENTS, REPROCESS } from "../sandbox/backfill-protocol.ts";
export type { BackfillList, CreateBackfill } from "./backfill-calls.ts";
export { connectEngine } from "./connect-engine.ts";
export type {
  ConnectOptions,
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
  BackfillExistsError,
  BackfillNotFoundError,
  BackfillOverError,
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
export type { FieldChange, ScheduleChange, SyncPlan, SyncScope } from "./schedule-plan.ts";
export { type AttemptLog, type LogLine, logText } from "./task-logs.ts";
