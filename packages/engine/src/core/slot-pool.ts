/** Who asks a pool for slots: an attempt of a task, or a run that wants to begin. */
export interface SlotRequest {
  /** The run: id of its workflow. */
  readonly run: string;
  /** Which execution of that run: a run that begins anew is another. */
  readonly execution: string;
  /** Names the request within its execution: the same ticket is the same request, however often it comes. */
  readonly ticket: number;
  /** The task, or the item of a mapped one as `measure[3]`; none when the run itself asks. */
  readonly task?: string;
  readonly slots: number;
  readonly priority: number;
  /** Since when it is wanted, in milliseconds since 1970. */
  readonly since: number;
  /** Decides between those wanted since the same moment: the least goes first. */
  readonly tie?: string;
}

/** Which request is meant. */
export type SlotKey = Pick<SlotRequest, "run" | "execution" | "ticket">;

/** Slots that somebody holds. */
export interface HeldSlots extends SlotRequest {
  /** In milliseconds since 1970. */
  readonly grantedAt: number;
}

/** A pool as it stands. */
export interface SlotPool {
  /** How many there are. */
  readonly slots: number;
  readonly held: readonly HeldSlots[];
  /** In the order in which they are served. */
  readonly waiting: readonly SlotRequest[];
}

/** What happens to a pool at once. */
export interface SlotChange {
  /** Slots given back, and requests withdrawn. */
  readonly releases?: readonly SlotKey[] | undefined;
  readonly requests?: readonly SlotRequest[] | undefined;
  /** How many slots there are from now on. */
  readonly slots?: number | undefined;
}

/** A pool that nobody has set has one slot. */
export const UNSET_SLOTS = 1;

export const EMPTY_POOL: SlotPool = { slots: UNSET_SLOTS, held: [], waiting: [] };

/** Name of the pool that limits how many attempts of a task run at once over all runs of its DAG. */
export function taskPoolOf(dagId: string, nodeId: string): string {
  return `task/${dagId}/${nodeId}`;
}

/** Name of the pool that limits how many runs of a DAG are active at once. */
export function runsPoolOf(dagId: string): string {
  return `runs/${dagId}`;
}

/** How many slots of a pool are held. */
export function usedSlots({ held }: Pick<SlotPool, "held">): number {
  return held.reduce((sum, { slots }) => sum + slots, 0);
}

/**
 * Carries out a change and grants what can be granted. Those that wait are served strictly in their order: by priority
 * (the highest first), then since when they wait; a large request is not overtaken by small ones behind it. One that asks
 * for more slots than there are is served when nobody else holds any.
 *
 * @param at In milliseconds since 1970.
 * @returns The pool as it stands then, and whom to tell that they hold slots: those who have just got them, and those who
 *   asked again for what they hold.
 */
export function changePool(
  pool: SlotPool,
  { releases = [], requests = [], slots = pool.slots }: SlotChange,
  at: number,
): { readonly pool: SlotPool; readonly granted: readonly HeldSlots[] } {
  const gone = new Set(releases.map(keyOf));
  const held = gone.size === 0 ? [...pool.held] : pool.held.filter((one) => !gone.has(keyOf(one)));
  const granted: HeldSlots[] = [];
  let waiting = gone.size === 0 ? [...pool.waiting] : pool.waiting.filter((one) => !gone.has(keyOf(one)));
  if (requests.length > 0) {
    const holding = new Map(held.map((one) => [keyOf(one), one]));
    const known = new Set(waiting.map(keyOf));
    for (const request of requests) {
      const key = keyOf(request);
      const has = holding.get(key);
      if (has !== undefined) granted.push(has);
      else if (!known.has(key)) waiting.push(request);
      known.add(key);
    }
    waiting = waiting.sort(byTurn);
  }
  let used = usedSlots({ held });
  let served = 0;
  for (const request of waiting) {
    if (used > 0 && used + request.slots > slots) break;
    const grant = { ...request, grantedAt: at };
    held.push(grant);
    granted.push(grant);
    used += request.slots;
    served += 1;
  }
  return { pool: { slots, held, waiting: waiting.slice(served) }, granted };
}

/** A text that tells requests apart. */
export function keyOf({ execution, ticket }: Pick<SlotKey, "execution" | "ticket">): string {
  return `${execution}:${ticket}`;
}

/** Sorting keeps the order in which they came, where nothing else decides. */
function byTurn(a: SlotRequest, b: SlotRequest): number {
  if (a.priority !== b.priority) return b.priority - a.priority;
  if (a.since !== b.since) return a.since - b.since;
  const [one = "", other = ""] = [a.tie, b.tie];
  return one < other ? -1 : one > other ? 1 : 0;
}
