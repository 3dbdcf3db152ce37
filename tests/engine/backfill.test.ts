/** Backfills on a real Temporal server. */
import { setTimeout as pause } from "node:timers/promises";
import { cron, defineDag, task } from "@dagwright/engine";
import type { BackfillView, CreateBackfill } from "@dagwright/engine/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { type Embedded, startEmbedded } from "./embedded.ts";

/** What was done, in order: dates, and the idempotency keys of their effects. */
const done: { date: string; key: string }[] = [];
let atOnce = 0;
let mostAtOnce = 0;
/** Dates that fail for as long as they are in here. */
const broken = new Set<string>();

const work = task("work", {
  input: z.object({ date: z.string(), milliseconds: z.number() }),
  output: z.string(),
  heartbeat: "2s",
  run: async ({ date, milliseconds }, { signal, idempotencyKey }) => {
    atOnce += 1;
    mostAtOnce = Math.max(mostAtOnce, atOnce);
    try {
      await pause(milliseconds, undefined, { signal });
    } finally {
      atOnce -= 1;
    }
    if (broken.has(date)) throw Object.assign(new Error(`${date} is broken`), { code: "BROKEN" });
    done.push({ date, key: idempotencyKey });
    return date;
  },
});
const made = (id: string, timezone = "UTC") =>
  defineDag(
    {
      ...{ id, schedule: cron("@daily", { timezone }) },
      params: z.object({ milliseconds: z.number().default(0) }),
    },
    ({ run, params }) => work({ date: run.logicalDate, milliseconds: params.milliseconds }),
  );
const ids = ["ordered", "limited", "redone", "stopped", "cancelled", "resumed", "refused", "quick"];
const dags = [...ids.map((id) => made(id)), made("berlin", "Europe/Berlin"), defineDag({ id: "dateless" }, () => ({}))];

let embedded: Embedded;
let worker: { stop(): Promise<void> };
beforeAll(async () => {
  embedded = await startEmbedded("backfills");
  worker = await embedded.worker(dags);
});
afterAll(() => embedded.close());

const day = (n: number) => `2026-01-${String(n).padStart(2, "0")}T00:00:00Z`;
const days = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => day(from + n));
const doneBy = (backfill: () => Promise<unknown>) => {
  const before = done.length;
  return backfill().then(() => done.slice(before));
};

async function ended(backfillId: string): Promise<BackfillView> {
  await expect
    .poll(async () => (await embedded.engine.getBackfill(backfillId)).endedAt, { timeout: 30_000 })
    .toBeDefined();
  return await embedded.engine.getBackfill(backfillId);
}
async function whole(options: CreateBackfill): Promise<BackfillView> {
  const { backfillId } = await embedded.engine.createBackfill(options);
  return await ended(backfillId);
}

describe("a backfill", () => {
  it("runs one date after another, forward or backward, and its runs say whose they are", async () => {
    const forward = { dagId: "ordered", from: "2026-01-01", to: "2026-01-04", concurrency: 1 };
    const first = await doneBy(async () => {
      const view = await whole({ ...forward, id: "forward" });
      expect(view).toMatchObject({
        ...{ backfillId: "backfill/ordered/forward", state: "success" },
        ...{ total: 4, started: 4, succeeded: 4, failed: 0, skipped: 0, running: [] },
      });
    });
    expect(first.map(({ date }) => date)).toEqual(days(1, 4));
    const back = { ...forward, from: "2026-01-03", to: "2026-01-08", order: "backward" as const };
    const second = await doneBy(async () =>
      expect(await whole(back)).toMatchObject({ total: 6, started: 4, skipped: 2 }),
    );
    expect(second.map(({ date }) => date)).toEqual(days(5, 8).reverse());
    const run = await embedded.engine.getRun(`ordered/${day(1)}`);
    expect(run).toMatchObject({ trigger: "backfill", conf: { backfill: "backfill/ordered/forward" } });
    expect((await embedded.engine.explainRun(`ordered/${day(1)}`)).why).toContain("backfill/ordered/forward");
    expect((await embedded.engine.listBackfills({ dagId: "ordered" })).map(({ state }) => state)).toEqual([
      "success",
      "success",
    ]);
  }, 40_000);

  it("runs no more at once than it is told", async () => {
    mostAtOnce = 0;
    const params = { milliseconds: 150 };
    const view = await whole({ dagId: "limited", from: "2026-01-01", to: "2026-01-20", concurrency: 5, params });
    expect(view).toMatchObject({ state: "success", succeeded: 20 });
    expect(mostAtOnce).toBeLessThanOrEqual(5);
    expect(mostAtOnce).toBeGreaterThan(1);
  }, 40_000);

  it("runs missing dates only, also failed ones, or all of them with effects of their own", async () => {
    const range = { dagId: "redone", from: "2026-01-01", to: "2026-01-05" };
    broken.add(day(2));
    const first = await whole(range);
    expect(first).toMatchObject({ state: "failed", succeeded: 4, failed: 1, failedRuns: [`redone/${day(2)}`] });
    expect(await whole({ ...range, to: "2026-01-06" })).toMatchObject({ started: 1, skipped: 5, state: "success" });
    broken.delete(day(2));
    const again = await doneBy(() => whole({ ...range, reprocess: "failed" }));
    expect(again.map(({ date }) => date)).toEqual([day(2)]);
    const all = await doneBy(async () =>
      expect(await whole({ ...range, reprocess: "all" })).toMatchObject({ started: 5, succeeded: 5, skipped: 0 }),
    );
    expect(all.map(({ date }) => date).sort()).toEqual(days(1, 5));
    expect(new Set(all.map(({ key }) => key))).toEqual(new Set(days(1, 5).map((date) => `redone/${date}/work~1`)));
  }, 60_000);

  it("stops at a failure when it is told to", async () => {
    broken.add(day(3));
    const range = { dagId: "stopped", from: "2026-01-01", to: "2026-01-06", concurrency: 1, stopOnFailure: true };
    expect(await whole(range)).toMatchObject({ state: "failed", started: 3, succeeded: 2, failed: 1 });
    broken.delete(day(3));
  }, 30_000);

  it("stops when it is cancelled, with its runs or without", async () => {
    const { engine } = embedded;
    const range = { dagId: "cancelled", from: "2026-01-01", to: "2026-01-09", concurrency: 2 };
    const started = async (backfillId: string) =>
      await expect.poll(async () => (await engine.getBackfill(backfillId)).started, { timeout: 15_000 }).toBe(2);
    const gentle = await engine.createBackfill({ ...range, params: { milliseconds: 2_000 } });
    await started(gentle.backfillId);
    await engine.cancelBackfill(gentle.backfillId, { by: "ada", reason: "wrong source" });
    expect(await ended(gentle.backfillId)).toMatchObject({
      ...{ state: "cancelled", started: 2, succeeded: 2, cancelled: 0, reason: "wrong source by ada" },
    });
    const harsh = await engine.createBackfill({ ...range, params: { milliseconds: 60_000 } });
    await started(harsh.backfillId);
    await engine.cancelBackfill(harsh.backfillId.replace("backfill/", ""), { runs: true });
    expect(await ended(harsh.backfillId)).toMatchObject({ state: "cancelled", started: 2, cancelled: 2 });
    expect((await engine.getRun(`cancelled/${day(3)}`)).state).toBe("cancelled");
    await expect(engine.cancelBackfill(harsh.backfillId)).rejects.toMatchObject({ code: "BACKFILL_OVER" });
  }, 40_000);

  it("goes on where it was when its worker dies", async () => {
    const range = { dagId: "resumed", from: "2026-01-01", to: "2026-01-12", concurrency: 3 };
    const { backfillId } = await embedded.engine.createBackfill({ ...range, params: { milliseconds: 300 } });
    await expect
      .poll(async () => (await embedded.engine.getBackfill(backfillId)).succeeded, { timeout: 15_000 })
      .toBeGreaterThan(2);
    await worker.stop();
    worker = await embedded.worker(dags);
    expect(await ended(backfillId)).toMatchObject({ state: "success", succeeded: 12, started: 12, skipped: 0 });
    const keys = done.filter(({ key }) => key.startsWith("resumed/")).map(({ key }) => key);
    expect(new Set(keys).size).toBe(12);
  }, 60_000);

  it("counts the days of a zone", async () => {
    const view = await whole({ dagId: "berlin", from: "2026-03-28", to: "2026-03-31", order: "backward" });
    expect(view).toMatchObject({ total: 3, succeeded: 3 });
    expect((await embedded.engine.listRuns({ dagId: "berlin" })).map(({ logicalDate }) => logicalDate).sort()).toEqual([
      "2026-03-28T23:00:00Z",
      "2026-03-29T22:00:00Z",
      "2026-03-30T22:00:00Z",
    ]);
  }, 30_000);

  it("is refused when it makes no sense, or exists", async () => {
    const { engine } = embedded;
    const range = { dagId: "refused", from: "2026-01-01", to: "2026-01-02" };
    await engine.createBackfill({ ...range, id: "once" });
    await expect(engine.createBackfill({ ...range, id: "once" })).rejects.toMatchObject({
      code: "BACKFILL_EXISTS",
      message: 'There is a backfill "backfill/refused/once" already',
    });
    const refused = [
      [{ to: "2025-12-31" }, { code: "INVALID_BACKFILL", field: "to" }],
      [{ concurrency: 0 }, { code: "INVALID_BACKFILL", field: "concurrency" }],
      [{ from: "2026-02-30" }, { code: "INVALID_LOGICAL_DATE" }],
      [{ id: "a b" }, { code: "INVALID_BACKFILL", field: "id" }],
    ] as const;
    for (const [change, error] of refused)
      await expect(engine.createBackfill({ ...range, ...change })).rejects.toMatchObject(error);
    await expect(engine.getBackfill("backfill/refused/none")).rejects.toMatchObject({ code: "BACKFILL_NOT_FOUND" });
    // What only the worker knows fails the backfill itself.
    expect(await whole({ ...range, dagId: "dateless" })).toMatchObject({
      state: "failed",
      error: { code: "INVALID_BACKFILL", field: "dag" },
    });
    expect(await whole({ ...range, dagId: "refused", params: { milliseconds: "long" } })).toMatchObject({
      state: "failed",
      error: { code: "INVALID_PARAMS" },
    });
  }, 30_000);
});
