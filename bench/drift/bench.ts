/**
 * Drift of two large tables beside Evidently, in one run on the same columns, each in a process of its own; and a stream
 * that is never held in memory. Workloads: docs/benchmarks.md. The last line is JSON.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { pythonPeer } from "../engine/installs.ts";
import { rounded } from "../engine/measures.ts";
import { runToEnd } from "../engine/processes.ts";
import { benchColumns, writeColumns } from "./columns.ts";
import { readOptions } from "./options.ts";

const PEER = ["evidently==0.7.23", "pandas==2.3.3", "numpy==2.4.6", "scipy==1.17.1", "scikit-learn==1.9.1"];
const Measured = z.object({
  seconds: z.number(),
  /** Of the processor, all threads: what else the machine does falls on it less. */
  cpuSeconds: z.number(),
  readSeconds: z.number().optional(),
  peakMiB: z.number(),
  columns: z.array(
    z.object({ column: z.string(), method: z.string(), score: z.number(), drifted: z.boolean().optional() }),
  ),
});
const Streamed = z.object({ rows: z.number(), seconds: z.number(), peakMiB: z.number(), rankError: z.number() });
type Measured = z.infer<typeof Measured>;

const options = readOptions(process.argv.slice(3));
const columns = benchColumns(options.columns);
const folder = await mkdtemp(join(tmpdir(), "dagwright-drift-"));
const result: Record<string, unknown> = { bench: "drift", rows: options.rows, columns: options.columns };
const load = loadavg()[0] ?? 0;
try {
  console.log(`Writing ${options.columns} columns of ${options.rows} rows, twice …`);
  writeColumns(folder, columns, options.rows);
  const ours = Measured.parse(await ourProcess("ours.ts", [folder, String(options.columns)]));
  tell("evidently-lite", ours);
  result["ours"] = {
    seconds: rounded(ours.seconds),
    cpuSeconds: rounded(ours.cpuSeconds),
    readSeconds: rounded(ours.readSeconds ?? 0),
    peakMiB: rounded(ours.peakMiB, 0),
  };
  if (options.stream > 0) {
    const stream = Streamed.parse(await ourProcess("stream.ts", [String(options.stream)]));
    console.log(
      `  a stream of ${stream.rows} rows: ${stream.seconds.toFixed(1)} s, peak ${stream.peakMiB.toFixed(0)} MiB, ranks to within ${(100 * stream.rankError).toFixed(3)} %`,
    );
    result["stream"] = stream;
  }
  if (options.peer) {
    const programs = await pythonPeer("evidently", PEER);
    const script = fileURLToPath(new URL("evidently_drift.py", import.meta.url));
    const output = await runToEnd([join(programs, "python"), script, folder, JSON.stringify(columns)], {
      env: { ...process.env, DO_NOT_TRACK: "1" },
      timeoutMs: 3_600_000,
    });
    const evidently = Measured.parse(lastJson(output));
    tell("Evidently 0.7.23", evidently);
    const furthest = furthestScore(ours, evidently);
    console.log(`  scores differ by at most ${furthest.toExponential(1)} of their value`);
    result["evidently"] = {
      seconds: rounded(evidently.seconds),
      cpuSeconds: rounded(evidently.cpuSeconds),
      peakMiB: rounded(evidently.peakMiB, 0),
    };
    result["ratios"] = {
      evidentlyToOurs: rounded(evidently.seconds / ours.seconds, 1),
      // Evidently's data are in memory before its time begins.
      evidentlyToOursInMemory: rounded(evidently.seconds / (ours.seconds - (ours.readSeconds ?? 0)), 1),
      evidentlyToOursCpu: rounded(evidently.cpuSeconds / ours.cpuSeconds, 1),
      evidentlyToOursMemory: rounded(evidently.peakMiB / ours.peakMiB, 1),
    };
    result["furthestScore"] = furthest;
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
result["load"] = [load, loadavg()[0] ?? 0].map((value) => rounded(value, 1));
console.log(JSON.stringify(result));

async function ourProcess(script: string, args: readonly string[]): Promise<unknown> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const command = [process.execPath, "--conditions=source", "--import", "tsx", path, ...args];
  return lastJson(await runToEnd(command, { timeoutMs: 3_600_000 }));
}

function lastJson(output: string): unknown {
  return JSON.parse(output.trim().split("\n").at(-1) ?? "");
}

function tell(name: string, { seconds, cpuSeconds, readSeconds, peakMiB, columns: compared }: Measured): void {
  const drifted = compared.filter((one) => one.drifted).length;
  const read = readSeconds === undefined ? "" : `, of which ${readSeconds.toFixed(2)} s reading from disk`;
  console.log(
    `\n${name}: ${seconds.toFixed(2)} s${read}; ${cpuSeconds.toFixed(2)} s of the processor; peak ${peakMiB.toFixed(0)} MiB${drifted > 0 ? `; ${drifted} columns drifted` : ""}`,
  );
}

/** The largest difference of a score, relative to its value. */
function furthestScore(ours: Measured, theirs: Measured): number {
  const scores = new Map(theirs.columns.map((one) => [one.column, one.score]));
  return ours.columns.reduce((most, { column, score }) => {
    const other = scores.get(column);
    if (other === undefined) throw new Error(`Evidently has no score of ${column}`);
    return Math.max(most, Math.abs(score - other) / Math.max(1e-12, Math.abs(other)));
  }, 0);
}
