import type { HeldSlots, SlotKey, SlotRequest } from "../core/slot-pool.ts";

/** What pools, runs, their worker and their clients agree on; pools and runs in flight hold these names. */
export const POOL_WORKFLOW = "dagwrightPool";
/** To a pool: a `PoolMessage`. */
export const SIGNAL_SLOTS = "slots";
/** To a pool: a `PoolSetting`. */
export const SIGNAL_SET_POOL = "set";
/** To a run: a `GrantMessage`. */
export const SIGNAL_GRANTED = "slotsGranted";
export const QUERY_POOL = "state";

/** Activities of the worker for pools. */
export const POOL_ACTIVITY = {
  /** Brings a `PoolMessage` to its pool, which is started if there is none. */
  tell: "dagwright.tellPool",
  /** Which of some executions have ended. */
  ended: "dagwright.endedHolders",
} as const;

/** Id of the workflow of a pool. */
export function poolIdOf(name: string): string {
  return `pool/${name}`;
}

/** What a pool is started with. */
export interface PoolConfig {
  readonly name: string;
  /** How often it looks whether those that hold slots are still there, while others wait, in milliseconds. @default 15000 */
  readonly checkEveryMs?: number;
  /** After how many events it continues as new. @default when Temporal suggests it */
  readonly continueAfter?: number;
}

/** What somebody sets a pool to. */
export interface PoolSetting {
  readonly slots: number;
  readonly description?: string;
}

/** What a run wants of a pool; what it gives back comes first. */
export interface PoolMessage {
  readonly releases?: readonly SlotKey[];
  readonly requests?: readonly SlotRequest[];
  /** How many slots the pool has, where the DAG says so. */
  readonly limit?: number;
}

/** A message, and the pool that it is for. */
export interface PoolCall {
  readonly pool: string;
  readonly message: PoolMessage;
}

/** Tells a run that it holds slots. */
export interface GrantMessage {
  readonly pool: string;
  readonly execution: string;
  readonly tickets: readonly number[];
}

/** An execution that holds slots, or waits for them. */
export type PoolParty = Pick<SlotRequest, "run" | "execution">;

/** A pool as it answers the query `state`. */
export interface PoolView {
  readonly name: string;
  /** What it limits: tasks that name it, the attempts of one task, or the runs of a DAG. */
  readonly kind: "pool" | "task" | "runs";
  readonly slots: number;
  /** Somebody, or a DAG, has said how many slots it has. */
  readonly isSet: boolean;
  readonly description?: string;
  readonly free: number;
  readonly holders: readonly PoolPlace[];
  /** In the order in which they will be served; at most the first 1,000. */
  readonly waiting: readonly PoolPlace[];
  /** How many wait. */
  readonly waiters: number;
}

/** A run, or a task of one, at a pool. */
export interface PoolPlace {
  readonly runId: string;
  /** Null when it is the run itself. */
  readonly task: string | null;
  readonly slots: number;
  readonly priority: number;
  /** Since when it holds its slots, or waits for them: ISO-8601. */
  readonly since: string;
}

/** What a pool carries over when it continues as new. */
export interface PoolMemory {
  readonly slots: number;
  readonly isSet: boolean;
  readonly description?: string;
  readonly held: readonly HeldSlots[];
  readonly waiting: readonly SlotRequest[];
  /** Keys of those that hold slots and have not been told. */
  readonly untold: readonly string[];
}
