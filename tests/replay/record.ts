/**
 * Records histories of real runs into `histories/`: `npm run record-histories`. A history once committed stays: it stands
 * for the runs that are in flight somewhere while the interpreter changes: what is there is kept. Add new ones when it
 * learns something new.
 */
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { defineDag, every, onAssets, retrainingController } from "@dagwright/engine";
import { Client, Connection } from "@temporalio/client";
import proto from "@temporalio/proto";
import { assetDags, burst, clients, orders } from "../engine/assets-dags.ts";
import { dags } from "../engine/dags.ts";
import { startEmbedded } from "../engine/embedded.ts";
import { keeper, poolDags } from "../engine/pool-dags.ts";

const prefix = process.argv[2];
if (prefix === undefined) throw new Error("Name the recording, such as 2026-11: npm run record-histories -- 2026-11");
/** What a schedule starts, and a backfill runs. */
const often = defineDag({ id: "often", schedule: every("2s") }, () => ({}));
const embedded = await startEmbedded("recording");
const worker = await embedded.worker([...dags, often, ...poolDags, ...assetDags]);
const { engine } = embedded;
const connection = await Connection.connect({ address: embedded.address });
const client = new Client({ connection });

await engine.syncSchedules([often]);
const range = { from: "2026-01-01", to: "2026-01-04", concurrency: 2 };
await engine.createBackfill({ dagId: "shapes", id: "whole", ...range, reprocess: "all", assetEvents: "once" });
await engine.createBackfill({ ...range, dagId: "often", id: "cancelled", to: "2026-01-01T00:20:00Z" });
await new Promise((later) => setTimeout(later, 1_000));
await engine.cancelBackfill("often/cancelled", { by: "recorder", runs: true });
await engine.startRun({ dagId: "shapes", runId: "shapes/small", params: { value: 3 } });
await engine.startRun({ dagId: "shapes", runId: "shapes/big", params: { big: true } });
await engine.startRun({ dagId: "shapes", runId: "shapes/refused", params: { value: "much" } });
await engine.startRun({ dagId: "flaky", runId: "flaky/mended", params: { failures: 2 } });
await engine.startRun({ dagId: "flaky", runId: "flaky/failed", params: { failures: 3 } });
await engine.startRun({ dagId: "mapped", runId: "mapped/seven" });
await engine.startRun({ dagId: "tidy", runId: "tidy/cancelled", params: { milliseconds: 60_000 } });
await engine.startRun({ dagId: "asking", runId: "asking/approved" });
await engine.startRun({ dagId: "slow", runId: "slow/paused", params: { milliseconds: 1_000 } });
await engine.startRun({ dagId: "slow", runId: "slow/cancelled" });
await engine.pauseRun("slow/paused", { by: "recorder", reason: "to be recorded" });
for (const runId of ["slow/cancelled", "tidy/cancelled"])
  await engine.cancelRun(runId, { by: "recorder", reason: "to be recorded" });
await new Promise((later) => setTimeout(later, 3_000));
await engine.resumeRun("slow/paused");
await engine.answerApproval("asking/approved", { task: "go_on", approved: true, by: "recorder" });
await engine.ensureController(retrainingController({ model: "churn", dag: "flaky", debounce: "1s", coolDown: "3s" }));
for (const reason of ["first", "second"]) await engine.signalDrift({ model: "churn", reason, id: reason });
await new Promise((later) => setTimeout(later, 2_000));
await engine.signalDrift({ model: "churn", reason: "third", evidence: { psi: 0.3 } });
const runs = [
  "shapes/small",
  "shapes/big",
  "shapes/refused",
  "flaky/mended",
  "flaky/failed",
  "mapped/seven",
  "tidy/cancelled",
  "asking/approved",
  "slow/paused",
  "slow/cancelled",
];
// Pools: tasks that wait for slots, runs that wait in line, one of them cancelled there.
await engine.setPool("cards", { slots: 2 });
await engine.startRun({ dagId: "cards_by_task", runId: "cards_by_task/shared" });
await engine.startRun({ dagId: "cards_by_item", runId: "cards_by_item/shared" });
for (const name of ["first", "second", "cancelled"])
  await engine.startRun({
    dagId: "one_by_one",
    runId: `one_by_one/${name}`,
    params: { name, hold: name === "first" },
  });
while (!keeper.began.includes("first")) await new Promise((later) => setTimeout(later, 50));
await engine.cancelRun("one_by_one/cancelled", { by: "recorder", reason: "to be recorded" });
keeper.open("first");
runs.push("cards_by_task/shared", "cards_by_item/shared");
runs.push("one_by_one/first", "one_by_one/second", "one_by_one/cancelled");
for (const runId of runs) await engine.waitForRun(runId);
while ((await engine.listRuns({ dagId: "flaky" })).every(({ runId }) => runId !== "flaky/retraining-churn-1"))
  await new Promise((later) => setTimeout(later, 500));
await engine.waitForRun("flaky/retraining-churn-1");
await engine.waitForRun("flaky/retraining-churn-2").catch(() => undefined);
await new Promise((later) => setTimeout(later, 4_000));

// Assets: who updates them, who waits for them, the log and the triggers between them.
const pause = (milliseconds: number) => new Promise((later) => setTimeout(later, milliseconds));
await engine.syncSchedules(assetDags);
await engine.startRun({ dagId: "sells", runId: "sells/once", params: { outcome: "once" } });
await engine.waitForRun("sells/once");
await engine.startRun({ dagId: "serves", runId: "serves/mapped" });
await engine.waitForRun("serves/mapped");
for (const id of ["same", "same", "other"]) await engine.emitAsset(burst.uri, { id, by: "recorder" });
await pause(1_000);
await engine.pauseSchedule("each", "to be recorded");
for (const id of ["held", "held too"]) await engine.emitAsset(burst.uri, { id, by: "recorder" });
await pause(1_000);
await engine.unpauseSchedule("each");
await pause(2_000);
const changed = defineDag({ id: "either", schedule: onAssets(orders.and(clients)) }, () => null);
const consumed = (await engine.listRuns({ dagId: "either" })).at(-1)?.runId ?? "";
await engine.syncSchedules([...assetDags.filter(({ id }) => id !== "either" && id !== "both"), changed]);
await pause(2_000);
const ofAssets = ["sells/once", "serves/mapped", "asset-trigger/each", "asset-trigger/either"];
const logs = [orders, burst].map(({ uri }) => `asset/${uri}`);

await engine.syncSchedules([]);
await new Promise((later) => setTimeout(later, 2_000));
const launchers: string[] = [];
for await (const { workflowId, status } of client.workflow.list({ query: 'WorkflowType = "often"' }))
  if (workflowId.includes("/scheduled-") && status.name === "COMPLETED") launchers.push(workflowId);
const [launcher] = launchers.sort();
if (launcher === undefined) throw new Error("No launcher has completed");
const ids = [...runs, "retraining-controller/churn", "pool/cards", "pool/runs/one_by_one", ...ofAssets, ...logs];
ids.push("backfill/shapes/whole", "backfill/often/cancelled");
const named = [
  ...ids.map((id) => [id, id] as const),
  ["launcher/often", launcher],
  ["either.asset", consumed],
] as const;
for (const [name, id] of named) {
  const file = new URL(`histories/${prefix}.${name.replaceAll(/[^\w.-]+/g, ".")}.binpb`, import.meta.url);
  // What was recorded once stays as it is.
  if (existsSync(file)) continue;
  const history = withoutTraces(await client.workflow.getHandle(id).fetchHistory());
  await writeFile(fileURLToPath(file), proto.temporal.api.history.v1.History.encode(history).finish());
  console.log(`${fileURLToPath(file)}: ${history.events?.length} events`);
}
/** Stack traces and identities name this machine, and replay does not look at them. */
function withoutTraces<T>(value: T): T {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  for (const [name, inner] of Object.entries(value)) {
    if (name === "stackTrace" || name === "identity") Reflect.set(value, name, "");
    else withoutTraces(inner);
  }
  return value;
}

await worker.stop();
await connection.close();
await embedded.close();
