/**
 * Worker and Temporal server are killed at random points, over and over, while runs of mixed DAGs come and go: every run
 * completes, every effect is there exactly once by its idempotency key. `npm run test:chaos` kills 50 times; `npm test`
 * fewer.
 */
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { connectEngine, type EngineClient } from "@dagwright/engine/client";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Product } from "../product.ts";
import { EFFECTS } from "./dags.ts";

const KILLS = Number(process.env["CHAOS_KILLS"] ?? 6);
const SEED = Number(process.env["CHAOS_SEED"] ?? Date.now() % 1_000_000);
const DAGS = fileURLToPath(new URL("dags.ts", import.meta.url));

let product: Product;
let effects: string;
let up: Awaited<ReturnType<Product["up"]>>;

beforeAll(async () => {
  product = await Product.create();
  effects = await mkdtemp(join(tmpdir(), "dagwright-effects-"));
  up = await product.up(["--dags", DAGS]);
}, 120_000);
afterAll(async () => {
  await product.destroy();
  await rm(effects, { recursive: true, force: true });
}, 60_000);

/** The same numbers for the same seed (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

async function serverPid(): Promise<number | null> {
  const text = await readFile(join(product.home, "temporal", "server.json"), "utf8").catch(() => "");
  return text === "" ? null : (JSON.parse(text) as { pid: number }).pid;
}

/** Ends a process of ours if it is there; whether it was. */
function killed(pid: number | null | undefined): boolean {
  if (!pid) return false;
  try {
    process.kill(pid, "SIGKILL");
    return true;
  } catch {
    return false;
  }
}

async function workerPid(): Promise<number | undefined> {
  const children = await readFile(`/proc/${up.process.pid}/task/${up.process.pid}/children`, "utf8");
  for (const pid of children.trim().split(" ").map(Number)) {
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (command.includes("worker/main.ts")) return pid;
  }
  return undefined;
}

/** Tries until the server answers: it may be starting again. */
async function insistently<T>(work: (engine: EngineClient) => Promise<T>): Promise<T> {
  for (let left = 60; ; left -= 1) {
    try {
      const engine = await connectEngine({ address: product.address });
      try {
        return await work(engine);
      } finally {
        await engine.close();
      }
    } catch (error) {
      if (left === 0) throw error;
      await pause(500);
    }
  }
}

it(`${KILLS} kills at random points (seed ${SEED}): every run completes, every effect is there once`, async () => {
  const chance = random(SEED);
  const runs: { runId: string; dagId: string; folder: string }[] = [];
  const startSome = async () => {
    for (const dagId of Object.keys(EFFECTS)) {
      const runId = `${dagId}/chaos-${runs.length}`;
      const folder = join(effects, String(runs.length));
      await mkdir(folder);
      runs.push({ runId, dagId, folder });
      await insistently((engine) => engine.startRun({ dagId, runId, params: { effects: folder } }));
    }
  };
  const told: string[] = [];
  await startSome();
  for (let kills = 0; kills < KILLS; ) {
    await pause(300 + chance() * 4_000);
    const what = chance() < 0.35 ? "server" : "worker";
    const pid = what === "server" ? await serverPid() : await workerPid();
    if (!killed(pid)) continue;
    kills += 1;
    told.push(what);
    if (kills % 6 === 0) await startSome();
  }
  for (const { runId, dagId, folder } of runs) {
    const view = await insistently((engine) => engine.waitForRun(runId));
    expect({ runId, state: view.state, error: view.error }).toEqual({ runId, state: "success", error: undefined });
    // What an event has started may take a while longer than the run that it came from.
    await expect
      .poll(async () => (await readdir(folder)).length, { timeout: 60_000 })
      .toBeGreaterThanOrEqual(EFFECTS[dagId] ?? 0);
    const made = await readdir(folder);
    expect({ runId, effects: made.length, of: made }).toMatchObject({ runId, effects: EFFECTS[dagId] });
  }
  const servers = told.filter((what) => what === "server").length;
  console.log(
    `chaos: ${runs.length} runs, ${told.length - servers} workers and ${servers} servers killed, seed ${SEED}`,
  );
}, 1_500_000);
