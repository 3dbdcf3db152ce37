import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installSparkServer, startSparkServer } from "@dagwright/spark-connect/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Lake, WriteOptions } from "./api.ts";
import { openLake } from "./lake.ts";
import { sparkStatement } from "./spark-statement.ts";

const missing = await installSparkServer();

describe.skipIf(missing !== undefined)(
  `a lake on Spark Connect${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  () => {
    let root: string;
    let lake: Lake;
    let sail: Awaited<ReturnType<typeof startSparkServer>>;
    let writes = 0;

    beforeAll(async () => {
      root = await mkdtemp(join(tmpdir(), "lake-on-spark-"));
      sail = await startSparkServer(root);
      lake = await openLake({
        root: join(root, "lake"),
        sourceRoots: [root],
        spark: { remote: `sc://127.0.0.1:${sail.port}` },
      });
    });
    afterAll(async () => {
      await lake.close();
      await sail.stop();
      await rm(root, { recursive: true, force: true });
    });

    const write = (table: string, sql: string, o: Partial<WriteOptions> = {}) =>
      lake.write({ table, sql, views: {}, mode: "append", txn: { appId: `test-${writes++}`, version: 1 }, ...o });
    const rows = async (sql: string, table: string, at?: number) =>
      (await lake.query(sql, { views: { t: { table, version: at } } })).rows;

    it("says that its dialect is Spark's, and refuses DuckDB's", async () => {
      expect(lake.dialect).toBe("spark");
      await expect(write("d", "SELECT 1 AS a", { dialect: "duckdb" })).rejects.toMatchObject({
        code: "WRITE_ARGUMENT",
      });
    });

    it("gives values as the DuckDB engine does", async () => {
      const sql = `SELECT CAST(9007199254740993 AS BIGINT) AS big, 1.5D AS x, CAST(-1.05 AS DECIMAL(10, 2)) AS d, DATE '1969-12-31' AS day,
        TIMESTAMP '1969-12-31 23:59:59.000001' AS at, 'ä' AS s, true AS b, CAST(NULL AS INT) AS n, :p AS p, CAST('NaN' AS DOUBLE) AS nan`;
      const params = { p: 'it\'s \\ "x" -- :q' };
      const duck = await openLake({ root: join(root, "duck"), sourceRoots: [] });
      try {
        const expected = await duck.query(sql.replace("CAST('NaN' AS DOUBLE)", "sqrt(-1D)"), { views: {}, params });
        const got = await lake.query(sql, { views: {}, params });
        expect(got.rows).toEqual(expected.rows);
        expect(got.columns).toEqual(expected.columns);
      } finally {
        await duck.close();
      }
    });

    it("writes a txn once, keeps versions, and finds the newest unless one is named", async () => {
      const once = { txn: { appId: "once", version: 1 }, partitionBy: ["p"] };
      const sql = "SELECT id, CASE WHEN id % 2 = 0 THEN 'even /ü' END AS p FROM range(10)";
      expect(await write("t", sql, once)).toMatchObject({ version: 0, rowsWritten: 10, alreadyDone: false });
      expect(await write("t", sql, once)).toMatchObject({ version: 0, rowsWritten: 10, alreadyDone: true });
      await write("t", "SELECT CAST(99 AS BIGINT) AS id, 'x' AS p");
      expect(await rows("SELECT count(*) AS n, count(p) AS p FROM t", "t")).toEqual([{ n: 11, p: 6 }]);
      expect(await rows("SELECT count(*) AS n, count(p) AS p FROM t", "t", 0)).toEqual([{ n: 10, p: 5 }]);
      expect(await readdir(join(root, "lake", "t"))).not.toContain("_SUCCESS");
    });

    it("computes again on what another writer left", async () => {
      await write("counter", "SELECT CAST(0 AS BIGINT) AS n");
      const views = { t: { table: "counter" } };
      await Promise.all(
        [1, 2, 3, 4].map(() => write("counter", "SELECT n + 1 AS n FROM t", { views, mode: "overwrite" })),
      );
      expect(await rows("SELECT n FROM t", "counter")).toEqual([{ n: 4 }]);
      const stale = write("counter", "SELECT n FROM t", { views, mode: "overwrite", expectedVersion: 0 });
      await expect(stale).rejects.toMatchObject({ code: "TABLE_MOVED" });
    });

    it("writes no rows with their columns, and counts beyond the sample", async () => {
      await write("none", "SELECT 1 AS a, CAST('1998-01-31' AS DATE) AS d, 1.25BD AS c WHERE 1 = 0");
      expect((await lake.snapshot({ table: "none" })).columns).toEqual([
        { name: "a", type: "int" },
        { name: "d", type: "date" },
        { name: "c", type: "decimal(3,2)" },
      ]);
      const sample = await lake.query("SELECT id FROM range(250000) ORDER BY id", { views: {}, limit: 2 });
      expect(sample).toMatchObject({ rows: [{ id: 0 }, { id: 1 }], rowCount: 250_000 });
    });

    it("reads a staged source with nulls, quotes and lines within a field", async () => {
      await writeFile(join(root, "in.csv"), 's,d\n ,1998-01-31\n,\n"a ""b""\nc",1998-02-01\n');
      const staged = await lake.stage({
        source: join(root, "in.csv"),
        columns: [
          { name: "s", type: "string", nullable: true },
          { name: "d", type: "date", nullable: true },
        ],
      });
      expect((await lake.query("SELECT * FROM src ORDER BY d", { views: { src: staged.view } })).rows).toEqual([
        { s: null, d: null },
        { s: " ", d: "1998-01-31" },
        { s: 'a "b"\nc', d: "1998-02-01" },
      ]);
      await staged.close();
    });

    it("ends a query that is aborted, and goes on", async () => {
      // Its rows come to the client: Sail hears of nothing while all of its threads are in a loop that gives none.
      const slow = "SELECT a.id + b.id AS n FROM range(1000000) a CROSS JOIN range(1000000) b";
      const controller = new AbortController();
      const running = lake.query(slow, { views: {}, signal: controller.signal });
      setTimeout(() => controller.abort(), 500);
      await expect(running).rejects.toThrow(/abort/i);
      expect((await lake.query("SELECT 1 AS one", { views: {} })).rows).toEqual([{ one: 1 }]);
    });

    it("names what failed on the server, and leaves nothing behind", async () => {
      await expect(write("bad", "SELECT no_such_function(1) AS a")).rejects.toMatchObject({ code: "SQL_FAILED" });
      await expect(lake.query("SELECT 1 AS a, 2 AS a", { views: {} })).rejects.toMatchObject({
        code: "SCHEMA_MISMATCH",
      });
      await expect(lake.query("SELECT :q AS a", { views: {} })).rejects.toMatchObject({ code: "PARAM_MISSING" });
      expect(await lake.listTables()).not.toContain("bad");
      const away = await openLake({ root: join(root, "away"), sourceRoots: [], spark: { remote: "sc://127.0.0.1:1" } });
      const asked = away.query("SELECT 1 AS a", { views: {} });
      await expect(asked).rejects.toMatchObject({ code: "ENGINE_UNAVAILABLE", retryable: true });
      await away.close();
    });
  },
);

describe("a query for Spark is refused before it reaches the server", () => {
  const views = { t: { table: "t" } };
  it.each([
    ["SELECT * FROM parquet.`/etc/passwd`", "parquet./etc/passwd"],
    ["SELECT * FROM other", "other"],
    ["SELECT * FROM t JOIN `delta`.`/x` ON true", "delta./x"],
    ["SELECT * FROM `t` , text.`/etc/passwd`", "text./etc/passwd"],
    ["SELECT (SELECT count(*) FROM secrets) FROM t", "secrets"],
    ["SELECT * FROM (TABLE secrets)", "table"],
    ["TABLE secrets", "no SELECT"],
    ["FROM t INSERT INTO x SELECT *", "no SELECT"],
    ["WITH c AS (SELECT 1) INSERT INTO t SELECT * FROM c", "INSERT"],
    ["DROP TABLE t", "no SELECT"],
    ["SELECT 1; DROP TABLE t", "semicolon"],
    ["SELECT reflect('java.lang.System', 'exit', 1) FROM t", "reflect"],
    ["SELECT `reflect`('java.lang.System', 'exit', 1) FROM t", "reflect"],
    ["SELECT java_method /* x */ ('java.lang.System', 'getenv', 'HOME') FROM t", "java_method"],
    ["SELECT * FROM IDENTIFIER('secrets')", "IDENTIFIER"],
    ["SELECT * FROM read_files('/etc')", "read_files"],
    ["SELECT TRANSFORM(a) USING 'cat /etc/passwd' AS (b) FROM t", "script"],
    ["SELECT 'a\\' FROM t' AS x FROM secrets WHERE '' = '", "not closed"],
    ['SELECT "a\\" FROM t" AS x FROM secrets', "secrets"],
    ["SELECT 1 /* /* */ FROM t */ FROM secrets", "secrets"],
    ["SELECT 1 -- FROM t \\\n FROM t\nFROM secrets", "secrets"],
    ["SELECT r'\\' AS a FROM secrets -- '", "secrets"],
    ["SELECT * FROM\u00A0secrets", "white space"],
    ["SELECT * FROM t |> SELECT a", "pipe"],
  ])("%s", (sql, named) => {
    expect(() => sparkStatement(sql, views)).toThrow(
      expect.objectContaining({
        code: expect.stringMatching(/UNSUPPORTED_SQL|SQL_SYNTAX|SQL_FAILED/),
        message: expect.stringContaining(named),
      }),
    );
  });

  it("and one within the views passes, its values as literals from which nothing escapes", () => {
    const params = { s: "'; DROP TABLE t; --\\", n: -1, x: 0.5, missing: null };
    const sql =
      "WITH c AS (SELECT * FROM t) SELECT a.b, ':s', :s, :n, :x, :missing, x::int FROM c a LATERAL VIEW explode(y) e AS z";
    expect(sparkStatement(sql, views, params).sql).toContain(
      "':s',  '\\'; DROP TABLE t; --\\\\' ,  CAST('-1' AS INT) ,  CAST('0.5' AS DOUBLE) ,  NULL , x::int",
    );
  });
});
