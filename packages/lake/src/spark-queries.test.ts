/** Whole queries of the subset give on DuckDB what a Spark server gives. `QUERY_RUNS=2000` tries as many. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installSparkServer, onApacheSpark, sparkServerName } from "@dagwright/spark-connect/testing";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Lake, QueryResult } from "./api.ts";
import { LakeError } from "./errors.ts";
import { type DuckAndSpark, openDuckAndSpark } from "./fixtures/duck-and-spark.ts";
import { type RandomQuery, randomQuery } from "./fixtures/random-query.ts";
import { RANDOM_TABLES } from "./fixtures/random-tables.ts";
import { openLake } from "./lake.ts";
import type { Scalar } from "./scalars.ts";

const missing = await installSparkServer();
const RUNS = Number(process.env["QUERY_RUNS"] ?? 40);
const views = Object.fromEntries(Object.keys(RANDOM_TABLES).map((table) => [table, { table }]));

async function answer(lake: Lake, sql: string): Promise<QueryResult | LakeError> {
  try {
    return await lake.query(sql, { views });
  } catch (error) {
    if (error instanceof LakeError) return error;
    throw error;
  }
}

/** Numbers to nine digits: engines promise no order of adding doubles. */
function comparable({ rows }: QueryResult, ordered: boolean): string[] {
  const digits = (value: Scalar) => (typeof value === "number" ? Number(value.toPrecision(9)) : value);
  const texts = rows.map((row) => JSON.stringify(Object.values(row).map(digits)));
  return ordered ? texts : texts.sort();
}

describe.skipIf(missing !== undefined)(
  `random queries on DuckDB and on ${sparkServerName}${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  () => {
    let duck: Lake;
    let spark: Lake;
    let both: DuckAndSpark;

    beforeAll(async () => {
      both = await openDuckAndSpark(RANDOM_TABLES);
      ({ duck, spark } = both);
    });
    afterAll(async () => await both?.close());

    it("agree", { timeout: 60_000 + RUNS * (onApacheSpark ? 30_000 : 10_000) }, async () => {
      const seen = { answered: 0, withRows: 0, refused: 0, failedOnServer: 0 };
      const check = async ({ sql, ordered }: RandomQuery) => {
        const ours = await answer(duck, sql);
        if (ours instanceof LakeError) {
          // Division by zero and overflow may come of random numbers; the generator writes nothing else that is refused.
          expect(ours.message).toMatch(/DIVIDE_BY_ZERO|OVERFLOW|out of range|overflow|digits after the point/i);
          seen.refused++;
          return;
        }
        const theirs = await answer(spark, sql);
        if (theirs instanceof LakeError) {
          seen.failedOnServer++;
          // Sail cannot plan every query; Apache Spark has to.
          if (onApacheSpark) throw new Error(`DuckDB answers what the server does not: ${theirs.message}`);
          return;
        }
        seen.answered++;
        if (ours.rowCount > 0) seen.withRows++;
        expect(comparable(ours, ordered)).toEqual(comparable(theirs, ordered));
      };
      await fc.assert(fc.asyncProperty(randomQuery({ sail: !onApacheSpark }), check), {
        numRuns: RUNS,
        endOnFailure: true,
      });
      expect(seen.answered).toBeGreaterThan(RUNS * 0.8);
      expect(seen.withRows).toBeGreaterThan(RUNS * 0.25);
    });
  },
);

describe("deep expressions", () => {
  /** DuckDB puts a macro's argument in as often as the macro names it: these once took minutes, or all memory. */
  it.each([
    ["x / x / x …", Array(12).fill("x").join(" / ")],
    ["x - x - x …", Array(12).fill("x").join(" - ")],
    ["s || s || s …", `length(${Array(12).fill("s").join(" || ")})`],
    ["round(round(…))", `${"round(".repeat(12)}x${", 2)".repeat(12)}`],
    ["date_add(date_add(…))", `day(${"date_add(".repeat(12)}dt${", 1)".repeat(12)})`],
    ["CASE … ELSE CASE …", `${"CASE WHEN x = 0 THEN 0 ELSE ".repeat(8)}x${" END".repeat(8)}`],
  ])("%s come to an end", async (_, deep) => {
    const root = await mkdtemp(join(tmpdir(), "deep-"));
    const lake = await openLake({ root, sourceRoots: [] });
    try {
      const from = "(SELECT 2.5D AS x, 'a' AS s, DATE '2024-02-29' AS dt) t";
      const { rows } = await lake.query(`SELECT ${deep} AS v, count(*) AS n FROM ${from} GROUP BY ${deep}`, {
        views: {},
      });
      expect(rows).toEqual([{ v: expect.any(Number), n: 1 }]);
    } finally {
      await lake.close();
      await rm(root, { recursive: true, force: true });
    }
  });
});
