import type { GraphNode, PoolClaim } from "../core/graph.ts";
import { taskPoolOf } from "../core/slot-pool.ts";
import { isId } from "./id.ts";
import type { Names } from "./known-options.ts";

/** What a task takes of what is scarce; given on a node, a task or a DAG's `defaults`; the first that names a field wins. */
export interface SlotOptions {
  /** The pool whose slots an attempt holds while it runs, across all runs of all DAGs. @default none */
  readonly pool?: string;
  /** How many slots of its pool an attempt holds. @default 1 */
  readonly poolSlots?: number;
  /** Of those that wait for slots, or for their turn in the run, the highest goes first. @default 1 */
  readonly priority?: number;
  /**
   * How many attempts of this task run at once, across all runs of the DAG; of a mapped task, how many items run at once
   * within the run. @default no limit; 200 items of a mapped task
   */
  readonly maxConcurrent?: number;
}

/** The options without the fields that are wrong; what is wrong is told to `mistake` by field. */
export function checkedSlots(options: SlotOptions, mistake: (message: string) => void): SlotOptions {
  const { pool } = options;
  const named = isId(pool);
  if (pool !== undefined && !named)
    mistake(`pool is ${JSON.stringify(pool)}: expected letters, digits, "_", "-" and "."`);
  return {
    ...(named ? { pool } : {}),
    ...whole("poolSlots", options.poolSlots, 1, mistake),
    ...whole("priority", options.priority, Number.NEGATIVE_INFINITY, mistake),
    ...whole("maxConcurrent", options.maxConcurrent, 1, mistake),
  };
}

/** What a whole number is to be, if it is given and it is one. */
export function whole(
  field: string,
  value: unknown,
  least: number,
  mistake: (message: string) => void,
): Readonly<Record<string, number>> {
  if (value === undefined) return {};
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= least) return { [field]: value };
  const told = typeof value === "number" ? String(value) : JSON.stringify(value);
  mistake(`${field} is ${told}: expected a whole number${Number.isFinite(least) ? ` of at least ${least}` : ""}`);
  return {};
}

/** Checked options of one node, later ones over earlier ones, as its graph keeps them: nothing where nothing is said. */
export function claimsOf(
  options: readonly SlotOptions[],
  { dagId, id, mapped }: { readonly dagId: string; readonly id: string; readonly mapped: boolean },
  mistake: (message: string) => void,
): Pick<GraphNode, "pools" | "priority"> {
  const { pool, poolSlots, priority, maxConcurrent }: SlotOptions = Object.assign({}, ...options);
  if (poolSlots !== undefined && pool === undefined) mistake(`poolSlots is ${poolSlots}, but it names no pool`);
  const pools: PoolClaim[] = [
    ...(maxConcurrent === undefined || mapped ? [] : [{ pool: taskPoolOf(dagId, id), slots: 1, limit: maxConcurrent }]),
    ...(pool === undefined ? [] : [{ pool, slots: poolSlots ?? 1 }]),
  ];
  return { ...(pools.length === 0 ? {} : { pools }), ...(priority === undefined ? {} : { priority }) };
}

export const SLOT_NAMES: Names<SlotOptions> = { pool: true, poolSlots: true, priority: true, maxConcurrent: true };
