import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type CallbackFunction, defineDag, task, wait } from "../index.ts";
import { runInProcess } from "./index.ts";

const work = task("work", {
  input: z.object({ fail: z.boolean() }),
  output: z.string(),
  run: ({ fail }) => {
    if (fail) throw Object.assign(new Error("no"), { code: "NO" });
    return "done";
  },
});
/** A callback that keeps what it was told, and fails as often as it is asked to. */
function keeping(failures = 0) {
  const told: Parameters<CallbackFunction>[0][] = [];
  const keys: string[] = [];
  const run: CallbackFunction = (event, { attempt, idempotencyKey }) => {
    keys.push(idempotencyKey);
    if (attempt <= failures) throw new Error(`attempt ${attempt}`);
    told.push(event);
  };
  return { told, keys, run };
}

describe("callbacks of a DAG", () => {
  it("are told how the run has ended: one of them, with the tasks and without their outputs", async () => {
    const [good, bad] = [keeping(), keeping()];
    const dag = (fail: boolean) =>
      defineDag({ id: "told", onSuccess: good.run, onFailure: bad.run }, () => work({ fail }));
    const won = await runInProcess(dag(false), { runId: "told/1" });
    expect(won).toMatchObject({ state: "success", callbacks: { onSuccess: { state: "success" } } });
    expect(won.callbacks).not.toHaveProperty("onFailure");
    expect(good.told).toMatchObject([{ runId: "told/1", state: "success", output: "done" }]);
    expect(good.told[0]?.tasks.work).toEqual({ state: "success", attempts: 1 });
    expect(good.keys).toEqual(["told/1/@onSuccess"]);
    const lost = await runInProcess(dag(true));
    expect(lost.callbacks).toEqual({ onFailure: { state: "success" } });
    expect(bad.told).toMatchObject([{ state: "failed", error: { code: "NO" } }]);
  });

  it("are tried again by their own policy, and change nothing of the run", async () => {
    const dag = (retries: number, failures: number) =>
      defineDag({ id: "tried", onSuccess: { run: keeping(failures).run, retries, retryDelay: "1h" } }, () =>
        work({ fail: false }),
      );
    expect((await runInProcess(dag(2, 2))).callbacks).toEqual({ onSuccess: { state: "success" } });
    expect(await runInProcess(dag(1, 2))).toMatchObject({
      state: "success",
      callbacks: { onSuccess: { state: "failed", error: { code: "TASK_FAILED", message: "attempt 2" } } },
    });
  });

  it("are not called after a cancel, and can be mocked", async () => {
    const kept = keeping();
    const dag = defineDag({ id: "quiet", onSuccess: kept.run, onFailure: kept.run }, () => work({ fail: false }));
    const cancelled = await runInProcess(dag, { signal: AbortSignal.abort("no") });
    expect(cancelled).not.toHaveProperty("callbacks");
    const heard: unknown[] = [];
    await runInProcess(dag, { mocks: { "@onSuccess": (event: { state: string }) => heard.push(event.state) } });
    expect(heard).toEqual(["success"]);
    expect(kept.told).toEqual([]);
  });
});

describe("a deadline", () => {
  it("that passes is told once, with the run still going", async () => {
    const late = keeping();
    const dag = defineDag({ id: "late", deadline: { after: "1h", onMissed: late.run } }, () => wait("rest", "2h"));
    const view = await runInProcess(dag, { clock: () => Date.parse("2026-01-01") });
    expect(view).toMatchObject({
      state: "success",
      deadlineMissedAt: "2026-01-01T01:00:00.000Z",
      callbacks: { onDeadline: { state: "success" } },
    });
    expect(late.told).toMatchObject([{ state: "running", tasks: { rest: { state: "deferred" } } }]);
  });

  it("is counted by the clock, from the start or from the end of the interval", async () => {
    let now = Date.parse("2026-01-10");
    const slow = task("slow", {
      input: z.object({}),
      output: z.null(),
      run: () => {
        now += 3_600_000;
        return null;
      },
    });
    const dag = (deadline: Parameters<typeof defineDag>[0]["deadline"] & {}) =>
      defineDag({ id: "counted", deadline }, () => slow({}, { id: "second", after: [slow({})] }));
    const run = async (deadline: Parameters<typeof dag>[0]) =>
      (await runInProcess(dag(deadline), { logicalDate: "2026-01-09", clock: () => now })).deadlineMissedAt;
    expect(await run("90m")).toBeUndefined();
    expect(await run("1h")).toBe("2026-01-10T03:00:00.000Z");
    expect(await run({ after: "3d", from: "interval_end" })).toBeUndefined();
    expect(await run({ after: "1h", from: "interval_end" })).toBeDefined();
  });
});
