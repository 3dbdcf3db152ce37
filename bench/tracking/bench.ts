/**
 * What tracking costs beside MLflow: 1,000 runs of 100 metrics logged and searched, over the same REST API by the same
 * client, on MLflow's server (its defaults: SQLite, files) and on ours, one after the other; and on our store without a
 * server between. `--runs N` for less.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { MLFLOW_VERSION, openTracking } from "@dagwright/tracking";
import { freePort, PROJECT } from "../../tests/product.ts";
import { pythonPeer } from "../engine/installs.ts";
import { endAll, memoryOfTree, startService, untilReady } from "../engine/processes.ts";
import { logRuns, METRICS, type Measures, measure, type Server } from "./workload.ts";

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: { runs: { type: "string", default: "1000" } },
});
const runs = Number(values.runs);

const folder = await mkdtemp(join(tmpdir(), "bench-tracking-"));
const measured: Record<string, Measures & { readonly memoryMiB: number }> = {};

async function serve(name: string, command: (port: number) => readonly string[]): Promise<void> {
  const port = await freePort();
  const service = startService(name, command(port), {
    cwd: PROJECT,
    env: { ...process.env, DAGWRIGHT_HOME: join(folder, "ours"), MLFLOW_DISABLE_TELEMETRY: "true" },
    logFile: join(folder, `${name}.log`),
  });
  const server: Server = { url: `http://127.0.0.1:${port}` };
  const isHealthy = async () => (await fetch(`${server.url}/health`)).ok;
  await untilReady(name, isHealthy, { timeoutMs: 120_000, service });
  // What is done for the first time is not what is measured.
  await logRuns(server, { experiment: "warm", runs: 20, clients: 1 });
  console.error(`${name}: ${runs} runs of ${METRICS} metrics …`);
  const found = await measure(server, runs);
  measured[name] = { ...found, memoryMiB: Math.round(memoryOfTree(service.pid)) };
  await service.end();
}

try {
  const bin = await pythonPeer("mlflow", [`mlflow==${MLFLOW_VERSION}`, "scikit-learn==1.9.1"]);
  await serve("ours", (port) => [
    ...[process.execPath, "--conditions=source", "--import", "tsx", "client/cli/main.ts"],
    ...["tracking", "serve", "--port", String(port)],
  ]);
  await serve("mlflow", (port) => [
    ...[join(bin, "mlflow"), "server", "--host", "127.0.0.1", "--port", String(port)],
    ...["--backend-store-uri", `sqlite:///${join(folder, "mlflow.db")}`],
    ...["--artifacts-destination", join(folder, "artifacts")],
  ]);
  const embedded = await embeddedSeconds();
  const [ours, theirs] = [measured["ours"], measured["mlflow"]];
  if (ours === undefined || theirs === undefined) throw new Error("nothing was measured");
  const rounded = (value: number) => Number(value.toPrecision(3));
  const ratios: Record<string, number> = { logEmbedded: rounded((theirs.seconds["log"] ?? Number.NaN) / embedded) };
  console.log(
    `\n${"seconds".padEnd(26)}${"ours".padStart(10)}${`MLflow ${MLFLOW_VERSION}`.padStart(16)}${"ratio".padStart(9)}`,
  );
  for (const [what, own] of Object.entries(ours.seconds)) {
    const their = theirs.seconds[what] ?? Number.NaN;
    ratios[what] = rounded(their / own);
    console.log(
      `${what.padEnd(26)}${own.toFixed(3).padStart(10)}${their.toFixed(3).padStart(16)}${`${ratios[what]} x`.padStart(9)}`,
    );
  }
  console.log(`${"log, without a server".padEnd(26)}${embedded.toFixed(3).padStart(10)}`);
  console.log(
    `${"memory, MiB".padEnd(26)}${String(ours.memoryMiB).padStart(10)}${String(theirs.memoryMiB).padStart(16)}`,
  );
  ratios["memory"] = rounded(theirs.memoryMiB / ours.memoryMiB);
  const machine = { cpus: cpus().length, load: loadavg().map(rounded) };
  console.log(
    JSON.stringify({
      bench: "tracking",
      runs,
      metrics: METRICS,
      ratios,
      measured,
      embedded: rounded(embedded),
      machine,
    }),
  );
} finally {
  await endAll();
  await rm(folder, { recursive: true, force: true });
}

/** The same runs by the interface that our own tools use. */
async function embeddedSeconds(): Promise<number> {
  const tracking = await openTracking({ root: join(folder, "embedded") });
  const begun = performance.now();
  for (let run = 0; run < runs; run++) {
    const { runId } = await tracking.startRun({ experiment: "bench" });
    const metrics = Object.fromEntries(
      Array.from({ length: METRICS }, (_, at) => [`m${at}`, ((run * 31 + at * 17) % 1000) / 1000]),
    );
    await tracking.logBatch(runId, { metrics, params: { model: run % 2 === 0 ? "forest" : "boosting", run } });
    await tracking.finishRun(runId, "FINISHED");
  }
  const seconds = (performance.now() - begun) / 1_000;
  await tracking.close();
  return seconds;
}
