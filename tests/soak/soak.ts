/**
 * `npm run test:soak [-- --minutes 60 --every 3]`: mixed load on one machine for an hour, and the memory of worker and
 * Temporal server as a curve. Fails when a run does not succeed, an effect is missing or doubled, or memory keeps growing.
 */
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { connectEngine } from "@dagwright/engine/client";
import { ensureTemporalBinary } from "@dagwright/engine/server";
import { EFFECTS } from "../chaos/dags.ts";
import { PROJECT, Product } from "../product.ts";

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "60" }, every: { type: "string", default: "3" } },
});
const minutes = Number(values.minutes);
const everyMs = Number(values.every) * 1_000;
if (!(minutes > 0) || !(everyMs > 0)) throw new Error("--minutes and --every (seconds) are numbers above 0");

/** What grows by more than this share, and by more than these MiB, between the first and the last third, is a leak. */
const GROWTH = { share: 0.25, mib: 80 };

interface Sample {
  readonly seconds: number;
  readonly worker: number;
  readonly server: number;
}

await ensureTemporalBinary({ home: join(PROJECT, ".dagwright"), log: console.error });
const product = await Product.create();
const effects = await mkdtemp(join(tmpdir(), "dagwright-soak-"));
const up = await product.up(["--dags", fileURLToPath(new URL("../chaos/dags.ts", import.meta.url))]);
const engine = await connectEngine({ address: product.address });
const begun = Date.now();
const until = begun + minutes * 60_000;
const samples: Sample[] = [];
const open = new Map<string, { dagId: string; folder: string }>();
const seenOver = new Map<string, number>();
let started = 0;
let ended = 0;
const problems: string[] = [];

/** Resident memory of a process, in MiB. */
async function rss(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024;
}

async function sample(): Promise<void> {
  const { pid } = JSON.parse(await readFile(join(product.home, "temporal", "server.json"), "utf8")) as { pid: number };
  const one = { seconds: (Date.now() - begun) / 1_000, worker: await rss(up.workerPid), server: await rss(pid) };
  samples.push(one);
  console.log(
    `${one.seconds.toFixed(0).padStart(5)} s  worker ${one.worker.toFixed(0).padStart(5)} MiB  server ${one.server.toFixed(0).padStart(5)} MiB  runs ${ended} ended, ${open.size} open`,
  );
}

async function startAll(): Promise<void> {
  for (const dagId of Object.keys(EFFECTS)) {
    const runId = `${dagId}/soak-${started}`;
    const folder = join(effects, String(started));
    started += 1;
    await mkdir(folder);
    await engine.startRun({ dagId, runId, params: { effects: folder, pace: 40 } });
    open.set(runId, { dagId, folder });
  }
}

async function closeEnded(): Promise<void> {
  for (const [runId, { dagId, folder }] of open) {
    const view = await engine.getRun(runId);
    if (!["success", "failed", "cancelled"].includes(view.state)) continue;
    const made = (await readdir(folder)).length;
    const expected = EFFECTS[dagId] ?? 0;
    // What its events start comes after its end: a minute for that.
    const over = seenOver.get(runId) ?? Date.now();
    seenOver.set(runId, over);
    if (view.state === "success" && made < expected && Date.now() - over < 60_000) continue;
    open.delete(runId);
    seenOver.delete(runId);
    ended += 1;
    if (view.state !== "success") problems.push(`${runId} is ${view.state}: ${view.error?.message}`);
    else if (made !== expected) problems.push(`${runId} left ${made} effects, not ${expected}`);
    await rm(folder, { recursive: true });
  }
}

for (let next = 0; Date.now() < until; next += 1) {
  // What the machine cannot keep up with is not piled up.
  if (open.size < 60) await startAll();
  if (next % Math.ceil(15_000 / everyMs) === 0) await sample();
  await closeEnded();
  await pause(everyMs);
}
for (let left = 120; left > 0 && open.size > 0; left -= 1) {
  await closeEnded();
  await pause(1_000);
}
await sample();
for (const runId of open.keys()) problems.push(`${runId} has not ended`);
await engine.close();
await product.destroy();
await rm(effects, { recursive: true, force: true });

function curve(of: "worker" | "server"): { line: string; first: number; last: number; grows: boolean } {
  const all = samples.map((one) => one[of]);
  // The first tenth warms up.
  const warm = all.slice(Math.ceil(all.length / 10));
  const third = Math.max(1, Math.floor(warm.length / 3));
  const median = (some: readonly number[]) => [...some].sort((a, b) => a - b)[Math.floor(some.length / 2)] ?? 0;
  const [first, last] = [median(warm.slice(0, third)), median(warm.slice(-third))];
  const most = Math.max(...all, 1);
  const step = Math.max(1, Math.floor(all.length / 60));
  const line = all
    .filter((_, i) => i % step === 0)
    .map((mib) => "▁▂▃▄▅▆▇█"[Math.min(7, Math.floor((mib / most) * 8))])
    .join("");
  return { line, first, last, grows: last > first * (1 + GROWTH.share) && last - first > GROWTH.mib };
}
const curves = { worker: curve("worker"), server: curve("server") };
console.log(`\n${minutes} minutes, ${ended} runs`);
for (const [of, { line, first, last, grows }] of Object.entries(curves)) {
  console.log(`${of.padEnd(7)} ${line} ${first.toFixed(0)} → ${last.toFixed(0)} MiB${grows ? "  GROWS" : ""}`);
  if (grows) problems.push(`the memory of the ${of} grows: ${first.toFixed(0)} → ${last.toFixed(0)} MiB`);
}
for (const problem of problems.slice(0, 20)) console.log(`✖ ${problem}`);
console.log(JSON.stringify({ soak: { minutes, runs: ended, problems: problems.length, curves } }));
process.exit(problems.length === 0 ? 0 : 1);
