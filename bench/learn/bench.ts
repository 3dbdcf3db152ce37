/**
 * Forests, boosting and logistic regression beside scikit-learn and LightGBM, one after the other on the same rows: fit,
 * prediction in bulk and of single rows, on one thread and on all.
 *
 * `npm run bench -- learn [--rows 100000,1000000] [--only random_forest,gradient_boosting,logistic_regression] [--rounds 3]
 * [--trees 100] [--threads 1,2] [--only-ours]`; there is one round beyond 100,000 rows, and of ours alone.
 */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Algorithm, type Columns, rocAuc, train } from "@dagwright/learn";
import { z } from "zod";
import { pythonPeer } from "../engine/installs.ts";

const FEATURES = 30;
const TEST_ROWS = 20_000;
const SINGLE_ROWS = 100;
const MODELS = ["gradient_boosting", "random_forest", "logistic_regression"] as const;
/** LightGBM's defaults under our names; scikit-learn's are ours. */
const BOOSTING = { max_leaf_nodes: 31, max_depth: null, min_samples_leaf: 20 };

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    rows: { type: "string", default: "100000,1000000" },
    only: { type: "string", default: MODELS.join(",") },
    rounds: { type: "string", default: "3" },
    trees: { type: "string", default: "100" },
    threads: { type: "string", default: `1,${availableParallelism()}` },
    "only-ours": { type: "boolean", default: false },
  },
});
const only = values.only.split(",");
const wanted = MODELS.filter((model) => only.includes(model));
const rounds = Number(values.rounds);
const trees = Number(values.trees);
const sizes = values.rows.split(",").map(Number);
const threadCounts = [...new Set(values.threads.split(",").map(Number))];
const isWhole = (value: number) => Number.isInteger(value) && value >= 1;
if (wanted.length !== only.length || ![rounds, trees, ...sizes, ...threadCounts].every(isWhole)) {
  console.error(
    "npm run bench -- learn [--rows 100000,1000000] [--only gradient_boosting,random_forest,logistic_regression] [--rounds 3] [--trees 100] [--threads 1,2] [--only-ours]",
  );
  process.exit(2);
}

const Measured = z.object({
  fit: z.number(),
  fitCpu: z.number(),
  bulk: z.number(),
  bulkCpu: z.number(),
  row: z.number().nullable(),
  auc: z.number(),
});
type Measured = z.output<typeof Measured>;

const bin = await pythonPeer("learn", ["scikit-learn==1.9.1", "lightgbm==4.7.0", "threadpoolctl"]);
const folder = await mkdtemp(join(tmpdir(), "dagwright-bench-"));
const peer = spawn(join(bin, "python"), [fileURLToPath(new URL("peers.py", import.meta.url))], {
  stdio: ["pipe", "pipe", "inherit"],
});
const lines = createInterface({ input: peer.stdout })[Symbol.asyncIterator]();
async function ask(request: object): Promise<unknown> {
  peer.stdin.write(`${JSON.stringify(request)}\n`);
  const { value, done } = await lines.next();
  if (done === true) throw new Error("The Python side ended; its last words are above.");
  return JSON.parse(value);
}

/** The peers' rows, as columns. */
async function rowsOf(
  rows: number,
): Promise<{ learn: Columns; target: Float64Array; test: Columns; labels: Float64Array }> {
  const [x, y] = [join(folder, "x"), join(folder, "y")];
  await ask({ ask: "data", rows, features: FEATURES, x, y });
  const table = new Float64Array((await readFile(x)).buffer);
  const target = new Float64Array((await readFile(y)).buffer);
  const part = (from: number, count: number): Columns => ({
    names: Array.from({ length: FEATURES }, (_, at) => `f${at}`),
    values: Array.from({ length: FEATURES }, (_, at) =>
      Float64Array.from({ length: count }, (_, row) => table[(from + row) * FEATURES + at]!),
    ),
    rowCount: count,
  });
  return {
    learn: part(0, rows),
    target: target.slice(0, rows),
    test: part(rows, TEST_ROWS),
    labels: target.slice(rows),
  };
}

async function timed<T>(act: () => T | Promise<T>): Promise<{ result: T; wall: number; cpu: number }> {
  const before = process.cpuUsage();
  const begun = performance.now();
  const result = await act();
  const { user, system } = process.cpuUsage(before);
  return { result, wall: performance.now() - begun, cpu: (user + system) / 1000 };
}

async function ours(
  data: Awaited<ReturnType<typeof rowsOf>>,
  algorithm: Algorithm,
  threads: number,
): Promise<Measured> {
  const options = { algorithm, columns: data.learn, target: data.target, threads, params: paramsOf(algorithm) };
  const fit = await timed(() => train(options));
  const bulk = await timed(() => fit.result.predictProba(data.test));
  const records = Array.from({ length: SINGLE_ROWS }, (_, row) =>
    Object.fromEntries(data.test.names.map((name, at) => [name, Number(data.test.values[at]![row])])),
  );
  const single: number[] = [];
  for (let round = 0; round < 20; round++)
    for (const record of records) {
      const begun = performance.now();
      fit.result.predictRow(record);
      single.push(performance.now() - begun);
    }
  const auc = rocAuc(
    data.labels,
    bulk.result.filter((_, at) => at % 2 === 1),
  );
  return { fit: fit.wall, fitCpu: fit.cpu, bulk: bulk.wall, bulkCpu: bulk.cpu, row: median(single), auc };
}

function paramsOf(algorithm: Algorithm): Readonly<Record<string, unknown>> {
  if (algorithm === "logistic_regression") return {};
  return { n_estimators: trees, ...(algorithm === "gradient_boosting" ? BOOSTING : {}) };
}

function median(all: readonly number[]): number {
  const sorted = all.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

const results: Record<string, unknown>[] = [];
for (const rows of sizes) {
  const data = await rowsOf(rows);
  for (const model of wanted)
    for (const threads of threadCounts) {
      const mine: Measured[] = [];
      const theirs: Measured[] = [];
      for (let round = 0; round < (rows > 100_000 || values["only-ours"] ? 1 : rounds); round++) {
        mine.push(await ours(data, model, threads));
        if (values["only-ours"]) continue;
        const asked = { ask: "model", model, threads, trees, single: round === 0 ? SINGLE_ROWS : 0 };
        theirs.push(Measured.parse(await ask(asked)));
      }
      if (values["only-ours"]) {
        const { fit, fitCpu, auc } = mine[0] ?? { fit: Number.NaN, fitCpu: Number.NaN, auc: Number.NaN };
        const result = { rows, model, threads, fitMs: Math.round(fit), fitCpuMs: Math.round(fitCpu), auc };
        console.log(`${rows} × ${FEATURES} ${model}, ours alone: ${JSON.stringify(result)}`);
        results.push(result);
        continue;
      }
      const of = (all: readonly Measured[], key: keyof Measured) =>
        median(all.flatMap((one) => (one[key] === null ? [] : [one[key]])));
      const ratio = (key: keyof Measured) => Number((of(mine, key) / of(theirs, key)).toPrecision(3));
      const ratios = {
        fit: ratio("fit"),
        fitCpu: ratio("fitCpu"),
        bulk: ratio("bulk"),
        bulkCpu: ratio("bulkCpu"),
        row: ratio("row"),
      };
      const auc = [of(mine, "auc"), of(theirs, "auc")].map((value) => Number(value.toFixed(4)));
      const fitMs = [of(mine, "fit"), of(theirs, "fit")].map(Math.round);
      const rowUs = [of(mine, "row"), of(theirs, "row")].map((ms) => Number((1000 * ms).toPrecision(3)));
      console.log(
        `${rows} × ${FEATURES} ${model}, ${threads} thread(s): fit ${fitMs.join(" / ")} ms, row ${rowUs.join(" / ")} µs, AUC ${auc.join(" / ")}, ours / theirs ${JSON.stringify(ratios)}`,
      );
      results.push({ rows, model, threads, fitMs, rowUs, auc, ratios });
    }
}
peer.stdin.end();
await rm(folder, { recursive: true, force: true });
console.log(JSON.stringify({ bench: "learn", cpus: cpus().length, load: loadavg()[0], results }));
