/** The daily pipeline gives the same tables, features and metrics with `SPARK_REMOTE` set as on DuckDB. */
import { join } from "node:path";
import { type Lake, openLake } from "@dagwright/lake";
import { installSparkServer, sparkServerName, startSparkServer } from "@dagwright/spark-connect/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PROJECT, Product } from "./product.ts";

const missing = await installSparkServer();

/** Tables of a run and the columns that identify a row. */
const TABLES = {
  purchases: ["customer_id", "date", "number_of_cds", "dollar_value"],
  customer_features: ["as_of", "customer_id"],
  training_labels: ["customer_id"],
  training_set: ["customer_id"],
  training_set_train: ["customer_id"],
  training_set_validation: ["customer_id"],
};

interface Run {
  readonly state: string;
  readonly tasks: Readonly<
    Record<string, { readonly state: string; readonly output: Readonly<Record<string, unknown>> }>
  >;
}

describe.skipIf(missing !== undefined)(
  `the daily pipeline on ${sparkServerName}${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  () => {
    let server: Awaited<ReturnType<typeof startSparkServer>>;
    const products: Product[] = [];
    const runs: Run[] = [];
    const lakes: Lake[] = [];

    beforeAll(async () => {
      const duck = await Product.create({ SPARK_REMOTE: "" });
      server = await startSparkServer(duck.home);
      const spark = await Product.create({ SPARK_REMOTE: `sc://127.0.0.1:${server.port}` });
      for (const product of [duck, spark]) {
        products.push(product);
        const file = join(PROJECT, "workflows", "daily-ml-pipeline.ts");
        const { value } = await product.json(["test", file, "--logical-date", "1998-01-31"]);
        runs.push(value as Run);
        lakes.push(await openLake({ root: join(product.home, "lake"), sourceRoots: [] }));
      }
    }, 600_000);
    afterAll(async () => {
      for (const lake of lakes) await lake.close();
      for (const product of products) await product.destroy();
      await server?.stop();
    }, 60_000);

    it("succeeds on both, with the same counts, metrics and verdicts", () => {
      const [duck, spark] = runs.map(({ state, tasks }) => {
        const { ingest, quality, features, materialize, train } = tasks;
        const { metrics, rows, positives, cut } = train?.output ?? {};
        const { verdict, evaluated } = quality?.output ?? {};
        const states = Object.entries(tasks).map(([id, task]) => [id, task.state]);
        const counts = [ingest?.output, features?.output, materialize?.output];
        return { state, states, counts, verdict, evaluated, metrics, rows, positives, cut };
      });
      expect(duck?.state).toBe("success");
      expect(spark).toEqual(duck);
    });

    it.each(Object.entries(TABLES))("writes the same rows to %s", async (table, key) => {
      const views = { t: { table } };
      const sql = `SELECT * FROM t ORDER BY ${key.join(", ")}`;
      const [duck, spark] = await Promise.all(lakes.map((lake) => lake.query(sql, { views })));
      expect(duck?.rowCount).toBeGreaterThan(4000);
      expect(spark?.columns.map((c) => c.name)).toEqual(duck?.columns.map((c) => c.name));
      const different = duck?.rows.filter((row, i) => JSON.stringify(row) !== JSON.stringify(spark?.rows[i]));
      expect(different?.slice(0, 3)).toEqual([]);
      expect(spark?.rowCount).toBe(duck?.rowCount);
    });
  },
);
