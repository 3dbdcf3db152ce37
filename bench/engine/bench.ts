/**
 * The engine against the same work written by hand as Temporal workflows, on the same embedded server, in turns: a chain
 * of 100 tasks, a fan-out of 200 with a join, 20 runs of 10 tasks at once.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createRegistry, type Dag, defineDag, type Ref, task } from "@dagwright/engine";
import { connectEngine } from "@dagwright/engine/client";
import { startTemporalServer } from "@dagwright/engine/server";
import { createDagWorker } from "@dagwright/engine/worker";
import { Client, Connection } from "@temporalio/client";
import { NativeConnection, Worker } from "@temporalio/worker";
import { z } from "zod";
import { freePort } from "../../tests/product.ts";

const ROUNDS = 5;
const step = task("step", { input: z.number(), output: z.number(), run: (value) => value + 1 });
const lightStep = task("light_step", { input: z.number(), output: z.number(), light: true, run: (value) => value + 1 });

function chain(id: string, length: number, link: typeof step): Dag {
  return defineDag({ id }, () => {
    let value: number | Ref<number> = 0;
    for (let i = 0; i < length; i += 1) value = link(value, { id: `step_${i}` });
    return value;
  });
}
function fan(id: string, width: number, link: typeof step): Dag {
  return defineDag({ id }, () => {
    const all = Array.from({ length: width }, (_, i) => link(i, { id: `step_${i}` }));
    return link(width, { id: "join", after: all });
  });
}
const dags = [
  ...[chain("chain_100", 100, step), chain("chain_100_light", 100, lightStep), chain("chain_10", 10, step)],
  ...[fan("fan_200", 200, step), fan("fan_200_light", 200, lightStep)],
];

const home = await mkdtemp(join(tmpdir(), "dagwright-bench-"));
const server = await startTemporalServer({
  home,
  port: await freePort(),
  uiPort: await freePort(),
  log: console.error,
});
const { address } = server;
const services = {
  mcp: () => {
    throw new Error("no servers here");
  },
};
const worker = await createDagWorker({ address, taskQueue: "engine", registry: createRegistry(dags), services });
const native = await NativeConnection.connect({ address });
const byHand = await Worker.create({
  connection: native,
  taskQueue: "by-hand",
  workflowsPath: fileURLToPath(new URL("imperative-workflows.ts", import.meta.url)),
  activities: { step: async (value: number) => value + 1 },
  shutdownForceTime: 5_000,
});
const ended = [worker.run(), byHand.run()];
const engine = await connectEngine({ address, taskQueue: "engine" });
const connection = await Connection.connect({ address });
const client = new Client({ connection });

let count = 0;
async function run(dagId: string): Promise<void> {
  count += 1;
  const { runId, temporalRunId } = await engine.startRun({ dagId, runId: `${dagId}/${count}` });
  await client.workflow.getHandle(runId, temporalRunId).result();
}
async function hand(workflow: "chainByHand" | "fanByHand", size: number): Promise<void> {
  count += 1;
  await client.workflow.execute(workflow, { workflowId: `hand-${count}`, taskQueue: "by-hand", args: [size] });
}
const twenty = async (one: () => Promise<void>) => {
  await Promise.all(Array.from({ length: 20 }, one));
};

const workloads = {
  "chain of 100": {
    engine: () => run("chain_100"),
    light: () => run("chain_100_light"),
    hand: () => hand("chainByHand", 100),
  },
  "fan-out of 200": {
    engine: () => run("fan_200"),
    light: () => run("fan_200_light"),
    hand: () => hand("fanByHand", 200),
  },
  "20 runs of 10": {
    engine: () => twenty(() => run("chain_10")),
    hand: () => twenty(() => hand("chainByHand", 10)),
  },
};

async function seconds(work: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1_000;
}
function median(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;
}

const result: Record<string, Record<string, number>> = {};
for (const [name, kinds] of Object.entries(workloads)) {
  const times: Record<string, number[]> = {};
  for (let round = -1; round < ROUNDS; round += 1) {
    for (const [kind, work] of Object.entries(kinds)) {
      const took = await seconds(work);
      // The first round warms up.
      if (round >= 0) times[kind] = [...(times[kind] ?? []), took];
    }
  }
  const medians = Object.fromEntries(Object.entries(times).map(([kind, all]) => [kind, median(all)]));
  const floor = medians["hand"] ?? Number.NaN;
  result[name] = Object.fromEntries(
    Object.entries(medians).flatMap(([kind, s]) => [
      [`${kind}Seconds`, Number(s.toFixed(3))],
      ...(kind === "hand" ? [] : [[`${kind}Ratio`, Number((s / floor).toFixed(2))] as const]),
    ]),
  );
  const told = Object.entries(medians).map(([kind, s]) => `${kind} ${s.toFixed(2)} s`);
  console.log(`${name.padEnd(16)} ${told.join(", ")}`);
}
worker.shutdown();
byHand.shutdown();
await Promise.all(ended);
await native.close();
await connection.close();
await engine.close();
await server.stop();
await rm(home, { recursive: true, force: true });
console.log(
  JSON.stringify({ bench: "engine", rounds: ROUNDS, against: "imperative Temporal workflows", workloads: result }),
);
