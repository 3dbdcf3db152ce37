import type { DagGraph, Expression, GraphAsset, Json } from "../core/graph.ts";
import type { Answer, AssetEvent, CallbackName, Emitted, RunInfo, RunSeed, RunView, TaskError } from "../core/state.ts";

/**
 * What the interpreter, its worker and its clients agree on. A run in flight holds these names in its history: changing
 * one breaks it.
 */

/** Activities of the worker that are no tasks of a DAG; a task's own activity bears the task's name. */
export const ACTIVITY = {
  plan: "dagwright.plan",
  derive: "dagwright.derive",
  series: "dagwright.series",
  record: "dagwright.record",
  callback: "dagwright.callback",
  emit: "dagwright.emit",
  backfill: "dagwright.backfill",
} as const;

/** What a run answers and takes. */
export const QUERY_STATE = "state";
export const UPDATES = ["pause", "resume", "cancel"] as const;
export type UpdateName = (typeof UPDATES)[number];

/** The update that answers an approval; its argument is an `AnswerRequest`. */
export const UPDATE_ANSWER = "answer";

/** The same, always approving; its argument is an `AnswerRequest` without `approved`. */
export const UPDATE_APPROVE = "approve";

/** Runs tasks of a run that goes on again; its argument is a `ClearRequest`. */
export const UPDATE_CLEAR = "clear";

/** Says how a task ended, in its place; their argument is a `MarkRequest`. */
export const UPDATE_MARK_SUCCESS = "markSuccess";
export const UPDATE_MARK_FAILED = "markFailed";

/** What is to run again. */
export interface ClearRequest {
  /** Tasks, or items of mapped ones as `measure[3]`. @default those that failed, or did not come to run */
  readonly tasks?: readonly string[] | undefined;
  /** Whether what comes after them runs again too. @default true */
  readonly downstream?: boolean | undefined;
}

/** Which task is said to have ended, by whom and why. */
export interface MarkRequest extends Remark {
  /** A task, or an item of a mapped one as `measure[3]`. */
  readonly task: string;
  /** Its output, when it is marked as successful. @default the output that it has, or null */
  readonly output?: Json | undefined;
}

/** Who answers which approval of a run, and how. */
export interface AnswerRequest extends Answer {
  readonly task: string;
}

/** Types of failures that are no failures of a task. */
export const FAILURE = {
  skip: "SKIP_TASK",
  notYet: "NOT_YET",
  workerShutdown: "WORKER_SHUTDOWN",
  runCancelled: "RUN_CANCELLED",
  versionMismatch: "DAG_VERSION_MISMATCH",
} as const;

/** Search attributes of a run, with their types in Temporal. */
export const SEARCH_ATTRIBUTES = {
  DagId: "Keyword",
  LogicalDate: "Datetime",
  RunState: "Keyword",
  RunTrigger: "Keyword",
  DagVersion: "Keyword",
} as const;

/** Who asks a run to pause, resume or cancel, and why. */
export interface Remark {
  readonly by?: string | undefined;
  readonly reason?: string | undefined;
}

/** What the worker needs to plan a run. Moments are ISO-8601 in UTC. */
export interface PlanRequest {
  readonly dagId: string;
  readonly runId: string;
  /** As given by whoever started the workflow: unchecked. */
  readonly input: unknown;
  readonly startedAt: string;
  /** The moment for which a schedule fired, or a person triggered it. */
  readonly scheduledFor?: string | undefined;
  /** Of a run that a schedule started: when a worker has taken it up. */
  readonly takenUpAt?: string | undefined;
  /** Of the same: when the last run of the schedule ended. */
  readonly busyUntil?: string | undefined;
  /** Of the same: the times of the schedule, as the server has it. */
  readonly firedBy?: unknown;
}

/** In the memo of what a schedule starts: its times, a `GraphSchedule`. */
export const MEMO_TIMES = "dagwright.times";

/** In the memo of a run that begins anew: its `FormerRun`, for when it cannot be planned any more. */
export const MEMO_FORMER = "dagwright.former";

/** What a run had before it was to begin anew. */
export interface FormerRun {
  readonly dagVersion: string;
  readonly params: Json;
}

/**
 * The plan of what a schedule has started: it is no run itself, but launches the run of its logical date. So there is one
 * run per logical date, whoever starts it.
 */
export interface PlannedLaunch {
  readonly runAs: string;
  readonly logicalDate: string;
  readonly dataInterval?: RunInfo["dataInterval"] | undefined;
  /** Why nothing is launched: the run exists, or it is too far behind. */
  readonly instead?: { readonly outcome: "already_done" | "passed_over"; readonly why: string } | undefined;
  /** Whether the run ends with its launcher when that is terminated (the overlap policy of the schedule asks for it). */
  readonly terminates?: boolean | undefined;
  /** Of the run, which then need not ask for it. @default the run asks for it itself */
  readonly plan?: PlannedRun | undefined;
}

/** What became of a launch: the launcher's result, or the detail of its failure. */
export interface LaunchResult {
  readonly runId: string;
  readonly outcome: "success" | "failed" | "cancelled" | "already_started" | "already_done" | "passed_over";
  readonly why?: string | undefined;
  /** When the last run of the schedule ended, this one included. */
  readonly busyUntil?: string | undefined;
}

/** A planned run: recorded in its history, it holds over deployments. */
export interface PlannedRun {
  readonly graph: DagGraph;
  readonly params: Json;
  readonly run: RunInfo;
  /** How tasks stand at first, of a run that was cleared. */
  readonly seed?: RunSeed | undefined;
  /** How much this worker's Temporal takes. @default what Temporal takes without an object store */
  readonly limits?: RunLimits | undefined;
  /**
   * Whoever planned it has kept the start of the run as well; or it is kept by an activity of its own, which holds up
   * nothing. @default the run does so itself
   */
  readonly recorded?: boolean | "apart";
}

/** How large the parts of a run may be. */
export interface RunLimits {
  /** Input of a task, in characters of JSON: Temporal refuses what is beyond 2 MiB, again and again. @default 1048576 */
  readonly input: number;
  /** View of a run as a workflow's result, in characters of JSON. @default 1500000 */
  readonly result: number;
  /** History events after which the run continues as new. @default never */
  readonly events: number | null;
  /** Light nodes that wait for nothing but each other run in one go: how many at most, and for how long. @default one by one */
  readonly series?: { readonly steps: number; readonly ms: number };
}

/** Which attempt of which node is meant; the second argument of every task's activity, after its input. */
export interface AttemptRequest {
  readonly dagId: string;
  readonly dagVersion: string;
  readonly nodeId: string;
  /** Of the item, when the node is mapped; from 0. */
  readonly index?: number | undefined;
  /** Counts from 1; an attempt lost with its worker keeps its number. */
  readonly attempt: number;
  /** How often the task was cleared. */
  readonly clears?: number | undefined;
  /** The scheduler looks at its output: it travels with the run however large it is. @default false */
  readonly steering?: boolean | undefined;
  /** Its output is kept, and an earlier one is taken unless `read` is false. It returns an `AttemptResult`. */
  readonly cache?: CacheRequest | undefined;
  /** Codes of errors, and names of their classes, that no further attempt can mend. */
  readonly noRetryOn?: readonly string[] | undefined;
  /** The uris of what it updates. It returns an `AttemptResult` with `emitted`. */
  readonly outlets?: readonly string[] | undefined;
  readonly run: RunInfo;
  /** Id of the first Temporal execution of this run: the same after a reset and in every attempt. */
  readonly executionId: string;
}

/** Light tasks and `derive`s that are run one after the other in one local activity. */
export interface SeriesRequest {
  readonly steps: readonly SeriesStep[];
  readonly run: RunInfo;
  /** After so many milliseconds no further one is begun. */
  readonly ms: number;
}

/** One of them. */
export interface SeriesStep {
  /** Reads of nothing but the steps before it. */
  readonly input: Expression;
  readonly timeoutMs: number;
  /** Of a task; its input comes with the step's turn. */
  readonly attempt?: Omit<AttemptRequest, "run">;
  /** Of a `derive`, without its arguments. */
  readonly derive?: Omit<DeriveRequest, "args">;
}

/** How the steps ended that were begun; after one that has not succeeded there is no other. */
export type SeriesOutcome = { readonly endedAt: number } & (
  | { readonly output: Json }
  | { readonly failure: { readonly type: string; readonly message: string; readonly error?: TaskError } }
  | { readonly timedOut: true }
);

/** How an attempt uses the cache. */
export interface CacheRequest {
  readonly ttlMs?: number;
  readonly version?: string;
  readonly read: boolean;
}

/** What the attempt of a task with a cache or outlets returns; the attempts of others return their output. */
export interface AttemptResult {
  readonly output: Json;
  /** The run whose output it is: the task itself did not run. */
  readonly cachedFrom?: string;
  /** What it says of its outlets; always there when it has some. */
  readonly emitted?: readonly Emitted[];
}

/** Events to be told to the logs of their assets, in this order. */
export interface EmitRequest {
  readonly events: readonly AssetEvent[];
  /** What is known of the assets. */
  readonly assets: readonly GraphAsset[];
}

/** The workflow that keeps the end of a run in a run store that was away; the name of a function of the bundle. */
export const LATE_RECORD_WORKFLOW = "lateRunRecord";

/** What it keeps. */
export interface LateRecord {
  readonly view: RunView;
  /** When it is not kept either. */
  readonly graph?: DagGraph;
  /** The Temporal execution that the run was. */
  readonly executionId: string;
}

/** Which callback of a DAG to call, and for what; the second argument says in whose name. */
export interface CallbackRequest {
  readonly name: CallbackName;
  /** Counts from 1. */
  readonly attempt: number;
  /** The run as the callback is told of it. */
  readonly event: Json;
  readonly run: RunInfo;
  readonly executionId: string;
}

/** The function of a `derive` node, and its arguments. */
export interface DeriveRequest {
  readonly dagId: string;
  readonly nodeId: string;
  readonly args: Json;
  /** As in `AttemptRequest`. */
  readonly steering?: boolean | undefined;
  /** Of the run. */
  readonly dagVersion?: string | undefined;
}
