import { appendFile, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type Lake, openLake, type StageOptions } from "./index.ts";

let duckdb: DuckDBInstance;
let folder: string;
let source: string;
let lake: Lake;
beforeAll(async () => {
  duckdb = await DuckDBInstance.create(":memory:", { threads: "1" });
});
afterAll(() => duckdb.closeSync());
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "lake-parquet-")));
  source = join(folder, "rows.parquet");
  lake = await openLake({ root: join(folder, "lake"), sourceRoots: [folder], threads: 2 });
});
afterEach(async () => {
  await lake.close();
  await rm(folder, { recursive: true, force: true });
});

const ROWS = `SELECT i AS id, CASE WHEN i % 7 > 0 THEN 'größer ' || i END AS s, DATE '1500-01-01' + CAST(i AS INTEGER) AS d,
  TIMESTAMPTZ '2026-01-01 00:00:00.000001Z' + to_seconds(i) AS t, CAST(i * 0.25 AS DECIMAL(20, 2)) AS c, i * 0.5 AS r,
  CAST(i % 2 AS BOOLEAN) AS b, CAST(i % 100 AS TINYINT) AS y, CAST(NULL AS BIGINT) AS n FROM range(30720) AS r(i)`;

async function put(sql: string, options = ""): Promise<void> {
  const connection = await duckdb.connect();
  await connection.run("SET timezone = 'UTC'");
  await connection.run("SET preserve_insertion_order = false");
  await connection.run(`COPY (${sql}) TO '${source}' (FORMAT parquet${options})`);
  connection.closeSync();
}

/** Loads the source whole; tells whether the table's file is the source's copy. */
async function load(o: Omit<StageOptions, "source"> = {}, table = "t"): Promise<boolean> {
  const bytes = await readFile(source);
  const staged = await lake.stage({ source, ...o });
  await lake.write({
    ...{ table, sql: "SELECT * FROM source", views: { source: staged.view } },
    ...{ mode: "append", txn: { appId: table, version: 1 } },
  });
  await staged.close();
  const [file] = (await lake.snapshot({ table })).files;
  return bytes.equals(await readFile(join(folder, "lake", table, file?.path ?? "")));
}

/** What tells one table's rows from another's. */
const digest = async (table = "t") => {
  const sql = "SELECT count(*) AS n, bit_xor(hash(t))::VARCHAR AS digest FROM t";
  return (await lake.native(sql, { views: { t: { table } } })).rows[0];
};
const statsOf = async (table: string) => {
  const log = await readFile(join(folder, "lake", table, "_delta_log", `${"0".repeat(20)}.json`), "utf8");
  return JSON.parse(JSON.parse(log.split("\n").find((line) => line.startsWith('{"add"')) ?? "").add.stats);
};

test("a file as a table's own is copied, with the statistics and the rows of one that is written anew", async () => {
  await put(ROWS, ", ROW_GROUP_SIZE 10240, COMPRESSION snappy");
  expect(await load()).toBe(true);
  await put(ROWS, ", ROW_GROUP_SIZE 2048");
  expect(await load({}, "anew")).toBe(false);
  expect(await statsOf("t")).toEqual(await statsOf("anew"));
  expect(await statsOf("t")).toMatchObject({ numRecords: 30720, nullCount: { n: 30720, s: 4389, id: 0 } });
  expect(await digest()).toEqual(await digest("anew"));
});

test("row groups of different sizes are told apart", async () => {
  const texts =
    "SELECT i AS id, repeat('x', CASE WHEN i < 60000 THEN 1 ELSE 90 END) || i AS s FROM range(200000) AS r(i)";
  await put(texts, ", ROW_GROUP_SIZE_BYTES '2MB', DICTIONARY_SIZE_LIMIT 1");
  const connection = await duckdb.connect();
  const groups = await connection.run(`SELECT DISTINCT row_group_num_rows FROM parquet_metadata('${source}')`);
  expect((await groups.getRows()).length).toBeGreaterThan(2);
  connection.closeSync();
  expect(await load()).toBe(true);
  expect(await statsOf("t")).toMatchObject({ numRecords: 200000, minValues: { id: 0 }, maxValues: { id: 199999 } });
});

test("the source may change afterwards: the table stays", async () => {
  await put(ROWS);
  expect(await load()).toBe(true);
  const before = await digest();
  await appendFile(source, "more");
  await writeFile(source, "else");
  await rm(source);
  expect(await digest()).toEqual(before);
});

test.each([
  ["timestamps without a zone", "SELECT TIMESTAMP '2026-01-01' AS a", ""],
  ["unsigned numbers", "SELECT 1::UINTEGER AS a", ""],
  ["an encoding that Spark lacks", "SELECT random() AS a FROM range(50000)", ", PARQUET_VERSION v2"],
  ["a compression that Spark lacks", "SELECT range AS a FROM range(50000)", ", COMPRESSION brotli"],
  ["many small row groups", "SELECT range AS a FROM range(50000)", ", ROW_GROUP_SIZE 2048"],
  ["values that are not numbers", "SELECT CASE range WHEN 3 THEN 'NaN'::DOUBLE ELSE 1 END AS a FROM range(9)", ""],
  [
    "days of another calendar",
    "SELECT DATE '1500-01-01' AS a",
    ", KV_METADATA { \"org.apache.spark.legacyDateTime\": '' }",
  ],
  [
    "days of a Spark before calendars were told apart",
    "SELECT DATE '1500-01-01' AS a",
    ", KV_METADATA { \"org.apache.spark.version\": '2.4.8' }",
  ],
])("%s are written anew", async (_, sql, options) => {
  await put(sql, options);
  expect(await load()).toBe(false);
  expect(Number((await digest())?.["n"])).toBeGreaterThan(0);
});

test("a footer that does not tell the truth about the values is not believed", async () => {
  const most = 0x1122334455667788n;
  await put(`SELECT CASE i WHEN 7 THEN ${most} ELSE i END AS id FROM range(20000) AS r(i)`);
  const bytes = await readFile(source);
  const footer = bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8);
  const value = Buffer.alloc(8);
  value.writeBigInt64LE(most);
  let places = 0;
  for (let at = bytes.indexOf(value, footer); at >= 0; at = bytes.indexOf(value, at + 1)) {
    bytes.writeBigInt64LE(9n, at);
    places++;
  }
  expect(places).toBeGreaterThan(0);
  await writeFile(source, bytes);
  expect(await load()).toBe(false);
  const { rows } = await lake.query("SELECT id FROM t WHERE id > 1000000", { views: { t: { table: "t" } } });
  expect(rows).toEqual([{ id: String(most) }]);
});

/** Puts other bytes in the place of some in the source's footer; tells how often. */
async function forge(from: Buffer, to: Buffer, first = 0, until = Number.POSITIVE_INFINITY): Promise<number> {
  const bytes = await readFile(source);
  const footer = bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8);
  let places = 0;
  for (let at = bytes.indexOf(from, footer); at >= 0; at = bytes.indexOf(from, at + 1)) {
    if (places >= first && places < until) to.copy(bytes, at);
    places++;
  }
  await writeFile(source, bytes);
  return places;
}

test("a footer that is wrong about one of many row groups is not believed", async () => {
  await put("SELECT i % 10240 + 5000000000 AS id FROM range(30720) AS r(i)", ", ROW_GROUP_SIZE 10240");
  expect(await load()).toBe(true);
  const [least, less] = [Buffer.alloc(8), Buffer.alloc(8)];
  least.writeBigInt64LE(5000000000n);
  less.writeBigInt64LE(5000000001n);
  const places = await forge(least, less, 0, 0);
  expect(places % 3).toBe(0);
  await forge(least, less, places / 3, (2 * places) / 3);
  expect(await load({}, "forged")).toBe(false);
  expect(await digest("forged")).toEqual(await digest());
});

test("a footer that denies its nulls is not believed", async () => {
  await put("SELECT CASE WHEN i >= 12345 THEN i END AS id FROM range(20000) AS r(i)");
  expect(await load()).toBe(true);
  // 12345 as Thrift writes it, and no nulls in as many bytes.
  const places = await forge(Buffer.from([0xf2, 0xc0, 0x01]), Buffer.from([0x80, 0x80, 0x00]));
  expect(places).toBe(1);
  expect(await load({}, "forged")).toBe(false);
  expect(await statsOf("forged")).toMatchObject({ nullCount: { id: 12345 } });
  const wanted = load({ columns: [{ name: "id", type: "bigint" }] }, "wanted");
  await expect(wanted).rejects.toMatchObject({ code: "BAD_ROW" });
});

test("hundreds of row groups are told apart", async () => {
  await put("SELECT i AS id FROM range(2652160) AS r(i)", ", ROW_GROUP_SIZE 10240");
  expect(await load()).toBe(true);
  expect(await statsOf("t")).toMatchObject({ numRecords: 2652160, maxValues: { id: 2652159 } });
});

test("wanted columns are the file's, or it is written anew; rows that break their rules are named", async () => {
  await put("SELECT i AS id, CASE WHEN i = 3 THEN NULL ELSE 'x' END AS s FROM range(20) AS r(i)");
  const [id, s] = [{ name: "id", type: "bigint" } as const, { name: "s", type: "string", nullable: true } as const];
  expect(await load({ columns: [id, s] })).toBe(true);
  expect(await load({ columns: [s, id] }, "turned")).toBe(false);
  expect(await load({ columns: [id] }, "fewer")).toBe(false);
  await expect(load({ columns: [id, { ...s, nullable: false }] }, "bad")).rejects.toMatchObject({ code: "BAD_ROW" });
  const small = load({ columns: [{ ...id, min: 1 }, s] }, "bad");
  await expect(small).rejects.toThrow("column id holds 0");
  await expect(load({ columns: [{ ...id, type: "int" }, s] }, "bad")).rejects.toMatchObject({ code: "SOURCE_HEADER" });
  expect(await lake.listTables()).not.toContain("bad");
  expect((await readdir(join(folder, "lake"))).filter((name) => name === "bad")).toEqual([]);
});
