import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineDag, SkipTask, shortCircuit, task } from "../index.ts";
import { runInProcess } from "./index.ts";

const How = z.object({ how: z.enum(["works", "fails", "skips", "hangs"]).default("works") });
const setup = task("setup", { input: z.object({}), output: z.string(), run: () => "cluster-1" });
const work = task("work", {
  input: z.object({ cluster: z.string(), how: How.shape.how }),
  output: z.string(),
  run: async ({ how }, { signal }) => {
    if (how === "fails") throw new Error("no luck");
    if (how === "skips") throw new SkipTask("no work");
    if (how === "hangs") await pause(60_000, undefined, { signal });
    return "done";
  },
});
const deleteCluster = task("delete_cluster", {
  input: z.object({ cluster: z.string(), fail: z.boolean() }),
  output: z.string(),
  run: ({ cluster, fail }) => {
    if (fail) throw new Error("still there");
    return `${cluster} is gone`;
  },
});
const Params = How.extend({ fail: z.boolean().default(false), go: z.boolean().default(true) });
const tidy = defineDag({ id: "tidy", params: Params }, ({ params }) => {
  const gate = shortCircuit("gate", params.go);
  const cluster = setup({}, { after: [gate] });
  const result = work({ cluster, how: params.how });
  deleteCluster({ cluster, fail: params.fail }, { after: [result], teardown: true });
  return result;
});

describe("a teardown", () => {
  it("runs after a short circuit that let nothing through, when something was set up before", async () => {
    const stopped = defineDag({ id: "stopped" }, () => {
      const cluster = setup({});
      const gate = shortCircuit("gate", false, { after: [cluster] });
      const result = work({ cluster, how: "works" }, { after: [gate] });
      deleteCluster({ cluster, fail: false }, { after: [cluster, result], teardown: true });
      return result;
    });
    const { state, tasks } = await runInProcess(stopped);
    expect(state).toBe("success");
    expect(tasks).toMatchObject({
      work: { state: "skipped", reason: 'short circuit "gate" let nothing through' },
      delete_cluster: { state: "success", output: "cluster-1 is gone" },
    });
  });

  it.each([
    ["works", "success", "success"],
    ["fails", "failed", "failed"],
    ["skips", "skipped", "success"],
  ] as const)("runs when the work %s", async (how, workState, runState) => {
    const view = await runInProcess(tidy, { params: { how } });
    expect(view.state).toBe(runState);
    expect(view.tasks.work?.state).toBe(workState);
    expect(view.tasks.delete_cluster).toMatchObject({ state: "success", output: "cluster-1 is gone" });
  });

  it("runs where a failure has kept all that it hangs on from running, and not where that was only skipped", async () => {
    const far = defineDag({ id: "far", params: How }, ({ params }) => {
      const cluster = setup({});
      const checked = work({ cluster, how: params.how }, { id: "checked" });
      const result = work({ cluster, how: "works" }, { after: [checked] });
      deleteCluster({ cluster: "cluster-1", fail: false }, { after: [result], teardown: true });
    });
    const states = async (how: "fails" | "skips") => {
      const { work: result, delete_cluster: cleaned } = (await runInProcess(far, { params: { how } })).tasks;
      return [result?.state, cleaned?.state];
    };
    expect(await states("fails")).toEqual(["upstream_failed", "success"]);
    expect(await states("skips")).toEqual(["skipped", "skipped"]);
  });

  it("is given what the items that succeeded made, of a mapped task that failed or was cancelled", async () => {
    const open = task("open", {
      input: z.object({ name: z.string() }),
      output: z.string(),
      run: async ({ name }, { signal }) => {
        if (name === "bad") throw new Error("no luck");
        if (name === "slow") await pause(60_000, undefined, { signal });
        return name;
      },
    });
    const close = task("close", {
      input: z.object({ names: z.array(z.string()) }),
      output: z.array(z.string()),
      run: ({ names }) => names,
    });
    const Names = z.object({ names: z.array(z.string()) });
    const many = defineDag({ id: "many", params: Names }, ({ params }) => {
      close({ names: open.map(params.names, (name) => ({ name })) }, { teardown: true });
    });
    const failed = await runInProcess(many, { params: { names: ["a", "bad", "b"] } });
    expect(failed).toMatchObject({ state: "failed", tasks: { close: { state: "success", output: ["a", "b"] } } });
    const controller = new AbortController();
    const cancelled = await runInProcess(many, {
      params: { names: ["a", "slow"] },
      signal: controller.signal,
      onChange: ({ tasks }) => {
        if (tasks["open"]?.mapped?.[0]?.state === "success") controller.abort();
      },
    });
    expect(cancelled).toMatchObject({ state: "cancelled", tasks: { close: { state: "success", output: ["a"] } } });
  });

  it("runs after a cancel, and the run is cancelled when it has ended", async () => {
    const controller = new AbortController();
    const states: string[] = [];
    const view = await runInProcess(tidy, {
      params: { how: "hangs" },
      signal: controller.signal,
      onChange: ({ tasks, state }) => {
        states.push(`${state}: ${tasks.delete_cluster?.state}`);
        if (tasks.work?.state === "running") controller.abort("wrong cluster");
      },
    });
    expect(view).toMatchObject({
      state: "cancelled",
      error: { code: "CANCELLED", message: expect.stringContaining("wrong cluster") },
      tasks: { work: { state: "failed" }, delete_cluster: { state: "success" } },
    });
    expect(states).toContain("running: running");
  });

  it("that fails does not fail the run", async () => {
    const view = await runInProcess(tidy, { params: { fail: true } });
    expect(view).toMatchObject({ state: "success", output: "done", tasks: { delete_cluster: { state: "failed" } } });
  });

  it("is skipped when nothing before it has run", async () => {
    const { tasks } = await runInProcess(tidy, { params: { go: false } });
    expect(tasks.delete_cluster).toMatchObject({ state: "skipped" });
  });

  it("of nothing, or with a rule of its own, is a mistake", () => {
    const bad = () =>
      defineDag({ id: "bad" }, () => {
        setup({}, { id: "alone", teardown: true });
        setup({}, { id: "ruled", after: [setup({})], teardown: true, triggerRule: "all_success" });
      });
    expect(bad).toThrow(/"alone": it is a teardown of nothing/);
    expect(bad).toThrow(/"ruled": a teardown runs when all before it have ended/);
  });
});
