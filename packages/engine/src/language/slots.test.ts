import { describe, expect, it } from "vitest";
import { z } from "zod";
import { DagDefinitionError, type DagGraph, defineDag, type SlotOptions, task } from "../index.ts";

const nothing = { input: z.object({}), output: z.null(), run: () => null };
const plain = task("plain", nothing);
const heavy = task("heavy", { ...nothing, pool: "gpu", poolSlots: 2, priority: 3, maxConcurrent: 5 });

function slotsIn({ nodes }: DagGraph) {
  return Object.fromEntries(
    nodes.map(({ id, pools, priority, map }) => [id, { pools, priority, window: map?.window }]),
  );
}

describe("slots of a node", () => {
  it("are those it names, over those of its task, over the DAG's defaults", () => {
    const { graph } = defineDag({ id: "d", defaults: { pool: "all", priority: 7 } }, () => {
      plain({});
      heavy({});
      heavy({}, { id: "own", pool: "tpu", poolSlots: 1, priority: -1, maxConcurrent: 1 });
    });
    expect(slotsIn(graph)).toEqual({
      plain: { pools: [{ pool: "all", slots: 1 }], priority: 7 },
      heavy: {
        pools: [
          { pool: "task/d/heavy", slots: 1, limit: 5 },
          { pool: "gpu", slots: 2 },
        ],
        priority: 3,
      },
      own: {
        pools: [
          { pool: "task/d/own", slots: 1, limit: 1 },
          { pool: "tpu", slots: 1 },
        ],
        priority: -1,
      },
    });
  });

  it("stand in the graph only where something is said: other graphs keep their version", () => {
    const { graph } = defineDag({ id: "d" }, () => plain({}));
    expect(Object.keys(graph.nodes[0] ?? {})).not.toEqual(expect.arrayContaining(["pools"]));
    expect(graph).not.toHaveProperty("maxActiveRuns");
    const limited = defineDag({ id: "d", maxActiveRuns: 1, maxActiveTasks: 4 }, () => plain({}));
    expect(limited.graph).toMatchObject({ maxActiveRuns: 1, maxActiveTasks: 4 });
    expect(limited.graph.version).not.toBe(graph.version);
  });

  it("of a mapped node are taken by each item; its maxConcurrent is how many items run at once", () => {
    const { graph } = defineDag({ id: "d" }, () => {
      heavy.map([1, 2], () => ({}));
      heavy.map([1, 2], () => ({}), { id: "own", maxConcurrent: 9 });
      plain.map([1, 2], () => ({}));
    });
    const pools = [{ pool: "gpu", slots: 2 }];
    expect(slotsIn(graph)).toEqual({
      heavy: { pools, priority: 3, window: 5 },
      own: { pools, priority: 3, window: 9 },
      plain: { window: 200 },
    });
  });

  it("that make no sense are all found at once", () => {
    const wrong = { poolSlots: 1.5, priority: "high", maxConcurrent: 0 } as unknown as SlotOptions;
    let mistakes: readonly string[] = [];
    try {
      defineDag({ id: "d", maxActiveTasks: 0, defaults: { pool: "no pool" } }, () => {
        plain({}, { ...wrong, pool: "pool/gpu" });
        plain({}, { id: "lonely", poolSlots: 2 });
      });
    } catch (error) {
      mistakes = error instanceof DagDefinitionError ? error.mistakes : [];
    }
    expect(mistakes).toEqual([
      'DAG "d", maxActiveTasks is 0: expected a whole number of at least 1',
      'DAG "d", defaults: pool is "no pool": expected letters, digits, "_", "-" and "."',
      'DAG "d", node "plain": pool is "pool/gpu": expected letters, digits, "_", "-" and "."',
      'DAG "d", node "plain": poolSlots is 1.5: expected a whole number of at least 1',
      'DAG "d", node "plain": priority is "high": expected a whole number',
      'DAG "d", node "plain": maxConcurrent is 0: expected a whole number of at least 1',
      'DAG "d", node "lonely": poolSlots is 2, but it names no pool',
    ]);
  });
});
