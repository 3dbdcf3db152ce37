import type { SlotPool, SlotRequest } from "../core/slot-pool.ts";
import type { PoolPlace, PoolView } from "./pool-protocol.ts";

/** How many of those that wait are shown. */
const SHOWN = 1_000;

/** A pool as people and programs see it. */
export function poolViewOf(
  name: string,
  { slots, held, waiting }: SlotPool,
  { isSet, description, used }: { isSet: boolean; description: string | undefined; used: number },
): PoolView {
  const [prefix] = name.split("/");
  return {
    name,
    kind: !name.includes("/") ? "pool" : prefix === "runs" ? "runs" : "task",
    ...{ slots, isSet },
    ...(description === undefined ? {} : { description }),
    free: Math.max(0, slots - used),
    holders: held.map((one) => placeOf(one, one.grantedAt)),
    waiting: waiting.slice(0, SHOWN).map((one) => placeOf(one, one.since)),
    waiters: waiting.length,
  };
}

function placeOf({ run, task, slots, priority }: SlotRequest, since: number): PoolPlace {
  return { runId: run, task: task ?? null, slots, priority, since: new Date(since).toISOString() };
}
