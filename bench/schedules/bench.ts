/**
 * What schedules and backfills cost, on the embedded server with one worker in this process: the time from when a run is
 * due to its first task, the rate of a backfill of 1,000 runs of one task each, and the worker's memory before and after.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createRegistry, cron, defineDag, every, task } from "@dagwright/engine";
import { connectEngine } from "@dagwright/engine/client";
import { startTemporalServer } from "@dagwright/engine/server";
import { openRunStore } from "@dagwright/engine/store";
import { createDagWorker } from "@dagwright/engine/worker";
import { z } from "zod";
import { freePort } from "../../tests/product.ts";

const FIRES = 25;
const RUNS = 1_000;

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

/** Milliseconds from the end of a run's interval to its task. */
const delays: number[] = [];
const note = task("note", {
  input: z.object({ due: z.string() }),
  output: z.number(),
  run: ({ due }) => {
    delays.push(Date.now() - Date.parse(due));
    return delays.length;
  },
});
const byHand = defineDag({ id: "by_hand", params: z.object({ at: z.string() }) }, ({ params }) =>
  note({ due: params.at }),
);
const due = defineDag({ id: "due", schedule: every("3s") }, ({ run }) => note({ due: run.dataInterval.end }));
const daily = defineDag({ id: "daily", schedule: cron("@daily") }, ({ run }) => note({ due: run.dataInterval.end }));

const home = await mkdtemp(join(tmpdir(), "dagwright-bench-"));
const server = await startTemporalServer({
  home,
  port: await freePort(),
  uiPort: await freePort(),
  log: console.error,
});
const { address } = server;
const store = await openRunStore({ file: join(home, "runs.db") });
const services = {
  mcp: () => {
    throw new Error("no servers here");
  },
};
const registry = createRegistry([due, daily, byHand]);
const worker = await createDagWorker({ address, taskQueue: "bench", registry, services, store });
const ended = worker.run();
const engine = await connectEngine({ address, taskQueue: "bench", store });

function quantiles(): { p50Ms: number; p90Ms: number; maxMs: number } {
  // The first ones warm up.
  const sorted = delays
    .splice(0)
    .slice(5)
    .sort((a, b) => a - b);
  const quantile = (q: number) => sorted[Math.floor(sorted.length * q)] ?? Number.NaN;
  return { p50Ms: quantile(0.5), p90Ms: quantile(0.9), maxMs: sorted.at(-1) ?? Number.NaN };
}
// What a start costs without a schedule, on the same machine at the same time.
while (delays.length < FIRES) {
  const before = delays.length;
  await engine.startRun({ dagId: "by_hand", params: { at: new Date().toISOString() } });
  while (delays.length === before) await pause(20);
  await pause(300);
}
const startToTask = quantiles();
await engine.syncSchedules([due]);
while (delays.length < FIRES) await pause(200);
await engine.syncSchedules([]);
await pause(2_000);
const dueToTask = quantiles();
console.log(`to the first task: ${JSON.stringify({ dueToTask, startToTask })}`);

const megabytes = async () => {
  await pause(2_000);
  collect();
  return Math.round(process.memoryUsage().rss / 2 ** 20);
};
const rates: { concurrency: number; seconds: number; runsPerSecond: number; rssMiB: number }[] = [];
const before = await megabytes();
for (const [round, concurrency] of [16, 64].entries()) {
  const first = Date.parse("2000-01-01") + round * 2 * RUNS * 86_400_000;
  const range = { from: new Date(first).toISOString(), to: new Date(first + (RUNS - 1) * 86_400_000).toISOString() };
  const begun = performance.now();
  const { backfillId } = await engine.createBackfill({ dagId: "daily", ...range, concurrency });
  for (let view = await engine.getBackfill(backfillId); ; view = await engine.getBackfill(backfillId)) {
    if (view.endedAt !== undefined) {
      if (view.succeeded !== RUNS) throw new Error(`Only ${view.succeeded} of ${RUNS} runs: ${JSON.stringify(view)}`);
      break;
    }
    await pause(100);
  }
  const seconds = (performance.now() - begun) / 1_000;
  rates.push({ concurrency, seconds, runsPerSecond: RUNS / seconds, rssMiB: await megabytes() });
  console.log(`backfill of ${RUNS}, ${concurrency} at once: ${seconds.toFixed(1)} s`);
}
worker.shutdown();
await ended;
await engine.close();
await store.close();
await server.stop();
await rm(home, { recursive: true, force: true });
console.log(
  JSON.stringify({
    ...{ bench: "schedules", cpus: cpus().length, load: loadavg()[0], dueToTask, startToTask },
    ...{ rssMiBBefore: before, backfills: rates },
  }),
);
