/**
 * Tables beside PySpark, pandas and Polars: ten million rows of a Parquet file made into a table, joined and grouped. All
 * take turns in one run, on two threads each, and must find the same. The last line is JSON.
 * `npm run bench -- lake --rows 10000000 --rounds 3`
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openLake } from "@dagwright/lake";
import { DuckDBInstance } from "@duckdb/node-api";
import { pythonPeer } from "../engine/installs.ts";
import { median, rounded } from "../engine/measures.ts";

const THREADS = 2;
const PEERS = ["pyspark", "polars", "pandas"] as const;
const STEPS = ["load", "derive", "join", "days"] as const;
/** A table made, joined and grouped: what most jobs do to it. */
const LOAD_JOIN_DAYS = ["load", "join", "days"] as const;
type Who = "ours" | (typeof PEERS)[number];
type Step = (typeof STEPS)[number];

/** What a step found, for all to agree on. */
interface Check {
  readonly rows: number;
  readonly n: number;
  readonly total: number;
}
interface Answer {
  readonly seconds: number;
  readonly check: Check | null;
}
interface Contender {
  readonly who: Who;
  run(step: Step, round: number): Promise<Answer>;
  close(): Promise<void>;
}

const SQL: Record<Exclude<Step, "load">, string> = {
  derive: `SELECT order_id, customer, day, round(amount * 1.19D, 2) AS gross FROM orders WHERE amount > 10`,
  join: `SELECT segment, COUNT(*) AS n, SUM(amount) AS total FROM orders JOIN customers ON customer = id
    WHERE active AND amount > 10 GROUP BY segment ORDER BY segment`,
  days: "SELECT day, COUNT(*) AS n, SUM(amount) AS total FROM orders GROUP BY day ORDER BY day",
};

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: { rows: { type: "string", default: "10000000" }, rounds: { type: "string", default: "3" } },
});
const rows = Number(values.rows);
const rounds = Number(values.rounds);
if (!Number.isSafeInteger(rows) || rows < 1000 || !Number.isSafeInteger(rounds) || rounds < 1) {
  console.error(`--rows ${values.rows} and --rounds ${values.rounds} must be whole numbers, from 1000 and from 1`);
  process.exit(2);
}

const python = join(
  await pythonPeer("lake", ["pyspark==4.1.1", "pandas==2.3.3", "polars==1.36.1", "pyarrow==22.0.0"]),
  "python",
);
const folder = mkdtempSync(join(tmpdir(), "dagwright-bench-lake-"));
const contenders: Contender[] = [];
const load = loadavg()[0] ?? 0;
try {
  await makeInputs();
  console.log(`${rows} rows, ${rounds} rounds, ${THREADS} threads each`);
  contenders.push(await ours());
  for (const peer of PEERS) contenders.push(await theirs(peer));
  const seconds = Object.fromEntries(STEPS.map((step) => [step, {}])) as Record<Step, Partial<Record<Who, number[]>>>;
  // The first round warms up.
  for (let round = 0; round <= rounds; round += 1) {
    for (const step of STEPS) {
      const found: [Who, Check][] = [];
      for (const { who, run } of contenders) {
        const { seconds: took, check } = await run(step, round);
        if (check !== null) found.push([who, check]);
        console.log(`  round ${round}, ${step}: ${who} ${took.toFixed(2)} s`);
        if (round > 0) seconds[step][who] = [...(seconds[step][who] ?? []), took];
      }
      agree(step, found);
    }
  }
  const medians = Object.fromEntries(
    STEPS.map((step) => [
      step,
      Object.fromEntries(contenders.map(({ who }) => [who, rounded(median(seconds[step][who] ?? []))])),
    ]),
  );
  const sum = (who: Who, steps: readonly Step[]) =>
    steps.reduce((total, step) => total + median(seconds[step][who] ?? []), 0);
  const ratios = Object.fromEntries(
    PEERS.map((peer) => [
      `${peer}ToOurs`,
      {
        ...Object.fromEntries(
          STEPS.map((step) => [step, rounded(median(seconds[step][peer] ?? []) / median(seconds[step].ours ?? []))]),
        ),
        loadJoinDays: rounded(sum(peer, LOAD_JOIN_DAYS) / sum("ours", LOAD_JOIN_DAYS)),
        all: rounded(sum(peer, STEPS) / sum("ours", STEPS)),
      },
    ]),
  );
  console.log(
    JSON.stringify({
      ...{ bench: "lake", rows, rounds, threads: THREADS, seconds: medians, ratios },
      load: { before: rounded(load), after: rounded(loadavg()[0] ?? 0) },
    }),
  );
} finally {
  for (const contender of contenders) await contender.close();
  rmSync(folder, { recursive: true, force: true });
}

/** The orders, and a fiftieth as many customers, as Parquet files. */
async function makeInputs(): Promise<void> {
  const duckdb = await DuckDBInstance.create(":memory:");
  const connection = await duckdb.connect();
  const customers = Math.ceil(rows / 50);
  // Numbers that jump about and are the same each time.
  const orders = `SELECT i AS order_id, (i * 7919) % ${customers} AS customer, DATE '2024-01-01' + CAST(i % 730 AS INTEGER) AS day,
    round(((i * 104729) % 20000) / 100.0, 2)::DOUBLE AS amount FROM range(${rows}) AS r(i)`;
  const known = `SELECT i AS id, 'segment ' || (i % 40) AS segment, i % 3 > 0 AS active FROM range(${customers}) AS r(i)`;
  await connection.run(`COPY (${orders}) TO '${join(folder, "orders.parquet")}' (FORMAT parquet)`);
  await connection.run(`COPY (${known}) TO '${join(folder, "customers.parquet")}' (FORMAT parquet)`);
  duckdb.closeSync();
}

async function ours(): Promise<Contender> {
  const lake = await openLake({
    ...{ root: join(folder, "lake"), sourceRoots: [folder], threads: THREADS, memoryLimit: "6GB" },
  });
  const write = async (table: string, version: number) => {
    const staged = await lake.stage({ source: join(folder, `${table}.parquet`), format: "parquet" });
    const views = { source: staged.view };
    await lake.write({
      ...{ table, sql: "SELECT * FROM source", views, mode: "overwrite" },
      txn: { appId: `bench-${table}`, version },
    });
    await staged.close();
  };
  await write("customers", 1);
  return {
    who: "ours",
    run: async (step, round) => {
      const begun = performance.now();
      const since = () => (performance.now() - begun) / 1000;
      if (step === "load") {
        await write("orders", round);
        return { seconds: since(), check: null };
      }
      const views = { orders: { table: "orders" }, customers: { table: "customers" } };
      if (step === "derive") {
        const txn = { appId: "bench-derived", version: round };
        await lake.write({ table: "derived", sql: SQL.derive, views, mode: "overwrite", txn });
        return { seconds: since(), check: null };
      }
      const found = await lake.query(SQL[step], { views });
      const seconds = since();
      const total = (name: string) => found.rows.reduce((sum, row) => sum + Number(row[name]), 0);
      return { seconds, check: { rows: found.rowCount, n: total("n"), total: total("total") } };
    },
    close: () => lake.close(),
  };
}

async function theirs(peer: (typeof PEERS)[number]): Promise<Contender> {
  const script = fileURLToPath(new URL("lake_peers.py", import.meta.url));
  const child = spawn(python, [script, peer, folder, String(THREADS)], {
    env: { ...process.env, POLARS_MAX_THREADS: String(THREADS), PYSPARK_PYTHON: python },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (): Promise<Answer> => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${peer} ended before it answered`);
    return JSON.parse(String(value));
  };
  await answer();
  return {
    who: peer,
    run: async (step) => {
      child.stdin.write(`${step}\n`);
      return await answer();
    },
    close: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

function agree(step: Step, found: readonly [Who, Check][]): void {
  const [[, first] = ["ours", null] as const, ...others] = found;
  if (first === null) return;
  for (const [who, check] of others) {
    const near = Math.abs(check.total - first.total) <= 1e-6 * Math.abs(first.total);
    if (check.rows !== first.rows || check.n !== first.n || !near)
      throw new Error(`${step}: ${who} finds ${JSON.stringify(check)}, ours ${JSON.stringify(first)}`);
  }
}
