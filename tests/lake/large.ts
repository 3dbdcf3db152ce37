/**
 * A CSV source much larger than memory, made on disk, loaded by the lake in a process of its own, measured and removed
 * again; then once more with a bad row at its end. The last line is JSON.
 * `npm run test:lake-large -- --gigabytes 10 --memory 2GB` (needs twice that much of disk below the temporary folder)
 */
import { spawn } from "node:child_process";
import { appendFileSync, copyFileSync, mkdtempSync, realpathSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { LakeError, openLake, type SourceColumn } from "@dagwright/lake";
import { DuckDBInstance } from "@duckdb/node-api";

const COLUMNS: readonly SourceColumn[] = [
  { name: "order_id", type: "bigint", min: 0 },
  { name: "customer", type: "bigint" },
  { name: "day", type: "date" },
  { name: "at", type: "timestamp" },
  { name: "amount", type: "decimal(9,2)" },
  { name: "weight", type: "double" },
  { name: "country", type: "string" },
  { name: "note", type: "string", nullable: true },
];
const { values } = parseArgs({
  options: {
    gigabytes: { type: "string", default: "10" },
    memory: { type: "string", default: "2GB" },
    load: { type: "string" },
  },
});

if (values.load === undefined) await measure(Number(values.gigabytes), values.memory);
else await load(values.load, values.memory);

/** In a process of its own: loads the folder's files into a table, and prints what came of it and the most it took. */
async function load(folder: string, memoryLimit: string): Promise<void> {
  const begun = performance.now();
  const lake = await openLake({ root: join(folder, "lake"), sourceRoots: [folder], threads: 2, memoryLimit });
  let outcome: { readonly rows: number; readonly sum: number } | { readonly error: string };
  try {
    const staged = await lake.stage({ source: join(folder, "*.csv"), columns: COLUMNS });
    const views = { source: staged.view };
    const txn = { appId: "large", version: 1 };
    await lake.write({ table: "orders", sql: "SELECT * FROM source", views, mode: "append", txn });
    await staged.close();
    const totals = "SELECT COUNT(*) AS n, SUM(order_id) AS total FROM orders";
    const { rows } = await lake.query(totals, { views: { orders: { table: "orders" } } });
    outcome = { rows: Number(rows[0]?.["n"]), sum: Number(rows[0]?.["total"]) };
  } catch (error) {
    if (!(error instanceof LakeError) || error.code !== "BAD_ROW") throw error;
    outcome = { error: error.message };
  } finally {
    await lake.close();
  }
  const seconds = (performance.now() - begun) / 1000;
  // In kilobytes.
  const peakGB = process.resourceUsage().maxRSS / 2 ** 20;
  console.log(JSON.stringify({ ...outcome, seconds: round(seconds), peakGB: round(peakGB) }));
}

async function measure(gigabytes: number, memoryLimit: string): Promise<void> {
  if (!(gigabytes > 0)) throw new Error(`--gigabytes ${values.gigabytes} must be a number above 0`);
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "dagwright-large-")));
  try {
    const { bytes, rows, sum, rowsEach, nameOf } = await makeSource(folder, gigabytes * 1e9);
    console.log(`${rows} rows, ${round(bytes / 1e9)} GB of CSV, memory limit ${memoryLimit}`);
    const clean = JSON.parse(await inOwnProcess(folder, memoryLimit));
    console.log(JSON.stringify({ clean }));
    if (clean.rows !== rows || clean.sum !== sum)
      throw new Error(`The table holds ${clean.rows} rows with the sum ${clean.sum}, not ${rows} with ${sum}.`);
    rmSync(join(folder, "lake"), { recursive: true });
    // The first file's last line; the slow search for it reads the others too, to count.
    const last = nameOf(0);
    appendFileSync(last, "7,7,2026-02-30,2026-01-31T00:00:00Z,1.00,1.5,nl,\n");
    const line = rowsEach + 2;
    const bad = JSON.parse(await inOwnProcess(folder, memoryLimit));
    const expected = `${last}, line ${line}: column day holds "2026-02-30"`;
    if (!String(bad.error).startsWith(expected)) throw new Error(`${expected} was expected, not ${bad.error}`);
    console.log(JSON.stringify({ bench: "lake-large", gigabytes: round(bytes / 1e9), rows, memoryLimit, clean, bad }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** CSV files of at most 1 GB, each the same orders: to make rows takes longer than to copy them. */
async function makeSource(folder: string, wanted: number): Promise<Source> {
  const files = Math.ceil(wanted / 1e9);
  const nameOf = (i: number) => join(folder, `orders-${String(i).padStart(4, "0")}.csv`);
  const rowsEach = Math.ceil(wanted / files / 98);
  const duckdb = await DuckDBInstance.create(":memory:", { threads: "2" });
  const connection = await duckdb.connect();
  await connection.run(`COPY (SELECT i AS order_id, (i * 7919) % 200000 AS customer,
      DATE '2024-01-01' + CAST(i % 730 AS INTEGER) AS day, strftime(TIMESTAMP '2024-01-01' + to_seconds(i), '%Y-%m-%dT%H:%M:%SZ') AS at,
      CAST(((i * 104729) % 2000000) / 100.0 AS DECIMAL(9,2)) AS amount, i * 0.37 AS weight, 'country ' || (i % 40) AS country,
      CASE WHEN i % 3 > 0 THEN 'note, with a "quote" ' || (i * 31 % 100000) END AS note FROM range(${rowsEach}) AS r(i))
      TO '${nameOf(0).replaceAll("'", "''")}' (FORMAT csv, HEADER true)`);
  connection.closeSync();
  duckdb.closeSync();
  for (let i = 1; i < files; i++) copyFileSync(nameOf(0), nameOf(i));
  // Every number below `rowsEach`, once in each file.
  const sum = files * Number((BigInt(rowsEach) * BigInt(rowsEach - 1)) / 2n);
  return { bytes: files * statSync(nameOf(0)).size, rows: files * rowsEach, sum, nameOf, rowsEach };
}

interface Source {
  readonly bytes: number;
  readonly rows: number;
  /** Of `order_id`. */
  readonly sum: number;
  readonly rowsEach: number;
  nameOf(i: number): string;
}

function inOwnProcess(folder: string, memoryLimit: string): Promise<string> {
  const script = fileURLToPath(import.meta.url);
  const args = ["--conditions=source", "--import", "tsx", script, "--load", folder, "--memory", memoryLimit];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => (code === 0 ? resolve(out) : reject(new Error(`The load ended with ${code}.`))));
  });
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
