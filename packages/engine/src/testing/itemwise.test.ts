import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { clearedRun } from "../core/clear.ts";
import { defineDag, type RunView, SkipTask, task } from "../index.ts";
import { type RunControl, runInProcess } from "./index.ts";

/** The idempotency keys of what has run, without the run's id. */
const ran: string[] = [];
beforeEach(() => {
  ran.length = 0;
});

/** How each item behaves, by task and value; "mended" once it was cleared. */
const behave: Record<string, "skip" | "fail" | "skip until cleared" | "fail until cleared" | "skip once cleared"> = {};
const work = task("work", {
  input: z.object({ value: z.number() }),
  output: z.number(),
  run: async ({ value }, { idempotencyKey, taskId, run }) => {
    const key = idempotencyKey.slice(run.id.length + 1);
    ran.push(key);
    const how = behave[`${taskId.replace(/\[.*/, "")}:${value}`];
    const cleared = key.includes("~");
    if (how === "skip" || (how === "skip until cleared" && !cleared) || (how === "skip once cleared" && cleared))
      throw new SkipTask("not this one");
    if (how === "fail" || (how === "fail until cleared" && !cleared)) throw new Error("no");
    return value * 10;
  },
});
const sum = task("sum", {
  input: z.object({ values: z.array(z.number()) }),
  output: z.number(),
  run: ({ values }, { idempotencyKey, run }) => {
    ran.push(idempotencyKey.slice(run.id.length + 1));
    return values.reduce((a, b) => a + b, 0);
  },
});
const dag = defineDag(
  { id: "chain", params: z.object({ values: z.array(z.number()).default([1, 2, 3, 4]) }) },
  ({ params }) => {
    const a = work.map(params.values, (value) => ({ value }), { id: "a" });
    const b = work.map(a, (value) => ({ value }), { id: "b" });
    const c = work.map(b, (value) => ({ value }), { id: "c" });
    return sum({ values: c });
  },
);

async function first(how: typeof behave = {}, values?: number[]): Promise<RunView> {
  for (const key of Object.keys(behave)) delete behave[key];
  Object.assign(behave, how);
  const view = await runInProcess(dag, { runId: "chain/1", ...(values === undefined ? {} : { params: { values } }) });
  ran.length = 0;
  return view;
}

async function again(view: RunView, tasks?: readonly string[], downstream?: boolean): Promise<RunView> {
  ran.length = 0;
  // Through text, as it goes through Temporal.
  const { seed } = JSON.parse(JSON.stringify(clearedRun(dag.graph, view, { tasks, downstream })));
  return await runInProcess(dag, { runId: "chain/1", seed, params: view.params as { values: number[] } });
}

const items = (view: RunView, id: string) => view.tasks[id]?.mapped?.map(({ state }) => state);

describe("clearing an item of a mapped task that others are mapped over", () => {
  it("runs again what comes from it, item by item, and what takes the whole list", async () => {
    const view = await first();
    expect(clearedRun(dag.graph, view, { tasks: ["a[2]"] }).cleared).toEqual(["a[2]", "b[2]", "c[2]", "sum"]);
    const second = await again(view, ["a[2]"]);
    expect(ran).toEqual(["a[2]~1", "b[2]~1", "c[2]~1", "sum~1"]);
    expect(second).toMatchObject({ state: "success", output: 10_000 });
    await again(second, ["b[0]", "a[2]"]);
    expect(ran.sort()).toEqual(["a[2]~2", "b[0]~1", "b[2]~2", "c[0]~1", "c[2]~2", "sum~2"]);
    await again(second, ["a[1]"], false);
    expect(ran).toEqual(["a[1]~1"]);
    await again(second, ["b"]);
    expect(ran.length).toBe(9);
  });

  it("keeps the right correspondence where items have skipped themselves", async () => {
    const view = await first({ "a:2": "skip", "b:30": "skip" });
    expect(view.tasks.b?.mapped?.map(({ source }) => source)).toEqual([undefined, 2, 3]);
    expect(items(view, "b")).toEqual(["success", "skipped", "success"]);
    await again(view, ["a[3]"]);
    expect(ran).toEqual(["a[3]~1", "b[2]~1", "c[1]~1", "sum~1"]);
    const second = await again(view, ["a[2]"]);
    expect(ran).toEqual(["a[2]~1", "b[1]~1", "sum~1"]);
    expect(second.output).toBe(view.output);
  });

  it("shifts the others when an item comes or goes, without running them again", async () => {
    const view = await first({ "a:2": "skip until cleared", "b:30": "skip" });
    const more = await again(view, ["a[1]"]);
    // Each place gets a key that none has had.
    expect(ran).toEqual(["a[1]~1", "b[1]~1", "c[1]~1", "sum~1"]);
    expect(more).toMatchObject({ state: "success", output: 7_000 });
    expect(items(more, "b")).toEqual(["success", "success", "skipped", "success"]);
    const third = await again(more, ["a[3]"]);
    expect(ran).toEqual(["a[3]~1", "b[3]~2", "c[2]~2", "sum~2"]);
    expect(third.output).toBe(7_000);
    behave["a:2"] = "skip once cleared";
    const fewer = await again(third, ["a[1]"]);
    expect(ran).toEqual(["a[1]~2", "sum~3"]);
    expect(fewer).toMatchObject({ state: "success", output: 5_000 });
    await again(fewer, ["b[2]"]);
    expect(ran.slice(0, 2)).toEqual([expect.stringMatching(/^b\[2\]~[3-9]/), expect.stringMatching(/^c\[1\]~[3-9]/)]);
  });

  it("runs after a failure only what failed, and its cone", async () => {
    const view = await first({ "a:3": "fail until cleared" });
    expect(view).toMatchObject({ state: "failed", tasks: { b: { state: "upstream_failed" } } });
    const mended = await again(view);
    expect(ran.filter((key) => key.startsWith("a"))).toEqual(["a[2]~1"]);
    expect(mended.output).toBe(10_000);
    // An item that worked fails when it is run again: what came from the others is kept until it works.
    behave["a:4"] = "fail";
    const broken = await again(mended, ["a[3]"]);
    expect(broken).toMatchObject({ state: "failed", tasks: { b: { state: "upstream_failed" } } });
    expect(ran).toEqual(["a[3]~1"]);
    delete behave["a:4"];
    expect(clearedRun(dag.graph, broken, {}).cleared).toEqual(["a[3]", "b[3]", "c[3]", "sum"]);
    const last = await again(broken);
    expect(ran.map((key) => key.replace(/~.*/, ""))).toEqual(["a[3]", "b[3]", "c[3]", "sum"]);
    expect(last).toMatchObject({ state: "success", output: 10_000 });
  });

  it("of a long list costs only its cone", async () => {
    const view = await first(
      {},
      Array.from({ length: 1_200 }, (_, index) => index),
    );
    const second = await again(view, ["a[1199]"]);
    expect(ran).toEqual(["a[1199]~1", "b[1199]~1", "c[1199]~1", "sum~1"]);
    expect(second.output).toBe(view.output);
  });

  it("takes what a cancelled run has not come to", async () => {
    for (const key of Object.keys(behave)) delete behave[key];
    let control: RunControl | undefined;
    const view = await runInProcess(dag, {
      runId: "chain/1",
      control: (run) => {
        control = run;
      },
      onChange: ({ state, tasks }) => {
        if (state === "running" && tasks.b?.mapped?.[1]?.state === "success") control?.cancel();
      },
    });
    expect(view.state).toBe("cancelled");
    const second = await again(view);
    expect(second).toMatchObject({ state: "success", output: 10_000 });
    expect(ran.filter((key) => key.startsWith("a["))).toEqual([]);
  });
});

describe("while the run goes on", () => {
  it("an item and its cone run again, in any state of what comes after", async () => {
    for (const moment of ["a", "b", "c"]) {
      ran.length = 0;
      for (const key of Object.keys(behave)) delete behave[key];
      let control: RunControl | undefined;
      let asked = false;
      const view = await runInProcess(dag, {
        runId: "chain/1",
        control: (run) => {
          control = run;
        },
        onChange: ({ tasks }) => {
          if (asked || tasks[moment]?.mapped?.[1]?.state !== "success") return;
          asked = true;
          control?.clear({ tasks: ["a[1]"] });
        },
      });
      expect(view).toMatchObject({ state: "success", output: 10_000 });
      expect(new Set(ran).size).toBe(ran.length);
      expect(ran).toContain("a[1]~1");
      for (const untouched of ["a[0]", "b[0]", "c[0]"])
        expect(ran.filter((key) => key.startsWith(untouched))).toEqual([untouched]);
    }
  });
});
