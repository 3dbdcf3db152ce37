/** Schedules and retraining controllers on a real Temporal server. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createRegistry, cron, type DagOptions, defineDag, every, retrainingController, task } from "@dagwright/engine";
import { connectEngine } from "@dagwright/engine/client";
import { startTemporalServer } from "@dagwright/engine/server";
import { createDagWorker } from "@dagwright/engine/worker";
import { Client, Connection } from "@temporalio/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { freePort } from "../product.ts";
import { dags, flaky, shapes } from "./dags.ts";
import { type Embedded, services, startEmbedded } from "./embedded.ts";

let embedded: Embedded;
beforeAll(async () => {
  embedded = await startEmbedded();
  await embedded.worker(dags);
});
afterAll(() => embedded.close());

const hourly = (minutes: string) => defineDag({ id: "hourly", schedule: cron(`${minutes} * * * *`) }, () => ({}));

describe("schedules follow the code", () => {
  it("creates, leaves alone, updates and removes; what is paused stays paused", async () => {
    const { engine } = embedded;
    expect(await engine.syncSchedules([shapes, flaky, hourly("5")])).toEqual({
      created: ["shapes", "hourly"],
      updated: [],
      unchanged: [],
      removed: [],
    });
    expect(await engine.syncSchedules([shapes, flaky, hourly("5")])).toMatchObject({
      created: [],
      unchanged: ["shapes", "hourly"],
    });
    expect(await engine.describeSchedule("shapes")).toMatchObject({ paused: true, note: "a test's" });
    await engine.pauseSchedule("hourly", "maintenance");
    expect(await engine.syncSchedules([shapes, hourly("6")])).toMatchObject({ updated: ["hourly"], removed: [] });
    const changed = await engine.describeSchedule("hourly");
    expect(changed).toMatchObject({ paused: true, note: "maintenance" });
    expect(changed?.next[0]).toMatch(/:06:00Z$/);
    await engine.unpauseSchedule("hourly");
    await expect
      .poll(async () => (await engine.listSchedules()).map(({ dagId, paused }) => [dagId, paused]))
      .toEqual([
        ["hourly", false],
        ["shapes", true],
      ]);
    expect(await engine.syncSchedules([shapes])).toMatchObject({ unchanged: ["shapes"], removed: ["hourly"] });
    expect(await engine.describeSchedule("hourly")).toBeNull();
    await expect(engine.pauseSchedule("hourly")).rejects.toMatchObject({ code: "NO_SCHEDULE" });
  });

  it("shows what it would change, field by field, before it changes anything", async () => {
    const { engine } = embedded;
    await engine.syncSchedules([hourly("5")]);
    await engine.pauseSchedule("hourly");
    const changed = defineDag(
      { id: "hourly", schedule: cron("7 * * * *", { jitter: "30s" }), catchup: { limit: 3 } },
      () => ({}),
    );
    const plan = await engine.planSchedules([shapes, changed]);
    expect(plan.update).toEqual([
      {
        ...{ dagId: "hourly", kind: "time", paused: true },
        changes: [
          { field: "cron", from: "5 * * * *", to: "7 * * * *" },
          { field: "jitter", from: null, to: "30s" },
          { field: "catchup", from: "the last interval", to: "the last 3" },
        ],
      },
    ]);
    expect(plan.create).toMatchObject([{ dagId: "shapes", paused: true }]);
    expect((await engine.describeSchedule("hourly"))?.next[0]).toMatch(/:05:00Z$/);
    for (const _ of ["once", "twice"]) await engine.applySchedules(plan, [shapes, changed]);
    expect(await engine.planSchedules([shapes, changed])).toMatchObject({
      ...{ create: [], update: [], remove: [], unchanged: ["shapes", "hourly"] },
    });
    const unscheduled = defineDag({ id: "hourly" }, () => ({}));
    expect(await engine.syncSchedules([shapes, unscheduled])).toMatchObject({ removed: ["hourly"] });
  });

  it("removes what came from the files at hand, and leaves the others alone unless it is to prune", async () => {
    const { engine } = embedded;
    const one = defineDag({ id: "from_one", schedule: cron("@daily") }, () => ({}));
    const other = defineDag({ id: "from_other", schedule: cron("@daily") }, () => ({}));
    const scopes = {
      one: { owned: ["shop:one"], sources: new Map([["from_one", "shop:one/a.ts"]]) },
      other: { owned: ["shop:other"], sources: new Map([["from_other", "shop:other/b.ts"]]) },
    };
    await engine.syncSchedules([one], scopes.one);
    expect(await engine.syncSchedules([other], scopes.other)).toMatchObject({ created: ["from_other"], removed: [] });
    const listed = async () => (await engine.listSchedules()).map(({ dagId }) => dagId);
    await expect.poll(listed).toEqual(expect.arrayContaining(["from_one", "from_other"]));
    const { kept, remove } = await engine.planSchedules([], scopes.one);
    expect(remove.map(({ dagId }) => dagId)).toEqual(["from_one"]);
    expect(kept).toContainEqual({ dagId: "from_other", source: "shop:other/b.ts" });
    await engine.syncSchedules([], scopes.one);
    await expect.poll(listed).toContain("from_other");
    await engine.syncSchedules([shapes], { prune: true });
    await expect.poll(listed).toEqual(["shapes"]);
  });
});

/** How often each logical date was worked on. */
const worked = new Map<string, number>();
const work = task("work", {
  input: z.object({ id: z.string(), milliseconds: z.number() }),
  output: z.number(),
  heartbeat: "5s",
  run: async ({ id, milliseconds }, { signal }) => {
    worked.set(id, (worked.get(id) ?? 0) + 1);
    await pause(milliseconds, undefined, { signal });
    return milliseconds;
  },
});
const workFor = (milliseconds: number, options: DagOptions) =>
  defineDag(options, ({ run }) => work({ id: run.id, milliseconds }));

describe("runs by schedule", () => {
  const hour = 3_600_000;
  const start = new Date((Math.floor(Date.now() / hour) - 5) * hour).toISOString();
  const since = (id: string, catchup?: DagOptions["catchup"]) =>
    workFor(0, { id, schedule: every("1h", { start }), ...(catchup === undefined ? {} : { catchup }) });
  const slow = (id: string, milliseconds: number, overlap: "buffer_all" | "skip" | "cancel_other") =>
    workFor(milliseconds, { id, schedule: every("2s", { overlap }) });
  const missed = [workFor(0, { id: "all_missed", schedule: every("1s"), catchup: true })];
  const others = [
    defineDag({ id: "often", schedule: every("2s", { jitter: "500ms" }) }, () => ({})),
    workFor(300, { id: "once", schedule: every("3s") }),
    defineDag({ id: "daily", schedule: cron("@daily") }, ({ run }) => run.dataInterval),
    ...[since("all", true), since("some", { limit: 2 }), since("recent", { window: "3h" }), since("none")],
    ...[
      slow("put_off", 3_000, "buffer_all"),
      slow("skipped", 5_000, "skip"),
      slow("cancelled", 20_000, "cancel_other"),
    ],
  ];

  let own: Embedded;
  let temporal: Client;
  /** Until when no worker was there, in seconds. */
  let outageUntil = 0;
  /** Runs that were started by hand just before their fire. */
  const byHand: string[] = [];
  const runsOf = async (dagId: string) =>
    (await own.engine.listRuns({ dagId, limit: 1000 })).sort((a, b) =>
      (a.logicalDate ?? "").localeCompare(b.logicalDate ?? ""),
    );
  const ended = async (dagId: string) => (await runsOf(dagId)).filter(({ state }) => state === "success");
  const endedToBe = (dagId: string, least: number) =>
    until(async () => (await ended(dagId)).length >= least, `${least} runs of ${dagId}`);
  /** Logical dates of runs, as multiples of a period. */
  const dates = (runs: readonly { logicalDate: string | null }[], period: number) =>
    runs.map(({ logicalDate }) => Date.parse(logicalDate ?? "") / period);

  // All schedules at once, since all of them take their time; the tests look at what came of them.
  beforeAll(async () => {
    own = await startEmbedded("scheduled");
    temporal = new Client({ connection: await Connection.connect({ address: own.address }) });
    await own.engine.syncSchedules(missed);
    await pause(4_000);
    outageUntil = Math.floor(Date.now() / 1_000);
    await own.worker([...missed, ...others]);
    await own.engine.syncSchedules([...missed, ...others]);
    await temporal.schedule.getHandle("daily").trigger();
    for (let round = 0; round < 2; round += 1) {
      const end = (Math.floor(Date.now() / 3_000) + 1) * 3_000;
      await pause(end - Date.now() - 20);
      const logicalDate = new Date(end - 3_000).toISOString();
      byHand.push((await own.engine.startRun({ dagId: "once", logicalDate })).runId);
      await pause(600);
    }
    const least = { often: 2, once: 3, daily: 1, all: 5, some: 2, recent: 3, put_off: 4, skipped: 2, all_missed: 4 };
    await Promise.all(Object.entries(least).map(([dagId, count]) => endedToBe(dagId, count)));
    await own.engine.syncSchedules([], { prune: true });
  }, 120_000);
  afterAll(async () => {
    await temporal.connection.close();
    await own.close();
  });

  it("are the runs of their logical dates; what launches them is no run", async () => {
    for (const { runId, logicalDate, trigger } of await runsOf("often")) {
      expect({ runId, trigger }).toEqual({ runId: `often/${logicalDate}`, trigger: "schedule" });
    }
    const [run] = await ended("often");
    const view = await own.engine.getRun(run?.runId ?? "");
    expect(Date.parse(view.dataInterval.end) - Date.parse(view.dataInterval.start)).toBe(2_000);
    expect(view.logicalDate).toBe(view.dataInterval.start);
    const kept = await own.store.listRuns({ dagId: "often" });
    expect(kept.filter((one) => one.runId.includes("scheduled"))).toEqual([]);
  });

  it("by hand and by schedule at once: one run per logical date", () => {
    for (const runId of byHand) expect(worked.get(runId)).toBe(1);
    expect(Math.max(...[...worked].filter(([id]) => id.startsWith("once/")).map(([, count]) => count))).toBe(1);
  });

  it("triggered by hand: a manual run with an id of its own", async () => {
    const [run] = await ended("daily");
    expect(run).toMatchObject({ trigger: "manual", runId: expect.stringMatching(/^daily\/scheduled-/) });
    expect(run?.logicalDate).toMatch(/T00:00:00Z$/);
  });

  it("new with a start in the past: catch up, all, some or none, the oldest first", async () => {
    const first = Date.parse(start) / hour;
    const all = await ended("all");
    expect(dates(all, hour)).toEqual([0, 1, 2, 3, 4].map((n) => first + n));
    expect(dates(await ended("some"), hour)).toEqual([first + 3, first + 4]);
    expect(dates(await ended("recent"), hour)).toEqual([first + 2, first + 3, first + 4]);
    expect(await runsOf("none")).toEqual([]);
    expect(new Set(all.map(({ trigger }) => trigger))).toEqual(new Set(["schedule"]));
    expect(all.map(({ startedAt }) => startedAt)).toEqual(all.map(({ startedAt }) => startedAt).sort());
  });

  it("after an outage of the workers, with catchup: all of them", async () => {
    const caughtUp = dates(await ended("all_missed"), 1_000);
    expect(caughtUp[0]).toBeLessThan(outageUntil - 1);
    expect(caughtUp).toEqual(caughtUp.map((_, place) => (caughtUp[0] ?? 0) + place));
  });

  it("missed long ago, without catchup: passed over; there already: left alone", async () => {
    const fired = async (dagId: string, fire: string): Promise<unknown> =>
      await temporal.workflow.execute(dagId, {
        ...{ workflowId: `${dagId}/scheduled-${fire}`, taskQueue: "scheduled", args: [{}] },
        typedSearchAttributes: [
          { key: { name: "TemporalScheduledStartTime", type: "DATETIME" }, value: new Date(fire) },
        ],
      });
    expect(await fired("daily", "2026-01-02T00:00:00Z")).toMatchObject({
      ...{ runId: "daily/2026-01-01T00:00:00Z", outcome: "passed_over", why: expect.stringContaining("last interval") },
    });
    await own.engine.startRun({ dagId: "daily", logicalDate: "2026-02-01" });
    await own.engine.waitForRun("daily/2026-02-01T00:00:00Z");
    expect(await fired("daily", "2026-02-02T00:00:00Z")).toMatchObject({ outcome: "already_done" });
    expect(await fired("all", new Date(Date.parse(start) - hour).toISOString())).toMatchObject({ outcome: "success" });
    expect((await runsOf("daily")).map(({ runId }) => runId)).not.toContain("daily/2026-01-01T00:00:00Z");
  });

  it("overlap: put off, skipped, cancelled", async () => {
    const putOff = dates(await runsOf("put_off"), 2_000);
    expect(putOff).toEqual(putOff.map((_, place) => (putOff[0] ?? 0) + place));
    const [one = 0, two = 0] = dates(await ended("skipped"), 2_000);
    expect(two - one).toBeGreaterThan(1);
    const states = (await runsOf("cancelled")).map(({ state }) => state);
    expect(states.slice(0, -1).length).toBeGreaterThan(1);
    expect(new Set(states.slice(0, -1))).toEqual(new Set(["cancelled"]));
  });
});

it("after an outage of the server, with catchup: all of them", async () => {
  const home = await mkdtemp(join(tmpdir(), "dagwright-outage-"));
  const place = { home, port: await freePort(), uiPort: await freePort(), log: () => {} };
  const first = await startTemporalServer(place);
  const engine = await connectEngine({ address: first.address, taskQueue: "outage" });
  const all = workFor(0, { id: "server_away", schedule: every("1s"), catchup: true });
  const registry = createRegistry([all]);
  const worker = await createDagWorker({ address: first.address, taskQueue: "outage", registry, services });
  const stopped = worker.run();
  await engine.syncSchedules([all]);
  const succeeded = async () =>
    (await engine.listRuns({ dagId: "server_away", state: "success", limit: 1000 }))
      .map(({ logicalDate }) => Date.parse(logicalDate ?? "") / 1_000)
      .sort();
  await until(async () => (await succeeded()).length > 0, "a first run");
  await first.stop();
  await pause(3_000);
  const again = await startTemporalServer(place);
  const back = Math.floor(Date.now() / 1_000);
  await until(async () => (await succeeded()).some((date) => date > back), "a run after the outage");
  const ran = await succeeded();
  expect(ran).toEqual(ran.map((_, n) => (ran[0] ?? 0) + n));
  worker.shutdown();
  await stopped;
  await engine.close();
  await again.stop();
  await rm(home, { recursive: true, force: true });
}, 120_000);

/** Waits for something to become true, however slow the machine is. */
async function until(check: () => Promise<boolean>, what: string): Promise<void> {
  const patience = Date.now() + 60_000;
  while (!(await check().catch(() => false))) {
    if (Date.now() > patience) throw new Error(`Waited a minute in vain for ${what}`);
    await pause(200);
  }
}

describe("a retraining controller", () => {
  it("starts one run for many signals, and one more after the cool-down", async () => {
    const { engine } = embedded;
    await engine.ensureController(
      retrainingController({ model: "churn", dag: "flaky", debounce: "1s", coolDown: "4s" }),
    );
    await engine.signalDrift({ model: "churn", reason: "the first" });
    await Promise.all(Array.from({ length: 9 }, () => engine.signalDrift({ model: "churn", reason: "the others" })));
    const runs = async () =>
      (await engine.listRuns({ dagId: "flaky" })).filter(({ runId }) => runId.includes("retraining-churn"));
    await expect.poll(async () => (await runs()).length, { timeout: 10_000 }).toBe(1);
    await engine.signalDrift({ model: "churn", reason: "again", id: "same" });
    await engine.signalDrift({ model: "churn", reason: "again", id: "same" });
    expect((await runs()).length).toBe(1);
    await expect.poll(async () => (await runs()).length, { timeout: 10_000 }).toBe(2);
    const first = await engine.waitForRun("flaky/retraining-churn-1");
    expect(first).toMatchObject({
      trigger: "signal",
      conf: { retraining: true, reason: "the first; the others", signals: 10 },
    });
    expect((await engine.waitForRun("flaky/retraining-churn-2")).conf).toMatchObject({ reason: "again", signals: 1 });
  }, 40_000);

  it("that does not run says so", async () => {
    await expect(embedded.engine.signalDrift({ model: "none", reason: "x" })).rejects.toMatchObject({
      code: "CONTROLLER_NOT_FOUND",
      field: "model",
    });
  });
});
