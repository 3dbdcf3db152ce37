/** Plain JSON: all that a graph, an input or an output may hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A value that exists once a run gets there: a literal, or where to read it. `path` indexes into the value. */
export type Expression =
  | { readonly kind: "literal"; readonly value: Json }
  | { readonly kind: "node"; readonly node: string; readonly path: readonly (string | number)[] }
  | { readonly kind: "params"; readonly path: readonly (string | number)[] }
  | { readonly kind: "run"; readonly path: readonly (string | number)[] }
  /** Within a mapped node's input: the item it runs for, and that item's place in the list. */
  | { readonly kind: "item"; readonly path: readonly (string | number)[] }
  | { readonly kind: "index"; readonly path: readonly (string | number)[] }
  | { readonly kind: "array"; readonly items: readonly Expression[] }
  | { readonly kind: "object"; readonly fields: { readonly [key: string]: Expression } };

/** When a node may start, by the states of its upstream nodes; names and meaning as in Airflow. */
export const TRIGGER_RULES = [
  "all_success",
  "all_failed",
  "all_done",
  "all_skipped",
  "one_success",
  "one_failed",
  "one_done",
  "none_failed",
  "none_failed_min_one_success",
  "none_skipped",
  "all_done_min_one_success",
  "always",
] as const;
export type TriggerRule = (typeof TRIGGER_RULES)[number];

/** How often and how long a node is tried. All times in milliseconds. */
export interface NodePolicy {
  /** Further attempts after the first one fails. @default 0 */
  readonly retries: number;
  /** Pause before the second attempt. @default 300000 (5 minutes) */
  readonly retryDelayMs: number;
  /** Factor by which the pause grows with each attempt. @default 1 */
  readonly backoff: number;
  /** Upper bound of the pause. @default 86400000 (a day) */
  readonly maxRetryDelayMs: number;
  /** Longest time one attempt may take. @default 86400000 (a day) */
  readonly timeoutMs: number;
  /** A worker silent for so long is taken for dead, and the attempt starts again elsewhere. @default 15000 */
  readonly heartbeatMs: number;
  /** The pause is shortened or lengthened at random by up to this share, from 0 to 1. @default 0 */
  readonly jitter?: number;
  /** Codes of errors, and names of their classes, that no further attempt can mend. */
  readonly noRetryOn?: readonly string[];
  /** Longest time that all attempts and pauses may take together. @default as long as they take */
  readonly totalTimeoutMs?: number;
}

/** Slots that every attempt of a node takes, and gives back when it ends. */
export interface PoolClaim {
  readonly pool: string;
  readonly slots: number;
  /** How many slots the pool has, where the DAG itself says so. @default what somebody has set, else 1 */
  readonly limit?: number;
}

/** What a node is: a task of the worker, a pure function over values, a fork that the scheduler decides itself, a wait, or another DAG. */
export type NodeKind = "task" | "derive" | "branch" | "short_circuit" | "wait" | "approval" | "subdag" | "trigger";

/** One node of a graph, as plain JSON. */
export interface GraphNode {
  readonly id: string;
  readonly kind: NodeKind;
  /** Name of the task that a `task` node runs. */
  readonly task?: string;
  /** Id of the DAG that a `subdag` or `trigger` node starts a run of. */
  readonly dag?: string;
  /**
   * Ids of all nodes that this one waits for: by data, by `after`, by `when`, and the branch whose arm it is the first
   * node of. The trigger rule looks at these. Sorted, without repeats.
   */
  readonly upstream: readonly string[];
  readonly triggerRule: TriggerRule;
  /**
   * Of `all_done_min_one_success`: one skipped upstream node skips it, as in Airflow. Graphs made before that was so lack
   * it, and their runs keep to what they began with.
   */
  readonly skipsWithUpstream?: true;
  /** The node is skipped unless this reads `true`. */
  readonly when?: Expression;
  /** The branch nodes whose arm this node stands in, outermost first: skipped unless each chose `key`. */
  readonly arms?: readonly { readonly branch: string; readonly key: string }[];
  /** Keys that a `branch` node knows. */
  readonly keys?: readonly string[];
  /** Dotted name of the group (box) that the node is drawn in. */
  readonly group?: string;
  /** The node runs once for each item of a list; its output is the list of theirs. */
  readonly map?: {
    /** Reads the list, once the node may start. */
    readonly over: Expression;
    /** How many items run at once. @default 200 */
    readonly window: number;
    /**
     * Whatever the trigger rule: the node waits for the task that makes its list, and ends as that does which made none.
     * Graphs made before that was so lack it, and their runs keep to what they began with.
     */
    readonly endsWithSource?: true;
  };
  /** Task input; the params of a `subdag` or `trigger`; the arguments (an array) of a `derive`; `{ delayMs }` or `{ until }` of a `wait`; what an `approval` shows; the value that a `branch` or `short_circuit` looks at. */
  readonly input: Expression;
  readonly policy: NodePolicy;
  /** What an attempt waits for before it starts, in the order in which it is taken. */
  readonly pools?: readonly PoolClaim[];
  /** Of those that wait for slots, or for their turn in the run, the highest goes first. @default 1 */
  readonly priority?: number;
  /** The task looks whether something is there, every so often, until it is. Times in milliseconds. */
  readonly sensor?: { readonly pokeMs: number; readonly timeoutMs: number; readonly onTimeout: "fail" | "skip" };
  /** What becomes of an `approval` that nobody answers in time. No `timeoutMs`: it waits for ever. */
  readonly approval?: { readonly timeoutMs?: number; readonly onTimeout: "fail" | "skip" };
  /** What the node updates: when it succeeds, each of them has an event. */
  readonly outlets?: readonly GraphAsset[];
  /** Outputs are kept by input and code, and taken by later runs, for `ttlMs` (for ever when it is not said). */
  readonly cache?: { readonly ttlMs?: number; readonly version?: string };
  /** Cleans up: runs whatever happened once its upstream nodes have ended, also after a cancel, and decides no run's state. */
  readonly teardown?: boolean;
  /** Runs inside the scheduler's own step (a Temporal local activity): for work of milliseconds. */
  readonly light: boolean;
  /** Task queue of the workers that run it, when not the run's own. */
  readonly queue?: string;
  /** One line for the Temporal UI. */
  readonly summary?: string;
  /** What it does and why, in Markdown. */
  readonly doc?: string;
}

/** What happens when a run is due while the former one still runs. */
export const OVERLAPS = ["skip", "buffer_one", "buffer_all", "allow_all", "cancel_other", "terminate_other"] as const;
export type Overlap = (typeof OVERLAPS)[number];

/** Something that tasks update and DAGs wait for: a table, a file, a model. */
export interface GraphAsset {
  /** Names it everywhere: `s3://bucket/day.csv`, `lake://purchases`. */
  readonly uri: string;
  readonly name?: string;
  /** What else is to be known of it; shown beside it. */
  readonly extra?: { readonly [key: string]: Json };
}

/** Which assets must have been updated since a DAG last ran by them. */
export type AssetCondition =
  | { readonly kind: "asset"; readonly uri: string }
  | { readonly kind: "and" | "or"; readonly of: readonly AssetCondition[] };

/** When a DAG runs by itself. */
export type GraphSchedule = TimeSchedule | AssetSchedule;

/** A schedule by time; null where there is none, or it is assets that are waited for. */
export function timesOf(schedule: GraphSchedule | null): TimeSchedule | null {
  return schedule === null || schedule.kind === "assets" ? null : schedule;
}

/** When assets have been updated. */
export interface AssetSchedule {
  readonly kind: "assets";
  readonly condition: AssetCondition;
}

/** When a moment has come. Only intervals that lie within `start` and `end` run. */
export type TimeSchedule =
  | {
      readonly kind: "cron";
      readonly expressions: readonly string[];
      readonly timezone: string;
      readonly jitterMs: number;
      readonly overlap: Overlap;
      readonly start?: string;
      readonly end?: string;
    }
  | {
      readonly kind: "every";
      readonly everyMs: number;
      readonly offsetMs: number;
      /** @default 0 */
      readonly jitterMs?: number;
      /** @default "buffer_all" */
      readonly overlap?: Overlap;
      readonly start?: string;
      readonly end?: string;
    };

/** How a callback of a DAG is tried. */
export interface GraphCallback {
  readonly policy: NodePolicy;
}

/** How long a run may take; it goes on when it takes longer, and `onDeadline` is called. */
export interface GraphDeadline {
  readonly afterMs: number;
  /** What the time counts from: the start of the run, or the end of its data interval. */
  readonly from: "start" | "interval_end";
}

/** A DAG as plain JSON: validated, versioned by the hash of its content, drawn by UI and CLI, diffed in review. */
export interface DagGraph {
  readonly dagId: string;
  /** First 12 hexadecimal digits of the SHA-256 of all that follows. */
  readonly version: string;
  readonly description?: string;
  readonly tags: readonly string[];
  readonly owner?: string;
  readonly schedule: GraphSchedule | null;
  /** JSON Schema of the params (from zod). */
  readonly params: Json;
  /** In topological order; nodes that are free of each other stand in the order of their definition. */
  readonly nodes: readonly GraphNode[];
  /** The run's output, read when all nodes have ended. */
  readonly output: Expression;
  readonly deadline?: GraphDeadline;
  /** How many runs may be active at once; further ones wait in state `queued`. */
  readonly maxActiveRuns?: number;
  /** How many tasks of one run may run at once. */
  readonly maxActiveTasks?: number;
  /** What is called when a run has ended, or its deadline has passed; the code behind it is the worker's. */
  readonly callbacks?: {
    readonly onSuccess?: GraphCallback;
    readonly onFailure?: GraphCallback;
    readonly onDeadline?: GraphCallback;
  };
}
