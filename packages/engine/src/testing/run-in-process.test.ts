import { describe, expect, it } from "vitest";
import { z } from "zod";
import { branch, defineDag, type RunView, SkipTask, task } from "../index.ts";
import { features, pipeline, quality, register, train } from "../language/fixtures/stages.ts";
import { mock, runInProcess } from "./index.ts";

const states = (view: RunView) => Object.fromEntries(Object.entries(view.tasks).map(([id, { state }]) => [id, state]));
const flaky = (fails: number) => {
  let attempts = 0;
  return task("flaky", {
    input: z.object({}),
    output: z.number(),
    run: () => {
      attempts += 1;
      if (attempts <= fails) throw new Error(`attempt ${attempts}`);
      return attempts;
    },
  });
};

describe("runInProcess", () => {
  it("runs the example to its output", async () => {
    const view = await runInProcess(pipeline, { logicalDate: "1998-01-31", clock: () => 0 });
    expect(view).toMatchObject({
      runId: "pipeline/1998-01-31T00:00:00Z",
      dagId: "pipeline",
      dagVersion: pipeline.graph.version,
      logicalDate: "1998-01-31T00:00:00Z",
      dataInterval: { start: "1998-01-31T00:00:00Z", end: "1998-02-01T00:00:00Z" },
      trigger: "manual",
      params: { source: "purchases.csv", model: "random_forest", minF1: 0.85 },
      state: "success",
      startedAt: "1970-01-01T00:00:00.000Z",
      endedAt: "1970-01-01T00:00:00.000Z",
      output: { name: "m", version: 1 },
    });
    expect(view.tasks.quality).toEqual({
      state: "success",
      attempts: 1,
      startedAt: "1970-01-01T00:00:00.000Z",
      endedAt: "1970-01-01T00:00:00.000Z",
      output: { success: true },
    });
    expect(JSON.parse(JSON.stringify(view))).toEqual(view);
  });

  it("skips with its reason what a condition forbids", async () => {
    const view = await runInProcess(pipeline, { params: { minF1: 0.95 } });
    expect(view.state).toBe("success");
    expect(view.tasks.register).toMatchObject({
      state: "skipped",
      attempts: 0,
      reason: "good_enough(0.9, 0.95) is false",
    });
    expect(view.output).toBeNull();
  });

  it("puts mocks in place of tasks: by task, by name, by node", async () => {
    const seen: unknown[] = [];
    const view = await runInProcess(pipeline, {
      mocks: {
        ...mock(train, ({ algorithm }) => ({ runId: algorithm, metrics: { val_f1: 0.99 }, note: null })),
        quality: { success: false },
        register: (input: unknown) => {
          seen.push(input);
          return { name: "mocked", version: 7 };
        },
      },
    });
    expect(seen).toEqual([{ runId: "random_forest" }]);
    expect(view.output).toEqual({ name: "mocked", version: 7 });
    expect(view.tasks.quality?.output).toEqual({ success: false });
  });

  it("holds mocks to the task's schemas, and to tasks that exist", async () => {
    const view = await runInProcess(pipeline, { mocks: { train: { runId: 1 } } });
    expect(view).toMatchObject({
      state: "failed",
      error: { code: "INVALID_OUTPUT", message: expect.stringContaining('Task "train": ') },
    });
    await expect(runInProcess(pipeline, { mocks: { trian: {} } })).rejects.toMatchObject({
      code: "UNKNOWN_MOCK",
      message: expect.stringContaining('did you mean "train"?'),
    });
    // @ts-expect-error a mock's output has the task's type
    mock(train, { runId: 1 });
    // @ts-expect-error params are typed
    const wrong = () => runInProcess(pipeline, { params: { minF1: "high" } });
    await expect(wrong()).rejects.toMatchObject({ code: "INVALID_PARAMS" });
  });

  it("retries without waiting, and counts", async () => {
    const dag = (retries: number) => defineDag({ id: "r" }, () => flaky(2)({}, { retries, retryDelay: "1h" }));
    const view = await runInProcess(dag(2));
    expect(view.tasks.flaky).toMatchObject({ state: "success", attempts: 3, output: 3 });
    expect(view.tasks.flaky?.error).toBeUndefined();
    expect(await runInProcess(dag(1))).toMatchObject({
      state: "failed",
      error: { message: 'Task "flaky": attempt 2' },
    });
  });

  it("waits between attempts when asked to", async () => {
    const dag = defineDag({ id: "w" }, () => flaky(1)({}, { retries: 1, retryDelay: 60 }));
    const started = performance.now();
    await runInProcess(dag, { skipDelays: false });
    expect(performance.now() - started).toBeGreaterThan(50);
  });

  it("ends an attempt at its timeout, and says so to the task", async () => {
    let aborted = false;
    const slow = task("slow", {
      input: z.object({}),
      output: z.null(),
      run: async (_input, { signal }) => {
        signal.addEventListener("abort", () => {
          aborted = true;
        });
        return await new Promise<null>(() => {});
      },
    });
    const view = await runInProcess(defineDag({ id: "t" }, () => slow({}, { timeout: 20 })));
    expect(view).toMatchObject({ state: "failed", error: { code: "TASK_TIMEOUT" } });
    expect(aborted).toBe(true);
  });

  it("cancels, and aborts what runs", async () => {
    const stop = new AbortController();
    const hang = task("hang", {
      input: z.object({}),
      output: z.null(),
      run: async (_input, { signal }) =>
        await new Promise<null>((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    });
    const dag = defineDag({ id: "c" }, () => {
      const one = hang({});
      quality({ table: "t", suite: "s" }, { after: [one] });
    });
    const running = runInProcess(dag, { signal: stop.signal });
    stop.abort("wrong day");
    const view = await running;
    expect(view).toMatchObject({
      state: "cancelled",
      error: { code: "CANCELLED", message: "The run was cancelled: wrong day" },
    });
    expect(states(view)).toEqual({ hang: "failed", quality: "skipped" });
  });

  it("shows every change, with progress", async () => {
    const counting = task("counting", {
      input: z.object({}),
      output: z.null(),
      run: (_input, ctx) => {
        ctx.progress({ done: 1, total: 2, note: "half" });
        return null;
      },
    });
    const views: RunView[] = [];
    await runInProcess(
      defineDag({ id: "p" }, () => counting({})),
      { onChange: (view) => views.push(view) },
    );
    expect(views.map((view) => [view.state, view.tasks.counting?.state, view.tasks.counting?.progress?.note])).toEqual([
      ["running", "running", undefined],
      ["running", "running", "half"],
      ["success", "success", undefined],
    ]);
  });

  it("fails a task that asks a server when there is none", async () => {
    const asking = task("asking", {
      input: z.object({}),
      output: z.null(),
      run: (_input, ctx) => {
        ctx.mcp({ name: "spark", instructions: "", tools: {} });
        return null;
      },
    });
    const view = await runInProcess(defineDag({ id: "n" }, () => asking({})));
    expect(view.error).toMatchObject({ code: "NO_MCP", retryable: false });
  });

  it("runs one arm of a branch and joins; values that were not given read null", async () => {
    const choose = task("choose", {
      input: z.object({ n: z.number() }),
      output: z.enum(["big", "small"]),
      run: ({ n }) => (n > 5 ? "big" : "small"),
    });
    const note = task("note", {
      input: z.object({ text: z.string().nullable() }),
      output: z.string(),
      run: ({ text }) => text ?? "nothing",
    });
    const dag = defineDag({ id: "b", params: z.object({ n: z.number() }) }, ({ params }) => {
      const { arms } = branch("size", choose({ n: params.n }), {
        big: () => note({ text: "big" }, { id: "big" }),
        small: () => note({ text: "small" }, { id: "small" }),
      });
      return note({ text: arms.big }, { id: "join", after: [arms.small], triggerRule: "none_failed_min_one_success" });
    });
    expect(await runInProcess(dag, { params: { n: 9 } })).toMatchObject({
      output: "big",
      tasks: { small: { state: "skipped" } },
    });
    expect(await runInProcess(dag, { params: { n: 1 } })).toMatchObject({
      output: "nothing",
      tasks: { big: { state: "skipped" } },
    });
  });

  it("leaves out what an optional field was not given", async () => {
    const versioned = task("versioned", {
      input: z.object({}),
      output: z.object({ version: z.number().optional() }),
      run: () => ({}),
    });
    const dag = defineDag({ id: "o" }, () => features({ table: "t", asOf: "x", version: versioned({}).version }));
    expect((await runInProcess(dag)).state).toBe("success");
  });

  it("a task's own skip goes downstream by the rules", async () => {
    const view = await runInProcess(pipeline, {
      mocks: {
        train: () => {
          throw new SkipTask("nothing to learn from yet");
        },
      },
    });
    expect(view.state).toBe("success");
    expect(states(view)).toMatchObject({ train: "skipped", good_enough: "skipped", register: "skipped" });
    expect(view.tasks.train?.reason).toBe("nothing to learn from yet");
    expect(register.definition.name).toBe("register");
  });
});
