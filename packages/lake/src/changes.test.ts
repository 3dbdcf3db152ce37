import { mkdtemp, readdir, readFile, realpath, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Lake, MergeOptions, WriteOptions } from "./api.ts";
import type { LakeError } from "./errors.ts";
import { FileStore } from "./file-store.ts";
import { lakeOn } from "./lake.ts";

let root: string;
let lake: Lake;
let store: Interrupted;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "lake-"));
  store = new Interrupted(await realpath(root));
  lake = await lakeOn(store, { sourceRoots: [], threads: 1, memoryLimit: "512MB" });
});
afterEach(async () => {
  await lake.close();
  await rm(root, { recursive: true, force: true });
});

let ordinal = 0;
const txn = () => ({ appId: `test-${ordinal++}`, version: 1 });
const write = (o: Partial<WriteOptions> & { sql: string }) =>
  lake.write({ table: "t", views: {}, mode: "append", txn: txn(), dialect: "duckdb", ...o });
const merge = (o: Partial<MergeOptions> & { sql: string }) =>
  lake.merge({ table: "t", views: {}, txn: txn(), on: ["k"], dialect: "duckdb", ...o });
const rows = async (at: { version?: number; timestamp?: string; table?: string } = {}) =>
  (await lake.native("FROM t ORDER BY ALL", { views: { t: { table: "t", ...at } } })).rows;
const failure = async (work: Promise<unknown>): Promise<LakeError> =>
  work.then(
    () => Promise.reject(new Error("it succeeded")),
    (e) => e,
  );
const values = (list: readonly (readonly unknown[])[], names: string) =>
  `SELECT * FROM (VALUES ${list.map((row) => `(${row.join(", ")})`).join(", ")}) v(${names})`;
const log = async (version: number, table = "t"): Promise<Record<string, unknown>[]> =>
  (await readFile(join(root, table, "_delta_log", `${String(version).padStart(20, "0")}.json`), "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
const dataFiles = async () => (await readdir(root, { recursive: true })).filter((f) => f.includes("part-"));

/** Lets another writer commit first, when a write is about to. */
class Interrupted extends FileStore {
  other: (() => Promise<unknown>) | undefined;

  /** How many data files were moved into tables. */
  taken = 0;

  override async take(path: string, key: string): Promise<void> {
    this.taken++;
    await super.take(path, key);
  }

  override async putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean> {
    const { other } = this;
    this.other = undefined;
    await other?.();
    return await super.putIfAbsent(key, bytes);
  }
}

/** Runs `other` between a write's work and its commit. */
async function during(start: () => Promise<unknown>, other: () => Promise<unknown>): Promise<unknown> {
  store.other = other;
  return await start();
}

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
          const table = `p${ordinal++}`;
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

describe("writers at once", () => {
  it("an overwrite fails rather than drop the rows of an append that came between", async () => {
    await write({ sql: "SELECT 1 AS a" });
    const overwriting = () => write({ sql: `SELECT 2 AS a`, mode: "overwrite" });
    expect(await failure(during(overwriting, () => write({ sql: "SELECT 3 AS a" })))).toMatchObject({
      code: "TABLE_MOVED",
      retryable: true,
    });
    expect(await rows()).toEqual([{ a: 1 }, { a: 3 }]);
    expect(await dataFiles()).toHaveLength(2);
  });

  it("a replacement goes on when the commit between left its rows alone, and fails when it did not", async () => {
    await write({
      sql: values(
        [
          [1, "'x'"],
          [10, "'y'"],
        ],
        "a, s",
      ),
    });
    const replacing = () =>
      write({
        sql: `SELECT 5 AS a, 'new' AS s`,
        mode: "replace_where",
        replaceWhere: { column: "a", from: "0", until: "8" },
      });
    expect(await during(replacing, () => write({ sql: "SELECT 20 AS a, 'z' AS s" }))).toMatchObject({
      version: 2,
      rowsRemoved: 1,
    });
    expect((await rows()).map((r) => r["a"])).toEqual([5, 10, 20]);
    expect(await failure(during(replacing, () => write({ sql: "SELECT 6 AS a, 'w' AS s" })))).toMatchObject({
      code: "TABLE_MOVED",
    });
    expect((await rows()).map((r) => r["a"])).toEqual([5, 6, 10, 20]);
  });

  it("an append that reads the table is run again on what is there", async () => {
    await write({ sql: "SELECT 1::BIGINT AS a" });
    const next = () => write({ sql: `SELECT max(a) + 1 AS a FROM t`, views: { t: { table: "t" } } });
    await during(next, () => write({ sql: "SELECT 10::BIGINT AS a" }));
    expect((await rows()).map((r) => r["a"])).toEqual([1, 10, 11]);
  });

  it("a merge goes on when the commit between holds none of its keys, and is worked out again when it may", async () => {
    await write({
      sql: values(
        [
          [1, 0],
          [5, 0],
        ],
        "k, n",
      ),
    });
    const merging = () =>
      merge({
        sql: values(
          [
            [1, 1],
            [3, 1],
            ["NULL", 1],
          ],
          "k, n",
        ),
      });
    expect(await during(merging, () => write({ sql: "SELECT 4 AS k, 9 AS n" }))).toMatchObject({
      version: 2,
      rowsUpdated: 1,
      rowsInserted: 2,
    });
    // The table's first file, the other's, and the merge's own, made once.
    expect(store.taken).toBe(3);
    expect(await rows()).toEqual([
      { k: null, n: 1 },
      { k: 1, n: 1 },
      { k: 3, n: 1 },
      { k: 4, n: 9 },
      { k: 5, n: 0 },
    ]);
    const next = () =>
      merge({
        sql: values(
          [
            [4, 2],
            [7, 2],
          ],
          "k, n",
        ),
      });
    expect(await during(next, () => write({ sql: "SELECT 7 AS k, 8 AS n" }))).toMatchObject({
      rowsUpdated: 2,
      rowsInserted: 0,
    });
    expect((await rows()).filter((r) => r["n"] === 2).map((r) => r["k"])).toEqual([4, 7]);
  });

  it("an append between a change of columns is checked anew", async () => {
    await write({ sql: "SELECT 1 AS a" });
    const appending = () => write({ sql: `SELECT 2 AS a` });
    const widening = () => write({ sql: "SELECT 3 AS a, 'x' AS s", mergeSchema: true });
    expect(await failure(during(appending, widening))).toMatchObject({ code: "SCHEMA_MISMATCH" });
  });

  it("eight merge into the same rows, and every one of them counts", async () => {
    await write({ sql: "SELECT 1 AS k, 0 AS n" });
    const add = (i: number) =>
      merge({ sql: `SELECT k, n + 1 AS n FROM t UNION ALL SELECT ${i + 2}, 1`, views: { t: { table: "t" } } });
    await Promise.all(Array.from({ length: 8 }, (_, i) => add(i)));
    const found = await rows();
    expect(found).toHaveLength(9);
    expect(found[0]).toEqual({ k: 1, n: 8 });
  }, 30_000);
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
    const table = `s${ordinal++}`;
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
          const table = `s${ordinal++}`;
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

describe("merging", () => {
  it("updates, inserts, deletes", async () => {
    await write({
      sql: values(
        [
          [1, "'a'", 10],
          [2, "'b'", 20],
          [3, "'c'", 30],
        ],
        "k, s, n",
      ),
    });
    await write({ sql: "SELECT 4 AS k, 'd' AS s, 40 AS n" });
    const sql = values(
      [
        [2, "'B'", 21],
        [5, "'e'", 50],
        ["NULL", "'null'", 0],
      ],
      "k, s, n",
    );
    expect(await merge({ sql, info: { why: "test" } })).toMatchObject({
      rowsInserted: 2,
      rowsUpdated: 1,
      rowsDeleted: 0,
      info: { why: "test" },
    });
    expect((await rows()).map((r) => `${r["k"]} ${r["s"]} ${r["n"]}`)).toEqual([
      "null null 0",
      "1 a 10",
      "2 B 21",
      "3 c 30",
      "4 d 40",
      "5 e 50",
    ]);
    expect(await merge({ sql: "SELECT 1 AS k", whenMatched: "delete", whenNotMatched: "ignore" })).toMatchObject({
      rowsDeleted: 1,
    });
  });

  it("agrees with a model, whatever the clauses, the layout of files and the order of merges", async () => {
    const key = fc.option(fc.integer({ min: 0, max: 6 }), { nil: null });
    const row = fc.record({ k: key, n: fc.integer({ min: 0, max: 99 }) });
    const clauses = fc.record({
      whenMatched: fc.constantFrom("update" as const, "delete" as const, "ignore" as const),
      whenNotMatched: fc.constantFrom("insert" as const, "ignore" as const),
      whenNotMatchedBySource: fc.constantFrom("keep" as const, "delete" as const),
      rows: fc.uniqueArray(row, { maxLength: 6, selector: (r) => r.k ?? {} }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { maxLength: 8 }),
        fc.array(clauses, { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        async (start, merges, partitioned) => {
          const table = `m${ordinal++}`;
          const select = (list: typeof start) =>
            `SELECT k, n, n % 3 AS p FROM (VALUES (NULL::INT, NULL::INT)${list.map((r) => `, (${r.k ?? "NULL"}, ${r.n})`).join("")}) v(k, n) WHERE n IS NOT NULL`;
          let model = start.map((r) => ({ ...r }));
          await write({ table, sql: select(start.slice(0, 4)), ...(partitioned ? { partitionBy: ["p"] } : {}) });
          await write({ table, sql: select(start.slice(4)) });
          for (const m of merges) {
            if (m.whenMatched === "ignore" && m.whenNotMatched === "ignore" && m.whenNotMatchedBySource === "keep")
              continue;
            const { rows: source, ...how } = m;
            const result = await merge({ table, sql: select(source), ...how });
            const met = (a: { k: number | null }, list: typeof start) => list.find((b) => a.k !== null && b.k === a.k);
            const inserts = m.whenNotMatched === "insert" ? source.filter((s) => !met(s, model)) : [];
            const before = model.length;
            model = model.flatMap((t) => {
              const s = met(t, source);
              if (!s) return m.whenNotMatchedBySource === "delete" ? [] : [t];
              if (m.whenMatched === "delete") return [];
              return [m.whenMatched === "update" ? { k: t.k, n: s.n } : t];
            });
            expect(result.rowsDeleted).toBe(before - model.length);
            expect(result.rowsInserted).toBe(inserts.length);
            model.push(...inserts);
          }
          const text = (list: readonly { k?: unknown; n?: unknown }[]) => list.map((r) => `${r.k} ${r.n}`).sort();
          expect(text(await rows({ table }))).toEqual(text(model));
          expect((await lake.snapshot({ table })).rowCount).toBe(model.length);
        },
      ),
      { numRuns: 8 },
    );
  }, 90_000);

  it("refuses what is ambiguous or means nothing, before any effect", async () => {
    await write({ sql: "SELECT 1 AS k, 0 AS n" });
    const twice = values(
      [
        [1, 5],
        [1, 6],
      ],
      "k, n",
    );
    expect(await failure(merge({ sql: twice }))).toMatchObject({ code: "MERGE_AMBIGUOUS", field: "sql" });
    expect(await failure(merge({ sql: "SELECT 1 AS k", on: [] }))).toMatchObject({
      code: "WRITE_ARGUMENT",
      field: "on",
    });
    expect(await failure(merge({ sql: "SELECT 1 AS k", on: ["z"] }))).toMatchObject({ field: "on" });
    expect(await failure(merge({ table: "none", sql: "SELECT 1 AS k" }))).toMatchObject({ code: "TABLE_NOT_FOUND" });
    expect(
      await failure(merge({ sql: "SELECT 1 AS k, 2 AS n", whenMatched: "ignore", whenNotMatched: "ignore" })),
    ).toMatchObject({ field: "whenMatched" });
    expect(await rows()).toEqual([{ k: 1, n: 0 }]);
    const once = { appId: "merge", version: 3 };
    const first = await merge({ sql: "SELECT 2 AS k, 2 AS n", txn: once });
    expect(await merge({ sql: "SELECT 2 AS k, 2 AS n", txn: once })).toEqual({ ...first, alreadyDone: true });
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
