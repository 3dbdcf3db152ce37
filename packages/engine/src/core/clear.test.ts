import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineDag, SkipTask, task } from "../index.ts";
import { runInProcess } from "../testing/index.ts";
import { clearedRun } from "./clear.ts";

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
