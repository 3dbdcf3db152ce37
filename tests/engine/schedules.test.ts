/** Schedules and retraining controllers on a real Temporal server. */
import { setTimeout as pause } from "node:timers/promises";
import { cron, type Dag, type DagOptions, defineDag, every, retrainingController, task } from "@dagwright/engine";
import { Client, Connection } from "@temporalio/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { dags, flaky, shapes } from "./dags.ts";
import { type Embedded, startEmbedded } from "./embedded.ts";

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
  let own: Embedded;
  beforeAll(async () => {
    own = await startEmbedded("scheduled");
  });
  afterAll(() => own.close());
  const runsOf = async (dagId: string) =>
    (await own.engine.listRuns({ dagId })).sort((a, b) => (a.logicalDate ?? "").localeCompare(b.logicalDate ?? ""));
  const ended = async (dagId: string) => (await runsOf(dagId)).filter(({ state }) => state === "success");
  /** Logical dates of runs, as multiples of a period. */
  const dates = (runs: readonly { logicalDate: string | null }[], period: number) =>
    runs.map(({ logicalDate }) => Date.parse(logicalDate ?? "") / period);
  const during = async (scheduled: readonly Dag[], test: () => Promise<void>) => {
    const worker = await own.worker(scheduled);
    await own.engine.syncSchedules(scheduled);
    await test();
    await own.engine.syncSchedules([]);
    await worker.stop();
  };

  it("are the runs of their logical dates; what launches them is no run", async () => {
    const often = defineDag({ id: "often", schedule: every("2s", { jitter: "500ms" }) }, () => ({}));
    await during([often], async () => {
      await expect.poll(async () => (await ended("often")).length, { timeout: 15_000 }).toBeGreaterThan(1);
    });
    for (const { runId, logicalDate, trigger } of await runsOf("often")) {
      expect({ runId, trigger }).toEqual({ runId: `often/${logicalDate}`, trigger: "schedule" });
    }
    const [run] = await ended("often");
    const view = await own.engine.getRun(run?.runId ?? "");
    expect(Date.parse(view.dataInterval.end) - Date.parse(view.dataInterval.start)).toBe(2_000);
    expect(view.logicalDate).toBe(view.dataInterval.start);
    expect(own.store.listRuns({ dagId: "often" }).map((one) => one.view.runId)).not.toContainEqual(
      expect.stringContaining("scheduled"),
    );
  }, 40_000);

  it("by hand and by schedule at once: one run per logical date", async () => {
    const once = workFor(300, { id: "once", schedule: every("3s") });
    const byHand: string[] = [];
    await during([once], async () => {
      for (let round = 0; round < 2; round += 1) {
        const end = (Math.floor(Date.now() / 3_000) + 1) * 3_000;
        await pause(end - Date.now() - 20);
        const { runId } = await own.engine.startRun({
          dagId: "once",
          logicalDate: new Date(end - 3_000).toISOString(),
        });
        byHand.push(runId);
        await pause(600);
      }
      await expect.poll(async () => (await ended("once")).length, { timeout: 15_000 }).toBeGreaterThan(2);
    });
    for (const runId of byHand) expect(worked.get(runId)).toBe(1);
    expect(Math.max(...[...worked].filter(([id]) => id.startsWith("once/")).map(([, count]) => count))).toBe(1);
  }, 40_000);

  it("triggered by hand: a manual run with an id of its own", async () => {
    const daily = defineDag({ id: "daily", schedule: cron("@daily") }, ({ run }) => run.dataInterval);
    await during([daily], async () => {
      const connection = await Connection.connect({ address: own.address });
      await new Client({ connection }).schedule.getHandle("daily").trigger();
      await connection.close();
      await expect.poll(async () => (await ended("daily")).length, { timeout: 15_000 }).toBe(1);
    });
    const [run] = await ended("daily");
    expect(run).toMatchObject({ trigger: "manual", runId: expect.stringMatching(/^daily\/scheduled-/) });
    expect(run?.logicalDate).toMatch(/T00:00:00Z$/);
  }, 30_000);

  it("new with a start in the past: catch up, all, some or none, the oldest first", async () => {
    const hour = 3_600_000;
    const start = new Date((Math.floor(Date.now() / hour) - 5) * hour).toISOString();
    const made = (id: string, catchup?: DagOptions["catchup"]) =>
      workFor(0, { id, schedule: every("1h", { start }), ...(catchup === undefined ? {} : { catchup }) });
    await during(
      [made("all", true), made("some", { limit: 2 }), made("recent", { window: "3h" }), made("none")],
      async () => {
        await expect.poll(async () => (await ended("all")).length, { timeout: 15_000 }).toBe(5);
        await expect.poll(async () => (await ended("some")).length, { timeout: 15_000 }).toBe(2);
        await expect.poll(async () => (await ended("recent")).length, { timeout: 15_000 }).toBe(3);
      },
    );
    const first = Date.parse(start) / hour;
    const all = await ended("all");
    expect(dates(all, hour)).toEqual([0, 1, 2, 3, 4].map((n) => first + n));
    expect(dates(await ended("some"), hour)).toEqual([first + 3, first + 4]);
    expect(await runsOf("none")).toEqual([]);
    expect(new Set(all.map(({ trigger }) => trigger))).toEqual(new Set(["schedule"]));
    expect(all.map(({ startedAt }) => startedAt)).toEqual(all.map(({ startedAt }) => startedAt).sort());
  }, 40_000);

  it("after an outage of the workers: all, or only the last intervals", async () => {
    const all = workFor(0, { id: "all_missed", schedule: every("1s"), catchup: true });
    const last = workFor(0, { id: "last_missed", schedule: every("1s") });
    await own.engine.syncSchedules([all, last]);
    await pause(6_000);
    const until = Math.floor(Date.now() / 1_000);
    await during([all, last], async () => {
      await expect
        .poll(async () => dates(await ended("all_missed"), 1_000).filter((date) => date < until - 1).length, {
          timeout: 20_000,
        })
        .toBeGreaterThan(3);
      await expect.poll(async () => (await ended("last_missed")).length, { timeout: 15_000 }).toBeGreaterThan(0);
    });
    const caughtUp = dates(await ended("all_missed"), 1_000);
    expect(caughtUp).toEqual(caughtUp.map((_, place) => (caughtUp[0] ?? 0) + place));
    expect(dates(await runsOf("last_missed"), 1_000).filter((date) => date < until - 2)).toEqual([]);
  }, 50_000);

  it("overlap: put off, skipped, cancelled", async () => {
    const slow = (id: string, milliseconds: number, overlap: "buffer_all" | "skip" | "cancel_other") =>
      workFor(milliseconds, { id, schedule: every("2s", { overlap }) });
    await during(
      [slow("put_off", 3_000, "buffer_all"), slow("skipped", 5_000, "skip"), slow("cancelled", 20_000, "cancel_other")],
      async () => {
        await expect.poll(async () => (await ended("put_off")).length, { timeout: 30_000 }).toBeGreaterThan(3);
        await expect.poll(async () => (await ended("skipped")).length, { timeout: 30_000 }).toBeGreaterThan(1);
      },
    );
    const putOff = dates(await runsOf("put_off"), 2_000);
    // Each run was late by more than an interval in the end, and none was passed over: they were put off, not missed.
    expect(putOff).toEqual(putOff.map((_, place) => (putOff[0] ?? 0) + place));
    const [one = 0, two = 0] = dates(await ended("skipped"), 2_000);
    expect(two - one).toBeGreaterThan(1);
    const states = (await runsOf("cancelled")).map(({ state }) => state);
    expect(states.slice(0, -1).length).toBeGreaterThan(1);
    expect(new Set(states.slice(0, -1))).toEqual(new Set(["cancelled"]));
  }, 60_000);
});

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
