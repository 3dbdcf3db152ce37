import { utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  dataFiles,
  failure,
  freshTable,
  lake,
  lakeOfEachTest,
  log,
  merge,
  root,
  rows,
  values,
  write,
} from "./fixtures/changed-table.ts";

lakeOfEachTest();

describe("overwriting", () => {
  it("replaces the partitions that the rows fall into, nulls and odd names too", async () => {
    await write({
      sql: values(
        [
          ["'a'", 1],
          ["'we b/ü%='", 2],
          ["NULL", 3],
        ],
        "p, x",
      ),
      partitionBy: ["p"],
    });
    const result = await write({
      sql: values(
        [
          ["'we b/ü%='", 20],
          ["NULL", 30],
        ],
        "p, x",
      ),
      mode: "overwrite_partitions",
    });
    expect(result).toMatchObject({ rowsWritten: 2, rowsRemoved: 2 });
    expect(await rows()).toEqual([
      { p: null, x: 30 },
      { p: "a", x: 1 },
      { p: "we b/ü%=", x: 20 },
    ]);
    const nothing = await write({ sql: "SELECT 'a' AS p, 1 AS x WHERE false", mode: "overwrite_partitions" });
    expect(nothing).toMatchObject({ rowsWritten: 0, rowsRemoved: 0 });
    await write({ table: "u", sql: "SELECT 1 AS x" });
    expect(await failure(write({ table: "u", sql: "SELECT 1 AS x", mode: "overwrite_partitions" }))).toMatchObject({
      code: "WRITE_ARGUMENT",
      field: "partitionBy",
    });
  });

  it("keeps partitions of any text apart, and refuses those that Delta takes for null", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.string({ unit: "binary", minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 4 }),
        async (texts) => {
          const table = freshTable();
          const usable = texts.filter((t) => !t.includes("\0"));
          if (usable.length === 0) return;
          const params = Object.fromEntries(usable.map((t, i) => [`p${i}`, t]));
          const sql = usable.map((_, i) => `SELECT $p${i}::VARCHAR AS p, ${i} AS x`).join(" UNION ALL ");
          await write({ table, sql, params, partitionBy: ["p"] });
          const found = await lake.native("SELECT p FROM t ORDER BY x", { views: { t: { table } } });
          expect(found.rows.map((r) => r["p"])).toEqual(usable);
        },
      ),
      { numRuns: 15 },
    );
    for (const p of ["''", "'__HIVE_DEFAULT_PARTITION__'"]) {
      expect(await failure(write({ table: "e", sql: `SELECT ${p} AS p, 1 AS x`, partitionBy: ["p"] }))).toMatchObject({
        code: "WRITE_ARGUMENT",
      });
    }
    expect(await lake.listTables()).not.toContain("e");
  }, 60_000);

  it("partitions by dates, times, numbers and booleans", async () => {
    const sql =
      "SELECT DATE '1998-01-31' AS d, TIMESTAMPTZ '1998-01-31 12:00:00.123456Z' AS t, 1.50::DECIMAL(5,2) AS m, true AS b, 2.5::DOUBLE AS f, 7 AS x";
    await write({ sql, partitionBy: ["d", "t", "m", "b", "f"] });
    expect(await rows()).toEqual([
      { d: "1998-01-31", t: "1998-01-31T12:00:00.123456Z", m: 1.5, b: true, f: 2.5, x: 7 },
    ]);
  });

  it("removes the rows for which all conditions hold", async () => {
    await write({
      sql: values(
        [
          ["'nl'", 1],
          ["'nl'", 5],
          ["'de'", 5],
          ["NULL", 5],
        ],
        "c, x",
      ),
    });
    const result = await write({
      sql: "SELECT 'nl' AS c, 50 AS x",
      mode: "replace_where",
      replaceWhere: [
        { column: "c", equals: "nl" },
        { column: "x", from: "2" },
      ],
    });
    expect(result).toMatchObject({ rowsRemoved: 1, rowsWritten: 1 });
    expect((await rows()).map((r) => r["x"])).toEqual([5, 5, 1, 50]);
  });
});

describe("columns", () => {
  it("are enforced, with the types expected and found", async () => {
    await write({ sql: "SELECT 1::BIGINT AS id, 'x' AS name" });
    const error = await failure(write({ sql: "SELECT 'one' AS id, 'x' AS name, 1 AS extra" }));
    expect(error).toMatchObject({ code: "SCHEMA_MISMATCH", field: "sql" });
    expect(error.message).toContain("id is string, the table has bigint");
    expect(error.message).toContain("extra (int) is no column of the table");
    expect((await failure(write({ sql: "SELECT 1::BIGINT AS id" }))).message).toContain("name (string) is missing");
    expect((await failure(write({ sql: "SELECT 2::BIGINT AS id, 'x' AS NAME" }))).message).toContain("is missing");
    expect(await write({ sql: "SELECT 2::INT AS id, 'y' AS name" })).toMatchObject({ rowsWritten: 1 });
  });

  it("are added when asked, and older rows have null there", async () => {
    await write({ sql: "SELECT 1 AS id, 'a' AS p", partitionBy: ["p"] });
    await write({ sql: "SELECT 2 AS id, 'a' AS p, 2.5::DOUBLE AS x", mergeSchema: true });
    await write({ sql: "SELECT 3 AS id, 'b' AS p", mergeSchema: true });
    await merge({ on: ["id"], sql: "SELECT 1 AS id, DATE '2026-01-31' AS seen", mergeSchema: true });
    expect(await rows()).toEqual([
      { id: 1, p: "a", x: null, seen: "2026-01-31" },
      { id: 2, p: "a", x: 2.5, seen: null },
      { id: 3, p: "b", x: null, seen: null },
    ]);
    expect(await rows({ version: 0 })).toEqual([{ id: 1, p: "a" }]);
    expect((await lake.readColumns({ table: "t" })).columns["x"]?.values).toHaveLength(3);
    const { columns } = await lake.snapshot({ table: "t" });
    expect(columns.map((c) => `${c.name} ${c.type}`)).toEqual(["id int", "p string", "x double", "seen date"]);
    expect(await failure(write({ sql: "SELECT 1 AS ID, 'a' AS p", mergeSchema: true }))).toMatchObject({
      code: "SCHEMA_MISMATCH",
    });
  });

  it("that take no nulls get none", async () => {
    await write({ sql: "SELECT 1 AS id" });
    const [metaData] = (await log(0)).flatMap((a) => a["metaData"] ?? []);
    const strict = JSON.stringify({ metaData }).replace(String.raw`\"nullable\":true`, String.raw`\"nullable\":false`);
    await writeFile(join(root, "t", "_delta_log", "00000000000000000001.json"), strict);
    expect(await failure(write({ sql: "SELECT NULL::INT AS id" }))).toMatchObject({ code: "SCHEMA_MISMATCH" });
    expect(await write({ sql: "SELECT 2 AS id" })).toMatchObject({ version: 2 });
    expect(await dataFiles()).toHaveLength(2);
  });
});

describe("statistics", () => {
  const statsOf = async (sql: string): Promise<string> => {
    const table = freshTable();
    await write({ table, sql });
    const [add] = (await log(0, table)).flatMap((a) => a["add"] ?? []);
    return typeof add === "object" && "stats" in add ? String(add.stats) : "";
  };

  it("say least, most and nulls of every type, exactly", async () => {
    const stats = await statsOf(`SELECT * FROM (VALUES
      (9007199254740993::BIGINT, true, 12345678901234567890.12::DECIMAL(30,2), TIMESTAMPTZ '2026-01-31 12:00:00.123456Z', 'b', 0.1::FLOAT, DATE '2026-01-31', NULL::INT),
      (-5, false, -0.01, TIMESTAMPTZ '1969-12-31 23:59:59.999999Z', 'a', -1, DATE '1969-01-01', NULL)) v(l, b, d, t, s, f, dt, n)`);
    expect(stats).toContain('"numRecords":2');
    expect(stats).toContain('"l":9007199254740993');
    expect(stats).toContain('"d":12345678901234567890.12');
    const { minValues, maxValues, nullCount } = JSON.parse(stats);
    expect(minValues).toMatchObject({ l: -5, b: false, d: -0.01, s: "a", f: -1, dt: "1969-01-01" });
    expect(minValues.t).toBe("1969-12-31T23:59:59.999Z");
    expect(maxValues.t).toBe("2026-01-31T12:00:00.124Z");
    expect(maxValues).toMatchObject({ b: true, s: "b", f: Math.fround(0.1), dt: "2026-01-31" });
    expect(nullCount).toEqual({ l: 0, b: 0, d: 0, t: 0, s: 0, f: 0, dt: 0, n: 2 });
    expect(minValues).not.toHaveProperty("n");
  });

  it("cut long texts so that every text lies between", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: "binary", minLength: 25, maxLength: 300 }), { minLength: 1, maxLength: 4 }),
        async (texts) => {
          const list = texts.map((t) => t.replaceAll("\0", ""));
          const params = Object.fromEntries(list.map((t, i) => [`p${i}`, t]));
          const table = freshTable();
          await write({ table, sql: list.map((_, i) => `SELECT $p${i}::VARCHAR AS s`).join(" UNION ALL "), params });
          const [add] = (await log(0, table)).flatMap((a) => a["add"] ?? []);
          const { minValues, maxValues } = JSON.parse(String(Reflect.get(Object(add), "stats")));
          for (const text of list) {
            if (minValues.s !== undefined)
              expect(Buffer.compare(Buffer.from(minValues.s), Buffer.from(text))).toBeLessThan(1);
            if (maxValues.s !== undefined)
              expect(Buffer.compare(Buffer.from(maxValues.s), Buffer.from(text))).toBeGreaterThan(-1);
          }
        },
      ),
      { numRuns: 15 },
    );
  }, 60_000);

  it("of NaN are left out", async () => {
    const { minValues, nullCount } = JSON.parse(await statsOf("SELECT unnest([1.0, 'NaN'::DOUBLE, NULL]) AS x"));
    expect(minValues).toEqual({});
    expect(nullCount).toEqual({ x: 1 });
  });
});

describe("time", () => {
  it("travels to what was newest then, and tells the history", async () => {
    for (let i = 0; i < 3; i++) {
      await write({ sql: `SELECT ${i} AS a`, mode: "overwrite", info: { i } });
      const at = new Date(`2026-01-0${i + 1}T00:00:00Z`);
      await utimes(join(root, "t", "_delta_log", `${String(i).padStart(20, "0")}.json`), at, at);
    }
    expect(await rows({ timestamp: "2026-01-02T12:00:00+02:00" })).toEqual([{ a: 1 }]);
    expect(await rows({ timestamp: "2026-01-03" })).toEqual([{ a: 2 }]);
    expect((await lake.snapshot({ table: "t", timestamp: "2030-01-01T00:00:00Z" })).version).toBe(2);
    expect(await failure(rows({ timestamp: "2025-12-31T23:59:59Z" }))).toMatchObject({ code: "VERSION_NOT_FOUND" });
    expect(await failure(rows({ timestamp: "yesterday" }))).toMatchObject({ code: "PARAM_TYPE", field: "timestamp" });
    expect(await failure(rows({ timestamp: "2026-01-03", version: 1 }))).toMatchObject({ code: "PARAM_TYPE" });
    expect(await lake.history("t", { limit: 2 })).toEqual([
      { version: 2, timestamp: "2026-01-03T00:00:00.000Z", operation: "WRITE", info: { i: 2 } },
      { version: 1, timestamp: "2026-01-02T00:00:00.000Z", operation: "WRITE", info: { i: 1 } },
    ]);
  });

  it("vacuums what no retained version needs, after saying what that is", async () => {
    const old = new Date(Date.now() - 200 * 3_600_000);
    for (let i = 0; i < 12; i++)
      await write({ sql: `SELECT ${i} AS a, 'p ${i % 2}' AS p`, mode: "overwrite", partitionBy: ["p"] });
    await writeFile(join(root, "t", "part-orphan.parquet"), "left by a killed writer");
    await writeFile(join(root, "t", "part-young.parquet"), "being written");
    await writeFile(join(root, "t", "_SUCCESS"), "");
    for (const name of await dataFiles()) if (!name.includes("young")) await utimes(join(root, name), old, old);
    expect(await lake.vacuum({ table: "t" })).toMatchObject({ files: ["part-orphan.parquet"], dryRun: false });
    expect(await rows({ version: 3 })).toEqual([{ a: 3, p: "p 1" }]);
    expect(await failure(lake.vacuum({ table: "t", retentionHours: 1 }))).toMatchObject({ field: "retentionHours" });
    const all = { table: "t", retentionHours: 0, allowShortRetention: true };
    const planned = await lake.vacuum({ ...all, dryRun: true });
    expect(planned.files).toHaveLength(12);
    expect(await dataFiles()).toHaveLength(13);
    expect([...(await lake.vacuum(all)).files].sort()).toEqual([...planned.files].sort());
    expect(await rows()).toEqual([{ a: 11, p: "p 1" }]);
    expect(await failure(rows({ version: 3 }))).toMatchObject({ code: "SQL_FAILED" });
    expect((await lake.vacuum(all)).files).toEqual([]);
  });
});
