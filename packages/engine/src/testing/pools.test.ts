import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineDag, task } from "../index.ts";
import { runInProcess } from "./index.ts";

let inside = 0;
let most = 0;
let order: string[] = [];

const work = task("work", {
  input: z.object({ name: z.string() }),
  output: z.string(),
  retries: 1,
  run: async ({ name }, { attempt }) => {
    most = Math.max(most, ++inside);
    order.push(name);
    await pause(5);
    inside -= 1;
    if (name === "flaky" && attempt === 1) throw new Error("not today");
    return name;
  },
});

const shared = defineDag({ id: "shared", defaults: { pool: "cards" } }, () => {
  const names = ["a", "b", "flaky", "c"];
  const items = work.map(names, (name) => ({ name }), { id: "items" });
  const heavy = work({ name: "heavy" }, { id: "heavy", poolSlots: 9, priority: 4 });
  return { items, heavy };
});

async function play(pools?: Record<string, number>) {
  [inside, most, order] = [0, 0, []];
  return await runInProcess(shared, pools === undefined ? {} : { pools });
}

describe("pools in process", () => {
  it("have one slot unless the test says more", async () => {
    const view = await play();
    expect(view.state).toBe("success");
    expect(view.output).toEqual({ items: ["a", "b", "flaky", "c"], heavy: "heavy" });
    expect(most).toBe(1);
    await play({ cards: 3 });
    expect(most).toBe(3);
  });

  it("serve the highest priority first, and more slots than there are to one that is alone", async () => {
    await play();
    expect(order.slice(0, 2)).toEqual(["heavy", "a"]);
  });

  it("show who waits as queued", async () => {
    const states = new Set<string>();
    await runInProcess(shared, {
      onChange: ({ tasks }) => {
        const { state, reason } = tasks.heavy ?? {};
        states.add(`${state}: ${reason ?? ""}`);
      },
    });
    expect([...states]).toContain('queued: it waits for 9 slots of pool "cards"');
  });

  it("end with a cancelled run", async () => {
    const controller = new AbortController();
    const ended = runInProcess(shared, {
      signal: controller.signal,
      onChange: ({ tasks }) => {
        if (tasks.items?.state === "running") controller.abort("enough");
      },
    });
    expect((await ended).state).toBe("cancelled");
  });
});

it("maxActiveTasks and maxConcurrent hold in process", async () => {
  for (const [options, policy] of [
    [{ maxActiveTasks: 2 }, {}],
    [{}, { maxConcurrent: 2 }],
  ] as const) {
    [inside, most, order] = [0, 0, []];
    const dag = defineDag({ id: "limited", ...options }, () => {
      for (const name of ["a", "b", "c", "d"]) work({ name }, { id: name, ...policy });
    });
    expect((await runInProcess(dag)).state).toBe("success");
    // maxConcurrent is of one task: these are four.
    expect(most).toBe("maxActiveTasks" in options ? 2 : 4);
  }
});
