/** DAGs whose tasks take slots, and what their tasks have seen: they run in the test's own process. */
import { setTimeout as pause } from "node:timers/promises";
import { defineDag, derive, task } from "@dagwright/engine";
import { z } from "zod";

/** Who is at work, the most that were at once (by the name of what they share), and who began in which order. */
export class Doorkeeper {
  private readonly inside = new Map<string, number>();
  readonly most: Record<string, number> = {};
  readonly began: string[] = [];
  private readonly doors = new Map<string, () => void>();

  async work(place: string, name: string, milliseconds: number, signal: AbortSignal): Promise<void> {
    const inside = (this.inside.get(place) ?? 0) + 1;
    this.inside.set(place, inside);
    this.most[place] = Math.max(this.most[place] ?? 0, inside);
    this.began.push(name);
    try {
      await pause(milliseconds, undefined, { signal });
    } finally {
      this.inside.set(place, (this.inside.get(place) ?? 0) - 1);
    }
  }

  /** Works until `open` is called for that name. */
  async workUntilOpened(place: string, name: string, signal: AbortSignal): Promise<void> {
    const controller = new AbortController();
    this.doors.set(name, () => controller.abort());
    await this.work(place, name, 120_000, AbortSignal.any([signal, controller.signal])).catch(() => undefined);
    signal.throwIfAborted();
  }

  open(name: string): void {
    this.doors.get(name)?.();
  }
}

export const keeper = new Doorkeeper();

const work = task("work", {
  input: z.object({ place: z.string(), name: z.string(), milliseconds: z.number().default(50) }),
  output: z.string(),
  heartbeat: "3s",
  run: async ({ place, name, milliseconds }, { signal }) => {
    await keeper.work(place, name, milliseconds, signal);
    return name;
  },
});

/** Goes on until the test opens its door. */
const hold = task("hold", {
  input: z.object({ place: z.string(), name: z.string() }),
  output: z.string(),
  heartbeat: "3s",
  run: async ({ place, name }, { signal }) => {
    await keeper.workUntilOpened(place, name, signal);
    return name;
  },
});

const Count = z.object({ count: z.number().default(4) });

/** Items that take a card each. */
export const cardsByItem = defineDag({ id: "cards_by_item", params: Count }, ({ params }) => {
  const list = derive("list", [params.count], (count) => Array.from({ length: count }, (_, value) => `item ${value}`));
  return work.map(list, (name) => ({ place: "cards", name }), { pool: "cards" });
});

/** Tasks that take a card each, one of them both. */
export const cardsByTask = defineDag({ id: "cards_by_task", defaults: { pool: "cards" } }, () => {
  for (const name of ["one", "two", "three"]) work({ place: "cards", name }, { id: name });
  return work({ place: "cards", name: "both" }, { id: "both", poolSlots: 2 });
});

/** Takes a pool's only slot until it is let go. */
export const holder = defineDag({ id: "holder", params: z.object({ name: z.string() }) }, ({ params }) =>
  hold({ place: "door", name: params.name }, { pool: "door" }),
);

/** Three that want the same slot, the most important one last. */
export const ranked = defineDag({ id: "ranked" }, () => {
  work({ place: "door", name: "low" }, { id: "low", pool: "door" });
  work({ place: "door", name: "middle" }, { id: "middle", pool: "door", priority: 5 });
  work({ place: "door", name: "high" }, { id: "high", pool: "door", priority: 9 });
});

/** Takes a slot of a pool that looks often whether its holders live. */
export const fragile = defineDag({ id: "fragile", params: z.object({ name: z.string() }) }, ({ params }) =>
  hold({ place: "fragile", name: params.name }, { pool: "fragile" }),
);

/** Many items through a pool whose history is short. */
export const many = defineDag({ id: "many", params: Count }, ({ params }) => {
  const list = derive("list", [params.count], (count) => Array.from({ length: count }, (_, value) => `item ${value}`));
  return work.map(list, (name) => ({ place: "short", name, milliseconds: 1 }), { pool: "short" });
});

/** One task of which two run at once over all runs. */
export const twice = defineDag({ id: "twice", params: z.object({ name: z.string() }) }, ({ params }) =>
  work({ place: "twice", name: params.name, milliseconds: 300 }, { maxConcurrent: 2 }),
);

/** One run at once. */
export const oneByOne = defineDag(
  { id: "one_by_one", params: z.object({ name: z.string(), hold: z.boolean().default(false) }), maxActiveRuns: 1 },
  ({ params }) => {
    const held = hold({ place: "line", name: params.name }, { when: params.hold });
    return work({ place: "line", name: params.name }, { after: [held], triggerRule: "all_done" });
  },
);

/** One task at once, within the run. */
export const narrow = defineDag({ id: "narrow", maxActiveTasks: 1 }, () => {
  for (const name of ["a", "b", "c"]) work({ place: "narrow", name }, { id: name, priority: name === "c" ? 2 : 1 });
});

export const poolDags = [cardsByItem, cardsByTask, holder, ranked, fragile, many, twice, oneByOne, narrow];
