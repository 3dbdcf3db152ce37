/** Months on Temporal in seconds: its Java test server skips time, and the in-process shell gives the same moments. */
import { approval, createRegistry, defineDag, type RunView, sensor, task, wait } from "@dagwright/engine";
import { connectEngine, type EngineClient } from "@dagwright/engine/client";
import { runInProcess } from "@dagwright/engine/testing";
import { createDagWorker, type DagWorker } from "@dagwright/engine/worker";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { missingForTimeSkipping, startTimeSkippingServer, type TimeSkippingServer } from "../servers/time-skipping.ts";
import { services } from "./embedded.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const flaky = task("flaky", {
  input: z.object({ failures: z.number() }),
  output: z.number(),
  run: ({ failures }, { attempt }) => {
    if (attempt <= failures) throw new Error(`not at attempt ${attempt}`);
    return attempt;
  },
});
/** How often each sensor of a run has looked. */
const looks = new Map<string, number>();
const landed = sensor("landed", {
  input: z.object({ at: z.number() }),
  output: z.number(),
  poke: "6h",
  timeout: "5d",
  run: ({ at }, { taskId, run }) => {
    const key = `${run.id} ${taskId}`;
    const looked = (looks.get(key) ?? 0) + 1;
    looks.set(key, looked);
    return looked < at ? undefined : looked;
  },
});

const told: string[] = [];
const months = defineDag(
  {
    id: "months",
    deadline: { after: "60d", onMissed: ({ runId }) => void told.push(runId) },
  },
  () => {
    const rested = wait("quarter", "90d");
    const again = wait("half_year", "30d", { after: [wait("month", "60d", { after: [rested] })] });
    flaky({ failures: 3 }, { id: "retried", retries: 3, retryDelay: "6h", backoff: 2 });
    flaky({ failures: 9 }, { id: "given_up", retries: 9, retryDelay: "1d", totalTimeout: "70h" });
    landed({ at: 12 }, { id: "landed" });
    landed({ at: 99 }, { id: "never_landed" });
    approval("unanswered", { timeout: "3d" });
    approval("passed_over", { timeout: "4d", onTimeout: "skip" });
    return flaky({ failures: 0 }, { id: "last", after: [again] });
  },
);

const missing = await missingForTimeSkipping();
// The machine that must not go without it is told so by failing.
const skipped = missing !== null && process.env["CI"] !== "true";

describe.skipIf(skipped)(`months on a server that skips time${skipped ? ` (skipped: ${missing})` : ""}`, () => {
  let server: TimeSkippingServer;
  let worker: DagWorker;
  let ended: Promise<void>;
  let engine: EngineClient;
  beforeAll(async () => {
    if (missing !== null) throw new Error(`Time skipping cannot be tested: ${missing}`);
    server = await startTimeSkippingServer();
    const { address } = server;
    const registry = createRegistry([months]);
    worker = await createDagWorker({ address, taskQueue: "months", registry, services });
    ended = worker.run();
    engine = await connectEngine({ address, taskQueue: "months" });
  });
  afterAll(async () => {
    worker?.shutdown();
    await ended;
    await engine?.close();
    await server?.stop();
  });

  it("waits, sensors, approvals, retries and a deadline come at the moments at which they come in process", async () => {
    const began = Date.now();
    await engine.startRun({ dagId: "months", runId: "months/skipped", logicalDate: "2026-01-01" });
    await server.skipTime();
    const there = await engine.waitForRun("months/skipped", { pollMs: 200 });
    const here = await runInProcess(months, { runId: "months/here", logicalDate: "2026-01-01" });
    expect(hoursOf(there)).toEqual(hoursOf(here));
    expect(outcomesOf(there)).toEqual(outcomesOf(here));
    expect(told).toEqual(["months/skipped", "months/here"]);
    expect(hoursOf(there)).toEqual({
      ...{ quarter: 90 * 24, month: 150 * 24, half_year: 180 * 24, last: 180 * 24 },
      ...{ retried: 6 + 12 + 24, given_up: 48, landed: 11 * 6, never_landed: 114 },
      ...{ unanswered: 72, passed_over: 96, deadline: 60 * 24, run: 180 * 24 },
    });
    expect(await server.now()).toBeGreaterThan(began + 179 * DAY);
    expect(Date.now() - began).toBeLessThan(60_000);
  }, 90_000);
});

/** When each task ended, in hours since the run began. */
function hoursOf({ tasks, startedAt, endedAt, deadlineMissedAt }: RunView): Record<string, number> {
  const since = Date.parse(startedAt ?? "");
  const hours = (moment: string | null | undefined) => Math.round((Date.parse(moment ?? "") - since) / HOUR);
  const ends = Object.entries(tasks).map(([id, task]) => [id, hours(task.endedAt)] as const);
  return { ...Object.fromEntries(ends), deadline: hours(deadlineMissedAt), run: hours(endedAt) };
}

function outcomesOf({ state, error, tasks, callbacks }: RunView): object {
  const ends = Object.entries(tasks).map(([id, task]) => [
    id,
    [task.state, task.attempts, task.error?.code, task.reason],
  ]);
  return { state, code: error?.code, callbacks, tasks: Object.fromEntries(ends) };
}
