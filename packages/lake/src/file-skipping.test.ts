/** A query reads the files that matter to it, and its answer is that of all files. */
import { mkdtemp, readFile, realpath, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Lake, openLake, type Scalar, type WriteOptions } from "./index.ts";

let root: string;
let lake: Lake;
let ordinal = 0;
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "lake-skipping-")));
  lake = await openLake({ root, sourceRoots: [], threads: 1 });
});
afterEach(async () => {
  await lake.close();
  await rm(root, { recursive: true, force: true });
});

const write = (table: string, sql: string, o: Partial<WriteOptions> = {}) =>
  lake.write({
    ...{ table, sql, dialect: "duckdb", views: {}, mode: "append", txn: { appId: `s${ordinal++}`, version: 1 } },
    ...o,
  });

/** Whether an SQL runs while some files of the table t, by the order in which they were added, are away. */
async function runs(sql: string, isAway: (nth: number) => boolean, params: Readonly<Record<string, Scalar>> = {}) {
  const views = { t: { table: "t" }, u: { table: "t" } };
  const { files } = await lake.snapshot({ table: "t" });
  const away = files.filter((_, nth) => isAway(nth)).map(({ path }) => join(root, "t", path));
  for (const file of away) await rename(file, `${file}.away`);
  try {
    await lake.native(sql, { views, params });
    return true;
  } catch {
    return false;
  } finally {
    for (const file of away) await rename(`${file}.away`, file);
  }
}

/** Expects that these files are read, and no others. */
async function opens(sql: string, read: readonly number[], params: Readonly<Record<string, Scalar>> = {}) {
  expect(await runs(sql, (nth) => !read.includes(nth), params), `${sql} reads more than ${read}`).toBe(true);
  const last = read.at(-1);
  if (last !== undefined) expect(await runs(sql, (nth) => nth === last, params), `${sql} reads ${last}`).toBe(false);
}

const ALL = Array.from({ length: 10 }, (_, nth) => nth);

/** Ten files of ten rows: ids from 10 n, a day and a text each, the last without texts. */
async function fill(o: Partial<WriteOptions> = {}): Promise<void> {
  for (let n = 0; n < 10; n++) {
    const text = n < 9 ? `'text ${n}'` : "NULL::VARCHAR";
    await write(
      "t",
      `SELECT ${10 * n} + range AS id, DATE '2026-01-01' + ${n} AS day, ${text} AS s, range * ${n} / 2 AS x,
        TIMESTAMPTZ '2026-01-01 00:00:00.000900Z' + to_days(${n}) AS moment, (${n} + 0.25)::DECIMAL(9, 2) AS c, ${n} % 2 = 0 AS b FROM range(10)`,
      o,
    );
  }
}

test("files are opened whose statistics leave it open that they matter", async () => {
  await fill();
  await opens("SELECT * FROM t", ALL);
  await opens("SELECT count(*) FROM t", ALL);
  await opens("SELECT * FROM t WHERE id = 35", [3]);
  await opens("SELECT * FROM t WHERE id > 35 AND id <= 50", [3, 4, 5]);
  await opens("SELECT * FROM t WHERE 35 > id", [0, 1, 2, 3]);
  await opens("SELECT * FROM t WHERE id IN (1, 2, 99)", [0, 9]);
  await opens("SELECT * FROM t WHERE id < 10 OR s = 'text 8'", [0, 8]);
  await opens("SELECT * FROM t WHERE id BETWEEN $from AND $until", [2, 3, 4], { from: 20, until: 45 });
  await opens("SELECT * FROM t WHERE day >= '2026-01-09'", [8, 9]);
  await opens("SELECT * FROM t WHERE moment = '2026-01-03 00:00:00.0009Z'", [2]);
  await opens("SELECT * FROM t WHERE c <= 1.25", [0, 1]);
  await opens("SELECT * FROM t WHERE b", [0, 2, 4, 6, 8]);
  await opens("SELECT * FROM t WHERE NOT b AND id < 20", [1]);
  await opens("SELECT * FROM t WHERE s IS NULL", [9]);
  await opens("SELECT * FROM t WHERE s IS NOT NULL", [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  await opens("SELECT * FROM t WHERE id > 1000", []);
  await opens("SELECT * FROM t WHERE s = 'it''s (1 AND\n 2)'", []);
}, 60_000);

test("conditions are found through subqueries, WITH and joins, and of every scan of a table", async () => {
  await fill();
  await opens("WITH w AS (SELECT id AS i, s FROM t) SELECT * FROM w WHERE i = 5", [0]);
  await opens("SELECT * FROM t JOIN u USING (id) WHERE u.id = 5", [0]);
  await opens("SELECT * FROM t WHERE id = 5 UNION ALL SELECT * FROM t WHERE id = 95", [0, 9]);
  await opens("SELECT * FROM t AS a, t AS b WHERE a.id = 5", ALL);
  await opens("SELECT (SELECT count(*) FROM t) FROM t WHERE id = 5", ALL);
  await opens("SELECT s, sum(x) FROM t GROUP BY s HAVING s = 'text 3'", [3]);
}, 60_000);

test("what says nothing of a scan's rows leaves nothing out", async () => {
  await fill();
  for (const sql of [
    "SELECT * FROM (SELECT * FROM t LIMIT 50) WHERE id > 20",
    "SELECT id > 20 FROM t",
    "SELECT * FROM t WHERE id % 10 = 3",
    "SELECT * FROM t WHERE s LIKE '%3'",
    "SELECT * FROM t WHERE moment < now() - INTERVAL 1 DAY AND moment > now() - INTERVAL 10000 DAY",
    "SELECT count(*) FILTER (WHERE id = 3) FROM t",
    "SELECT * FROM t POSITIONAL JOIN u",
    "SELECT * FROM t LEFT JOIN u ON t.id = 5",
  ]) {
    for (const missing of [0, 9]) expect(await runs(sql, (nth) => nth === missing), sql).toBe(false);
  }
  const views = { t: { table: "t" }, u: { table: "t" } };
  const joined = "SELECT count(*) AS n FROM (t POSITIONAL JOIN u) WHERE t.id = 5 OR u.id = 95";
  expect((await lake.native(joined, { views })).rows).toEqual([{ n: 2 }]);
}, 60_000);

test("partitions, columns that were added later, and changes of a table", async () => {
  await fill({ partitionBy: ["day"] });
  await write("t", "SELECT 1000::BIGINT AS id, NULL::DATE AS day, 7 AS more", { mergeSchema: true });
  await opens("SELECT * FROM t WHERE day = '2026-01-03'", [2]);
  await opens("SELECT * FROM t WHERE day IS NULL", [10]);
  await opens("SELECT * FROM t WHERE day > '2026-01-08' OR day IS NULL", [8, 9, 10]);
  // The log does not say that older files lack it.
  await opens("SELECT * FROM t WHERE more IS NULL", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  await write("u", "SELECT id FROM t WHERE id < 15", { views: { t: { table: "t" } } });
  expect((await lake.snapshot({ table: "u" })).rowCount).toBe(15);
}, 60_000);

/** Rewrites the statistics of a table's versions, as another writer might have put them. */
async function restate(table: string, change: (stats: string) => string): Promise<void> {
  for (let version = 0; version < 4; version++) {
    const path = join(root, table, "_delta_log", `${String(version).padStart(20, "0")}.json`);
    const lines = (await readFile(path, "utf8")).trim().split("\n");
    const written = lines.map((line) => {
      const action = JSON.parse(line);
      return JSON.stringify(
        action.add ? { ...action, add: { ...action.add, stats: change(action.add.stats) } } : action,
      );
    });
    await writeFile(path, `${written.join("\n")}\n`);
  }
  await lake.close();
  lake = await openLake({ root, sourceRoots: [], threads: 1 });
}

test("statistics as others write them: NaNs left out, milliseconds cut off, texts cut, decimals rounded, none", async () => {
  for (let n = 0; n < 4; n++) {
    await write(
      "t",
      `SELECT unnest([${n}::DOUBLE, 'NaN']) AS x, TIMESTAMPTZ '2026-01-01 00:00:00.123456Z' AS moment,
        repeat('x', 50) || ${n} AS s, 0.10000000000000000001::DECIMAL(38, 20) AS c`,
    );
  }
  await restate("t", () =>
    JSON.stringify({
      numRecords: 2,
      minValues: { x: 0, moment: "2026-01-01T00:00:00.123Z", s: "x".repeat(32), c: 0.1 },
      maxValues: { x: 3, moment: "2026-01-01T00:00:00.123Z", s: `${"x".repeat(31)}y`, c: 0.1 },
      nullCount: { x: 0, moment: 0, s: 0, c: 0 },
    }),
  );
  const count = async (where: string) =>
    (await lake.native(`SELECT count(*) AS n FROM t WHERE ${where}`, { views: { t: { table: "t" } } })).rows[0]?.["n"];
  expect(await count("x > 5")).toBe(4);
  expect(await count("x = 'NaN'")).toBe(4);
  expect(await count("moment > '2026-01-01 00:00:00.123Z'")).toBe(8);
  expect(await count("moment = '2026-01-01 00:00:00.123456Z'")).toBe(8);
  expect(await count("s > repeat('x', 49)")).toBe(8);
  expect(await count("c > 0.1")).toBe(8);
  expect(await count("c >= 0.10000000000000000001")).toBe(8);
  const removed = await write("t", "SELECT * FROM t LIMIT 0", {
    ...{ views: { t: { table: "t" } }, mode: "replace_where" },
    replaceWhere: { column: "moment", from: "2026-01-01T00:00:00.1234Z" },
  });
  expect(removed.rowsRemoved).toBe(8);
  for (const stats of ["", "{}", "[", '{"numRecords":2,"minValues":null}']) {
    await restate("t", () => stats);
    expect(
      await lake.native("SELECT 1 FROM t WHERE x > 1", { views: { t: { table: "t", version: 3 } } }),
    ).toMatchObject({
      rowCount: 6,
    });
  }
});

test("a query's answer is that of all files", async () => {
  const values: Readonly<Record<string, readonly string[]>> = {
    i: ["-9223372036854775808", "-1", "0", "7", "9007199254740993", "9223372036854775807"].map((v) => `'${v}'::BIGINT`),
    x: ["-inf", "-1.5", "-0.0", "0", "0.1", "1e300", "inf", "nan"].map((v) => `'${v}'::DOUBLE`),
    s: ["''", "'a'", "'b'", "'é'", "repeat('x', 40)", "repeat('x', 41)", "'\u{10ffff}'", "'''; --'"],
    d: ["1500-01-01", "1969-12-31", "2026-02-28", "9999-12-31", "0044-03-15 (BC)"].map((v) => `'${v}'::DATE`),
    t: [
      "1969-12-31 23:59:59.999999",
      "2026-01-01 00:00:00.0001",
      "2026-01-01 00:00:00.0009",
      "2026-01-01 00:00:00",
    ].map((v) => `'${v}Z'::TIMESTAMPTZ`),
    c: ["-1.05", "0.00", "0.01", "9999999.99"].map((v) => `'${v}'::DECIMAL(9, 2)`),
    b: ["true", "false"],
  };
  const types = ["BIGINT", "DOUBLE", "VARCHAR", "DATE", "TIMESTAMPTZ", "DECIMAL(9, 2)", "BOOLEAN"];
  const names = Object.keys(values);
  const value = (name: string) => fc.constantFrom(...(values[name] ?? []));
  const row = fc.tuple(...names.map((name) => fc.option(value(name), { freq: 4 })));
  const file = fc.array(row, { minLength: 1, maxLength: 3 });
  const compared = fc.constantFrom(...names).chain((name) =>
    fc
      .tuple(
        value(name),
        value(name),
        fc.constantFrom("=", "<>", "<", "<=", ">", ">=", "IN", "BETWEEN", "NULL", "KNOWN"),
      )
      .map(([a, b, how]) => {
        if (how === "IN") return `${name} IN (${a}, ${b})`;
        if (how === "BETWEEN") return `${name} BETWEEN ${a} AND ${b}`;
        return how === "NULL" ? `${name} IS NULL` : how === "KNOWN" ? `${name} IS NOT NULL` : `${name} ${how} ${a}`;
      }),
  );
  const { condition } = fc.letrec<{ condition: string }>((tie) => ({
    condition: fc.oneof(
      { maxDepth: 2 },
      compared,
      fc.tuple(tie("condition"), fc.constantFrom("AND", "OR"), tie("condition")).map(([a, o, b]) => `(${a} ${o} ${b})`),
      tie("condition").map((a) => `(NOT ${a})`),
    ),
  }));
  await fc.assert(
    fc.asyncProperty(
      fc.array(file, { minLength: 4, maxLength: 6 }),
      fc.array(condition, { minLength: 8, maxLength: 8 }),
      fc.constantFrom(undefined, "s", "x", "t", "d", "b"),
      async (files, conditions, partition) => {
        const table = `p${ordinal++}`;
        const o = partition === undefined ? {} : { partitionBy: [partition] };
        for (const rows of files) {
          const tuples = rows.map(
            (one) =>
              `(${one.map((v, i) => `CAST(${(v === "''" && partition === "s" ? null : v) ?? "NULL"} AS ${types[i]})`).join(", ")})`,
          );
          await write(table, `SELECT * FROM (VALUES ${tuples.join(", ")}) AS v(${names.join(", ")})`, o);
        }
        const ask = async (sql: string) =>
          (await lake.native(sql, { views: { t: { table } } })).rows.map((one) => JSON.stringify(one));
        const shown = names.map((name) => `${name}::VARCHAR AS ${name}`).join(", ");
        for (const where of conditions) {
          const filtered = await ask(`SELECT ${shown} FROM t WHERE ${where}`);
          // As a column, a condition keeps nothing out.
          const all = await ask(`SELECT ${shown}, (${where}) IS TRUE AS passes FROM t`);
          const passing = all.filter((one) => one.endsWith(',"passes":true}'));
          expect(filtered, where).toEqual(passing.map((one) => one.replace(/,"passes":true}$/, "}")));
        }
      },
    ),
    { numRuns: Number(process.env["LAKE_FUZZ"] ?? 12) },
  );
}, 600_000);
