/**
 * A suite of 30 expectations on five million rows, beside Great Expectations over pandas: both in turns, in one run, on
 * the same rows and the same suite, which ours writes and Great Expectations reads. Their verdicts must agree. The last
 * line is JSON. `npm run bench -- quality --rows 5000000 --rounds 3`
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { toGreatExpectations, validate } from "@dagwright/expectations";
import { openLake } from "@dagwright/lake";
import { DuckDBInstance } from "@duckdb/node-api";
import { pythonPeer } from "../engine/installs.ts";
import { median, rounded } from "../engine/measures.ts";
import { ordersSelect, ordersSuite } from "./suite.ts";

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: { rows: { type: "string", default: "5000000" }, rounds: { type: "string", default: "3" } },
});
const rows = Number(values.rows);
const rounds = Number(values.rounds);
if (!Number.isSafeInteger(rows) || rows < 1000 || !Number.isSafeInteger(rounds) || rounds < 1) {
  console.error(`--rows ${values.rows} and --rounds ${values.rounds} must be whole numbers, from 1000 and from 1`);
  process.exit(2);
}

const python = join(
  await pythonPeer("great-expectations", [
    "great_expectations==1.24.1",
    "pandas==2.3.3",
    "numpy==2.4.6",
    "scipy==1.17.1",
    "pyarrow==26.0.1",
  ]),
  "python",
);
const folder = mkdtempSync(join(tmpdir(), "dagwright-bench-quality-"));
const load = loadavg()[0] ?? 0;
try {
  const suite = ordersSuite(rows);
  const exported = toGreatExpectations(suite);
  const placed = exported.expectations.map((expectation, place) => ({
    ...expectation,
    meta: { place: String(place) },
  }));
  writeFileSync(join(folder, "suite.json"), JSON.stringify({ ...exported, expectations: placed }));
  console.log(`${rows} rows, ${suite.expectations.length} expectations, ${rounds} rounds`);

  const parquet = join(folder, "orders.parquet");
  const duckdb = await DuckDBInstance.create(":memory:");
  await (await duckdb.connect()).run(`COPY (${ordersSelect(rows)}) TO '${parquet}' (FORMAT parquet)`);
  duckdb.closeSync();
  const lake = await openLake({ root: join(folder, "lake"), sourceRoots: [] });
  await lake.write({
    ...{ table: "orders", sql: ordersSelect(rows), dialect: "duckdb", views: {}, mode: "overwrite" },
    txn: { appId: "bench", version: 1 },
  });
  const ours = async () => {
    const begun = performance.now();
    const report = await validate({
      suite,
      view: "orders_view",
      query: (sql, params) =>
        lake.native(sql, { views: { orders_view: { table: "orders" } }, ...(params && { params }) }),
    });
    return { seconds: (performance.now() - begun) / 1000, verdicts: report.results.map(({ success }) => success) };
  };

  const peer = spawn(python, [script("great_expectations_peer.py"), parquet, join(folder, "suite.json")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: peer.stdout })[Symbol.asyncIterator]();
  const answer = async (): Promise<{ seconds: number; verdicts: Record<string, boolean> }> => {
    const { value, done } = await lines.next();
    if (done) throw new Error("Great Expectations ended before it answered");
    return JSON.parse(String(value));
  };
  await answer();
  const measured = { ours: [] as number[], greatExpectations: [] as number[] };
  // The first turn warms up.
  for (let round = 0; round <= rounds; round += 1) {
    const mine = await ours();
    peer.stdin.write("go\n");
    const theirs = await answer();
    const differing = mine.verdicts.flatMap((success, place) =>
      theirs.verdicts[String(place)] === success ? [] : [suite.expectations[place]?.type],
    );
    if (differing.length > 0) throw new Error(`The verdicts differ on ${differing.join(", ")}`);
    console.log(
      `  round ${round}: ours ${mine.seconds.toFixed(2)} s, Great Expectations ${theirs.seconds.toFixed(2)} s`,
    );
    if (round === 0) continue;
    measured.ours.push(mine.seconds);
    measured.greatExpectations.push(theirs.seconds);
  }
  peer.stdin.end();
  await lake.close();
  const [mine, theirs] = [median(measured.ours), median(measured.greatExpectations)];
  console.log(`  median: ours ${mine.toFixed(2)} s, Great Expectations ${theirs.toFixed(2)} s`);
  console.log(
    JSON.stringify({
      ...{ bench: "quality", rows, expectations: suite.expectations.length, rounds },
      load: { before: rounded(load), after: rounded(loadavg()[0] ?? 0) },
      seconds: { ours: rounded(mine), greatExpectations: rounded(theirs) },
      ratios: { greatExpectationsToOurs: rounded(theirs / mine) },
    }),
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function script(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
