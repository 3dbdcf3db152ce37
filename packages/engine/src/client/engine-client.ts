import type { Clearing } from "../core/clear.ts";
import type { Json } from "../core/graph.ts";
import type { RunState, RunTrigger, RunView } from "../core/state.ts";
import type { RetrainingController } from "../language/controller.ts";
import type { Dag } from "../language/dag.ts";
import type { DriftSignal } from "../sandbox/controller-protocol.ts";
import type { AnswerRequest, Remark } from "../sandbox/protocol.ts";
import type { RunStore } from "../store/run-store.ts";
import type { RunExplanation } from "./explain.ts";
import type { AttemptLog } from "./task-logs.ts";
import type { TemporalAddress } from "./temporal-connection.ts";

/** Where Temporal is, and what is kept beside it. */
export interface ConnectOptions extends TemporalAddress {
  /** @default "default" */
  readonly namespace?: string;
  /** Of the workers that are to carry out the runs. @default "dagwright" */
  readonly taskQueue?: string;
  /** Runs beyond Temporal's retention. @default none: what Temporal has forgotten is not found */
  readonly store?: RunStore;
}

/** What a run is started with. */
export interface StartRun {
  readonly dagId: string;
  /** @default the DAG's defaults */
  readonly params?: { readonly [key: string]: Json };
  /** Free data that tasks read as `run.conf`. @default {} */
  readonly conf?: { readonly [key: string]: Json };
  /** A day or ISO-8601 moment. @default as the DAG says */
  readonly logicalDate?: string;
  /** @default `<dag id>/<logical date>`; without a logical date `<dag id>/manual-<now>` */
  readonly runId?: string;
  /** @default "manual" */
  readonly trigger?: RunTrigger;
  /** Tasks with a cache run all the same, and renew it. @default false */
  readonly noCache?: boolean;
}

/** What became of a start. */
export interface StartedRun {
  readonly runId: string;
  /** There is one run per id: a run that runs or succeeded is not started again, one that failed or was cancelled is. */
  readonly outcome: "started" | "already_running" | "already_done";
  /** The Temporal execution. */
  readonly temporalRunId: string;
}

/** What to run again of a run. */
export interface ClearRun extends Clearing {
  /** What comes before the tasks, near and far, runs again too. @default false */
  readonly upstream?: boolean;
  /** Of the tasks (and what comes before them, if that is wanted) only those that failed or did not come to run. @default false */
  readonly onlyFailed?: boolean;
  /** Other params than the run had, by name; of a run that has ended. @default its own */
  readonly params?: { readonly [key: string]: Json };
  /** Says what would run again, and changes nothing. @default false */
  readonly dryRun?: boolean;
}

/** What runs again. */
export interface ClearedTasks {
  /** In the order of the DAG; items of mapped tasks as `measure[3]`. */
  readonly cleared: readonly string[];
  /** The execution that carries them out: a new one for a run that had ended. */
  readonly temporalRunId: string;
}

/** How a task is said to have ended. */
export interface MarkTask extends Remark {
  /** A task, or an item of a mapped one as `measure[3]`. */
  readonly task: string;
  readonly as: "success" | "failed";
  /** Its output, when it is marked as successful. @default the output that it has, or null */
  readonly output?: Json;
}

export interface WaitOptions {
  /** Called with the run as it is, each time it was read. */
  readonly onChange?: (view: RunView) => void;
  /** Pause between two readings, in milliseconds. @default 300 */
  readonly pollMs?: number;
  /** Ends the waiting, not the run. */
  readonly signal?: AbortSignal;
}

export interface RunList {
  readonly dagId?: string;
  readonly state?: RunState;
  /** Those that started then or later; ISO-8601. */
  readonly since?: string;
  /** @default 100 */
  readonly limit?: number;
}

/** A run in a list. */
export interface RunRow {
  readonly runId: string;
  readonly dagId: string;
  /** Null while the run waits for a worker to work it out. */
  readonly logicalDate: string | null;
  readonly state: RunState;
  readonly trigger: RunTrigger;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
}

/** A schedule on the server. */
export interface ScheduleRow {
  readonly dagId: string;
  readonly paused: boolean;
  readonly note: string;
  /** The next moments at which it fires, ISO-8601 in UTC; also those that pass by because it is paused. */
  readonly next: readonly string[];
}

/** Ids of DAGs by what `syncSchedules` did to their schedules. */
export interface SyncResult {
  readonly created: readonly string[];
  readonly updated: readonly string[];
  readonly unchanged: readonly string[];
  readonly removed: readonly string[];
}

/**
 * The way to runs, from outside of them. Every method throws TemporalUnreachableError when Temporal does not answer, and
 * TemporalRequestError when it refuses for a reason of its own.
 */
export interface EngineClient {
  /** Starts a run, unless one of that id runs or has succeeded. What it is given is checked by the worker. */
  startRun(run: StartRun): Promise<StartedRun>;
  /**
   * A run as it is now, with the progress of its tasks.
   * @throws RunNotFoundError
   */
  getRun(runId: string): Promise<RunView>;
  /**
   * Waits until a run has ended. Outlasts a restart of Temporal of up to two minutes.
   * @throws RunNotFoundError
   */
  waitForRun(runId: string, options?: WaitOptions): Promise<RunView>;
  /** The newest start first. */
  listRuns(filter?: RunList): Promise<RunRow[]>;
  /**
   * Cancels a run: its tasks are aborted, nothing further starts.
   * @throws RunNotFoundError, RunOverError
   */
  cancelRun(runId: string, remark?: Remark): Promise<void>;
  /**
   * Lets what runs end and starts nothing further.
   * @throws RunNotFoundError, RunOverError, NoWorkerError
   */
  pauseRun(runId: string, remark?: Remark): Promise<void>;
  /** @throws RunNotFoundError, RunOverError, NoWorkerError */
  resumeRun(runId: string, remark?: Remark): Promise<void>;
  /**
   * Runs tasks of a run again, by default those that failed, and all that comes after them; the others keep their
   * outputs. A run that has ended begins anew; in one that goes on, what of them runs is aborted. Effects of what runs
   * again are new ones: its idempotency keys change.
   * @throws RunNotFoundError, TaskNotInRunError, NothingToClearError, ParamsFixedError, NoWorkerError
   */
  clearRun(runId: string, clearing?: ClearRun): Promise<ClearedTasks>;
  /**
   * Says how a task ended, in its place: what hangs on it and has not run is decided anew. A run that has ended begins
   * anew for that.
   * @throws RunNotFoundError, TaskNotInRunError, NoWorkerError
   */
  markTask(runId: string, mark: MarkTask): Promise<{ readonly temporalRunId: string }>;
  /**
   * Why a run and each of its tasks stands where it stands, and what to do next.
   * @throws RunNotFoundError
   */
  explainRun(runId: string): Promise<RunExplanation>;
  /**
   * The attempts of a run (or of one task) with their logs. Needs the run store.
   * @throws RunNotFoundError
   */
  taskLogs(runId: string, task?: string): Promise<AttemptLog[]>;
  /**
   * Answers an approval of a run.
   * @throws RunNotFoundError, RunOverError, NoWorkerError, NotWaitingError
   */
  answerApproval(runId: string, answer: AnswerRequest): Promise<void>;
  /** Brings the server's schedules in line with these DAGs: creates, updates and removes; paused ones stay paused. */
  syncSchedules(dags: readonly Dag[]): Promise<SyncResult>;
  listSchedules(): Promise<ScheduleRow[]>;
  /** Null when the DAG has no schedule on the server. */
  describeSchedule(dagId: string): Promise<Omit<ScheduleRow, "dagId"> | null>;
  /** @throws ScheduleNotFoundError */
  pauseSchedule(dagId: string, note?: string): Promise<void>;
  /** @throws ScheduleNotFoundError */
  unpauseSchedule(dagId: string, note?: string): Promise<void>;
  /** Starts the controller of a model, or gives the running one these settings. */
  ensureController(controller: RetrainingController): Promise<void>;
  /** @throws ControllerNotFoundError */
  signalDrift(signal: DriftSignal & { readonly model: string }): Promise<{ controllerId: string }>;
  /** How many workers polled the task queue within the last minute. */
  workersPolling(): Promise<number>;
  close(): Promise<void>;
}
