import type { z } from "zod";
import type { DagGraph } from "../core/graph.ts";
import type { CallbackName } from "../core/state.ts";
import type { CallbackFunction, CallbackOptions } from "./callbacks.ts";
import type { Catchup } from "./catchup.ts";
import type { Names } from "./known-options.ts";
import type { Policy } from "./policy.ts";
import type { Schedule } from "./schedule.ts";
import type { SlotOptions } from "./slots.ts";
import type { TaskDefinition } from "./task-definition.ts";

/** A function of a `derive` node; the worker looks it up by DAG and node. */
export type NodeFunction = (...args: never[]) => unknown;

/** What a DAG says of itself. */
export interface DagOptions<Params extends z.ZodObject = z.ZodObject> extends CallbackOptions {
  /** Letters, digits, `_`, `-`, `.`; also the Temporal workflow type of its runs. */
  readonly id: string;
  /** One sentence: what it makes of what. */
  readonly description?: string;
  /** When it runs by itself: `cron(…)`, `every(…)`; null or none: only when it is started. */
  readonly schedule?: Schedule | null;
  /** What a run may be given, with defaults; values must be JSON. @default none */
  readonly params?: Params;
  /** Policy of nodes and tasks that say nothing else. */
  readonly defaults?: Policy & SlotOptions;
  readonly tags?: readonly string[];
  readonly owner?: string;
  /**
   * Which intervals missed while nothing ran are made up for: only the last one (`false`); every one since the outage
   * began, or since the schedule's `start` when it is new (`true`); the latest `limit` of those that ended within
   * `window`. The oldest runs first. @default false
   */
  readonly catchup?: Catchup;
  /** How many runs may be active at once; further ones wait, first come first served. @default no limit */
  readonly maxActiveRuns?: number;
  /** How many tasks of one run may run at once. @default no limit */
  readonly maxActiveTasks?: number;
  /** Logical date of a manual run that names none. @default the last complete interval before the start */
  readonly manualLogicalDate?: string;
  /** Its schedule is created paused, with this note. */
  readonly paused?: { readonly note: string };
}

/** A DAG: its graph as plain JSON, and the code behind its nodes. */
export interface Dag<Params extends z.ZodObject = z.ZodObject, Output = unknown> {
  readonly id: string;
  readonly graph: DagGraph;
  readonly params: Params;
  readonly options: DagOptions<Params>;
  /** The task behind each `task` node, by node id. */
  readonly tasks: ReadonlyMap<string, TaskDefinition>;
  /** The function behind each `derive` node, by node id. */
  readonly functions: ReadonlyMap<string, NodeFunction>;
  /** The code behind its callbacks. */
  readonly callbacks: ReadonlyMap<CallbackName, CallbackFunction>;
  /** The DAGs that its `subdag` and `trigger` nodes start runs of, by node id. */
  readonly children: ReadonlyMap<string, Dag>;
  readonly [output]?: Output;
}

declare const output: unique symbol;

/** What the runs of a DAG give. */
export type OutputOf<D extends Dag> = D extends Dag<z.ZodObject, infer Output> ? Output : unknown;

export const DAG_NAMES: Names<DagOptions> = {
  ...{ id: true, description: true, schedule: true, params: true, defaults: true, tags: true, owner: true },
  ...{ catchup: true, maxActiveRuns: true, maxActiveTasks: true, manualLogicalDate: true, paused: true },
  ...{ onSuccess: true, onFailure: true, deadline: true },
};
