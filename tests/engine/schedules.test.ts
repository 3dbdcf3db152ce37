/** Schedules and retraining controllers on a real Temporal server. */
import { cron, defineDag, every, retrainingController } from "@dagwright/engine";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
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

  it("starts a run for the interval that ends when it fires", async () => {
    const own = await startEmbedded("often");
    const often = defineDag({ id: "often", schedule: every("1s") }, () => ({}));
    await own.worker([often]);
    await own.engine.syncSchedules([often]);
    await expect
      .poll(async () => (await own.engine.listRuns({ dagId: "often", state: "success" })).length, { timeout: 10_000 })
      .toBeGreaterThan(1);
    await own.engine.syncSchedules([]);
    const [run] = await own.engine.listRuns({ dagId: "often", state: "success" });
    const view = await own.engine.getRun(run?.runId ?? "");
    expect(view.trigger).toBe("schedule");
    expect(Date.parse(view.dataInterval.end) - Date.parse(view.dataInterval.start)).toBe(1_000);
    expect(view.runId).toBe(`often/scheduled-${view.dataInterval.end}`);
    expect(view.logicalDate).toBe(view.dataInterval.start);
    await own.close();
  }, 40_000);
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
