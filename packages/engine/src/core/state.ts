import type { DagGraph, Json, PoolClaim } from "./graph.ts";

/** Where a task stands; names as in Airflow. */
export type TaskState =
  | "none"
  | "scheduled"
  | "queued"
  | "running"
  | "deferred"
  | "up_for_retry"
  | "success"
  | "failed"
  | "skipped"
  | "upstream_failed"
  | "removed";

export type RunState = "queued" | "running" | "paused" | "success" | "failed" | "cancelled";

export type RunTrigger = "schedule" | "manual" | "backfill" | "asset" | "signal";

/** What a run knows of itself; `run` in a DAG body reads from here. Moments are ISO-8601 in UTC. */
export interface RunInfo {
  readonly id: string;
  readonly logicalDate: string;
  readonly dataInterval: { readonly start: string; readonly end: string };
  readonly trigger: RunTrigger;
  readonly conf: { readonly [key: string]: Json };
  /** Outputs of earlier runs are not taken from the cache. */
  readonly noCache?: boolean;
  /** The events that it was started by, in the order in which they came. @default none */
  readonly assetEvents?: readonly AssetEvent[];
  /** Whether what its tasks update has events. @default true */
  readonly emitAssets?: boolean;
}

/** An asset has been updated. */
export interface AssetEvent {
  /** The same event again has the same id, and counts once. */
  readonly id: string;
  readonly uri: string;
  /** ISO-8601 in UTC. */
  readonly at: string;
  /** What whoever updated it said of it. */
  readonly extra: { readonly [key: string]: Json };
  readonly source: AssetSource;
}

/** Who updated an asset: a task (of a mapped one, an item), or somebody from outside. */
export type AssetSource =
  | { readonly dagId: string; readonly runId: string; readonly taskId: string; readonly index?: number }
  | { readonly by: string };

/** What a task says of the update of one of its outlets. */
export interface Emitted {
  readonly uri: string;
  readonly extra: AssetEvent["extra"];
}

/** Why an attempt failed, in plain JSON. */
export interface TaskError {
  /** Stable, upper snake case, e.g. `BAD_ROW`; `TASK_FAILED` when the task threw something without a code. */
  readonly code: string;
  readonly message: string;
  readonly field?: string | undefined;
  readonly hint?: string | undefined;
  /** `false`: another attempt would fail the same way (bad input), so none is made. */
  readonly retryable: boolean;
  readonly stack?: string | undefined;
}

/** One task of a run. Moments in milliseconds since 1970. */
export interface TaskStatus {
  readonly state: TaskState;
  /** Attempts started, the present one included; attempts lost with a worker are not counted. */
  readonly attempts: number;
  /** Attempts that ended because their worker died. */
  readonly lost: number;
  /** How often a worker whose code does not fit the run refused it. @default 0 */
  readonly refused?: number;
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly retryAt?: number;
  readonly output?: Json;
  readonly error?: TaskError;
  /** Why it was skipped or never started, in words. */
  readonly reason?: string;
  /** What whoever is to approve is shown, while the node waits for them. */
  readonly asks?: Json;
  /** How often the task was cleared: it ran anew, with effects of its own. @default 0 */
  readonly clears?: number;
  /** The run whose output was taken: the task itself did not run. */
  readonly cachedFrom?: string;
  /** Of the slots that it waits for or holds. */
  readonly ticket?: number;
  /** It holds its slots, and waits for its turn in the run. */
  readonly granted?: boolean;
  /** The events of its outlets. */
  readonly assetEvents?: readonly AssetEvent[];
  /** The items of a mapped node, in the order of its list, once it has started. */
  readonly mapped?: readonly MappedStatus[];
}

/** One item of a mapped node. */
export type MappedStatus = Omit<TaskStatus, "mapped"> & {
  readonly input: Json;
  /** Place of the item that it comes from, in the list of the node that this one is mapped over. @default its own */
  readonly source?: number;
};

/** How tasks stand before a run begins, by id: what a cleared run keeps of its former self. Others are untouched. */
export type RunSeed = Readonly<Record<string, TaskStatus>>;

/** A run as the scheduler holds it. Serialisable: it can be stored and taken up again. */
export interface SchedulerState {
  readonly graph: DagGraph;
  readonly params: Json;
  readonly run: RunInfo;
  readonly state: RunState;
  readonly tasks: Readonly<Record<string, TaskStatus>>;
  /** When the run started and ended, in milliseconds since 1970. */
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly output?: Json;
  readonly error?: TaskError;
  /** Why it is being cancelled, while tasks that clean up still run. */
  readonly cancelling?: string;
  /** Of a run whose tasks take slots: the last ticket given out, and those whose slots are waited for or held. */
  readonly slots?: { readonly last: number; readonly open: readonly OpenTicket[] };
}

/** What somebody answers to an `approval`. */
export interface Answer {
  readonly approved: boolean;
  readonly by: string;
  readonly comment?: string | undefined;
}

/** What somebody says of a task in its place. */
export interface Mark {
  readonly as: "success" | "failed";
  /** Its output, when it is marked as successful. @default the output that it has, or null */
  readonly output?: Json | undefined;
  readonly by?: string | undefined;
  readonly comment?: string | undefined;
}

/** A node, or one item of a mapped node. */
export interface Place {
  readonly id: string;
  /** Of the item in the node's list, from 0. */
  readonly index?: number | undefined;
}

/** Slots that a task waits for or holds. */
export interface OpenTicket extends Place {
  /** Counts from 1 within the run. */
  readonly ticket: number;
}

/** What happened. `at` in milliseconds since 1970. */
export type SchedulerEvent =
  | { readonly type: "run_started"; readonly at: number }
  /** `cachedFrom`: the run whose output was taken in place of running the task. `emitted`: what it says of its outlets. */
  | (Place & {
      readonly type: "task_succeeded";
      readonly output: Json;
      readonly cachedFrom?: string | undefined;
      readonly emitted?: readonly Emitted[] | undefined;
      readonly at: number;
    })
  | (Place & { readonly type: "task_failed"; readonly error: TaskError; readonly at: number })
  /** The task threw `SkipTask`. */
  | (Place & { readonly type: "task_skipped"; readonly reason: string; readonly at: number })
  /** The worker died under it (heartbeat timeout): tried again at once, not counted as an attempt. */
  | (Place & { readonly type: "task_lost"; readonly at: number })
  /** The worker's code does not fit the run: tried again after a while, not counted as an attempt. */
  | (Place & { readonly type: "task_refused"; readonly error: TaskError; readonly at: number })
  | (Place & { readonly type: "retry_due"; readonly at: number })
  /** The slots that `acquire_slots` asked for are there, all of them. */
  | (OpenTicket & { readonly type: "slots_granted"; readonly at: number })
  /** The time of a `wait` has come, or that of an `approval` is over. */
  | { readonly type: "wait_over"; readonly id: string; readonly at: number }
  /** Somebody has answered an `approval`. */
  | (Answer & { readonly type: "answer"; readonly id: string; readonly at: number })
  /** Tasks (or items) are to run again, whatever became of them; with `downstream`, so are all that come after them. */
  | { readonly type: "clear"; readonly places: readonly Place[]; readonly downstream: boolean; readonly at: number }
  /** Somebody says how a task (or item) ended, in place of the task. */
  | (Place & Mark & { readonly type: "mark"; readonly at: number })
  | { readonly type: "pause"; readonly at: number }
  | { readonly type: "resume"; readonly at: number }
  | { readonly type: "cancel"; readonly reason: string; readonly at: number };

/** What the shell is to do. */
export type SchedulerCommand =
  /** Run a `task` or `derive` node with this input; `attempt` counts from 1. Report succeeded, failed, skipped or lost. */
  | (Place & {
      readonly type: "run_task";
      readonly attempt: number;
      readonly clears: number;
      readonly input: Json;
      /** It is to be aborted after so long, and to fail with `TASK_TOTAL_TIMEOUT`. @default its policy's timeout only */
      readonly withinMs?: number;
    })
  /** Take these slots, in this order, and report `slots_granted` when all of them are held. */
  | (OpenTicket & {
      readonly type: "acquire_slots";
      readonly claims: readonly PoolClaim[];
      readonly priority: number;
    })
  /** Give back what was taken for this ticket, and take no more for it. */
  | (OpenTicket & { readonly type: "release_slots" })
  /** Report `retry_due` after `delayMs`. */
  | (Place & { readonly type: "wait_retry"; readonly delayMs: number })
  /** Report `answer` when somebody has answered; `status.asks` holds what they are shown. */
  | { readonly type: "ask"; readonly id: string }
  /** Report `wait_over` after `delayMs`. */
  | { readonly type: "wait"; readonly id: string; readonly delayMs: number }
  /** Abort the running attempt; its outcome is no longer awaited. */
  | (Place & { readonly type: "cancel_task" })
  /** Tell those who wait for these assets, in this order. */
  | { readonly type: "emit_assets"; readonly events: readonly AssetEvent[] }
  /** The run is over: `state`, `output` and `error` are final. */
  | { readonly type: "finish_run" };

export type RunTask = Extract<SchedulerCommand, { readonly type: "run_task" }>;

/** The answer of one decision. */
export interface Decision {
  readonly state: SchedulerState;
  readonly commands: readonly SchedulerCommand[];
}

/** A run as JSON for people and programs; the same from `dagwright run` and `dagwright test`. Moments are ISO-8601. */
export interface RunView {
  readonly runId: string;
  readonly dagId: string;
  readonly dagVersion: string;
  readonly logicalDate: string;
  readonly dataInterval: { readonly start: string; readonly end: string };
  readonly trigger: RunTrigger;
  readonly conf: { readonly [key: string]: Json };
  readonly params: Json;
  readonly state: RunState;
  readonly startedAt?: string;
  readonly endedAt?: string;
  readonly output: Json;
  readonly error?: TaskError;
  readonly tasks: Readonly<Record<string, TaskView>>;
  /** The events that it was started by, of a run that was started by assets. */
  readonly assetEvents?: readonly AssetEvent[];
  /** Of a run that takes no outputs of earlier runs. */
  readonly noCache?: true;
  /** Of a run that tells no asset of what it makes. */
  readonly emitAssets?: false;
  /** When the DAG's deadline passed with the run still going, if it did. */
  readonly deadlineMissedAt?: string;
  /** Why what is shown may be older than the run: no worker answers for it. */
  readonly notice?: string;
  /** What became of the DAG's callbacks, of those that were called. */
  readonly callbacks?: Readonly<Partial<Record<CallbackName, CallbackView>>>;
}

/** The callbacks of a DAG: when it has succeeded, failed, or missed its deadline. */
export type CallbackName = "onSuccess" | "onFailure" | "onDeadline";

export interface CallbackView {
  readonly state: "running" | "success" | "failed";
  readonly error?: TaskError;
}

export interface TaskView {
  readonly state: TaskState;
  readonly attempts: number;
  readonly lost?: number;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly output?: Json;
  readonly error?: TaskError;
  readonly reason?: string;
  /** How often it was cleared, if ever. */
  readonly clears?: number;
  /** The run whose output was taken from the cache: the task itself did not run. */
  readonly cachedFrom?: string;
  /** The events of its outlets, once it has succeeded; of a mapped task they stand with its items. */
  readonly assetEvents?: readonly AssetEvent[];
  /** The run that a sub-DAG or trigger has started. */
  readonly childRunId?: string;
  /** When the next attempt starts, or a wait is over. */
  readonly dueAt?: string;
  /** What whoever is to approve is shown, while the task waits for them. */
  readonly asks?: Json;
  /** The latest progress of a running task, when it reports any; of a mapped one, how many items have ended. */
  readonly progress?: TaskProgress;
  /** The items of a mapped task; of more than 1,000 without moments and outputs. */
  readonly mapped?: readonly MappedView[];
}

export type MappedView = Pick<TaskView, "state" | "attempts"> &
  Partial<Omit<TaskView, "mapped" | "progress" | "asks">> & {
    /** Of a task mapped over another's outputs: the item there that it comes from, where that is not of the same place. */
    readonly source?: number;
  };

/** How far a running task has come: `done` of `total`, in the task's own unit (rows, trees, files). */
export interface TaskProgress {
  readonly done: number;
  readonly total?: number;
  readonly note?: string;
}
