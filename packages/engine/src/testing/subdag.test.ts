import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { approval, asset, defineDag, derive, onAssets, type RunInfo, subdag, task, trigger } from "../index.ts";
import { mock, type RunControl, runInProcess } from "./index.ts";

const seen: { run: RunInfo; key: string }[] = [];
const measure = task("measure", {
  input: z.object({ value: z.number(), failures: z.number() }),
  output: z.number(),
  run: ({ value, failures }, { run, idempotencyKey }) => {
    seen.push({ run, key: idempotencyKey });
    if (seen.length <= failures) throw Object.assign(new Error("not yet"), { code: "NOT_READY" });
    return value * 2;
  },
});
const report = defineDag(
  { id: "report", params: z.object({ value: z.number(), failures: z.number().default(0) }) },
  ({ params }) => ({ doubled: measure({ value: params.value, failures: params.failures }) }),
);
const parent = (retries = 0, failures = 0) =>
  defineDag({ id: "parent", params: z.object({ value: z.number().default(4) }) }, ({ params }) => {
    const { doubled } = subdag(report, { value: params.value, failures }, { retries });
    return measure({ value: doubled, failures: 0 }, { id: "after" });
  });

describe("a sub-DAG in this process", () => {
  it("is a run of its own, with the dates of its parent, whose output goes on", async () => {
    seen.length = 0;
    const view = await runInProcess(parent(), { runId: "parent/1", logicalDate: "2026-01-02" });
    expect(view).toMatchObject({ state: "success", output: 16 });
    expect(view.tasks.report).toMatchObject({ output: { doubled: 8 }, childRunId: "report/parent/1/report" });
    expect(seen[0]).toMatchObject({
      run: { id: "report/parent/1/report", logicalDate: "2026-01-02T00:00:00Z", trigger: "manual" },
      key: "report/parent/1/report/measure",
    });
  });

  it("reads the asset events of its parent's run", async () => {
    const orders = asset("lake://orders");
    const counts = defineDag({ id: "counts" }, ({ run }) => derive("count", [run.assetEvents], (all) => all.length));
    const waits = defineDag({ id: "waits", schedule: onAssets(orders) }, () => subdag(counts, {}));
    expect((await runInProcess(waits, { assetEvents: [{ uri: orders.uri }] })).output).toBe(1);
  });

  it("that fails, fails its node with the error of its own; retries run it again", async () => {
    seen.length = 0;
    const failed = await runInProcess(parent(0, 1), { runId: "parent/2" });
    expect(failed.tasks.report?.error).toEqual({
      code: "SUBDAG_FAILED",
      message: 'Run report/parent/2/report failed: NOT_READY: Task "measure": not yet',
      hint: "dagwright runs explain report/parent/2/report",
      retryable: true,
    });
    expect(failed.tasks.after?.state).toBe("upstream_failed");
    seen.length = 0;
    const mended = await runInProcess(parent(2, 2));
    expect(mended).toMatchObject({ state: "success", output: 16, tasks: { report: { attempts: 3 } } });
    expect(new Set(seen.slice(0, 3).map(({ key }) => key)).size).toBe(1);
  });

  it("whose params do not fit fails as it would on Temporal", async () => {
    const wrong = defineDag({ id: "wrong" }, () => {
      // @ts-expect-error a text where a number is wanted
      subdag(report, { value: "much" });
    });
    const { error } = (await runInProcess(wrong)).tasks.report ?? {};
    expect(error).toMatchObject({ code: "SUBDAG_FAILED", message: expect.stringMatching(/INVALID_PARAMS: .*"much"/) });
  });

  it("is reached by mocks, answers and control", async () => {
    const asking = defineDag({ id: "asking" }, () => approval("go").by);
    const outer = defineDag({ id: "outer" }, () => subdag(asking, {}));
    const answers = { go: { approved: true, by: "ada" } };
    expect((await runInProcess(outer, { answers })).output).toBe("ada");
    expect((await runInProcess(outer)).tasks.asking?.error?.message).toMatch(/Rejected by nobody/);
    expect((await runInProcess(parent(), { mocks: mock(measure, 1) })).output).toBe(1);
    expect((await runInProcess(parent(), { mocks: { report: { doubled: 3 } } })).output).toBe(6);
    await expect(runInProcess(parent(), { mocks: { mesure: 1 } })).rejects.toMatchObject({
      message: expect.stringContaining('did you mean "measure"?'),
    });
    let control: RunControl | undefined;
    const steered = runInProcess(outer, {
      control: (run) => {
        control = run;
      },
    });
    await expect.poll(() => control?.child("asking")?.view().tasks.go?.state).toBe("deferred");
    control?.child("asking")?.answer({ task: "go", approved: true, by: "alan" });
    expect((await steered).output).toBe("alan");
    expect(control?.child("asking")).toBeUndefined();
  });

  it("is cancelled with its parent, and cleans up first; cancelled by itself it fails its node for good", async () => {
    const done: string[] = [];
    const hang = task("hang", {
      input: z.object({}),
      output: z.null(),
      run: async (_input, { signal }) => {
        await pause(60_000, undefined, { signal });
        return null;
      },
    });
    const tidy = task("tidy", {
      input: z.object({}),
      output: z.null(),
      run: () => {
        done.push("tidied");
        return null;
      },
    });
    const child = defineDag({ id: "child" }, () => {
      tidy({}, { after: [hang({})], teardown: true });
    });
    const outer = defineDag({ id: "outer" }, () => {
      subdag(child, {}, { retries: 3 });
    });
    const steer = async (then: (control: RunControl) => void) => {
      let control: RunControl | undefined;
      const run = runInProcess(outer, {
        control: (one) => {
          control = one;
        },
      });
      await expect.poll(() => control?.child("child")?.view().tasks.hang?.state).toBe("running");
      if (control !== undefined) then(control);
      return await run;
    };
    const whole = await steer((control) => control.cancel({ by: "ada" }));
    expect(whole).toMatchObject({ state: "cancelled", tasks: { child: { state: "failed" } } });
    expect(done).toEqual(["tidied"]);
    const part = await steer((control) => control.child("child")?.cancel());
    expect(part.tasks.child).toMatchObject({ state: "failed", attempts: 1, error: { code: "SUBDAG_CANCELLED" } });
    expect(done).toHaveLength(2);
  });

  it("is given up when its totalTimeout is over: counted in what its waits would take", async () => {
    const { wait } = await import("../index.ts");
    const child = defineDag({ id: "child" }, () => wait("rest", "2h"));
    const outer = defineDag({ id: "outer" }, () => subdag(child, {}, { totalTimeout: "1h", retries: 5 }));
    expect((await runInProcess(outer)).tasks.child).toMatchObject({
      state: "failed",
      attempts: 1,
      error: { code: "TASK_TOTAL_TIMEOUT" },
    });
  });
});

describe("a trigger in this process", () => {
  it("starts nothing, and says which run it would have started", async () => {
    seen.length = 0;
    const outer = defineDag({ id: "outer" }, () => [trigger(report, { value: 1 }), trigger("elsewhere", {})]);
    const view = await runInProcess(outer, { runId: "outer/1" });
    expect(seen).toEqual([]);
    expect(view.output).toEqual([{ runId: "report/outer/1/report" }, { runId: "elsewhere/outer/1/elsewhere" }]);
    expect(view.tasks.report).toMatchObject({ state: "success", childRunId: "report/outer/1/report" });
  });
});
