/** The asking side of runs: starts, reads and steers them, and keeps schedules in line with the code. */
export { connectEngine } from "./connect-engine.ts";
export type {
  ClearedTasks,
  ClearRun,
  ConnectOptions,
  EngineClient,
  MarkTask,
  RunList,
  RunRow,
  ScheduleRow,
  StartedRun,
  StartRun,
  SyncResult,
  WaitOptions,
} from "./engine-client.ts";
export {
  ControllerNotFoundError,
  NothingToClearError,
  NotWaitingError,
  NoWorkerError,
  ParamsFixedError,
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
export { type AttemptLog, type LogLine, logText } from "./task-logs.ts";
