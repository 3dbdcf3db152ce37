import type { DagGraph, Json } from "../core/graph.ts";
import type { Answer, CallbackName, RunInfo, RunSeed } from "../core/state.ts";

/**
 * What the interpreter, its worker and its clients agree on. A run in flight holds these names in its history: changing
 * one breaks it.
 */

/** Activities of the worker that are no tasks of a DAG; a task's own activity bears the task's name. */
export const ACTIVITY = {
  plan: "dagwright.plan",
  derive: "dagwright.derive",
  record: "dagwright.record",
  callback: "dagwright.callback",
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
}

/** A planned run: recorded in its history, it holds over deployments. */
export interface PlannedRun {
  readonly graph: DagGraph;
  readonly params: Json;
  readonly run: RunInfo;
  /** How tasks stand at first, of a run that was cleared. */
  readonly seed?: RunSeed | undefined;
  /** Whoever planned it has kept the start of the run as well. @default the run does so itself */
  readonly recorded?: boolean;
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
  /** Its output is kept, and an earlier one is taken unless `read` is false. It returns an `AttemptResult`. */
  readonly cache?: CacheRequest | undefined;
  readonly run: RunInfo;
  /** Id of the first Temporal execution of this run: the same after a reset and in every attempt. */
  readonly executionId: string;
}

/** How an attempt uses the cache. */
export interface CacheRequest {
  readonly ttlMs?: number;
  readonly version?: string;
  readonly read: boolean;
}

/** What the attempt of a task with a cache returns; the attempts of others return their output. */
export interface AttemptResult {
  readonly output: Json;
  /** The run whose output it is: the task itself did not run. */
  readonly cachedFrom?: string;
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
}
