import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Lake, WriteOptions } from "./api.ts";
import type { LakeError } from "./errors.ts";
import { openLake } from "./lake.ts";

let root: string;
let lake: Lake;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "lake-"));
  lake = await openLake({ root, sourceRoots: [], threads: 1, memoryLimit: "512MB" });
});
afterEach(async () => {
  await lake.close();
  await rm(root, { recursive: true, force: true });
});

const DV = { storageType: "u", pathOrInlineDv: "ab^-aqEH.-t@S}K{vb[*k^", offset: 4, sizeInBytes: 40, cardinality: 6 };
let ordinal = 0;
const write = (o: Partial<WriteOptions> & { sql: string }) =>
  lake.write({ table: "t", views: {}, mode: "append", txn: { appId: `test-${ordinal++}`, version: 1 }, ...o });
const rows = async (version?: number) =>
  (await lake.native("FROM t ORDER BY ALL", { views: { t: { table: "t", version } } })).rows;
const failure = async (work: Promise<unknown>): Promise<LakeError> =>
  work.then(
    () => Promise.reject(new Error("it succeeded")),
    (e) => e,
  );
const dataFiles = async () => (await readdir(root, { recursive: true })).filter((f) => f.includes("part-"));

describe("writing", () => {
  it("makes, appends, overwrites and travels in time", async () => {
    await write({ sql: "SELECT 1 AS a, 'x' AS b" });
    await write({ sql: "SELECT 2 AS a, 'y' AS b" });
    const overwritten = await write({ sql: "SELECT 3 AS a, 'z' AS b", mode: "overwrite" });
    expect(overwritten).toMatchObject({ version: 2, rowsWritten: 1, rowsRemoved: 2, alreadyDone: false });
    expect(await rows()).toEqual([{ a: 3, b: "z" }]);
    expect(await rows(1)).toEqual([
      { a: 1, b: "x" },
      { a: 2, b: "y" },
    ]);
    expect(await failure(rows(9))).toMatchObject({ code: "VERSION_NOT_FOUND" });
    expect(await lake.listTables()).toEqual(["t"]);
  });

  it("writes one txn once and returns what was noted about it", async () => {
    const txn = { appId: "run/ingest", version: 7 };
    const first = await write({ sql: "SELECT 1 AS a", txn, info: { caughtUp: 3 } });
    await write({ sql: "SELECT 2 AS a" });
    expect(await write({ sql: "SELECT 1 AS a", txn })).toEqual({ ...first, alreadyDone: true });
    expect(await rows()).toHaveLength(2);
    expect(await dataFiles()).toHaveLength(2);
  });

  it("keeps every row of eight writers at once, each retrying when it lost the race", async () => {
    const results = await Promise.all(Array.from({ length: 8 }, (_, i) => write({ sql: `SELECT ${i} AS a` })));
    expect((await rows()).map((r) => r.a)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(new Set(results.map((r) => r.version)).size).toBe(8);
    expect(await dataFiles()).toHaveLength(8);
  });

  it("counts up under four writers that replace what they read", async () => {
    await write({ sql: "SELECT 0 AS n" });
    const add = () => write({ sql: "SELECT n + 1 AS n FROM t", views: { t: { table: "t" } }, mode: "overwrite" });
    await Promise.all([add(), add(), add(), add()]);
    expect(await rows()).toEqual([{ n: 4 }]);
  });

  it("refuses a write based on another version", async () => {
    await write({ sql: "SELECT 1 AS a" });
    expect(await failure(write({ sql: "SELECT 2 AS a", expectedVersion: -1 }))).toMatchObject({
      code: "TABLE_MOVED",
      retryable: true,
    });
    expect((await write({ sql: "SELECT 2 AS a", expectedVersion: 0 })).version).toBe(1);
  });

  it("reads through checkpoints, also when the commits before them are gone", async () => {
    for (let i = 0; i < 23; i++)
      await write({
        sql: "SELECT :i AS i, CAST(:p AS string) AS p",
        params: { i, p: i % 2 ? "a b/ü=%" : null },
        partitionBy: ["p"],
      });
    const log = join(root, "t", "_delta_log");
    expect((await readdir(log)).filter((f) => f.endsWith(".checkpoint.parquet"))).toHaveLength(2);
    for (let v = 0; v < 20; v++) await rm(join(log, `${String(v).padStart(20, "0")}.json`));
    expect(await rows()).toHaveLength(23);
    expect(
      (await lake.native("SELECT count(*) AS n FROM t WHERE p = 'a b/ü=%'", { views: { t: { table: "t" } } })).rows,
    ).toEqual([{ n: 11 }]);
    expect((await lake.snapshot({ table: "t" })).rowCount).toBe(23);
  });

  it("leaves nothing visible and no data file behind when the query fails", async () => {
    await write({ sql: "SELECT 1 AS a" });
    expect(await failure(write({ sql: "SELECT CAST('abc' AS INT) AS a" }))).toMatchObject({ code: "SQL_FAILED" });
    expect(await failure(write({ sql: "SELECT 'x' AS a" }))).toMatchObject({ code: "SCHEMA_MISMATCH" });
    expect(await failure(write({ sql: "SELECT 1 AS a, 2 AS b" }))).toMatchObject({ code: "SCHEMA_MISMATCH" });
    expect(await rows()).toEqual([{ a: 1 }]);
    expect(await dataFiles()).toHaveLength(1);
  });

  it("ignores what a killed writer left: data without a log entry, a half-written log file", async () => {
    await write({ sql: "SELECT 1 AS a" });
    await writeFile(join(root, "t", "part-orphan.parquet"), "not parquet");
    await writeFile(join(root, "t", "_delta_log", ".00000000000000000001.json.x.tmp"), '{"add":');
    expect(await rows()).toEqual([{ a: 1 }]);
    expect((await write({ sql: "SELECT 2 AS a" })).version).toBe(1);
  });

  it.each([
    [{ protocol: { minReaderVersion: 4, minWriterVersion: 7 } }, "reader version 4"],
    [{ protocol: { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ["variantType"] } }, "variantType"],
    [{ add: { path: "x", size: 1, modificationTime: 1, dataChange: true, deletionVector: DV } }, "deletion vectors"],
  ])("refuses to read and write a table of newer protocols: %j", async (action, why) => {
    await write({ sql: "SELECT 1 AS a" });
    await writeFile(join(root, "t", "_delta_log", "00000000000000000001.json"), JSON.stringify(action));
    const refused = { code: "TABLE_UNSUPPORTED", message: expect.stringContaining(why) };
    expect(await failure(rows())).toMatchObject(refused);
    expect(await failure(write({ sql: "SELECT 1 AS a" }))).toMatchObject(refused);
  });

  it.each([
    [{ protocol: { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ["rowTracking"] } }, "rowTracking"],
    [{ protocol: { minReaderVersion: 1, minWriterVersion: 8 } }, "writer version 8"],
  ])("reads but does not write a table whose writers need to know more: %j", async (action, why) => {
    await write({ sql: "SELECT 1 AS a" });
    await writeFile(join(root, "t", "_delta_log", "00000000000000000001.json"), JSON.stringify(action));
    expect(await rows()).toEqual([{ a: 1 }]);
    expect(await failure(write({ sql: "SELECT 1 AS a" }))).toMatchObject({
      code: "TABLE_UNSUPPORTED",
      message: expect.stringContaining(why),
    });
  });

  it("stops when the caller aborts", async () => {
    const abort = new AbortController();
    const running = lake.native("SELECT sum(a.range * b.range) AS s FROM range(1000000) a, range(1000000) b", {
      views: {},
      signal: abort.signal,
    });
    setTimeout(() => abort.abort(new Error("enough")), 50);
    expect((await failure(running)).message).toBe("enough");
  });

  it("replaces exactly the matching rows, whatever the layout of files", async () => {
    const day = fc.integer({ min: 0, max: 40 });
    const load = fc.record({ from: day, length: day, days: fc.array(day, { maxLength: 8 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(load, { minLength: 1, maxLength: 5 }), fc.boolean(), async (loads, partitioned) => {
        const table = `p${ordinal++}`;
        let model: string[] = [];
        for (const { from, length, days } of loads) {
          const iso = (d: number) => new Date(Date.UTC(1998, 0, 1 + d)).toISOString().slice(0, 10);
          const where = { column: "d", from: iso(from), until: iso(from + length) };
          const values = days.map((d) => `('${iso(d)}')`).join(", ");
          const source = days.length > 0 ? `(VALUES ${values}) v(x)` : "(SELECT NULL AS x WHERE false)";
          const result = await write({
            table,
            dialect: "duckdb",
            sql: `SELECT x::DATE AS d, strftime(x::DATE, '%Y-%m') AS month FROM ${source}`,
            mode: "replace_where",
            replaceWhere: where,
            ...(partitioned ? { partitionBy: ["month"] } : {}),
          });
          const kept = model.filter((d) => !(d >= where.from && d < where.until));
          expect(result.rowsRemoved).toBe(model.length - kept.length);
          model = [...kept, ...days.map(iso)].sort();
          const now = await lake.native("SELECT d FROM t ORDER BY d", { views: { t: { table } } });
          expect(now.rows.map((r) => r.d)).toEqual(model);
          expect((await lake.snapshot({ table })).rowCount).toBe(model.length);
        }
      }),
      { numRuns: 15 },
    );
  }, 60_000);
});

describe("names and injection", () => {
  it("suggests the nearest table", async () => {
    await write({ table: "purchases", sql: "SELECT 1 AS a" });
    expect(await failure(lake.snapshot({ table: "purchase" }))).toMatchObject({
      code: "TABLE_NOT_FOUND",
      hint: "Did you mean purchases?",
    });
  });

  it("treats every argument as data", async () => {
    const evil = `'; DROP TABLE t; -- "`;
    await write({ sql: "SELECT :v AS v, 1 AS month", params: { v: evil } });
    expect(await rows()).toEqual([{ v: evil, month: 1 }]);
    expect(await failure(write({ table: "../t", sql: "SELECT 1 AS a" }))).toMatchObject({ code: "TABLE_NAME" });
    expect(await failure(lake.query("SELECT 1", { views: { 'x" AS SELECT 1; --': { table: "t" } } }))).toMatchObject({
      code: "VIEW_NAME",
    });
    expect(await failure(lake.query("SELECT 1", { views: { p: { table: "t" }, P: { table: "t" } } }))).toMatchObject({
      message: 'The view name "P" is the same as "p": SQL tells names apart by more than their case.',
    });
    expect(
      await failure(
        write({
          sql: "SELECT 'x' AS v, 1 AS month",
          mode: "replace_where",
          replaceWhere: { column: `v" OR true --`, equals: 1 },
        }),
      ),
    ).toMatchObject({ code: "WRITE_ARGUMENT" });
    expect(
      await write({
        sql: "SELECT 'x' AS v, 1 AS month",
        mode: "replace_where",
        replaceWhere: { column: "v", equals: "' OR true --" },
      }),
    ).toMatchObject({ rowsRemoved: 0 });
    expect(
      await write({
        sql: "SELECT 'y' AS v, 1 AS month",
        mode: "replace_where",
        replaceWhere: { column: "v", equals: evil },
      }),
    ).toMatchObject({ rowsRemoved: 1 });
    expect(
      await failure(write({ sql: "SELECT 1 AS v, 1 AS month", partitionBy: [`v") TO '/x' --`], table: "u" })),
    ).toMatchObject({ code: "WRITE_ARGUMENT" });
    expect(await failure(lake.query("SELECT :missing AS a", { views: {} }))).toMatchObject({ code: "PARAM_MISSING" });
  });

  it.each([
    "SELECT * FROM read_csv('x')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT 1; SELECT 2",
    "DROP TABLE t",
    "COPY t TO 'x'",
    "FROM duckdb_settings()",
    "FROM query('SELECT 1')",
    "FROM information_schema.tables",
    "DESCRIBE t",
    "INSTALL httpfs",
    "SET threads = 1",
    "ATTACH 'x'",
  ])("native refuses %s", async (sql) => {
    expect(await failure(lake.native(sql, { views: {} }))).toMatchObject({ code: "UNSUPPORTED_SQL" });
  });
});

describe("columns", () => {
  it("reads numbers, texts, booleans and times without rows in between", async () => {
    await write({
      dialect: "duckdb",
      sql: "SELECT * FROM (VALUES (1::BIGINT, 1.5::DOUBLE, 'ü', true, DATE '1970-01-02', TIMESTAMPTZ '1970-01-01 00:00:01.5Z', 2.25::DECIMAL(5,2)), (NULL, NULL, NULL, NULL, NULL, NULL, NULL)) v(i, x, s, b, d, t, m)",
    });
    const { rowCount, columns } = await lake.readColumns({ table: "t" });
    expect(rowCount).toBe(2);
    expect(columns.i).toEqual({ type: "number", values: new Float64Array([1, Number.NaN]) });
    expect(columns.x?.values[0]).toBe(1.5);
    expect(columns.s).toEqual({ type: "string", values: ["ü", null] });
    expect(columns.b).toEqual({ type: "boolean", values: new Float64Array([1, Number.NaN]) });
    expect(columns.d).toEqual({ type: "timestamp", values: new Float64Array([86_400_000, Number.NaN]) });
    expect(columns.t?.values[0]).toBe(1500);
    expect(columns.m?.values[0]).toBe(2.25);
    expect(Object.keys((await lake.readColumns({ table: "t" }, { columns: ["s", "i"] })).columns)).toEqual(["s", "i"]);
    expect(await failure(lake.readColumns({ table: "t" }, { columns: ["nope"] }))).toMatchObject({ field: "columns" });
  });

  it("reads more rows than one group holds, with nulls, repeated texts and columns chosen", async () => {
    await write({
      dialect: "duckdb",
      sql: "SELECT CASE WHEN range % 3 > 0 THEN range END AS i, CASE WHEN range % 5 > 0 THEN 'k' || range % 7 END AS s, range / 8 AS x FROM range(300000)",
    });
    const { rowCount, columns } = await lake.readColumns({ table: "t" }, { columns: ["s", "i"] });
    expect([rowCount, Object.keys(columns)]).toEqual([300_000, ["s", "i"]]);
    const at = [0, 1, 122_879, 122_880, 122_881, 245_760, 299_999];
    expect(at.map((r) => columns.i?.values[r])).toEqual(at.map((r) => (r % 3 ? r : Number.NaN)));
    expect(at.map((r) => columns.s?.values[r])).toEqual(at.map((r) => (r % 5 ? `k${r % 7}` : null)));
  });

  it("refuses to round a bigint, and reads it as text", async () => {
    await write({ sql: "SELECT 1 AS n, 9007199254740993L AS id, CAST('1234567890123456.78' AS DECIMAL(18,2)) AS m" });
    const rounded = await failure(lake.readColumns({ table: "t" }));
    expect(rounded).toMatchObject({ code: "UNSUPPORTED_TYPE", field: "columns" });
    expect(rounded.message).toContain("The column id of the table t holds 9007199254740993");
    const { columns } = await lake.readColumns({ table: "t" }, { as: { id: "string", m: "string" } });
    expect(columns.id).toEqual({ type: "string", values: ["9007199254740993"] });
    expect(columns.m).toEqual({ type: "string", values: ["1234567890123456.78"] });
    expect((await lake.readColumns({ table: "t" }, { columns: ["m"] })).columns.m?.values[0]).toBe(
      Number("1234567890123456.78"),
    );
  });

  it("reads a table of no rows", async () => {
    await write({ sql: "SELECT 1 AS a, 'x' AS s WHERE 1 = 0" });
    expect(await lake.readColumns({ table: "t" })).toEqual({
      rowCount: 0,
      columns: { a: { type: "number", values: new Float64Array(0) }, s: { type: "string", values: [] } },
    });
  });
});
