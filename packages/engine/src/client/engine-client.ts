import type { Clearing } from "../core/clear.ts";
import type { GraphAsset, Json } from "../core/graph.ts";
import type { AssetEvent, RunState, RunTrigger, RunView } from "../core/state.ts";
import type { RetrainingController } from "../language/controller.ts";
import type { Dag } from "../language/dag.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import type { AssetLogView, AssetTriggerView } from "../sandbox/asset-protocol.ts";
import type { BackfillCancel, BackfillView } from "../sandbox/backfill-protocol.ts";
import type { DriftSignal } from "../sandbox/controller-protocol.ts";
import type { PoolSetting, PoolView } from "../sandbox/pool-protocol.ts";
import type { AnswerRequest, Remark } from "../sandbox/protocol.ts";
import type { RunStore } from "../store/run-store.ts";
import type { BackfillList, CreateBackfill } from "./backfill-calls.ts";
import type { RunExplanation } from "./explain.ts";
import type { FollowedLine } from "./follow-logs.ts";
import type { SyncPlan, SyncScope } from "./schedule-plan.ts";
import type { AttemptLog, LogFilter } from "./task-logs.ts";
import type { TemporalAddress } from "./temporal-connection.ts";

/** Where Temporal is, and what is kept beside it. */
export interface ConnectOptions extends TemporalAddress {
  /** @default "default" */
  readonly namespace?: string;
  /** Of the workers that are to carry out the runs. @default "dagwright" */
  readonly taskQueue?: string;
  /** Runs beyond Temporal's retention. @default none: what Temporal has forgotten is not found */
  readonly store?: RunStore;
  /** Where the workers keep values that are too large for Temporal. @default none: such values cannot be read */
  readonly objects?: ObjectStore;
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
  /** `<dag id>/<name>`, or a name. @default `<dag id>/<logical date>`; without a logical date `<dag id>/manual-<now>` */
  readonly runId?: string;
  /** @default "manual" */
  readonly trigger?: RunTrigger;
  /** Whether what its tasks update has events that start what waits for it. @default true */
  readonly emitAssets?: boolean;
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

/** What to forget. */
export interface PruneRuns {
  /** Runs that ended before; ISO-8601, at least a day ago. */
  readonly before: string;
  /** @default those of all DAGs */
  readonly dagId?: string;
  /** Only says which runs it would be. @default false */
  readonly dryRun?: boolean;
}

/** What was forgotten. */
export interface PrunedRuns {
  readonly before: string;
  readonly runIds: readonly string[];
  readonly attempts: number;
  readonly cachedOutputs: number;
  /** Large values that nothing refers to any more, and how many bytes they held. */
  readonly objects: number;
  readonly bytes: number;
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

/** An asset in a list. */
export interface AssetRow extends GraphAsset {
  /** How many events it has had; null when no worker answers for it. */
  readonly events: number | null;
  /** When it was last updated, ISO-8601. */
  readonly last: string | null;
  /** The DAGs that wait for it. */
  readonly waiting: readonly string[];
}

/** What is said of the update of an asset. */
export interface EmitAsset {
  /** What the runs that it starts read of it. @default {} */
  readonly extra?: { readonly [key: string]: Json };
  /** Who says so. @default "a client" */
  readonly by?: string;
  /** The same id again is the same event. @default a new one */
  readonly id?: string;
}

/** What a DAG waits for, and what has come. */
export interface AssetExplanation extends AssetTriggerView {
  /** In words: `s3://a: 1 event; s3://b: none`. */
  readonly why: string;
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
  /**
   * Starts a run, unless one of that id runs or has succeeded. What it is given is checked by the worker, but its id.
   * @throws InvalidRunIdError
   */
  startRun(run: StartRun): Promise<StartedRun>;
  /**
   * A run as it is now, with the progress of its tasks.
   * @throws RunNotFoundError
   */
  getRun(runId: string): Promise<RunView>;
  /**
   * A run with its large outputs in their place, which `getRun` shows as references.
   * @throws ObjectMissingError
   */
  withOutputs(view: RunView): Promise<RunView>;
  /**
   * Waits until a run has ended. Outlasts a restart of Temporal of up to two minutes.
   * @throws RunNotFoundError
   */
  waitForRun(runId: string, options?: WaitOptions): Promise<RunView>;
  /** The newest start first. */
  listRuns(filter?: RunList): Promise<RunRow[]>;
  /**
   * Forgets runs that ended before a moment: in the run store with their attempts and the outputs that `cache` may take of
   * them, on the Temporal server where it still knows them; then the objects last written before that moment that neither
   * a run that is kept nor a workflow in flight refers to. Runs that go on, or have been started again, stay. Twice is once.
   * @throws PruneTooRecentError, NoRunStoreError, RunStoreUnavailableError
   */
  pruneRuns(request: PruneRuns): Promise<PrunedRuns>;
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
   * @param items Items of mapped tasks to be explained too, as `measure[3]`.
   * @throws RunNotFoundError
   */
  explainRun(runId: string, items?: readonly string[]): Promise<RunExplanation>;
  /**
   * The attempts of a run (or of one task) with their logs. Needs the run store.
   * @throws RunNotFoundError, TaskNotInRunError
   */
  taskLogs(runId: string, task?: string, filter?: Omit<LogFilter, "task">): Promise<AttemptLog[]>;
  /**
   * The lines of a run's attempts as they are written on this machine, until the run has ended. Needs the run store.
   * @throws RunNotFoundError
   */
  followLogs(runId: string, filter?: LogFilter): AsyncIterable<FollowedLine>;
  /**
   * Answers an approval of a run.
   * @throws RunNotFoundError, RunOverError, NoWorkerError, NotWaitingError
   */
  answerApproval(runId: string, answer: AnswerRequest): Promise<void>;
  /** What `applySchedules` would change on the server for these DAGs; changes nothing itself. */
  planSchedules(dags: readonly Dag[], scope?: SyncScope): Promise<SyncPlan>;
  /** Carries out a plan for the same DAGs. A plan carried out twice changes nothing the second time. */
  applySchedules(plan: SyncPlan, dags: readonly Dag[], scope?: SyncScope): Promise<void>;
  /**
   * Brings the server's schedules in line with these DAGs, both steps at once: creates, updates and removes; paused ones
   * stay paused. Without `scope`, what was made without one too and belongs to no DAG at hand is removed.
   */
  syncSchedules(dags: readonly Dag[], scope?: SyncScope): Promise<SyncResult>;
  listSchedules(): Promise<ScheduleRow[]>;
  /** Null when the DAG has no schedule on the server. */
  describeSchedule(dagId: string): Promise<Omit<ScheduleRow, "dagId"> | null>;
  /** @throws ScheduleNotFoundError */
  pauseSchedule(dagId: string, note?: string): Promise<void>;
  /** @throws ScheduleNotFoundError */
  unpauseSchedule(dagId: string, note?: string): Promise<void>;
  /** The assets that have had events, or are waited for, by uri. */
  listAssets(): Promise<AssetRow[]>;
  /**
   * An asset with its last events, and how far each DAG that waits for it has been told.
   * @throws AssetNotFoundError, NoWorkerError
   */
  getAsset(uri: string): Promise<AssetLogView>;
  /**
   * Says that an asset has been updated; the DAGs that wait for it run as if a task had done so.
   * @throws InvalidAssetError, InvalidExtraError
   */
  emitAsset(uri: string, event?: EmitAsset): Promise<AssetEvent>;
  /**
   * What a DAG waits for, and what of it has come.
   * @throws NoAssetScheduleError when it waits for no assets on the server, NoWorkerError
   */
  explainAssets(dagId: string): Promise<AssetExplanation>;
  /**
   * Starts a backfill: a run of a DAG for each logical date of a range. What it is given is checked by the worker too.
   * @throws BackfillRangeError, InvalidLogicalDateError, BackfillExistsError
   */
  createBackfill(backfill: CreateBackfill): Promise<BackfillView>;
  /**
   * A backfill and how far it is.
   * @param backfillId with or without its `backfill/`
   * @throws BackfillNotFoundError
   */
  getBackfill(backfillId: string): Promise<BackfillView>;
  /** The newest first, as each has told last: of those that go on, `getBackfill` knows more. */
  listBackfills(filter?: BackfillList): Promise<BackfillView[]>;
  /**
   * Keeps a backfill from starting further runs, and with `runs` cancels those that go on.
   * @throws BackfillNotFoundError, BackfillOverError
   */
  cancelBackfill(backfillId: string, asked?: BackfillCancel): Promise<void>;
  /** Starts the controller of a model, or gives the running one these settings. */
  ensureController(controller: RetrainingController): Promise<void>;
  /** @throws ControllerNotFoundError */
  signalDrift(signal: DriftSignal & { readonly model: string }): Promise<{ controllerId: string }>;
  /**
   * Every pool: those that somebody has set, or a task has asked for slots; also those that limit one task over all runs
   * (`task/<dag>/<node>`) and the runs of a DAG (`runs/<dag>`).
   * @throws NoWorkerError
   */
  listPools(): Promise<PoolView[]>;
  /**
   * A pool, with who holds its slots and who waits for them.
   * @throws PoolNotFoundError, NoWorkerError
   */
  getPool(name: string): Promise<PoolView>;
  /**
   * Says how many slots a pool has, and makes it if there is none. Fewer than are held take none away.
   * @throws InvalidPoolError
   */
  setPool(name: string, setting: PoolSetting): Promise<void>;
  /** How many workers polled the task queue within the last minute. */
  workersPolling(): Promise<number>;
  close(): Promise<void>;
}
