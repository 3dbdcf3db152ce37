/** Pools, priorities and limits on a real Temporal server: over runs, and over the death of what holds slots. */
import { Client, Connection } from "@temporalio/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Embedded, startEmbedded } from "./embedded.ts";
import { keeper, poolDags } from "./pool-dags.ts";

const TASK_QUEUE = "pool-tests";

let embedded: Embedded;
let worker: { stop(): Promise<void> };
let temporal: Client;
beforeAll(async () => {
  embedded = await startEmbedded(TASK_QUEUE);
  worker = await embedded.worker(poolDags);
  temporal = new Client({ connection: await Connection.connect({ address: embedded.address }) });
}, 60_000);
afterAll(async () => {
  await temporal.connection.close();
  await embedded.close();
});

const soon = { timeout: 20_000, interval: 50 };

/** Starts a run and gives its id. */
async function start(dagId: string, name: string, params: Record<string, string | number | boolean> = { name }) {
  const { runId } = await embedded.engine.startRun({ dagId, runId: `${dagId}/${name}`, params });
  return runId;
}

/** Waits until so many wait at a pool. */
async function untilWaiting(pool: string, count: number) {
  await expect.poll(async () => (await embedded.engine.getPool(pool).catch(() => null))?.waiters, soon).toBe(count);
}

async function untilBegan(name: string) {
  await expect.poll(() => keeper.began.includes(name), soon).toBe(true);
}

async function ended(runId: string) {
  return await embedded.engine.waitForRun(runId, { pollMs: 100 });
}

describe("a pool", () => {
  it("is shared by DAGs: no more run at once than it has slots, and it is empty in the end", async () => {
    const { engine } = embedded;
    await engine.setPool("cards", { slots: 2, description: "two cards" });
    const runs = [await start("cards_by_item", "a", { count: 4 }), await start("cards_by_task", "b", {})];
    for (const runId of runs) expect((await ended(runId)).state).toBe("success");
    expect(keeper.most.cards).toBe(2);
    expect(await engine.getPool("cards")).toMatchObject({
      ...{ kind: "pool", slots: 2, isSet: true, description: "two cards", free: 2, holders: [], waiters: 0 },
    });
    await expect.poll(async () => (await engine.listPools()).map(({ name }) => name), soon).toContain("cards");
    await expect(engine.getPool("nowhere")).rejects.toMatchObject({ code: "POOL_NOT_FOUND" });
    await expect(engine.setPool("no/name", { slots: 1 })).rejects.toMatchObject({
      code: "INVALID_POOL",
      field: "name",
    });
    await expect(engine.setPool("cards", { slots: 0 })).rejects.toMatchObject({ code: "INVALID_POOL", field: "slots" });
  }, 40_000);

  it("that nobody has set has one slot; the highest priority goes first, and who waits is told why", async () => {
    const { engine } = embedded;
    const first = await start("holder", "first");
    await untilBegan("first");
    const runId = await start("ranked", "run", {});
    await untilWaiting("door", 3);
    const { tasks, why } = await engine.explainRun(runId);
    expect(why).toContain("low (queued)");
    expect(tasks.find(({ task }) => task === "low")).toMatchObject({
      state: "queued",
      why: expect.stringMatching(
        /^It waits for a slot of pool "door" since .*: 0 of 1 free, held by holder\/first hold since .*; 2 wait before it$/,
      ),
      next: "Wait, or give it more slots: dagwright pools set door 2",
    });
    expect((await engine.getRun(runId)).tasks.high).toMatchObject({ state: "queued", attempts: 0, startedAt: null });
    const door = await engine.getPool("door");
    expect(door.isSet).toBe(false);
    expect(door.waiting.map(({ task }) => task)).toEqual(["high", "middle", "low"]);
    keeper.open("first");
    for (const one of [first, runId]) expect((await ended(one)).state).toBe("success");
    expect(keeper.began.filter((name) => ["high", "middle", "low"].includes(name))).toEqual(["high", "middle", "low"]);
    expect(keeper.most.door).toBe(1);
  }, 40_000);

  it("takes slots back from a run that was killed, and outlasts a worker that stops", async () => {
    const { engine } = embedded;
    await temporal.workflow.start("dagwrightPool", {
      workflowId: "pool/fragile",
      taskQueue: TASK_QUEUE,
      args: [{ name: "fragile", checkEveryMs: 300 }],
    });
    const killed = await start("fragile", "killed");
    await untilBegan("killed");
    const next = await start("fragile", "next");
    await untilWaiting("fragile", 1);
    await temporal.workflow.getHandle(killed).terminate("a test");
    await untilBegan("next");
    expect((await engine.getPool("fragile")).holders).toMatchObject([{ runId: next, task: "hold" }]);
    // Its worker stops: the attempt is lost, gives its slot back, and asks again.
    await worker.stop();
    worker = await embedded.worker(poolDags);
    await expect.poll(() => keeper.began.filter((name) => name === "next").length, soon).toBe(2);
    keeper.open("next");
    const view = await ended(next);
    expect(view).toMatchObject({ state: "success", tasks: { hold: { attempts: 1, lost: 1 } } });
    expect(await engine.getPool("fragile")).toMatchObject({ free: 1, waiters: 0 });
  }, 60_000);

  it("continues as new with all that it knows", async () => {
    const { engine } = embedded;
    const { firstExecutionRunId } = await temporal.workflow.start("dagwrightPool", {
      workflowId: "pool/short",
      taskQueue: TASK_QUEUE,
      args: [{ name: "short", continueAfter: 40 }],
    });
    await engine.setPool("short", { slots: 3 });
    const runs = [await start("many", "one", { count: 25 }), await start("many", "two", { count: 25 })];
    for (const runId of runs) expect((await ended(runId)).state).toBe("success");
    const { runId: latest } = await temporal.workflow.getHandle("pool/short").describe();
    expect(latest).not.toBe(firstExecutionRunId);
    expect(keeper.most.short).toBeLessThanOrEqual(3);
    expect(await engine.getPool("short")).toMatchObject({ slots: 3, isSet: true, free: 3, holders: [], waiters: 0 });
  }, 60_000);
});

describe("limits of a DAG", () => {
  it("maxConcurrent of a task holds over all runs, maxActiveTasks within one", async () => {
    const runs = [await start("narrow", "run", {})];
    for (const name of ["w", "x", "y", "z"]) runs.push(await start("twice", name));
    for (const runId of runs) expect((await ended(runId)).state).toBe("success");
    expect(keeper.most).toMatchObject({ twice: 2, narrow: 1 });
    expect(keeper.began.filter((name) => ["a", "b", "c"].includes(name))).toEqual(["c", "a", "b"]);
    expect(await embedded.engine.getPool("task/twice/work")).toMatchObject({ kind: "task", slots: 2, isSet: true });
  }, 40_000);

  it("maxActiveRuns lets runs in one after the other, in the order of their starts", async () => {
    const { engine } = embedded;
    const first = await start("one_by_one", "run 1", { name: "run 1", hold: true });
    await untilBegan("run 1");
    const later: string[] = [];
    for (const name of ["run 2", "run 3", "run 4"]) later.push(await start("one_by_one", name));
    await untilWaiting("runs/one_by_one", 3);
    const [second = "", third = "", fourth = ""] = later;
    expect(await engine.getRun(third)).toMatchObject({ state: "queued", tasks: { work: { state: "none" } } });
    await expect
      .poll(async () => (await engine.listRuns({ dagId: "one_by_one", state: "queued" })).length, soon)
      .toBe(3);
    const told = await engine.explainRun(third);
    expect(told.why).toMatch(
      /^It waits in line: at most one run of one_by_one may be active \(maxActiveRuns\), now one_by_one\/run 1 since .*; 1 waits before it$/,
    );
    expect(told.next).toContain("dagwright runs cancel one_by_one/run 1");
    // One of them is cancelled in line, another one is paused there and goes on later.
    await engine.cancelRun(third, { by: "ada" });
    expect(await ended(third)).toMatchObject({
      state: "cancelled",
      tasks: { work: { state: "skipped", attempts: 0 } },
    });
    await engine.pauseRun(second);
    expect((await engine.getRun(second)).state).toBe("paused");
    keeper.open("run 1");
    expect((await ended(first)).state).toBe("success");
    await expect.poll(async () => (await engine.getPool("runs/one_by_one")).holders[0]?.runId, soon).toBe(second);
    expect((await engine.getRun(second)).state).toBe("paused");
    expect((await engine.listRuns({ dagId: "one_by_one", state: "paused" })).map(({ runId }) => runId)).toEqual([
      second,
    ]);
    await engine.resumeRun(second);
    for (const runId of [second, fourth]) expect((await ended(runId)).state).toBe("success");
    expect(keeper.began.filter((name) => name.startsWith("run "))).toEqual(["run 1", "run 1", "run 2", "run 4"]);
    expect(keeper.most.line).toBe(1);
    expect(await engine.getPool("runs/one_by_one")).toMatchObject({ kind: "runs", free: 1, holders: [], waiters: 0 });
  }, 60_000);
});
