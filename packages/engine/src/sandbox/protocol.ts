import type { DagGraph, Json } from "../core/graph.ts";
import type { Answer, RunInfo, RunSeed } from "../core/state.ts";

/**
 * What the interpreter, its worker and its clients agree on. A run in flight holds these names in its history: changing
 * one breaks it.
 */

/** Activities of the worker that are no tasks of a DAG; a task's own activity bears the task's name. */
export const ACTIVITY = { plan: "dagwright.plan", derive: "dagwright.derive", record: "dagwright.record" } as const;

/** What a run answers and takes. */
export const QUERY_STATE = "state";
export const UPDATES = ["pause", "resume", "cancel"] as const;
export type UpdateName = (typeof UPDATES)[number];

/** The update that answers an approval; its argument is an `AnswerRequest`. */
export const UPDATE_ANSWER = "answer";

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
  readonly run: RunInfo;
  /** Id of the first Temporal execution of this run: the same after a reset and in every attempt. */
  readonly executionId: string;
}

/** The function of a `derive` node, and its arguments. */
export interface DeriveRequest {
  readonly dagId: string;
  readonly nodeId: string;
  readonly args: Json;
}
