import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineDag, type RunView, type TaskView, task } from "../index.ts";
import type { PoolPlace, PoolView } from "../sandbox/pool-protocol.ts";
import { explainLine, explainQueued, poolsAskedBy } from "./explain-pools.ts";

const work = task("work", { input: z.object({}), output: z.null(), run: () => null });
const { graph } = defineDag({ id: "d" }, () => {
  work({}, { maxConcurrent: 1, pool: "gpu" });
  work.map([1, 2], () => ({}), { id: "items", pool: "gpu" });
});

const since = "2026-01-01T00:00:00.000Z";
const place = (runId: string, task: string | null, slots = 1): PoolPlace => ({
  runId,
  task,
  slots,
  priority: 1,
  since,
});
const pool = (some: Partial<PoolView>): PoolView => ({
  ...{ name: "gpu", kind: "pool", slots: 2, isSet: true, free: 0, holders: [], waiting: [], waiters: 0 },
  ...some,
});
const view: RunView = {
  ...{ runId: "d/1", dagId: "d", dagVersion: graph.version, logicalDate: since, params: {}, conf: {}, output: null },
  ...{ dataInterval: { start: since, end: since }, trigger: "manual", state: "running", tasks: {} },
};
const queued: TaskView = { state: "queued", attempts: 0, startedAt: null, endedAt: null };
const [one, items] = graph.nodes;

function told(status: TaskView, node: typeof one, pools: readonly PoolView[]) {
  if (node === undefined) throw new Error("the graph has two nodes");
  return explainQueued(view, node, status, new Map(pools.map((known) => [known.name, known])));
}

describe("the explanation of a task that waits for slots", () => {
  it("names the pool that it waits at, of several, who holds its slots, and its place", () => {
    const holders = Array.from({ length: 6 }, (_, index) => place(`x/${index}`, "t", index === 0 ? 2 : 1));
    const gpu = pool({ holders, waiting: [place("y/1", "t"), place("d/1", "work", 2)] });
    expect(told(queued, one, [gpu])).toEqual({
      why: `It waits for 2 slots of pool "gpu" since ${since}: 0 of 2 free, held by x/0 t (2 slots) since ${since}, x/1 t since ${since}, x/2 t since ${since}, x/3 t since ${since}, x/4 t since ${since} and 1 more; 1 waits before it`,
      next: "Wait, or give it more slots: dagwright pools set gpu 3",
    });
    const own = pool({
      name: "task/d/work",
      kind: "task",
      holders: [place("d/0", "work")],
      waiting: [place("d/1", "work")],
    });
    expect(told(queued, one, [own, pool({})])).toEqual({
      why: `It waits for a slot of this task across all runs (maxConcurrent) since ${since}: 0 of 2 free, held by d/0 work since ${since}; it is the next`,
      next: "Wait, or raise maxConcurrent of work",
    });
  });

  it("counts the items of a mapped one", () => {
    const waiting = [place("d/1", "items[3]"), place("d/1", "items[4]"), place("d/1", "items_too")];
    expect(told({ ...queued, mapped: [] }, items, [pool({ waiting })]).why).toMatch(
      /^2 of its items wait for a slot of/,
    );
  });

  it("says what the run itself knows, when the pool cannot be asked", () => {
    expect(told({ ...queued, reason: "it waits for a slot" }, one, [])).toEqual({ why: "It waits for a slot" });
  });
});

describe("the explanation of a run", () => {
  it("asks the pools that it waits for", () => {
    expect(poolsAskedBy({ ...view, state: "queued" }, null)).toEqual(["runs/d"]);
    expect(poolsAskedBy({ ...view, tasks: { work: queued } }, graph)).toEqual(["task/d/work", "gpu"]);
    const mapped = [{ state: "queued", attempts: 0 }] as const;
    expect(poolsAskedBy({ ...view, tasks: { items: { ...queued, state: "running", mapped } } }, graph)).toEqual([
      "gpu",
    ]);
    expect(poolsAskedBy({ ...view, tasks: { work: { ...queued, state: "running" } } }, graph)).toEqual([]);
  });

  it("says which runs it waits for", () => {
    const line = pool({ name: "runs/d", kind: "runs", holders: [place("d/0", null)], waiting: [place("d/1", null)] });
    expect(explainLine(view, new Map([["runs/d", line]]))).toEqual({
      why: `It waits in line: at most 2 runs of d may be active (maxActiveRuns), now d/0 since ${since}; it is the next`,
      next: "Wait, raise maxActiveRuns of d, or end one: dagwright runs cancel d/0",
    });
    expect(explainLine({ ...view, runId: "d/9" }, new Map([["runs/d", line]]))).toBeNull();
  });
});
