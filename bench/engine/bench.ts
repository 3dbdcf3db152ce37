/**
 * The engine beside its peers, in one run on one machine: tuned Airflow and Prefect on PostgreSQL, and the floor, the same
 * work written by hand as Temporal workflows. Settings and workloads: docs/benchmarks.md. The last line is JSON.
 */
import { loadavg } from "node:os";
import { measureAirflow } from "./airflow.ts";
import { startFloor } from "./floor.ts";
import { median, quantile } from "./measures.ts";
import { readOptions } from "./options.ts";
import { idleMemory, measureLateness, measureLoad, measureMapped, measureWorkloads, startCold } from "./ours.ts";
import { measurePrefect } from "./prefect.ts";
import { endAll } from "./processes.ts";
import { asJson, type PeerMeasures, ratios, type Skipped, tell } from "./report.ts";
import { startStack } from "./stack.ts";
import { startTemporalOnPostgres } from "./temporal-on-postgres.ts";

const options = readOptions(process.argv.slice(3));
const wanted = (part: (typeof options.parts)[number]) => options.parts.includes(part);
const airflowRounds = Math.ceil(options.rounds / 3);
const begun = Date.now();
const load: number[] = [loadavg()[0] ?? 0];
const skipped: Skipped[] = [];
const result: Record<string, unknown> = { bench: "engine", rounds: options.rounds, skipped };
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void endAll().finally(() => process.exit(130)));
}

let ours: PeerMeasures["seconds"] | undefined;
if (wanted("ours")) {
  const cold = await startCold();
  const { stack } = cold;
  const memory = await idleMemory(stack);
  const lateness = await measureLateness(stack);
  const floor = wanted("floor") ? await startFloor(stack.address, stack.temporal) : null;
  const measured = await measureWorkloads(stack, floor, options.rounds);
  await floor?.end();
  ours = measured.ours;
  const loads: number[] = [];
  for (let nth = 0; nth < 3; nth += 1) loads.push(await measureLoad());
  const measures: PeerMeasures = {
    name: "Dagwright, embedded server, file database",
    seconds: measured.ours,
    dueToStart: { p50: quantile(lateness, 0.5), p99: quantile(lateness, 0.99), samples: lateness.length },
    ...{ upSeconds: cold.upSeconds, coldStartSeconds: cold.coldStartSeconds },
    ...{ idleMiB: memory.serverAndWorker, loadSeconds: median(loads) },
  };
  tell(measures.name, measures);
  console.log(`  ${"memory with `up` itself".padEnd(28)} ${memory.all.toFixed(0)} MiB`);
  result["ours"] = { ...measures, allMiB: memory.all };
  if (measured.floor !== null) {
    tell("Floor: the same by hand, on the same server", { name: "floor", seconds: measured.floor });
    result["floor"] = measured.floor;
    result["floorToOurs"] = ratios(measured.floor, measured.ours, sameWorkloads());
    result["oursToFloor"] = ratios(measured.ours, measured.floor, sameWorkloads());
  }
  await part("mapped", async () => {
    const mapped = await measureMapped(stack);
    const memory = `${mapped.workerMiBBefore.toFixed(0)} → ${mapped.workerMiBAfter.toFixed(0)} MiB`;
    console.log(`\n10,000 mapped tasks in one run: ${mapped.seconds.toFixed(1)} s, the worker's memory ${memory}`);
    result["mapped10000"] = mapped;
  });
  await stack.end();
  load.push(loadavg()[0] ?? 0);
}

await part("postgres", async () => {
  const server = await startTemporalOnPostgres();
  try {
    const stack = await startStack(server.address);
    const floor = await startFloor(server.address, stack.temporal);
    const measured = await measureWorkloads(stack, floor, Math.min(3, options.rounds));
    tell("Dagwright on Temporal 1.31 with PostgreSQL", { name: "ours", seconds: measured.ours });
    result["oursOnPostgres"] = measured.ours;
    if (measured.floor !== null) {
      tell("Floor on the same server", { name: "floor", seconds: measured.floor });
      result["floorOnPostgres"] = measured.floor;
      result["oursToFloorOnPostgres"] = ratios(measured.ours, measured.floor, sameWorkloads());
    }
    await floor.end();
    await stack.end();
  } finally {
    await server.end();
  }
});
await part("prefect", async () => {
  const measures = await measurePrefect(options.rounds);
  tell(measures.name, measures);
  result["prefect"] = measures;
  if (ours !== undefined) {
    result["prefectToLight"] = ratios(measures.seconds, ours, {
      chain: ["chain", "chainLight"],
      fan: ["fan", "fanLight"],
    });
  }
});
await part("airflow", async () => {
  const measures = await measureAirflow(airflowRounds);
  tell(measures.name, measures);
  result["airflow"] = measures;
  if (ours !== undefined) result["airflowToOurs"] = ratios(measures.seconds, ours, sameWorkloads());
});

for (const { part: name, why } of skipped) console.log(`\nSkipped: ${name}: ${why}`);
const minutes = (Date.now() - begun) / 60_000;
console.log(
  `\nLoad of the machine (1 min): ${load.map((one) => one.toFixed(1)).join(", ")}; ${minutes.toFixed(1)} minutes`,
);
await endAll();
console.log(JSON.stringify(asJson({ ...result, load, minutes })));

/** Runs a part of the bench if it is wanted; one that breaks is named with the reason, and the others go on. */
async function part(name: (typeof options.parts)[number], measure: () => Promise<void>): Promise<void> {
  if (!wanted(name)) return;
  try {
    await measure();
  } catch (error) {
    skipped.push({ part: name, why: error instanceof Error ? error.message : String(error) });
    await endAll();
  }
  load.push(loadavg()[0] ?? 0);
}

/** Each workload beside itself. */
function sameWorkloads() {
  return { chain: ["chain", "chain"], fan: ["fan", "fan"], twenty: ["twenty", "twenty"] } as const;
}
