/** Assets on a real Temporal server: who waits for what runs once for it, whatever happens in between. */
import { asset, defineDag, onAssets, type RunView } from "@dagwright/engine";
import { runInProcess } from "@dagwright/engine/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { assetDags, both, burst, clients, each, either, orders, parts, sells, serves } from "./assets-dags.ts";
import { type Embedded, startEmbedded } from "./embedded.ts";
import { startShortHistories } from "./short-histories.ts";

let embedded: Embedded;
let worker: Awaited<ReturnType<Embedded["worker"]>>;
beforeAll(async () => {
  embedded = await startEmbedded();
  worker = await embedded.worker(assetDags);
  expect((await embedded.engine.syncSchedules(assetDags)).created).toEqual(["either", "both", "each"]);
});
afterAll(() => embedded.close());

const PATIENCE = { timeout: 40_000, interval: 200 };

/** The runs that assets have started, the first one first, once there are so many and all have ended. */
async function runsOf(dagId: string, count: number, engine = embedded.engine): Promise<RunView[]> {
  await expect.poll(async () => (await engine.listRuns({ dagId, state: "success" })).length, PATIENCE).toBe(count);
  const rows = await engine.listRuns({ dagId });
  const views = await Promise.all(rows.map(({ runId }) => engine.getRun(runId)));
  // As texts a moment of a whole second would come after those within it.
  return views.sort((a, b) => Date.parse(a.logicalDate) - Date.parse(b.logicalDate));
}

/** The numbers that the events of a run bear. */
const numbersOf = ({ assetEvents = [] }: RunView) => assetEvents.map(({ extra }) => extra["number"]);
const upTo = (count: number) => Array.from({ length: count }, (_, number) => number);

describe("assets", () => {
  it("are told nothing by a run that was started so, also when it is cleared", async () => {
    const { engine } = embedded;
    const runId = "sells/quiet";
    await engine.startRun({ dagId: "sells", runId, emitAssets: false, noCache: true });
    const { dataInterval } = await engine.waitForRun(runId);
    await engine.clearRun(runId, { tasks: ["load"] });
    const again = await engine.waitForRun(runId);
    expect(again).toMatchObject({ state: "success", emitAssets: false, noCache: true, dataInterval });
    expect(again.tasks["load"]).toMatchObject({ state: "success", clears: 1 });
    expect(again.tasks["load"]?.assetEvents).toBeUndefined();
  }, 30_000);

  it("start one run for each event that makes the expression hold, and the run reads what was said", async () => {
    const { engine } = embedded;
    const first = await engine.startRun({ dagId: "sells", runId: "sells/1", params: { rows: 7, outcome: "once" } });
    const view = await engine.waitForRun(first.runId);
    expect(view.tasks["load"]?.assetEvents).toEqual([
      {
        id: "sells/1/load#lake://orders",
        uri: orders.uri,
        at: view.tasks["load"]?.endedAt,
        extra: { rows: 7, attempt: 2 },
        source: { dagId: "sells", runId: "sells/1", taskId: "load" },
      },
    ]);
    const [one] = await runsOf("either", 1);
    expect(one).toMatchObject({
      trigger: "asset",
      runId: `either/asset-${one?.logicalDate}`,
      dataInterval: { start: one?.logicalDate, end: one?.logicalDate },
      assetEvents: view.tasks["load"]?.assetEvents,
      output: ['lake://orders {"rows":7,"attempt":2} load'],
    });
    expect((await engine.explainAssets("both")).why).toContain("lake://orders: 1 event; lake://parts: none");
    for (const outcome of ["fails", "skips"])
      await engine.startRun({ dagId: "sells", runId: `sells/${outcome}`, params: { outcome } });
    for (const outcome of ["fails", "skips"]) await engine.waitForRun(`sells/${outcome}`);
    await engine.startRun({ dagId: "serves", runId: "serves/1" });
    const served = await engine.waitForRun("serves/1");
    expect(served.tasks["touch"]?.mapped?.map(({ assetEvents = [] }) => assetEvents.map(({ id }) => id))).toEqual([
      ["serves/1/touch[0]#lake://parts"],
      [],
      ["serves/1/touch[2]#lake://parts"],
    ]);
    expect((await runsOf("either", 2)).map(({ output }) => output)).toEqual([
      ['lake://orders {"rows":7,"attempt":2} load'],
      ["lake://clients {} name_clients"],
    ]);
    // The first of the two items makes it hold; the second waits for the next orders.
    const [joined] = await runsOf("both", 1);
    expect(joined?.assetEvents?.map(({ uri }) => uri)).toEqual([orders.uri, parts.uri]);
    expect((await engine.explainAssets("both")).waiting.map(({ events }) => events)).toEqual([0, 1]);
    expect(await engine.listAssets()).toMatchObject([
      { uri: clients.uri, events: 1, waiting: ["either"] },
      { uri: orders.uri, name: "orders", extra: { owner: "sales" }, events: 1, waiting: ["both", "either"] },
      { uri: parts.uri, events: 2, waiting: ["both"] },
      { uri: burst.uri, events: 0, last: null, waiting: ["each"] },
    ]);
    // The same as in process, but for the moment.
    const twin = await runInProcess(serves, { runId: "serves/1" });
    const ids = ({ tasks }: RunView) => tasks["touch"]?.mapped?.map(({ assetEvents }) => assetEvents?.[0]?.id);
    expect(ids(twin)).toEqual(ids(served));
  }, 90_000);

  it("say nothing for a run that is not to, nor twice for what was done once", async () => {
    const { engine } = embedded;
    await engine.startRun({ dagId: "sells", runId: "sells/quiet", emitAssets: false });
    expect((await engine.waitForRun("sells/quiet")).tasks["load"]?.assetEvents).toBeUndefined();
    await engine.emitAsset(clients.uri, { id: "the same", by: "ada", extra: { n: 1 } });
    await engine.emitAsset(clients.uri, { id: "the same", by: "ada", extra: { n: 2 } });
    await engine.emitAsset(clients.uri, { id: "another", by: "ada" });
    const outputs = (await runsOf("either", 4)).map(({ output }) => output);
    expect(outputs.slice(2)).toEqual([['lake://clients {"n":1} ada'], ["lake://clients {} ada"]]);
    expect((await engine.getAsset(orders.uri)).count).toBe(1);
    // What is cleared makes new things.
    await engine.clearRun("sells/1", { tasks: ["load"] });
    await engine.waitForRun("sells/1");
    await expect
      .poll(async () => (await engine.getAsset(orders.uri)).events.map(({ id }) => id), PATIENCE)
      .toEqual(["sells/1/load~1#lake://orders", "sells/1/load#lake://orders"]);
    await runsOf("either", 5);
    // What comes from the cache is what it was.
    const events: unknown[] = [];
    for (const runId of ["caches/1", "caches/2"]) {
      await engine.startRun({ dagId: "caches", runId });
      const { cachedFrom, assetEvents } = (await engine.waitForRun(runId)).tasks["once"] ?? {};
      events.push([cachedFrom, assetEvents?.map(({ id }) => id)]);
    }
    expect(events).toEqual([
      [undefined, ["caches/1/once#lake://cached"]],
      ["caches/1", undefined],
    ]);
    await expect(engine.emitAsset("orders")).rejects.toMatchObject({ code: "INVALID_ASSET", field: "uri" });
    await expect(engine.getAsset("lake://none")).rejects.toMatchObject({ code: "ASSET_NOT_FOUND" });
  }, 90_000);

  it("lose, double and reorder nothing when a worker goes in the middle of a burst, paused or not", async () => {
    const { engine } = embedded;
    const emit = async (from: number, to: number) => {
      for (let number = from; number < to; number += 1)
        for (let twice = 0; twice < 2; twice += 1)
          await engine.emitAsset(burst.uri, { id: `burst-${number}`, extra: { number } });
    };
    const emitting = emit(0, 25);
    await worker.stop();
    await emitting;
    worker = await embedded.worker(assetDags);
    await emit(25, 50);
    expect((await runsOf("each", 50)).map(numbersOf)).toEqual(upTo(50).map((number) => [number]));
    await engine.pauseSchedule("each", "moving house");
    await expect.poll(async () => (await engine.describeSchedule("each"))?.paused, PATIENCE).toBe(true);
    await emit(50, 55);
    await expect.poll(async () => (await engine.explainAssets("each")).waiting[0]?.events, PATIENCE).toBe(5);
    expect(await engine.describeSchedule("each")).toEqual({ paused: true, note: "moving house", next: [] });
    // A sync leaves it paused, with what waits.
    expect(await engine.syncSchedules(assetDags)).toMatchObject({ created: [], updated: [], removed: [] });
    expect((await engine.listRuns({ dagId: "each" })).length).toBe(50);
    await engine.unpauseSchedule("each");
    expect((await runsOf("each", 51)).slice(50).map(numbersOf)).toEqual([[50, 51, 52, 53, 54]]);
  }, 90_000);
});

describe("what a DAG waits for follows the code", () => {
  const changed = (expression: Parameters<typeof onAssets>[0]) =>
    defineDag({ id: "both", schedule: onAssets(expression), paused: { note: "only at first" } }, ({ run }) => run.id);

  it("changes, and is gone with the code", async () => {
    const { engine } = embedded;
    await engine.emitAsset(parts.uri, { by: "ada" });
    const others = [sells, serves, either, each];
    const waiting = async () => (await engine.explainAssets("both")).waiting.map(({ uri, events }) => [uri, events]);
    expect(await engine.syncSchedules([...others, changed(parts.and(clients))])).toMatchObject({ updated: ["both"] });
    await expect.poll(waiting, PATIENCE).toEqual([
      [parts.uri, 1],
      [clients.uri, 0],
    ]);
    await expect
      .poll(async () => (await engine.getAsset(orders.uri)).subscribers.map(({ dagId }) => dagId), PATIENCE)
      .toEqual(["either"]);
    await engine.emitAsset(orders.uri, { by: "nobody" });
    expect(await engine.syncSchedules(others)).toMatchObject({ removed: ["both"], created: [], updated: [] });
    await expect(engine.explainAssets("both")).rejects.toMatchObject({ code: "NO_SCHEDULE", field: "dag" });
    expect(await engine.describeSchedule("both")).toBeNull();
    await expect.poll(async () => (await engine.getAsset(parts.uri)).subscribers, PATIENCE).toEqual([]);
    // Whoever comes again begins with what comes from then on, and as paused as it says.
    expect(await engine.syncSchedules([...others, changed(parts.or(clients))])).toMatchObject({ created: ["both"] });
    expect(await engine.describeSchedule("both")).toMatchObject({ paused: true, note: "only at first" });
    await expect.poll(waiting, PATIENCE).toEqual([
      [parts.uri, 0],
      [clients.uri, 0],
    ]);
    await expect
      .poll(async () => (await engine.listSchedules()).map(({ dagId, paused }) => [dagId, paused]), PATIENCE)
      .toEqual([
        ["both", true],
        ["each", false],
        ["either", false],
      ]);
    expect((await engine.listRuns({ dagId: both.id })).length).toBe(2);
  }, 90_000);
});

describe("the log of an asset and the trigger of a DAG", () => {
  it("take what came while no worker was there in its order", async () => {
    const { engine } = embedded;
    const late = asset("lake://late");
    const waits = defineDag({ id: "waits", schedule: onAssets(late) }, ({ run }) => run.id);
    await worker.stop();
    await engine.emitAsset(late.uri, { id: "before" });
    await engine.syncSchedules([...assetDags, waits]);
    await engine.emitAsset(late.uri, { id: "after" });
    await engine.pauseSchedule("waits", "first");
    await engine.unpauseSchedule("waits");
    await engine.pauseSchedule("waits", "last");
    worker = await embedded.worker([...assetDags, waits]);
    await expect
      .poll(async () => (await engine.explainAssets("waits")).why, PATIENCE)
      .toBe("It is paused (last), and its events are kept. It waits for lake://late; lake://late: 1 event");
    await engine.unpauseSchedule("waits");
    const [run] = await runsOf("waits", 1);
    expect(run?.assetEvents?.map(({ id }) => id)).toEqual(["after"]);
  }, 90_000);

  it("know all that they knew when they continue as new", async () => {
    const short = await startShortHistories([each], 30);
    try {
      const { engine, temporal } = short;
      await engine.syncSchedules([each]);
      const runIds = () =>
        Promise.all(
          [`asset/${burst.uri}`, "asset-trigger/each"].map(
            async (id) => (await temporal.workflow.getHandle(id).describe()).runId,
          ),
        );
      const before = await runIds();
      const emit = (number: number) => engine.emitAsset(burst.uri, { id: `short-${number}`, extra: { number } });
      for (let number = 0; number < 40; number += 1) await emit(number);
      await runsOf("each", 40, engine);
      for (let number = 0; number < 40; number += 7) await emit(number);
      await engine.pauseSchedule("each");
      for (let number = 40; number < 60; number += 1) await emit(number);
      await expect.poll(async () => (await engine.explainAssets("each")).waiting[0]?.events, PATIENCE).toBe(20);
      await engine.unpauseSchedule("each");
      const runs = await runsOf("each", 41, engine);
      expect(runs.flatMap(numbersOf)).toEqual(upTo(60));
      expect(runs.at(-1)?.assetEvents?.length).toBe(20);
      for (const [place, runId] of (await runIds()).entries()) expect(runId).not.toBe(before[place]);
    } finally {
      await short.close();
    }
  }, 90_000);
});
