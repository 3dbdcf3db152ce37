import { describe, expect, it } from "vitest";
import { z } from "zod";
import { approval, defineDag, type RunView, type TaskView, task, wait } from "../index.ts";
import { runInProcess } from "../testing/index.ts";
import { explain, queuesInUse } from "./explain.ts";

const work = task("work", {
  input: z.object({}),
  output: z.string(),
  run: () => {
    throw Object.assign(new Error("no luck"), { code: "NO_LUCK", hint: "Try tomorrow.", retryable: false });
  },
});
const dag = defineDag({ id: "explained" }, () => {
  const rested = wait("rest", "1h");
  const yes = approval("ask", { show: "Go on?", after: [rested] });
  work({}, { after: [yes] });
  work({}, { id: "other" });
});

/** The run as it stood when `when` first held. */
async function viewWhen(when: (view: RunView) => boolean, answered = false): Promise<RunView> {
  let found: RunView | undefined;
  const last = await runInProcess(dag, {
    clock: () => Date.parse("2026-01-01T00:00:00Z"),
    ...(answered ? { answers: { ask: { approved: true, by: "ada" } } } : {}),
    onChange: (view) => {
      if (when(view)) found ??= view;
    },
  });
  return found ?? last;
}

const told = (view: RunView, workers = 1) =>
  explain({ view, graph: dag.graph, workers, taskQueue: "q", logOf: (id) => [`${id} logged`] });
const of = (view: RunView, id: string, workers = 1) => told(view, workers).tasks.find(({ task: one }) => one === id);

describe("explain", () => {
  it("says that nobody polls the queue of a task that was given out", async () => {
    const gpu = defineDag({ id: "gpu" }, () => work({}, { id: "fit", queue: "gpu" }));
    let view: RunView | undefined;
    await runInProcess(gpu, {
      clock: () => Date.parse("2026-01-01T00:00:00Z"),
      onChange: (now) => {
        if (now.tasks["fit"]?.state === "running") view ??= now;
      },
    });
    if (view === undefined) throw new Error("it never ran");
    expect(queuesInUse(view, gpu.graph)).toEqual(["gpu"]);
    const ground = { view, graph: gpu.graph, workers: 1, taskQueue: "q", logOf: () => [] };
    expect(explain({ ...ground, workersOn: new Map([["gpu", 0]]) }).tasks).toMatchObject([
      {
        why: 'It was given out at 2026-01-01T00:00:00.000Z, and no worker polls its task queue "gpu"',
        next: "DAGWRIGHT_TASK_QUEUE=gpu dagwright worker",
      },
    ]);
    const [told] = explain({ ...ground, workersOn: new Map([["gpu", 1]]) }).tasks;
    expect(told?.why).toBe("Attempt 1 runs since 2026-01-01T00:00:00.000Z");
  });

  it.each([
    ["fail", "fails"],
    ["skip", "is skipped"],
  ] as const)("says until when an approval waits, and that it then %ss", async (onTimeout, then) => {
    const asking = defineDag({ id: "asking" }, () => approval("ask", { show: "Go on?", timeout: "2d", onTimeout }));
    let view: RunView | undefined;
    await runInProcess(asking, {
      clock: () => Date.parse("2026-01-01T00:00:00Z"),
      onChange: (now) => {
        if (now.tasks["ask"]?.state === "deferred") view ??= now;
      },
    });
    if (view === undefined) throw new Error("it never waited");
    const [told] = explain({ view, graph: asking.graph, workers: 1, taskQueue: "q", logOf: () => [] }).tasks;
    const until = "until 2026-01-03T00:00:00.000Z";
    expect(told?.why).toBe(`It waits for a person ${until}, and ${then} when nobody answers: "Go on?"`);
  });

  it("tells of a mapped task that failed the attempt and the log of the item that did", async () => {
    const each = task("each", {
      input: z.object({ n: z.number() }),
      output: z.number(),
      retries: 2,
      run: ({ n }, ctx) => {
        if (n === 1) throw Object.assign(new Error("poison"), { retryable: false });
        if (ctx.attempt < 3) throw new Error("not yet");
        return n;
      },
    });
    const mapped = defineDag({ id: "mapped" }, () => each.map([0, 1, 2], (n) => ({ n })));
    const view = await runInProcess(mapped);
    const ground = {
      view,
      graph: mapped.graph,
      workers: 1,
      taskQueue: "q",
      logOf: (name: string) => [`${name} logged`],
    };
    expect(explain(ground).tasks).toMatchObject([
      { task: "each", why: "TASK_FAILED at attempt 1: item 1: poison", log: ["each[1] logged"] },
    ]);
  });

  it("says who marked an item of a mapped task, at the task and at the item", async () => {
    const each = task("each", { input: z.object({ n: z.number() }), output: z.number(), run: ({ n }) => n });
    const mapped = defineDag({ id: "mapped" }, () => each.map([1, 2], (n) => ({ n })));
    const run = await runInProcess(mapped);
    const { mapped: items = [], ...node } = run.tasks["each"] ?? {
      state: "none",
      attempts: 0,
      startedAt: null,
      endedAt: null,
    };
    const marked = items.map((item, index) =>
      index === 1 ? { ...item, reason: "marked successful by ada: ok" } : item,
    );
    const view = { ...run, tasks: { each: { ...node, mapped: marked } } };
    const ground = { view, graph: mapped.graph, workers: 1, taskQueue: "q", logOf: () => [] };
    expect(explain({ ...ground, items: ["each[1]", "each[7]"] }).tasks).toEqual([
      { task: "each", state: "success", why: "It succeeded; each[1]: marked successful by ada: ok" },
      { task: "each[1]", state: "success", why: "It succeeded: marked successful by ada: ok" },
    ]);
  });

  it("says of a task that ran when its run was terminated that it does no more", async () => {
    const deferred = await viewWhen(({ tasks }) => tasks["ask"]?.state === "deferred");
    const ended = { ...deferred, state: "failed" as const };
    expect(of(ended, "ask")?.why).toBe(
      "It was deferred when the run was ended; nobody has waited for what became of it",
    );
    expect(of(ended, "ask")).not.toHaveProperty("next");
    expect(of(ended, "work")?.why).toBe("The run ended before it");
  });

  it("names what a task waits for", async () => {
    const view = await viewWhen(({ tasks }) => tasks.rest?.state === "deferred");
    expect(of(view, "rest")?.why).toBe("It waits until 2026-01-01T01:00:00.000Z");
    expect(of(view, "ask")?.why).toBe("It waits for rest (deferred)");
    expect(told(view).why).toContain("rest (deferred)");
    expect(told(view, 0)).toMatchObject({
      why: 'It makes no progress: no worker polls task queue "q"',
      next: "dagwright worker",
    });
    const asking = await viewWhen(({ tasks }) => tasks.ask?.state === "deferred");
    expect(of(asking, "ask")).toMatchObject({
      why: 'It waits for a person: "Go on?"',
      next: expect.stringMatching(/^dagwright approvals approve explained\/.* ask$/),
    });
  });

  it("says why a task failed and what can be done", async () => {
    const view = await viewWhen(() => false, true);
    expect(of(view, "work")).toEqual({
      task: "work",
      state: "failed",
      why: "NO_LUCK at attempt 1: no luck",
      next: "Try tomorrow.",
      log: ["work logged"],
    });
    expect(told(view)).toMatchObject({ state: "failed", next: "Try tomorrow." });
    const unasked = await viewWhen(() => false);
    expect(of(unasked, "work")?.why).toBe("upstream failed: ask");
    const hopeless = { code: "TASK_FAILED", message: "no luck", retryable: true };
    expect(told({ ...unasked, error: hopeless }).next).toMatch(/dagwright runs clear explained\/2026/);
  });

  it("names the callback that holds up a run that is over, and one that failed", async () => {
    const view = await viewWhen(() => false, true);
    expect(told({ ...view, callbacks: { onDeadline: { state: "running" } } }).why).toMatch(
      /Its callback onDeadline has not ended yet: it runs, or waits for its next attempt$/,
    );
    const error = { code: "TASK_FAILED", message: "nobody listens", retryable: true };
    expect(
      told({ ...view, callbacks: { onDeadline: { state: "success" }, onFailure: { state: "failed", error } } }).why,
    ).toMatch(/no luck\. Its callback onFailure failed: TASK_FAILED: nobody listens$/);
  });

  it("tells what was refused, marked, or handed to another run from what failed, succeeded or runs", async () => {
    const view = await viewWhen(({ tasks }) => tasks.rest?.state === "deferred");
    const as = (task: Partial<TaskView>, state: RunView["state"] = "running") =>
      of({ ...view, state, tasks: { ...view.tasks, other: { ...other, ...task } } }, "other");
    const other: TaskView = { state: "none", attempts: 0, startedAt: null, endedAt: null };
    const hint = "Run a worker that still has that version.";
    const error = { code: "DAG_VERSION_MISMATCH", message: "another version", hint, retryable: true };
    expect(as({ state: "up_for_retry", dueAt: "2026-01-01T00:00:05Z", error })).toMatchObject({
      why: "A worker refused it (another version), which counts as no attempt; it is offered again at 2026-01-01T00:00:05Z",
      next: hint,
    });
    expect(as({ state: "success", attempts: 2, reason: "marked successful by ada" })?.why).toBe(
      "It succeeded: marked successful by ada",
    );
    expect(as({ state: "running", attempts: 1, childRunId: "inner/explained/1/other" })).toMatchObject({
      why: expect.stringContaining("it waits for run inner/explained/1/other"),
      next: "dagwright runs explain inner/explained/1/other",
    });
    // Nothing comes before it: what has not begun is the run, or nobody has answered for it.
    expect(as({}, "queued")?.why).toBe("It waits for the run to begin");
    expect(as({})?.why).toBe("The run has not said yet what becomes of it: ask again");
  });
});
