import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineSuite } from "@dagwright/expectations";
import { type Lake, openLake, openObjectStore } from "@dagwright/lake";
import { createMcpPool, type McpPool } from "@dagwright/mcp-kit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { dataQuality } from "./contract.ts";
import { createDataQualityServer } from "./server.ts";
import { purchasesSuite } from "./suites/purchases.ts";

const memorySuite = defineSuite({
  name: "memory",
  timestampColumn: "date",
  expectations: [
    {
      type: "expect_table_row_count_to_be_near_earlier_runs",
      kwargs: { runs: 2, minRuns: 2, minFactor: 0.5, maxFactor: 2 },
    },
    { type: "expect_column_max_to_exceed_earlier_run", kwargs: { column: "date" } },
    { type: "expect_table_columns_to_match_earlier_run", kwargs: {} },
    { type: "expect_column_max_to_be_recent", kwargs: { column: "date", maxAge: "25h" } },
  ],
});

const warnedSuite = defineSuite({
  ...{ name: "warned", timestampColumn: "date" },
  expectations: memorySuite.expectations.slice(0, 1).map((expectation) => ({ ...expectation, severity: "warning" })),
});

let root: string;
let lake: Lake;
let pool: McpPool;

/** Thirty purchases a day, from 1998-01-01 for `days` days. */
const purchases = (days: number) => `
  SELECT
    CAST(i AS BIGINT) AS customer_id,
    CAST(DATE '1998-01-01' + CAST(i // 30 AS INTEGER) AS DATE) AS date,
    CAST(1 + i % 3 AS INTEGER) AS number_of_cds,
    CAST(10 + i AS DOUBLE) AS dollar_value,
    strftime(DATE '1998-01-01' + CAST(i // 30 AS INTEGER), '%Y-%m') AS month
  FROM range(${30 * days}) AS t(i)`;

let version = 0;
async function write(table: string, sql: string): Promise<number> {
  version += 1;
  const txn = { appId: "test", version };
  const written = await lake.write({ table, sql, dialect: "duckdb", views: {}, mode: "overwrite", txn });
  return written.version;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "data-quality-"));
  lake = await openLake({ root: join(root, "lake"), sourceRoots: [root] });
  pool = createMcpPool({
    servers: {
      "data-quality": createDataQualityServer({
        lake,
        suites: [purchasesSuite, memorySuite, warnedSuite],
        reports: await openObjectStore(root),
      }),
    },
  });
});
afterAll(async () => {
  await pool.close();
  await lake.close();
  await rm(root, { recursive: true });
});

const day = (start: string, end: string) => ({ start: `${start}T00:00:00Z`, end: `${end}T00:00:00Z` });
const client = (idempotencyKey?: string) => pool.client(dataQuality, { idempotencyKey });

test("good purchases pass, also for a day before the newest one", async () => {
  const first = await write("good", purchases(10));
  const request = { table: "good", suite: "purchases" };
  const newest = await client().call("validate_data_quality", {
    ...request,
    interval: day("1998-01-10", "1998-01-11"),
  });
  expect(newest.results.filter(({ success }) => !success)).toEqual([]);
  expect(newest).toMatchObject({ success: true, suite: "purchases", table: "good", version: first });
  expect(newest.statistics).toMatchObject({ evaluated: purchasesSuite.expectations.length, failed: { critical: 0 } });

  await write("good", purchases(20));
  const earlier = { ...request, interval: day("1998-01-15", "1998-01-16") };
  expect(await client().call("validate_data_quality", earlier)).toMatchObject({ success: true, version: first + 1 });
  const late = await client().call("validate_data_quality", { ...earlier, version: first });
  expect(late.success).toBe(false);
  expect(late.results.filter(({ success }) => !success).map(({ type }) => type)).toEqual([
    "expect_column_max_to_be_within_interval",
    "expect_interval_row_count_to_be_near_trailing_mean",
  ]);
});

test("bad purchases fail with the rows shown; a warning alone does not fail the suite", async () => {
  await write(
    "bad",
    `SELECT * REPLACE (CAST(-1 AS INTEGER) AS number_of_cds) FROM (${purchases(10)}) WHERE customer_id = 3
    UNION ALL BY NAME ${purchases(10)}`,
  );
  const interval = day("1998-01-10", "1998-01-11");
  const bad = await client().call("validate_data_quality", { table: "bad", suite: "purchases", interval });
  expect(bad.success).toBe(false);
  expect(bad.results.filter(({ success }) => !success)).toEqual([
    expect.objectContaining({
      type: "expect_column_values_to_be_between",
      kwargs: expect.objectContaining({ column: "number_of_cds", min_value: 1 }),
      unexpectedCount: 1,
      sample: [{ customer_id: 3, date: "1998-01-01", number_of_cds: -1, dollar_value: 13, month: "1998-01" }],
    }),
  ]);

  await write("free", `SELECT * REPLACE (CAST(0 AS DOUBLE) AS dollar_value) FROM (${purchases(10)})`);
  const free = await client().call("validate_data_quality", { table: "free", suite: "purchases", interval });
  expect(free).toMatchObject({ success: true, statistics: { failed: { critical: 0, warning: 1 } } });
});

test("a table without the expected columns fails, and says which", async () => {
  await write("other", "SELECT CAST(1 AS BIGINT) AS customer_id, DATE '1998-01-01' AS date");
  const other = await client().call("validate_data_quality", { table: "other", suite: "purchases" });
  expect(other.success).toBe(false);
  expect(other.results.map(({ exception }) => exception)).toContain(
    'Column "month" does not exist; the columns are customer_id, date',
  );
});

test("an unknown suite and an unknown table are errors of the call", async () => {
  await expect(client().call("validate_data_quality", { table: "good", suite: "purchase" })).rejects.toMatchObject({
    code: "SUITE_NOT_FOUND",
    message: 'There is no expectation suite "purchase"; known: purchases, memory, warned',
    field: "suite",
    hint: 'Did you mean "purchases"?',
  });
  await expect(client().call("validate_data_quality", { table: "nope", suite: "purchases" })).rejects.toMatchObject({
    code: "TABLE_NOT_FOUND",
  });
});

test("suites are listed", async () => {
  expect(await client().call("list_expectation_suites", {})).toEqual({
    suites: [
      { name: "purchases", expectations: purchasesSuite.expectations.length, table: "purchases" },
      { name: "memory", expectations: 4 },
      { name: "warned", expectations: 1 },
    ],
  });
});

test("a profile proposes a suite from the table as it is", async () => {
  const version = await write("profiled", purchases(2));
  const profile = await client().call("profile_data", { table: "profiled" });
  expect(profile).toMatchObject({ table: "profiled", version, suite: { name: "profiled" } });
  expect(profile.suite.expectations).toContainEqual({
    type: "expect_column_values_to_be_between",
    kwargs: expect.objectContaining({ column: "number_of_cds", min_value: 1, max_value: 3 }),
    severity: "critical",
  });
});

test("earlier runs are remembered, each once, and looked at by those after them", { timeout: 60_000 }, async () => {
  const ask = async (until: string, idempotencyKey?: string) => {
    const end = new Date(Date.parse(`${until}T00:00:00Z`)).toISOString();
    const start = new Date(Date.parse(end) - 86_400_000).toISOString();
    const request = { table: "daily", suite: "memory", interval: { start, end } };
    const told = await client(idempotencyKey).call("validate_data_quality", request);
    return told.results.map(({ success, observed }) => ({ success, ...(observed as object) }));
  };
  await write("daily", purchases(10));
  // The first run has nothing to compare with; a retry of it does not count twice.
  for (const _ of [1, 2]) {
    expect(await ask("1998-01-03", "run-1")).toMatchObject([
      { success: true, rows: 60, earlierRuns: 0 },
      { success: true, newestOfEarlierRun: null },
      { success: true },
      { success: true, ageSeconds: 86_400 },
    ]);
  }
  expect(await ask("1998-01-04", "run-2")).toMatchObject([
    { success: true, rows: 90, earlierRuns: 1, meanOfEarlierRuns: null },
    { success: true, newest: "1998-01-03T00:00:00.000Z", newestOfEarlierRun: "1998-01-02T00:00:00.000Z" },
    { success: true },
    { success: true },
  ]);
  // A look without a key sees the history and leaves no trace in it.
  for (const _ of [1, 2]) {
    expect((await ask("1998-01-11"))[0]).toMatchObject({ success: false, rows: 300, meanOfEarlierRuns: 75 });
  }
  // An earlier interval, validated later, sees only what was before it.
  expect((await ask("1998-01-03", "run-3"))[0]).toMatchObject({ success: true, earlierRuns: 0 });
  await write(
    "daily",
    `SELECT *, 1 AS extra, CAST(customer_id AS STRING) AS id FROM (${purchases(3)})`.replace("STRING", "VARCHAR"),
  );
  const after = await ask("1998-01-06", "run-4");
  expect(after[1]).toMatchObject({ success: false, newestOfEarlierRun: "1998-01-03T00:00:00.000Z" });
  expect(after[2]).toMatchObject({ success: false, added: ["extra", "id"], removed: [], changed: [] });
  expect(after[3]).toMatchObject({ success: false, ageSeconds: 3 * 86_400 });
});

test("a run that failed is no measure for those after it, a run that only warned is", { timeout: 60_000 }, async () => {
  const day = 86_400_000;
  const ask = async (place: number, suite = "memory") => {
    const start = Date.parse("1998-01-01T00:00:00Z") + place * day;
    const interval = { start: new Date(start).toISOString(), end: new Date(start + day).toISOString() };
    const request = { table: "halved", suite, interval };
    const { success, results } = await client(`halved-${suite}-${place}`).call("validate_data_quality", request);
    return { success, observed: results.map(({ observed }) => observed) };
  };
  const few = (rows: string) => `SELECT * FROM (${purchases(20)}) WHERE ${rows}`;
  await write("halved", purchases(20));
  for (const place of [8, 9]) expect(await ask(place)).toMatchObject({ success: true });
  // A tenth of the rows fails on every day that it lasts: the days that failed are not what is usual.
  await write("halved", few("customer_id % 10 = 0"));
  for (const place of [10, 11]) {
    expect(await ask(place)).toMatchObject({
      success: false,
      observed: [
        { earlierRuns: 2, meanOfEarlierRuns: 285 },
        { newestOfEarlierRun: "1998-01-10T00:00:00.000Z" },
        {},
        {},
      ],
    });
  }
  await write("halved", purchases(20));
  expect(await ask(13)).toMatchObject({ success: true, observed: [{ rows: 420, meanOfEarlierRuns: 285 }, {}, {}, {}] });

  for (const place of [8, 9]) await ask(place, "warned");
  await write("halved", few("customer_id % 10 = 0"));
  expect(await ask(10, "warned")).toMatchObject({ success: true, observed: [{ rows: 33, meanOfEarlierRuns: 285 }] });
  expect(await ask(11, "warned")).toMatchObject({ observed: [{ rows: 36, meanOfEarlierRuns: (300 + 33) / 2 }] });
});

test("a backfill sees the runs before it, however many came after", async () => {
  await write("backfilled", purchases(10));
  await lake.write({
    table: "validation_history",
    sql: `SELECT 'past-' || i AS validation_key, 'memory' AS suite, 'backfilled' AS validated_table,
        strftime(TIMESTAMP '1997-12-01' + to_days(CAST(i AS INTEGER)), '%Y-%m-%dT00:00:00.000Z') AS interval_end,
        '2026-01-01T00:00:00.000Z' AS validated_at, true AS success,
        '{"rowCount":40,"columns":[],"newest":{"date":null}}' AS facts FROM range(300) AS t(i)`,
    dialect: "duckdb",
    views: {},
    mode: "append",
    txn: { appId: "past", version: 1 },
  });
  const request = { table: "backfilled", suite: "memory", interval: day("1998-01-02", "1998-01-03") };
  const { results } = await client().call("validate_data_quality", request);
  expect(results[0]).toMatchObject({ success: true, observed: { rows: 60, earlierRuns: 2, meanOfEarlierRuns: 40 } });
});

test("the report is a page, the same file for the same run", async () => {
  await write("odd", `SELECT * REPLACE ('<script>alert(1)</script>' AS month) FROM (${purchases(2)})`);
  const ask = () => client("run/a b").call("validate_data_quality", { table: "odd", suite: "purchases" });
  const [first, second] = [await ask(), await ask()];
  expect(second.reportUri).toBe(first.reportUri);
  const page = await readFile(new URL(first.reportUri), "utf8");
  expect(page).toContain("purchases: failed");
  expect(page).not.toContain("<script>");
});
