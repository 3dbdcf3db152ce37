/** Tables that a Spark server writes with its own Delta, read by us; ours, read by it. `npm run test:spark`: Apache's. */
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Lake, openLake } from "@dagwright/lake";
import { connect, type SparkSession } from "@dagwright/spark-connect";
import { installSparkServer, onApacheSpark, sparkServerName, startSparkServer } from "@dagwright/spark-connect/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const missing = await installSparkServer();

describe.skipIf(missing !== undefined)(
  `Delta tables and ${sparkServerName}${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  () => {
    let root: string;
    let lake: Lake;
    let server: Awaited<ReturnType<typeof startSparkServer>>;
    let session: SparkSession;
    beforeAll(async () => {
      root = await realpath(await mkdtemp(join(tmpdir(), "spark-delta-")));
      lake = await openLake({ root, sourceRoots: [], threads: 1 });
      server = await startSparkServer(root);
      session = connect(`sc://127.0.0.1:${server.port}`);
    }, 600_000);
    afterAll(async () => {
      await session?.close();
      await server?.stop();
      await lake?.close();
      await rm(root, { recursive: true, force: true });
    });

    const theirs = async (sql: string) => {
      const found: unknown[] = [];
      for await (const batch of session.sql(sql)) for (const row of batch) found.push({ ...row.toJSON() });
      return JSON.parse(JSON.stringify(found, (_key, value) => (typeof value === "bigint" ? Number(value) : value)));
    };
    /** A table's rows by both; values as text, moments as microseconds, so that the two clients' types do not matter. */
    const both = async (table: string) => {
      const columns = (micros: string) =>
        `CAST(id AS STRING) AS id, CAST(day AS STRING) AS day, CAST(price AS STRING) AS price, name, CAST(${micros}(moment) AS STRING) AS moment`;
      const own = await lake.native(`SELECT ${columns("epoch_us")} FROM t ORDER BY t.id`, { views: { t: { table } } });
      const files = `delta.\`${join(root, table)}\``;
      return {
        own: own.rows.map((row) => ({ ...row })),
        expected: await theirs(`SELECT ${columns("unix_micros")} FROM ${files} t ORDER BY t.id`),
      };
    };

    it("what Spark has written, appended to and deleted from is read by us", async () => {
      const path = join(root, "by_spark");
      await session.execute(
        `CREATE TABLE by_spark (id BIGINT, day DATE, price DECIMAL(12, 2), name STRING, moment TIMESTAMP) USING delta PARTITIONED BY (name) LOCATION '${path}'`,
      );
      for (const [first, name] of [
        [1, "'a b/ü%='"],
        [11, "NULL"],
        [21, "''"],
      ] as const)
        await session.execute(
          `INSERT INTO by_spark SELECT id, date_add(DATE '1998-01-31', CAST(id AS INT)), CAST(id AS DECIMAL(12, 2)) / 8, CAST(${name} AS STRING), TIMESTAMP '1998-01-31 23:59:59.123456' FROM range(${first}, ${first + 10})`,
        );
      if (onApacheSpark) await session.execute("DELETE FROM by_spark WHERE id % 5 = 0");
      const { own, expected } = await both("by_spark");
      expect(own).toHaveLength(onApacheSpark ? 24 : 30);
      // An empty text is no partition value: Delta keeps it as null.
      expect(own).toEqual(expected);
    });

    it("what we have written, in parts, replaced and with a column more, is read by Spark", async () => {
      const sql = (first: number) =>
        `SELECT CAST(i AS BIGINT) AS id, CAST('1998-01-31' AS DATE) + CAST(i AS INT) AS day, CAST(i AS DECIMAL(12, 2)) AS price, CASE WHEN i % 2 = 0 THEN 'we b/ü%=' END AS name, TIMESTAMPTZ '1969-12-31 23:59:59.123456Z' AS moment FROM range(${first}, ${first + 10}) r(i)`;
      const write = (o: object, version: number) =>
        lake.write({
          ...{ table: "by_us", views: {}, dialect: "duckdb", mode: "append", txn: { appId: "by-us", version } },
          sql: sql(version * 10),
          ...o,
        });
      await write({ partitionBy: ["name"] }, 1);
      for (let version = 2; version < 13; version += 1) await write({}, version);
      await write(
        {
          mode: "replace_where",
          replaceWhere: { column: "id", equals: 42 },
          sql: `SELECT * FROM (${sql(42)}) WHERE id = 42`,
        },
        20,
      );
      const { own, expected } = await both("by_us");
      expect(own).toHaveLength(120);
      expect(expected).toEqual(own);
    });
  },
);
