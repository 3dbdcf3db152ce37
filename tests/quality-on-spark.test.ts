import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineSuite, validate } from "@dagwright/expectations";
import { type Lake, openLake, openObjectStore } from "@dagwright/lake";
import { installSparkServer, onApacheSpark, sparkServerName, startSparkServer } from "@dagwright/spark-connect/testing";
import { expect, test } from "vitest";
import { profileTable, validateTable } from "../mcp-servers/data-quality/data-quality.ts";
import { purchasesSuite } from "../mcp-servers/data-quality/suites/purchases.ts";

const missing = await installSparkServer();
/** Thirty purchases a day for ten days, one of them of no CDs. */
const PURCHASES = `SELECT CAST(id AS BIGINT) AS customer_id, date_add(DATE '1998-01-01', CAST(floor(id / 30) AS INT)) AS date,
  CAST(CASE WHEN id = 7 THEN 0 ELSE 1 + id % 3 END AS INT) AS number_of_cds, CAST(10 + id AS DOUBLE) AS dollar_value,
  '1998-01' AS month FROM (SELECT explode(sequence(0, 299)) AS id)`;
const DAILY = defineSuite({
  name: "daily",
  timestampColumn: "date",
  expectations: [
    {
      type: "expect_table_row_count_to_be_near_earlier_runs",
      kwargs: { minRuns: 1, minFactor: 0.5, maxFactor: 2 },
    },
    { type: "expect_column_max_to_exceed_earlier_run", kwargs: { column: "date" } },
  ],
});

test.skipIf(missing !== undefined)(
  `tables are validated, remembered and profiled on ${sparkServerName}${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  async () => {
    const root = mkdtempSync(join(tmpdir(), "quality-on-spark-"));
    const server = await startSparkServer(root);
    let lake: Lake | undefined;
    try {
      const spark = { remote: `sc://127.0.0.1:${server.port}` };
      lake = await openLake({ root: join(root, "lake"), sourceRoots: [], spark });
      const txn = { appId: "quality-on-spark", version: 1 };
      await lake.write({ table: "purchases", sql: PURCHASES, dialect: "spark", views: {}, mode: "overwrite", txn });
      const on = lake;
      const reports = await openObjectStore(root);
      const day = (suite: string, end: number) =>
        validateTable(
          on,
          [purchasesSuite, DAILY],
          {
            ...{ table: "purchases", suite },
            interval: { start: `1998-01-0${end - 1}T00:00:00Z`, end: `1998-01-0${end}T00:00:00Z` },
          },
          { reports, key: `${suite}/${end}` },
        );
      const purchases = await day("purchases", 6);
      expect(purchases.results.filter(({ success }) => !success)).toMatchObject([
        {
          type: "expect_column_values_to_be_between",
          unexpectedCount: 1,
          sample: [{ customer_id: 7, date: "1998-01-01" }],
        },
      ]);
      await day("daily", 5);
      expect((await day("daily", 6)).results.map(({ observed }) => observed)).toEqual([
        { rows: 150, earlierRuns: 1, meanOfEarlierRuns: 120 },
        { newest: "1998-01-05T00:00:00.000Z", newestOfEarlierRun: "1998-01-04T00:00:00.000Z" },
      ]);
      const { suite } = await profileTable(lake, { table: "purchases" });
      const views = { v: { table: "purchases" } };
      const again = await validate({
        ...{ suite, view: "v", dialect: lake.dialect },
        query: (sql, params) => on.native(sql, { views, ...(params && { params }) }),
      });
      expect(again.results.filter(({ success }) => !success)).toEqual([]);
    } finally {
      await lake?.close();
      await server.stop();
      rmSync(root, { recursive: true, force: true });
    }
  },
  onApacheSpark ? 600_000 : 60_000,
);
