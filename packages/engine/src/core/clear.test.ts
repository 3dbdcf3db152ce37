import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineDag, SkipTask, task } from "../index.ts";
import { runInProcess } from "../testing/index.ts";
import { clearedRun, namesToClear, withUpstream } from "./clear.ts";
import { decide, initialState } from "./decide.ts";
import type { RunInfo } from "./state.ts";

const keys: string[] = [];
const step = task("step", {
  input: z.object({ fail: z.boolean() }),
  output: z.string(),
  run: ({ fail }, { idempotencyKey, taskId }) => {
    keys.push(idempotencyKey);
    if (fail) throw new Error("no");
    if (taskId === "skipper") throw new SkipTask("not today");
    return taskId;
  },
});
const dag = defineDag({ id: "steps", params: z.object({ fail: z.boolean().default(true) }) }, ({ params }) => {
  const a = step({ fail: false }, { id: "a" });
  step({ fail: false }, { id: "skipper" });
  const b = step({ fail: params.fail }, { id: "b", after: [a] });
  step({ fail: false }, { id: "c", after: [b] });
  step({ fail: false }, { id: "d", after: [a] });
});

describe("clearing a run", () => {
  it("takes what failed and all after it, and keeps the rest", async () => {
    const view = await runInProcess(dag, { runId: "steps/1" });
    const { seed, cleared } = clearedRun(dag.graph, view, {});
    expect(cleared).toEqual(["b", "c"]);
    keys.length = 0;
    const again = await runInProcess(dag, { runId: "steps/1", params: { fail: false }, seed });
    expect(again.state).toBe("success");
    expect(keys).toEqual(["steps/1/b~1", "steps/1/c~1"]);
    for (const id of ["a", "d", "skipper"]) expect(again.tasks[id]).toEqual(view.tasks[id]);
    expect(again.tasks.b).toMatchObject({ state: "success", attempts: 1, clears: 1 });
  });

  it("takes the tasks it is given, with what comes after them; each clear has effects of its own", async () => {
    const first = await runInProcess(dag, { runId: "steps/2", params: { fail: false } });
    expect(clearedRun(dag.graph, first, {}).cleared).toEqual([]);
    const once = clearedRun(dag.graph, first, { tasks: ["a"] });
    expect(once.cleared).toEqual(["a", "b", "c", "d"]);
    const second = await runInProcess(dag, { runId: "steps/2", params: { fail: false }, seed: once.seed });
    const twice = clearedRun(dag.graph, second, { tasks: ["c"] });
    keys.length = 0;
    await runInProcess(dag, { runId: "steps/2", params: { fail: false }, seed: twice.seed });
    expect(keys).toEqual(["steps/2/c~2"]);
  });
});

it("what runs again in a run that goes on is what has begun; what comes before a task can be had too", async () => {
  const view = await runInProcess(dag, { runId: "steps/3", params: { fail: false } });
  const untouched = { state: "none", attempts: 0, startedAt: null, endedAt: null } as const;
  const live = { ...view, tasks: { ...view.tasks, c: untouched } };
  expect(namesToClear(dag.graph, live, [{ id: "a" }], true)).toEqual(["a", "b", "d"]);
  expect(namesToClear(dag.graph, live, [{ id: "a" }], false)).toEqual(["a"]);
  expect(namesToClear(dag.graph, live, [{ id: "b", index: 2 }], true)).toEqual(["b[2]"]);
  expect(withUpstream(dag.graph, ["c"])).toEqual(["a", "b", "c"]);
});

it("a running task that is marked as successful lets what waited for it start", () => {
  const run: RunInfo = {
    id: "steps/4",
    logicalDate: "2026-01-01T00:00:00Z",
    dataInterval: { start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z" },
    trigger: "manual",
    conf: {},
  };
  const started = decide(initialState(dag.graph, { fail: false }, run), { type: "run_started", at: 1 });
  const { commands } = decide(started.state, { type: "mark", id: "a", as: "success", at: 2 });
  const runs = commands.flatMap((command) => (command.type === "run_task" ? [command.id] : []));
  expect(runs.sort()).toEqual(["b", "d"]);
});
