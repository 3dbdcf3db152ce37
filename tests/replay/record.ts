/**
 * Records histories of real runs into `histories/`: `npm run record-histories -- 2026-11 [SUBJECT…]`. A history once
 * committed stays: it stands for the runs that are in flight somewhere while the interpreter changes: what is there is
 * kept. Add new ones when it learns something new.
 */

import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Client, Connection } from "@temporalio/client";
import proto from "@temporalio/proto";
import { startEmbedded } from "../engine/embedded.ts";
import { PROJECT } from "../product.ts";
import { assets } from "./recordings/assets.ts";
import { executions } from "./recordings/executions.ts";
import { interventions } from "./recordings/interventions.ts";
import { large } from "./recordings/large.ts";
import { nested } from "./recordings/nested.ts";
import { pools } from "./recordings/pools.ts";
import type { Recording } from "./recordings/recording.ts";
import { runs } from "./recordings/runs.ts";
import { schedules } from "./recordings/schedules.ts";
import { series } from "./recordings/series.ts";

const recordings = [runs, schedules, pools, assets, nested, interventions, executions, large, series];
const [prefix, ...subjects] = process.argv.slice(2);
if (prefix === undefined) throw new Error("Name the recording, such as 2026-11: npm run record-histories -- 2026-11");
for (const recording of recordings)
  if (subjects.length === 0 || subjects.includes(recording.subject)) await keep(recording, prefix);

/** Makes a recording on a server of its own, and writes the histories that are not there yet. */
async function keep({ subject, dags, worker: some, record }: Recording, as: string): Promise<void> {
  const taskQueue = "recording";
  const embedded = await startEmbedded(taskQueue);
  const connection = await Connection.connect({ address: embedded.address });
  try {
    const client = new Client({ connection });
    const worker = await embedded.worker(dags, some);
    const { engine } = embedded;
    const kept = await record({ embedded, engine, client, taskQueue, stopWorker: async () => await worker.stop() });
    for (const { name, workflowId, execution } of kept) {
      const file = new URL(`histories/${as}.${name.replaceAll(/[^\w.-]+/g, ".")}.binpb`, import.meta.url);
      // What was recorded once stays as it is.
      if (existsSync(file)) continue;
      const history = withoutTraces(await client.workflow.getHandle(workflowId, execution).fetchHistory());
      await writeFile(fileURLToPath(file), proto.temporal.api.history.v1.History.encode(history).finish());
      console.log(`${subject}: ${fileURLToPath(file)}: ${history.events?.length} events`);
    }
  } finally {
    await connection.close();
    await embedded.close();
  }
}

/** Stack traces and identities name this machine, and replay does not look at them. */
function withoutTraces<T>(value: T): T {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  for (const [name, inner] of Object.entries(value)) {
    if (name === "stackTrace" || name === "identity") Reflect.set(value, name, "");
    // An error of a task's own has its stack in its details.
    else if (inner instanceof Uint8Array) Reflect.set(value, name, withoutFolder(inner));
    else withoutTraces(inner);
  }
  return value;
}

function withoutFolder(payload: Uint8Array): Uint8Array {
  const text = Buffer.from(payload).toString("utf8");
  return text.includes(PROJECT) ? Buffer.from(text.replaceAll(PROJECT, "/srv/dagwright/")) : payload;
}
