/** Runs on a real Temporal server: what is started, how it ends, how it is steered, and what is kept of it. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunView } from "@dagwright/engine";
import { runInProcess } from "@dagwright/engine/testing";
import { Client, Connection } from "@temporalio/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dags, flaky, mapped, shapes, slow } from "./dags.ts";
import { type Embedded, startEmbedded } from "./embedded.ts";

let embedded: Embedded;
beforeAll(async () => {
  embedded = await startEmbedded();
  await embedded.worker(dags);
});
afterAll(() => embedded.close());

/** What is the same in both shells: all but moments and ids. */
function outcomeOf({ state, output, error, tasks }: RunView) {
  const ends = Object.entries(tasks).map(([id, { state, attempts, output, error, reason }]) => {
    const { code, message } = error ?? {};
    return [id, { state, attempts, output, code, message, reason }];
  });
  return { state, output, code: error?.code, message: error?.message, tasks: Object.fromEntries(ends) };
}

describe("a run", () => {
  it("ends on Temporal as it does in this process", async () => {
    const { engine } = embedded;
    for (const big of [false, true]) {
      const { runId } = await engine.startRun({
        dagId: "shapes",
        params: { value: 3, big },
        runId: `shapes/twin-${big}`,
      });
      const view = await engine.waitForRun(runId);
      expect(outcomeOf(view)).toEqual(outcomeOf(await runInProcess(shapes, { params: { value: 3, big } })));
      expect(view).toMatchObject({ state: "success", output: { sum: 13 }, dagVersion: shapes.graph.version });
    }
    for (const count of [0, 7, 300]) {
      const { runId } = await engine.startRun({ dagId: "mapped", params: { count }, runId: `mapped/twin-${count}` });
      const view = await engine.waitForRun(runId);
      const twin = await runInProcess(mapped, { params: { count } });
      expect(outcomeOf(view)).toEqual(outcomeOf(twin));
      const ends = ({ tasks }: RunView) =>
        tasks.third?.mapped?.map(({ state, attempts, reason }) => [state, attempts, reason]);
      expect(ends(view)).toEqual(ends(twin));
    }
    for (const failures of [1, 3]) {
      const { runId } = await engine.startRun({
        dagId: "flaky",
        params: { failures },
        runId: `flaky/twin-${failures}`,
      });
      const view = await engine.waitForRun(runId);
      expect(outcomeOf(view)).toEqual(outcomeOf(await runInProcess(flaky, { params: { failures } })));
      expect(view.state).toBe(failures === 1 ? "success" : "failed");
    }
  }, 60_000);

  it("is one per logical date: running and done ones are found, failed ones start again", async () => {
    const { engine } = embedded;
    const start = { dagId: "shapes", logicalDate: "2026-01-02" };
    const first = await engine.startRun(start);
    expect(first).toMatchObject({ runId: "shapes/2026-01-02T00:00:00Z", outcome: "started" });
    expect((await engine.startRun(start)).outcome).toMatch(/^already_(running|done)$/);
    await engine.waitForRun(first.runId);
    expect(await engine.startRun({ ...start, logicalDate: "2026-01-02T00:00:00Z" })).toEqual({
      ...first,
      outcome: "already_done",
    });
    const failing = { dagId: "flaky", params: { failures: 9 }, runId: "flaky/again" };
    await engine.startRun(failing);
    expect((await engine.waitForRun("flaky/again")).state).toBe("failed");
    expect((await engine.startRun({ ...failing, params: { failures: 0 } })).outcome).toBe("started");
    expect((await engine.waitForRun("flaky/again")).state).toBe("success");
  }, 30_000);

  it("has an id that is its own DAG's and date's", async () => {
    const { engine } = embedded;
    const date = "2026-01-04T00:00:00Z";
    for (const [runId, logicalDate] of [
      [`flaky/${date}`, date],
      [`shapes/${date}`, undefined],
      [`shapes/${date}`, "2026-01-05"],
      ["shapes/ a", undefined],
      ["shapes/a ", undefined],
      ["shapes/\n", undefined],
      ["shapes/", undefined],
      [" ", undefined],
      [`shapes/${"x".repeat(201)}`, undefined],
    ] as const)
      await expect(
        engine.startRun({ dagId: "shapes", runId, ...(logicalDate === undefined ? {} : { logicalDate }) }),
      ).rejects.toMatchObject({ code: "INVALID_RUN_ID", field: "runId", retryable: false });
    const named = { runId: `shapes/${date}`, logicalDate: "2026-01-04" };
    expect(await engine.startRun({ dagId: "shapes", ...named })).toMatchObject({ outcome: "started" });
    await engine.startRun({ dagId: "shapes", runId: "bare" });
    const taken = { code: "INVALID_RUN_ID", message: expect.stringContaining('"shapes" has a run of that name') };
    await expect(engine.startRun({ dagId: "flaky", runId: "bare" })).rejects.toMatchObject(taken);
    await engine.waitForRun("bare");
    await expect(engine.startRun({ dagId: "flaky", runId: "bare" })).rejects.toMatchObject(taken);
    await expect(engine.getRun("shapes/2026-01-09")).rejects.toMatchObject({
      ...{ code: "RUN_NOT_FOUND", hint: expect.stringContaining('"shapes/2026-01-09T00:00:00Z"') },
    });
  });

  it("that cannot be planned fails at once and says why", async () => {
    const { engine } = embedded;
    const bad = [
      [{ dagId: "shapes", params: { value: "much" } }, "INVALID_PARAMS", /value.*"much".*number/],
      [{ dagId: "shapes", params: { valeu: 1 } }, "INVALID_PARAMS", /valeu.*did you mean "value"/],
      [{ dagId: "shape" }, "DAG_NOT_FOUND", /did you mean "shapes"/],
    ] as const;
    for (const [start, code, message] of bad) {
      const { runId } = await engine.startRun(start);
      const view = await engine.waitForRun(runId);
      expect(view).toMatchObject({ runId, state: "failed", tasks: {}, error: { code, retryable: false } });
      expect(view.error?.message).toMatch(message);
    }
  });

  it("keeps its attempts, its logs and its graph", async () => {
    const { engine, store, home } = embedded;
    const { runId, temporalRunId } = await engine.startRun({ dagId: "flaky", params: { failures: 1 } });
    await engine.waitForRun(runId);
    const tried = await store.listAttempts(runId);
    expect(tried.map(({ taskId, attempt, state }) => [taskId, attempt, state])).toEqual([
      ["flaky", 1, "failed"],
      ["flaky", 2, "success"],
      ["double", 1, "success"],
    ]);
    expect(tried.every((one) => one.temporalRunId === temporalRunId && one.endedAt !== undefined)).toBe(true);
    const log = tried.at(-1)?.logFile ?? "";
    expect(log.startsWith(join(home, "logs"))).toBe(true);
    expect(JSON.parse(await readFile(log, "utf8"))).toMatchObject({
      level: "info",
      message: "Doubling",
      fields: { value: 2 },
    });
    expect(await store.getDag("flaky", flaky.graph.version)).toEqual(flaky.graph);
    expect((await store.getRun(runId))?.view.state).toBe("success");
  });

  it("that nobody started is not found", async () => {
    await expect(embedded.engine.getRun("shapes/never")).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
    await expect(embedded.engine.pauseRun("shapes/never")).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
    await expect(embedded.engine.cancelRun("shapes/never")).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
  });
});

describe("a running run", () => {
  it("shows progress, and a cancel reaches its task within a second", async () => {
    const { engine, store } = embedded;
    const { runId } = await engine.startRun({ dagId: "slow", runId: "slow/cancelled" });
    await expect
      .poll(async () => (await engine.getRun(runId)).tasks["waits"]?.progress, { timeout: 10_000, interval: 100 })
      .toEqual({ done: 1, total: 2, note: "half-way" });
    const asked = Date.now();
    await engine.cancelRun(runId, { by: "ada", reason: "wrong source" });
    const view = await engine.waitForRun(runId);
    expect(view.state).toBe("cancelled");
    expect(view.error?.message).toContain("wrong source by ada");
    expect(view.tasks["waits_again"]?.state).not.toBe("success");
    const [attempt] = await store.listAttempts(runId);
    expect(attempt).toMatchObject({ state: "failed", error: { code: "CANCELLED" } });
    const [told] = (await readFile(attempt?.logFile ?? "", "utf8")).trim().split("\n");
    expect(JSON.parse(told ?? "")).toMatchObject({ message: "Told to stop" });
    expect(Date.parse(attempt?.endedAt ?? "") - asked).toBeLessThan(3_000);
    await expect(engine.cancelRun(runId)).rejects.toMatchObject({ code: "RUN_OVER" });
  }, 30_000);

  it("waits, and cleans up after a cancel before it is cancelled", async () => {
    const { engine } = embedded;
    await engine.startRun({ dagId: "tidy", runId: "tidy/done" });
    const done = await engine.waitForRun("tidy/done");
    expect(done).toMatchObject({
      state: "success",
      tasks: { rest: { state: "success" }, clean_up: { state: "success" } },
    });
    const { startedAt, endedAt } = done.tasks["rest"] ?? {};
    expect(Date.parse(endedAt ?? "") - Date.parse(startedAt ?? "")).toBeGreaterThanOrEqual(300);
    await engine.startRun({ dagId: "tidy", runId: "tidy/cancelled", params: { milliseconds: 60_000 } });
    await expect
      .poll(async () => (await engine.getRun("tidy/cancelled")).tasks["work"]?.state, { timeout: 10_000 })
      .toBe("running");
    await engine.cancelRun("tidy/cancelled", { reason: "enough" });
    expect(await engine.waitForRun("tidy/cancelled")).toMatchObject({
      state: "cancelled",
      tasks: { work: { state: "failed" }, clean_up: { state: "success" } },
    });
  }, 30_000);

  it("looks for what is not there yet, and waits for a person's answer", async () => {
    const { engine } = embedded;
    await engine.startRun({ dagId: "asking", runId: "asking/approved" });
    await expect
      .poll(async () => (await engine.getRun("asking/approved")).tasks["go_on"]?.asks, { timeout: 10_000 })
      .toEqual({ there: 3 });
    await expect(
      engine.answerApproval("asking/approved", { task: "third_look", approved: true, by: "ada" }),
    ).rejects.toMatchObject({ code: "NOT_WAITING", message: expect.stringContaining("go_on") });
    await engine.answerApproval("asking/approved", { task: "go_on", approved: true, by: "ada", comment: "fine" });
    const view = await engine.waitForRun("asking/approved");
    expect(view).toMatchObject({
      state: "success",
      output: "ada",
      tasks: {
        third_look: { state: "success", attempts: 1, output: 3 },
        never: { state: "skipped" },
        go_on: { output: { approved: true, by: "ada", comment: "fine" } },
        nobody_answers: { state: "skipped" },
      },
    });
    await engine.startRun({ dagId: "asking", runId: "asking/rejected" });
    await expect
      .poll(async () => (await engine.getRun("asking/rejected")).tasks["go_on"]?.state, { timeout: 10_000 })
      .toBe("deferred");
    await engine.answerApproval("asking/rejected", { task: "go_on", approved: false, by: "alan" });
    expect((await engine.waitForRun("asking/rejected")).error?.message).toBe('Task "go_on": Rejected by alan');
  }, 40_000);

  it("is paused before its next task, and resumed", async () => {
    const { engine } = embedded;
    const { runId } = await engine.startRun({ dagId: "slow", params: { milliseconds: 700 }, runId: "slow/paused" });
    await engine.pauseRun(runId);
    await expect
      .poll(async () => (await engine.getRun(runId)).tasks["waits"]?.state, { timeout: 10_000 })
      .toBe("success");
    const paused = await engine.getRun(runId);
    expect(paused.state).toBe("paused");
    expect(paused.tasks["waits_again"]?.state).not.toBe("running");
    await engine.resumeRun(runId);
    expect((await engine.waitForRun(runId)).state).toBe("success");
  }, 30_000);

  it("is steered by signals as by updates; a signal that is refused changes nothing", async () => {
    const { engine, address } = embedded;
    const { runId } = await engine.startRun({
      dagId: "slow",
      params: { milliseconds: 20_000 },
      runId: "slow/signalled",
    });
    const connection = await Connection.connect({ address });
    const handle = new Client({ connection }).workflow.getHandle(runId);
    const state = async () => (await engine.getRun(runId)).state;
    await handle.signal("approve", { task: "waits", by: "ada" });
    await handle.signal("markSuccess", "nonsense");
    await handle.signal("pause", { by: "ada" });
    await expect.poll(state, { timeout: 10_000 }).toBe("paused");
    await handle.signal("resume");
    await expect.poll(state, { timeout: 10_000 }).toBe("running");
    await handle.signal("markSuccess", { task: "waits", by: "ada" });
    await expect
      .poll(async () => (await engine.getRun(runId)).tasks["waits"]?.reason, { timeout: 10_000 })
      .toContain("marked successful by ada");
    await handle.signal("cancel", { by: "ada", reason: "enough" });
    const view = await engine.waitForRun(runId);
    expect(view).toMatchObject({ state: "cancelled", error: { message: expect.stringContaining("enough by ada") } });
    await connection.close();
  }, 60_000);

  it("whose worker shuts down goes on with the next one, and counts no attempt", async () => {
    const own = await startEmbedded("restarted");
    const worker = await own.worker([slow]);
    await own.engine.startRun({ dagId: "slow", params: { milliseconds: 4_000 }, runId: "slow/moved" });
    await expect
      .poll(async () => (await own.engine.getRun("slow/moved")).tasks["waits"]?.state, { timeout: 10_000 })
      .toBe("running");
    await worker.stop();
    const notice = expect.stringContaining('No worker on task queue "restarted" answers');
    expect(await own.engine.getRun("slow/moved")).toMatchObject({ state: "running", notice });
    expect((await own.engine.explainRun("slow/moved")).why).toEqual(notice);
    await own.worker([slow]);
    const view = await own.engine.waitForRun("slow/moved");
    expect(view).not.toHaveProperty("notice");
    expect(view).toMatchObject({ state: "success", tasks: { waits: { attempts: 1, lost: 1 } } });
    await own.close();
  }, 60_000);

  it("waits for a worker, queued; terminated by hand it is failed, with the way on", async () => {
    const own = await startEmbedded("nobody");
    await own.engine.startRun({ dagId: "slow", runId: "slow/queued" });
    expect(await own.engine.getRun("slow/queued")).toMatchObject({ state: "queued", dagId: "slow" });
    expect(await own.engine.workersPolling()).toBe(0);
    await expect(own.engine.pauseRun("slow/queued")).rejects.toMatchObject({ code: "NO_WORKER" });
    const connection = await Connection.connect({ address: own.address });
    await new Client({ connection }).workflow.getHandle("slow/queued").terminate("by hand");
    expect(await own.engine.waitForRun("slow/queued")).toMatchObject({
      state: "failed",
      error: { code: "RUN_TERMINATED", retryable: true },
    });
    expect(await own.engine.listRuns()).toMatchObject([{ runId: "slow/queued", state: "failed" }]);
    await connection.close();
    await own.close();
  }, 60_000);
});

describe("an ended run", () => {
  it("runs again from what failed, and keeps what succeeded", async () => {
    const { engine, store } = embedded;
    const runId = "flaky/cleared";
    await engine.startRun({ dagId: "flaky", params: { failures: 3 }, runId });
    expect((await engine.waitForRun(runId)).state).toBe("failed");
    const again = await engine.clearRun(runId, { params: { failures: 0 } });
    expect(again.cleared).toEqual(["flaky", "double"]);
    const view = await engine.waitForRun(runId);
    expect(view).toMatchObject({
      state: "success",
      params: { failures: 0 },
      output: { value: 2 },
      tasks: { flaky: { attempts: 1, clears: 1 }, double: { clears: 1 } },
    });
    expect((await store.listAttempts(runId)).filter(({ taskId }) => taskId === "flaky")).toHaveLength(4);
    await expect(engine.clearRun(runId)).rejects.toMatchObject({ code: "NOTHING_TO_CLEAR" });
    expect((await engine.clearRun(runId, { tasks: ["double"] })).cleared).toEqual(["double"]);
    const third = await engine.waitForRun(runId);
    expect(third).toMatchObject({ state: "success", tasks: { flaky: { clears: 1 }, double: { clears: 2 } } });
    expect(third.tasks["flaky"]).toEqual(view.tasks["flaky"]);
    await expect(engine.clearRun(runId, { tasks: ["dubble"] })).rejects.toMatchObject({
      code: "NO_SUCH_TASK",
      message: expect.stringContaining('did you mean "double"'),
    });
  }, 30_000);

  it("keeps what it has made when it is to begin anew with params that do not fit, or cannot be planned", async () => {
    const { engine } = embedded;
    const runId = "flaky/kept";
    await engine.startRun({ dagId: "flaky", params: { failures: 0 }, runId });
    const { tasks, ...before } = await engine.waitForRun(runId);
    await expect(engine.clearRun(runId, { tasks: ["double"], params: { failures: "many" } })).rejects.toMatchObject({
      code: "INVALID_PARAMS",
      field: "failures",
      message: 'Params of flaky: "failures" is "many": expected number',
    });
    expect(await engine.getRun(runId)).toEqual({ ...before, tasks });
    // What only the worker can know: it refuses the run, which stays as it was but for what was to run again.
    await engine.clearRun(runId, { tasks: ["double"], params: { failurez: 1 } });
    expect(await engine.waitForRun(runId)).toMatchObject({
      state: "failed",
      dagVersion: before.dagVersion,
      params: before.params,
      dataInterval: before.dataInterval,
      error: { code: "INVALID_PARAMS" },
      tasks: { flaky: tasks["flaky"], double: { state: "none", clears: 1 } },
    });
    expect((await engine.clearRun(runId)).cleared).toEqual(["double"]);
    expect(await engine.waitForRun(runId)).toMatchObject({ state: "success", tasks: { flaky: tasks["flaky"] } });
  }, 30_000);

  it("that was cancelled goes on where it was", async () => {
    const { engine } = embedded;
    await engine.startRun({ dagId: "slow", runId: "slow/resumed", params: { milliseconds: 2_000 } });
    await expect
      .poll(async () => (await engine.getRun("slow/resumed")).tasks["waits_again"]?.state, { timeout: 10_000 })
      .toBe("running");
    await expect(engine.clearRun("slow/resumed")).rejects.toMatchObject({ code: "NOTHING_TO_CLEAR" });
    await expect(engine.clearRun("slow/resumed", { params: { milliseconds: 1 } })).rejects.toMatchObject({
      code: "PARAMS_FIXED",
    });
    await engine.cancelRun("slow/resumed");
    await engine.waitForRun("slow/resumed");
    expect((await engine.clearRun("slow/resumed", { params: { milliseconds: 1 } })).cleared).toEqual(["waits_again"]);
    expect(await engine.waitForRun("slow/resumed")).toMatchObject({
      state: "success",
      tasks: { waits: { output: { value: 2_000 } }, waits_again: { output: { value: 1 } } },
    });
  }, 30_000);
});

describe("explaining a run", () => {
  const whyOf = async (runId: string, task: string) => {
    const { tasks } = await embedded.engine.explainRun(runId);
    return tasks.find((one) => one.task === task);
  };

  it("says what each task waits for, and for whom", async () => {
    const { engine } = embedded;
    await engine.startRun({ dagId: "slow", params: { milliseconds: 3_000 }, runId: "slow/explained" });
    await expect
      .poll(async () => (await whyOf("slow/explained", "waits"))?.why, { timeout: 10_000 })
      .toMatch(/^Attempt 1 runs since .*, 1 of 2 half-way$/);
    expect((await whyOf("slow/explained", "waits_again"))?.why).toBe("It waits for waits (running)");
    await engine.pauseRun("slow/explained");
    await expect
      .poll(async () => await whyOf("slow/explained", "waits_again"), { timeout: 10_000 })
      .toMatchObject({ why: "It may start, but the run is paused", next: "dagwright runs resume slow/explained" });
    await engine.cancelRun("slow/explained");
    await engine.waitForRun("slow/explained");
    await engine.startRun({ dagId: "asking", runId: "asking/explained" });
    await expect
      .poll(async () => await whyOf("asking/explained", "go_on"), { timeout: 10_000 })
      .toMatchObject({ state: "deferred", next: "dagwright approvals approve asking/explained go_on" });
    await engine.cancelRun("asking/explained");
    await engine.waitForRun("asking/explained");
  }, 40_000);

  it("says why it failed, with the end of the log", async () => {
    const { engine } = embedded;
    await engine.startRun({ dagId: "flaky", params: { failures: 3 }, runId: "flaky/explained" });
    await engine.waitForRun("flaky/explained");
    const told = await engine.explainRun("flaky/explained");
    expect(told).toMatchObject({ state: "failed", why: 'FLAKY: Task "flaky": attempt 3 fails' });
    expect(told.tasks).toMatchObject([
      { task: "flaky", state: "failed", why: "FLAKY at attempt 3: attempt 3 fails", log: [] },
      { task: "double", state: "upstream_failed", why: "upstream failed: flaky" },
    ]);
    const logs = await engine.taskLogs("slow/cancelled", "waits");
    expect(logs).toMatchObject([{ taskId: "waits", attempt: 1, lines: [{ level: "warn", message: "Told to stop" }] }]);
    await expect(engine.taskLogs("slow/never")).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
    const unknown = { code: "NO_SUCH_TASK", field: "task", message: expect.stringContaining('did you mean "waits"') };
    await expect(engine.taskLogs("slow/cancelled", "wiats")).rejects.toMatchObject(unknown);
    await expect(engine.explainRun("slow/cancelled", ["wiats"])).rejects.toMatchObject(unknown);
    await expect(
      engine.followLogs("slow/cancelled", { task: "wiats" })[Symbol.asyncIterator]().next(),
    ).rejects.toMatchObject(unknown);
  }, 30_000);
});

it("runs are listed, the newest first", async () => {
  const { engine } = embedded;
  await engine.startRun({ dagId: "shapes", runId: "shapes/listed", logicalDate: "2026-03-04" });
  await engine.waitForRun("shapes/listed");
  const [newest] = await engine.listRuns({ dagId: "shapes", state: "success", limit: 1 });
  expect(newest).toMatchObject({
    runId: "shapes/listed",
    dagId: "shapes",
    logicalDate: "2026-03-04T00:00:00Z",
    state: "success",
    trigger: "manual",
  });
  const rows = await engine.listRuns();
  expect(new Set(rows.map(({ runId }) => runId)).size).toBe(rows.length);
  const starts = rows.map(({ startedAt }) => startedAt ?? "");
  expect(starts).toEqual([...starts].sort().reverse());
});

it("a listed run ended when its tasks did, however long its callback is tried", async () => {
  const { engine } = embedded;
  const { runId } = await engine.startRun({ dagId: "retold", runId: "retold/listed" });
  const view = await engine.waitForRun(runId);
  expect(view).toMatchObject({ state: "success", callbacks: { onSuccess: { state: "success" } } });
  expect(await engine.listRuns({ dagId: "retold" })).toMatchObject([{ runId, endedAt: view.endedAt }]);
});
