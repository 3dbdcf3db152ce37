import { readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import type { Lake } from "@dagwright/lake";
import { beforeEach, describe, expect, it } from "vitest";
import { spark } from "./contract.ts";
import { failure, onBothEngines } from "./fixtures/both-engines.ts";
import { createFeatures, dataStatistics, runSql, trainTestSplit } from "./spark.ts";

/** Ids of the test rows of a stratified split by seed 42: the same wherever it runs. */
const STRATIFIED = [1, 6, 7, 10, 17, 18, 21, 29, 32, 37];

onBothEngines(({ place, load, csv }) => {
  let home: string;
  let lake: Lake;
  beforeEach(() => {
    ({ home, lake } = place());
  });
  let ordinal = 0;

  describe("run_spark_sql and train_test_split_spark", () => {
    const run = (o: object, idempotencyKey?: string) =>
      runSql(lake, spark.tools.run_spark_sql.input.parse(o), idempotencyKey === undefined ? {} : { idempotencyKey });

    it("samples, writes once, splits the same every time", async () => {
      await csv(...Array.from({ length: 25 }, (_, i) => `${i + 1},1997-01-0${(i % 5) + 1},1,${i}.5`));
      await load("1997-01-05", "1997-01-06");
      const views = { purchases: { table: "purchases" } };
      const sample = await run({ sql: "SELECT * FROM purchases WHERE dollar_value > :v", views, params: { v: 3 } });
      expect(sample).toMatchObject({ rowCount: 22, written: null });
      expect(sample.rows).toHaveLength(10);
      const features = {
        sql: `SELECT customer_id, CAST(:as_of AS TIMESTAMP) AS event_timestamp, COUNT(*) AS total_purchases, SUM(dollar_value) AS total_spent,
              DATEDIFF(TO_DATE(:as_of), MAX(date)) AS days_since_last_purchase,
              COUNT(*) * 30.0D / GREATEST(DATEDIFF(TO_DATE(:as_of), MIN(date)), 1) AS purchase_frequency,
              SUM(number_of_cds) / COUNT(*) AS cds_per_purchase, :as_of AS as_of
            FROM purchases WHERE date < TO_DATE(:as_of) GROUP BY customer_id HAVING MIN(date) < TO_DATE(:as_of)`,
        views,
        params: { as_of: "1997-01-05" },
        write: {
          table: "features",
          mode: "replace_where",
          replaceWhere: { column: "as_of", equals: "1997-01-05" },
          partitionBy: ["as_of"],
        },
      };
      const written = await run(features, "key");
      expect(written.written).toEqual({ table: "features", version: 0, rows: 20, alreadyDone: false });
      expect((await run(features, "key")).written).toEqual({
        table: "features",
        version: 0,
        rows: 20,
        alreadyDone: true,
      });
      expect((await run(features, "other")).written).toMatchObject({ version: 1, rows: 20 });
      expect((await lake.snapshot({ table: "features" })).rowCount).toBe(20);

      const split = (o: object = {}) =>
        trainTestSplit(
          lake,
          spark.tools.train_test_split_spark.input.parse({
            source: { table: "purchases" },
            key: ["customer_id"],
            train: "train",
            test: "test",
            ...o,
          }),
          { idempotencyKey: `split-${ordinal++}` },
        );
      expect(await split()).toEqual({
        train: { table: "train", version: 0, rows: 20 },
        test: { table: "test", version: 0, rows: 5 },
      });
      const ids = async (table: string) =>
        (await lake.readColumns({ table }, { columns: ["customer_id"] })).columns.customer_id?.values;
      const first = [...((await ids("test")) ?? [])];
      await split();
      expect([...((await ids("test")) ?? [])]).toEqual(first);
      expect(new Set([...first, ...((await ids("train")) ?? [])]).size).toBe(25);
      await split({ seed: 7 });
      expect([...((await ids("test")) ?? [])]).not.toEqual(first);
      expect(await failure(split({ key: ["date"] }))).toMatchObject({ code: "SPLIT_KEY" });
      expect(await failure(split({ key: ["dollar_value"] }))).toMatchObject({ code: "SPLIT_KEY" });
      expect(await failure(split({ train: "test" }))).toMatchObject({ code: "SPLIT_TABLES" });
    });
  });

  describe("split, features and statistics", () => {
    const people = () =>
      lake.write({
        table: "people",
        sql: `SELECT id, CASE WHEN id % 10 = 0 THEN NULL WHEN id % 3 = 0 THEN 'x' ELSE 'y' END AS kind,
                CAST(id AS DOUBLE) / 4 AS score, date_add(DATE '1998-01-01', CAST(id AS INT)) AS day
              FROM ids`,
        views: { ids: { table: "ids" } },
        mode: "overwrite",
        txn: { appId: `people-${ordinal++}`, version: 1 },
      });
    beforeEach(async () => {
      const values = (n: number) => Array.from({ length: n }, (_, i) => `SELECT ${i} AS v`).join(" UNION ALL ");
      const sql = `SELECT CAST(a.v * 8 + b.v + 1 AS BIGINT) AS id FROM (${values(5)}) a CROSS JOIN (${values(8)}) b`;
      await lake.write({ table: "ids", sql, views: {}, mode: "overwrite", txn: { appId: "ids", version: 1 } });
      await people();
    });
    const features = (transformations: object[], o: object = {}) =>
      createFeatures(
        lake,
        spark.tools.create_features_spark.input.parse({
          source: { table: "people" },
          transformations,
          output: { table: "features" },
          ...o,
        }),
        { idempotencyKey: `features-${ordinal++}` },
      );

    it("splits every stratum alike, the same rows on both engines", async () => {
      const input = { source: { table: "people" }, key: ["id"], stratify: "kind", testFraction: 0.25 };
      const args = spark.tools.train_test_split_spark.input.parse({ ...input, train: "a", test: "b" });
      expect(await trainTestSplit(lake, args, { idempotencyKey: "s" })).toMatchObject({
        train: { rows: 30 },
        test: { rows: 10 },
      });
      const { rows } = await lake.query("SELECT kind, count(*) AS n FROM b GROUP BY kind ORDER BY kind", {
        views: { b: { table: "b" } },
      });
      expect(rows).toEqual([
        { kind: null, n: 1 },
        { kind: "x", n: 3 },
        { kind: "y", n: 6 },
      ]);
      const ids = await lake.query("SELECT id FROM b ORDER BY id", { views: { b: { table: "b" } } });
      expect(ids.rows.map((row) => row.id)).toEqual(STRATIFIED);
      await expect(trainTestSplit(lake, { ...args, stratify: "none" }, {})).rejects.toMatchObject({
        code: "COLUMN_UNKNOWN",
        field: "stratify",
      });
    });

    it("builds features by every transformation", async () => {
      const made = await features(
        [
          { type: "filter", condition: "id <= :most AND (kind <> 'z' OR kind IS NULL)" },
          { type: "add_column", as: "even", expression: "CASE WHEN id % 2 = 0 THEN 'a,b' ELSE ')' END" },
          { type: "window", function: "lag", column: "score", as: "before", orderBy: [{ column: "id" }] },
          { type: "window", function: "sum", column: "id", as: "last two", orderBy: [{ column: "id" }], preceding: 1 },
          {
            type: "window",
            function: "row_number",
            as: "nth",
            partitionBy: ["KIND"],
            orderBy: [{ column: "id", descending: true }],
          },
          { type: "join", with: { table: "ids" }, on: ["id"], how: "inner" },
          { type: "select", columns: ["id", { column: "kind", as: "Kind" }, "before", "last two", "nth", "even"] },
        ],
        { params: { most: 12 } },
      );
      expect(made).toMatchObject({ rows: 12, version: 0, alreadyDone: false });
      expect(made.sample).toHaveLength(10);
      expect(made.columns.map((c) => c.name)).toEqual(["id", "Kind", "before", "last two", "nth", "even"]);
      const { rows } = await lake.query("SELECT * FROM f WHERE id IN (1, 12) ORDER BY id", {
        views: { f: { table: "features" } },
      });
      expect(rows).toEqual([
        { id: 1, Kind: "y", before: null, "last two": 1, nth: 7, even: ")" },
        { id: 12, Kind: "x", before: 2.75, "last two": 23, nth: 1, even: "a,b" },
      ]);
      const grouped = await features([
        {
          type: "aggregate",
          groupBy: ["kind"],
          aggregations: [
            { function: "count", as: "n" },
            { function: "count_distinct", column: "score", as: "scores" },
            { function: "median", column: "score", as: "median" },
            { function: "max", column: "day", as: "newest" },
          ],
        },
      ]);
      expect([...grouped.sample].sort((a, b) => Number(a.n) - Number(b.n))).toEqual([
        { kind: null, n: 4, scores: 4, median: 6.25, newest: "1998-02-10" },
        { kind: "x", n: 12, scores: 12, median: 4.875, newest: "1998-02-09" },
        { kind: "y", n: 24, scores: 24, median: 5.125, newest: "1998-02-08" },
      ]);
    });

    it.each<[object, string, string]>([
      [{ type: "filter", condition: "1 = 1) UNION ALL SELECT * FROM (SELECT 1" }, "EXPRESSION_INVALID", "condition"],
      [{ type: "filter", condition: "true -- " + "\n) FROM other" }, "EXPRESSION_INVALID", "condition"],
      [{ type: "filter", condition: "id IN (SELECT id FROM ids)" }, "UNSUPPORTED_SQL", "sql"],
      [{ type: "filter", condition: "true; DROP TABLE people" }, "EXPRESSION_INVALID", "condition"],
      [{ type: "filter", condition: "'" }, "EXPRESSION_INVALID", "condition"],
      [{ type: "add_column", as: "z", expression: "1, 2" }, "EXPRESSION_INVALID", "expression"],
      [
        { type: "add_column", as: "z", expression: "java_method('java.lang.System', 'exit')" },
        "UNSUPPORTED_SQL",
        "sql",
      ],
      [{ type: "add_column", as: "ID", expression: "1" }, "COLUMN_TAKEN", "as"],
      [{ type: "select", columns: ["id`, (SELECT 1) AS `x"] }, "COLUMN_UNKNOWN", "columns.0"],
      [
        { type: "aggregate", groupBy: ["nope"], aggregations: [{ function: "count", as: "n" }] },
        "COLUMN_UNKNOWN",
        "groupBy.0",
      ],
      [
        { type: "aggregate", groupBy: [], aggregations: [{ function: "sum", as: "n" }] },
        "TRANSFORMATION_INVALID",
        "column",
      ],
      [{ type: "window", function: "rank", as: "r" }, "TRANSFORMATION_INVALID", "orderBy"],
      [{ type: "join", with: { table: "people", version: 0 }, on: ["id"] }, "COLUMN_TAKEN", "transformations.0"],
    ])("refuses %j before anything is written", async (transformation, code, field) => {
      await expect(features([transformation])).rejects.toMatchObject({ code, field: expect.stringContaining(field) });
      expect(await lake.listTables()).not.toContain("features");
    });

    it("names of columns are names, whatever they hold", async () => {
      const odd = "a\"; DROP TABLE people; -- '(";
      const made = await features([
        {
          type: "select",
          columns: [
            { column: "id", as: "x y" },
            { column: "score", as: "select" },
          ],
        },
        { type: "aggregate", groupBy: ["select"], aggregations: [{ function: "max", column: "x y", as: "from" }] },
        { type: "filter", condition: "`from` = 4" },
      ]);
      expect(made.sample).toEqual([{ select: 1, from: 4 }]);
      const refused = features([{ type: "select", columns: [{ column: "id", as: odd }] }]);
      await expect(refused).rejects.toMatchObject({ code: expect.stringMatching(/UNSUPPORTED_SQL|SCHEMA_MISMATCH/) });
    });

    it("describes columns", async () => {
      const args = spark.tools.get_data_statistics.input.parse({ source: { table: "people" } });
      const { rows, columns } = await dataStatistics(lake, args, {});
      expect(rows).toBe(40);
      const plain = { nulls: 0, distinct: 40, top: null };
      expect(columns).toEqual([
        {
          name: "id",
          type: "bigint",
          ...plain,
          min: 1,
          max: 40,
          mean: 20.5,
          stddev: expect.closeTo(11.69, 2),
          quartiles: { q25: 10.75, q50: 20.5, q75: 30.25 },
        },
        {
          name: "kind",
          type: "string",
          nulls: 4,
          distinct: 2,
          min: "x",
          max: "y",
          mean: null,
          stddev: null,
          quartiles: null,
          top: [
            { value: "y", rows: 24 },
            { value: "x", rows: 12 },
          ],
        },
        {
          name: "score",
          type: "double",
          ...plain,
          min: 0.25,
          max: 10,
          mean: 5.125,
          stddev: expect.closeTo(2.92, 2),
          quartiles: { q25: 2.6875, q50: 5.125, q75: 7.5625 },
        },
        {
          name: "day",
          type: "date",
          ...plain,
          min: "1998-01-02",
          max: "1998-02-10",
          mean: null,
          stddev: null,
          quartiles: null,
        },
      ]);
      const some = await dataStatistics(lake, { ...args, columns: ["KIND"], top: 1 }, {});
      expect(some.columns.map((c) => [c.name, c.top])).toEqual([["kind", [{ value: "y", rows: 24 }]]]);
      await expect(dataStatistics(lake, { ...args, columns: ["kind", "a`b"] }, {})).rejects.toMatchObject({
        code: "COLUMN_UNKNOWN",
        field: "columns.1",
      });
    });

    it("exports a query as CSV and Parquet inside its folder only", async () => {
      const run = (o: object) =>
        runSql(
          lake,
          spark.tools.run_spark_sql.input.parse({
            sql: "SELECT id, kind FROM p WHERE id >= :n ORDER BY id",
            views: { p: { table: "people" } },
            params: { n: 39 },
            ...o,
          }),
          {},
        );
      const { exported, rowCount } = await run({ export: { format: "csv", path: "daily/p.csv" } });
      expect(exported).toMatchObject({ path: expect.stringMatching(/exports\/daily\/p\.csv$/), rows: 2 });
      expect(rowCount).toBe(2);
      expect(await readFile(join(home, "exports", "daily", "p.csv"), "utf8")).toBe('"id","kind"\n"39","x"\n"40",\n');
      expect((await run({ export: { format: "parquet", path: "p.parquet" } })).exported).toMatchObject({ rows: 2 });
      expect((await readFile(join(home, "exports", "p.parquet"))).subarray(0, 4).toString()).toBe("PAR1");
      for (const path of ["../p.csv", "/tmp/p.csv", "a/../../p.csv", ".p", ""])
        expect(() =>
          spark.tools.run_spark_sql.input.parse({ sql: "SELECT 1", views: {}, export: { format: "csv", path } }),
        ).toThrow();
      await symlink(home, join(home, "exports", "out"));
      await expect(run({ export: { format: "csv", path: "out/p.csv" } })).rejects.toMatchObject({
        code: "EXPORT_PATH",
      });
      await expect(
        run({ export: { format: "csv", path: "p.csv" }, write: { table: "q", mode: "append" } }),
      ).rejects.toMatchObject({ code: "OUTPUT_INVALID" });
    });
  });
});
