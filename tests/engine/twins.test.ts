/** The two shells give the same for the same: each case runs on a real Temporal server and in this process. */
import { setTimeout as pause } from "node:timers/promises";
import type { Dag, RunView } from "@dagwright/engine";
import { NoWorkerError } from "@dagwright/engine/client";
import { clearedRun } from "@dagwright/engine/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Embedded, startEmbedded } from "./embedded.ts";
import { type Case, type Outcome, TwinRunner } from "./twins.ts";
import {
  afterFailure,
  asked,
  cached,
  called,
  chain,
  keysOf,
  missed,
  napping,
  parent,
  policies,
  series,
  skips,
  steered,
  triggers,
  twinDags,
} from "./twins-dags.ts";

let embedded: Embedded;
let twins: TwinRunner;
beforeAll(async () => {
  embedded = await startEmbedded("twins");
  await embedded.worker(twinDags as unknown as Dag[]);
  twins = await TwinRunner.over(embedded, "twins");
});
afterAll(async () => {
  await twins.close();
  await embedded.close();
});

/** Runs a case in both shells, and gives what they agree on. */
async function agreed(dag: unknown, one: Case = {}, runId?: string): Promise<Outcome & { readonly view: RunView }> {
  const { temporal, inProcess, view } = await twins.run(dag as Dag, one, runId);
  expect(inProcess).toEqual(temporal);
  return { ...temporal, view };
}

const items = (hows: readonly string[]) => hows.map((how, value) => ({ how, value }));
const states = ({ tasks }: Outcome) => Object.fromEntries(Object.entries(tasks).map(([id, { state }]) => [id, state]));

describe("both shells", () => {
  it("policies: retries, jitter, errors that are final by code or class, a time for all attempts", async () => {
    const { tasks } = await agreed(policies);
    const told = Object.fromEntries(
      Object.entries(tasks).map(([id, { attempts, error }]) => [id, [attempts, error?.code]]),
    );
    expect(told).toEqual({
      flaky: [3, undefined],
      final: [1, "FINAL"],
      by_code: [1, "KNOWN"],
      by_class: [1, "TASK_FAILED"],
      by_other: [2, "TASK_FAILED"],
      total: [1, "TASK_TOTAL_TIMEOUT"],
      aborted: [1, "TASK_TOTAL_TIMEOUT"],
      items: [1, "BROKEN"],
    });
  });

  it("skips in every place, no items, and outputs that are empty", async () => {
    const outcome = await agreed(skips);
    expect(outcome).toMatchObject({ state: "success", output: { nothing: null, none: [], text: "", list: [] } });
    expect(states(outcome)).toMatchObject({
      ...{ first: "skipped", after: "skipped", goes_on: "success", all_items: "skipped" },
      ...{ no_items: "success", over_none: "success", clean_up: "skipped" },
    });
  });

  it("what a mapped task gave is read although items failed, and teardowns run however far the failure is", async () => {
    const outcome = await agreed(afterFailure, { params: { items: items(["ok", "fail", "skip", "ok"]) } });
    expect(states(outcome)).toEqual({
      ...{ all: "failed", each: "success", whole: "success", never: "upstream_failed" },
      ...{ far: "success", near: "success" },
    });
    for (const reader of ["each", "whole", "near"]) expect(outcome.tasks[reader]?.output).toEqual([0, 3]);
    const skipped = await agreed(afterFailure, { params: { items: items(["skip"]) } });
    expect(states(skipped)).toMatchObject({ all: "skipped", each: "success", never: "skipped", far: "skipped" });
    expect(skipped.tasks["whole"]?.output).toEqual([]);
  });

  it("sub-DAGs: success, failure and its retry, a mapped failure, and triggers", async () => {
    const good = await agreed(parent, { params: { how: "ok", items: items(["ok", "skip", "ok"]) } });
    expect(good).toMatchObject({ state: "success", output: { one: 3, after: [0, 2] } });
    const bad = await agreed(parent, { params: { how: "fail" } });
    expect(bad.tasks["child"]).toMatchObject({ state: "failed", attempts: 2, error: { code: "SUBDAG_FAILED" } });
    expect(bad.keys).toEqual(["one", "one"]);
    const mapped = await agreed(parent, { params: { how: "ok", items: items(["ok", "final"]) } });
    expect(mapped.tasks["child"]?.error?.message).toMatch(/FINAL: Task "all": item 1: final at attempt 1/);
    const cancelled = await agreed(parent, {
      params: { how: "hang" },
      steer: async (run) => {
        await run.until(({ tasks }) => tasks["child"]?.state === "running");
        await run.cancelChild("child");
      },
    });
    expect(cancelled.tasks["child"]).toMatchObject({ attempts: 1, error: { code: "SUBDAG_CANCELLED" } });
    // What it starts has keys of its own, on Temporal only.
    const { temporal, inProcess, view } = await twins.run(triggers as unknown as Dag);
    const { output } = temporal;
    expect({ ...inProcess, keys: [] }).toEqual({ ...temporal, keys: [] });
    expect(output).toBe(`child/${view.runId}/start_child`);
    const started = await embedded.engine.waitForRun(String(output));
    expect(started).toMatchObject({ state: "success", trigger: "manual", conf: { from: "triggers" } });
  });

  it("callbacks that fail and are tried again, a deadline with its callback", async () => {
    const won = await agreed(called, { params: { how: "ok" } });
    expect(won).toMatchObject({ state: "success", callbacks: { onSuccess: { state: "success" } } });
    const lost = await agreed(called, { params: { how: "final" } });
    expect(lost).toMatchObject({ callbacks: { onFailure: { state: "failed", error: { code: "OUT_OF_ORDER" } } } });
    const late = await agreed(missed);
    expect(late).toMatchObject({ state: "success", missed: true, callbacks: { onDeadline: { state: "failed" } } });
  });

  it("the cache: nothing at first, then taken; not after its ttl, with noCache, or of another version", async () => {
    const first = await agreed(cached, { params: { value: 1 } }, "cached/first");
    expect(first.keys).toEqual(["kept", "other", "short"]);
    const second = await agreed(cached, { params: { value: 1 } });
    expect(second.keys).toEqual(["short"]);
    expect(second.tasks["kept"]?.cachedFrom).toBe("cached/first");
    expect((await agreed(cached, { params: { value: 2 } })).keys).toHaveLength(3);
    expect((await agreed(cached, { params: { value: 1 }, noCache: true })).keys).toHaveLength(3);
  });
});

describe("both shells, light tasks in series", () => {
  const all = ["fifth", "first", "one", "third", "tidy", "two"];

  it("success, a failure that is mended, one that is not, a skip, a timeout", async () => {
    const good = await agreed(series);
    expect(good).toMatchObject({ state: "success", keys: all });
    const value = { list: [1, 2], name: "a" };
    expect(good.output).toEqual([value, "ok", { before: value }]);
    const flaky = await agreed(series, { params: { how: "flaky" } });
    expect(flaky).toMatchObject({ state: "success", tasks: { third: { attempts: 3 }, first: { attempts: 1 } } });
    expect(flaky.keys).toEqual([...all, "third", "third"].sort());
    const final = await agreed(series, { params: { how: "final" } });
    expect(states(final)).toMatchObject({ third: "failed", rested: "upstream_failed", one: "upstream_failed" });
    expect(final.tasks["third"]).toMatchObject({ attempts: 1, error: { code: "FINAL" } });
    const skipped = await agreed(series, { params: { how: "skip" } });
    expect(states(skipped)).toMatchObject({ second: "success", third: "skipped", fifth: "skipped", two: "skipped" });
    const late = await agreed(series, { params: { how: "hang" } });
    expect(late.tasks["third"]).toMatchObject({ attempts: 3, error: { code: "TASK_TIMEOUT" } });
  });

  it("one local activity for all that follow one another", async () => {
    const { view } = await agreed(series);
    // The plan, the series, the record of the end; a teardown may start beside it, and the last two are apart.
    expect(await twins.localActivitiesOf(view.runId)).toBeLessThanOrEqual(7);
    const attempts = await embedded.store.listAttempts(view.runId);
    expect(attempts.map(({ taskId, state }) => [taskId, state]).sort()).toEqual(all.map((id) => [id, "success"]));
  });

  it("cleared in the middle: it runs again, whatever the series has made of it", async () => {
    const { engine } = embedded;
    const runId = "napping/cleared";
    await engine.startRun({ dagId: "napping", runId });
    await pause(1_000);
    // Temporal hands it over with the heartbeat of the step that the series is in: the client may have given up by then.
    await engine.clearRun(runId, { tasks: ["second"] }).catch((error) => expect(error).toBeInstanceOf(NoWorkerError));
    expect(await engine.waitForRun(runId)).toMatchObject({ state: "success", output: 1 });
    expect(keysOf.get(runId)?.filter((key) => key.startsWith("second"))).toHaveLength(2);
  }, 60_000);

  it("go on in the next execution of their run", async () => {
    const own = await startEmbedded("continued");
    await own.worker([napping as unknown as Dag], { continueAfterEvents: 6 });
    await own.engine.startRun({ dagId: "napping", runId: "napping/continued" });
    expect(await own.engine.waitForRun("napping/continued")).toMatchObject({ state: "success", output: 1 });
    await own.close();
  }, 30_000);

  it("cancelled in the middle", async () => {
    const cancelled = await twins.run(series as unknown as Dag, {
      params: { how: "hang" },
      steer: async (run) => {
        await run.until(({ tasks }) => (tasks["third"]?.attempts ?? 0) > 0);
        await run.ask("cancel");
      },
    });
    expect([cancelled.temporal.state, cancelled.inProcess.state]).toEqual(["cancelled", "cancelled"]);
  });
});

describe("both shells, steered while the run goes on", () => {
  const hanging = ({ tasks }: RunView) => tasks["hangs"]?.state === "running" && tasks["beside"]?.state === "success";

  it("clear", async () => {
    const outcome = await agreed(steered, {
      steer: async (run) => {
        await run.until(hanging);
        await run.ask("clear", { tasks: ["hangs", "before"] });
      },
    });
    expect(outcome).toMatchObject({ state: "success", output: 5 });
    expect(outcome.keys).toEqual(["after", "before", "before~1", "beside", "beside~1", "hangs", "hangs~1"]);
  });

  it("mark as successful, as failed; pause and resume; cancel", async () => {
    const marked = await agreed(steered, {
      steer: async (run) => {
        await run.until(hanging);
        await run.ask("pause");
        await run.ask("markSuccess", { task: "hangs", output: 7, by: "ada", reason: "known" });
        await run.until(({ tasks }) => tasks["after"]?.state === "scheduled");
        await run.ask("resume");
      },
    });
    expect(marked).toMatchObject({ state: "success", output: 7, tasks: { hangs: { attempts: 1 } } });
    const failed = await agreed(steered, {
      steer: async (run) => {
        await run.until(hanging);
        await run.ask("markFailed", { task: "hangs" });
      },
    });
    expect(failed).toMatchObject({ state: "failed", tasks: { after: { state: "upstream_failed" } } });
    const cancelled = await agreed(steered, {
      steer: async (run) => {
        await run.until(hanging);
        await run.ask("cancel", { by: "ada" });
      },
    });
    expect(cancelled).toMatchObject({ state: "cancelled", message: "The run was cancelled: by ada" });
  });

  it("a cancel reaches a task's signal within a second, and a sub-DAG's", async () => {
    let asked = 0;
    const steer: Case["steer"] = async (run) => {
      await run.until(({ tasks }) => tasks["child"]?.state === "running");
      asked = Date.now();
      await run.ask("cancel");
    };
    const { view } = await agreed(steered, {
      steer: async (run) => {
        await run.until(hanging);
        asked = Date.now();
        await run.ask("cancel");
      },
    });
    const [attempt] = (await embedded.store.listAttempts(view.runId)).filter(({ taskId }) => taskId === "hangs");
    expect(attempt).toMatchObject({ state: "failed", error: { code: "CANCELLED" } });
    expect(Date.parse(attempt?.endedAt ?? "") - asked).toBeLessThan(5_000);
    const whole = await twins.run(parent as unknown as Dag, { params: { how: "hang" }, steer });
    expect(whole.temporal).toMatchObject({ state: "cancelled", tasks: { child: { state: "failed" } } });
    expect(whole.inProcess).toMatchObject({ state: "cancelled", tasks: { child: { state: "failed" } } });
    expect((await embedded.engine.waitForRun(`child/${whole.view.runId}/child`)).state).toBe("cancelled");
  });

  it("answers", async () => {
    const outcome = await agreed(asked, {
      steer: async (run) => {
        await run.until(({ tasks }) => tasks["go"]?.asks !== undefined);
        await expect(run.ask("answer", { task: "went", approved: true, by: "ada" })).rejects.toThrow();
        await run.ask("answer", { task: "go", approved: false, by: "ada", comment: "no" });
      },
    });
    expect(outcome).toMatchObject({ state: "failed", message: 'Task "go": Rejected by ada: no' });
  });

  it("an item and its cone", async () => {
    const hung = await agreed(chain, {
      params: { items: items(["ok", "ok", "ok"]), last: "hang" },
      steer: async (run) => {
        await run.until(({ tasks }) => tasks["c"]?.mapped?.every(({ state }) => state === "running"));
        await run.ask("clear", { tasks: ["a[1]"] });
        await run.until(({ tasks }) => tasks["c"]?.mapped?.[1]?.state === "success");
        await run.ask("markSuccess", { task: "c[0]", output: "marked" });
        await run.ask("clear", { tasks: ["c[2]"] });
      },
    });
    expect(hung).toMatchObject({ state: "success", output: ["marked", 1, 2] });
    expect(hung.keys).toEqual(
      ["a[0]", "a[1]", "a[1]~1", "a[2]", "b[0]", "b[1]", "b[1]~1", "b[2]"].concat(
        ["c[0]", "c[1]", "c[1]~1", "c[2]", "c[2]~1", "whole"], //
      ),
    );
  });
});

describe("both shells, an ended run that is cleared", () => {
  async function cleared(
    runId: string,
    first: Case,
    tasks: readonly string[] | undefined,
  ): Promise<Outcome & { readonly before: RunView }> {
    const { view } = await agreed(chain, first, runId);
    const { seed } = clearedRun(chain.graph, view, { tasks });
    const again = await agreed(chain, { ...first, seed }, runId);
    return { ...again, before: view };
  }

  it("an item: its cone only, in its place, also when it had skipped itself before", async () => {
    const some = items(["ok", "skip_once", "ok", "ok"]);
    const one = await cleared("chain/one", { params: { items: some } }, ["a[3]"]);
    expect(one.keys).toEqual(["a[3]~1", "b[2]~1", "c[2]~1", "whole~1"]);
    expect(one.output).toEqual([0, 2, 3]);
    const more = await cleared("chain/more", { params: { items: some } }, ["a[1]"]);
    expect(more.keys).toEqual(["a[1]~1", "b[1]~1", "c[1]~1", "whole~1"]);
    expect(more.output).toEqual([0, 1, 2, 3]);
  });

  it("what failed, and its cone", async () => {
    const failed = await cleared("chain/failed", { params: { items: items(["ok", "mend", "ok"]) } }, undefined);
    expect(failed.before.state).toBe("failed");
    expect(failed.keys.filter((key) => key.startsWith("a"))).toEqual(["a[1]~1"]);
    expect(failed).toMatchObject({ state: "success", output: [0, 1, 2] });
  });
});
