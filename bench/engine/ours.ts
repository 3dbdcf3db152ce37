/** Our engine, as `dagwright up` runs it. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { bundleWorkflows } from "@dagwright/engine/worker";
import { BUNDLE_FOLDER } from "../../worker/bundle-folder.ts";
import type { Floor } from "./floor.ts";
import { PROJECT } from "./installs.ts";
import { inTurns, median, secondsOf } from "./measures.ts";
import { memoryOf, memoryOfTree, runToEnd } from "./processes.ts";
import type { PeerMeasures } from "./report.ts";
import { type Stack, startStack } from "./stack.ts";

/** How long the schedule that fires every 5 seconds is let go, in milliseconds; Airflow's as long. */
const FIRING_MS = 46_000;

/** How long the run of 10,000 mapped tasks may take, in milliseconds. */
const MAPPED_LIMIT_MS = 240_000;

const SOURCES = ["--conditions=source", "--import", "tsx"];

/** The workloads on our engine, in turns with the floor's where there is one. */
export async function measureWorkloads(
  stack: Stack,
  floor: Floor | null,
  rounds: number,
): Promise<{ readonly ours: Required<PeerMeasures["seconds"]>; readonly floor: PeerMeasures["seconds"] | null }> {
  const twenty = (one: () => Promise<unknown>) => Promise.all(Array.from({ length: 20 }, one));
  const chain = await measured({
    ours: () => stack.run("chain_100"),
    light: () => stack.run("chain_100_light"),
    floor: floor && (() => floor.run("chainByHand", 100)),
  });
  const fan = await measured({
    ours: () => stack.run("fan_200"),
    light: () => stack.run("fan_200_light"),
    floor: floor && (() => floor.run("fanByHand", 200)),
  });
  const runs = await measured({
    ours: () => twenty(() => stack.run("chain_10")),
    floor: floor && (() => twenty(() => floor.run("chainByHand", 10))),
  });
  return {
    ours: {
      ...{ chain: chain("ours"), fan: fan("ours"), twenty: runs("ours") },
      ...{ chainLight: chain("light"), fanLight: fan("light") },
    },
    floor: floor && { chain: chain("floor"), fan: fan("floor"), twenty: runs("floor") },
  };

  async function measured(works: Record<string, (() => Promise<unknown>) | null>) {
    const there = Object.entries(works).flatMap(([kind, work]) => (work === null ? [] : [[kind, work] as const]));
    const times = await inTurns(rounds, Object.fromEntries(there));
    return (kind: string) => median(times[kind] ?? []);
  }
}

/** From nothing running to ready, and to the end of a first run; then the memory at rest. */
export async function startCold(): Promise<{
  readonly stack: Stack;
  readonly upSeconds: number;
  readonly coldStartSeconds: number;
}> {
  // An installation has made it (`worker/keep-bundle.ts`); after a change since, this start would.
  await bundleWorkflows(BUNDLE_FOLDER);
  const begun = performance.now();
  const stack = await startStack();
  const upSeconds = (performance.now() - begun) / 1_000;
  await stack.run("chain_10");
  return { stack, upSeconds, coldStartSeconds: (performance.now() - begun) / 1_000 };
}

/** Memory of server and worker, and of the whole process tree, after 20 seconds of rest; in MiB. */
export async function idleMemory({ up }: Stack): Promise<{ serverAndWorker: number; all: number }> {
  await pause(20_000);
  const all = memoryOfTree(up.pid);
  return { serverAndWorker: all - memoryOf(up.pid), all };
}

/** How late the task of a run begins, in seconds, of all fires of a schedule but the first, which warms up. */
export async function measureLateness({ engine, store }: Stack): Promise<number[]> {
  const dagId = "every_5s";
  await engine.unpauseSchedule(dagId);
  await pause(FIRING_MS);
  await engine.pauseSchedule(dagId);
  await pause(1_000);
  const lateness: number[] = [];
  for (const { runId } of (await store.listRuns({ dagId })).slice(0, -1)) {
    const stored = await store.getRun(runId);
    const [first] = await store.listAttempts(runId);
    if (first === undefined || stored === null) continue;
    lateness.push((Date.parse(first.startedAt) - Date.parse(stored.view.dataInterval.end)) / 1_000);
  }
  if (lateness.length < 5) throw new Error(`Only ${lateness.length} runs were fired by the schedule`);
  return lateness;
}

/** 10,000 mapped tasks in one run: how long it takes, and the worker's memory before and after. */
export async function measureMapped({
  run,
  workerPid,
}: Stack): Promise<Record<"seconds" | "workerMiBBefore" | "workerMiBAfter", number>> {
  const workerMiBBefore = memoryOf(workerPid);
  const late = new AbortController();
  try {
    const tooLong = pause(MAPPED_LIMIT_MS, null, { signal: late.signal }).then(() => {
      throw new Error(`it did not end within ${MAPPED_LIMIT_MS / 1_000} s`);
    });
    tooLong.catch(() => undefined);
    const seconds = await secondsOf(() => Promise.race([run("mapped"), tooLong]));
    return { seconds, workerMiBBefore, workerMiBAfter: memoryOf(workerPid) };
  } finally {
    late.abort();
  }
}

/** Seconds to read 200 files of ten tasks each, in a new process; the start of Node is not counted. */
export async function measureLoad(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "dagwright-many-"));
  try {
    await mkdir(join(folder, "dags"));
    for (let nth = 0; nth < 200; nth += 1) {
      const lines = [
        'import { cron, defineDag, type Ref, task } from "@dagwright/engine";',
        'import { z } from "zod";',
        'const noop = task("noop", { input: z.number(), output: z.number(), run: (value) => value });',
        `export const dag = defineDag({ id: "many_${nth}", schedule: cron("0 3 * * *") }, () => {`,
        "  let value: number | Ref<number> = 0;",
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the file's own.
        "  for (let n = 0; n < 10; n += 1) value = noop(value, { id: `t${n}` });",
        "  return value;",
        "});",
      ];
      await writeFile(join(folder, "dags", `many_${nth}.ts`), `${lines.join("\n")}\n`);
    }
    const loader = fileURLToPath(new URL("load-dags.ts", import.meta.url));
    const command = [process.execPath, ...SOURCES, loader, join(folder, "dags"), join(folder, "cache")];
    const told = await runToEnd(command, { cwd: PROJECT, timeoutMs: 60_000 });
    return Number(/seconds ([\d.]+)/.exec(told)?.[1]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
