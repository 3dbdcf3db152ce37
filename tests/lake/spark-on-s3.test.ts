/** Tables in a bucket, computed by a Spark server that reaches the bucket by itself. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Lake, openLake } from "@dagwright/lake";
import { installSparkServer, onApacheSpark, sparkServerName, startSparkServer } from "@dagwright/spark-connect/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Product } from "../product.ts";
import { installVersitygw, type S3Server, startVersitygw } from "../servers/versitygw.ts";

const missing = (await installVersitygw()) ?? (await installSparkServer({ s3: true }));

describe.skipIf(missing !== undefined)(
  `tables in a bucket on ${sparkServerName}${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  () => {
    let home: string;
    let s3: S3Server;
    let server: Awaited<ReturnType<typeof startSparkServer>>;
    let lake: Lake;
    let writes = 0;

    beforeAll(async () => {
      home = await mkdtemp(join(tmpdir(), "spark-on-s3-"));
      s3 = await startVersitygw();
      await s3.bucket("shop");
      server = await startSparkServer(home, { s3: s3.s3 });
      const remote = `sc://127.0.0.1:${server.port}`;
      lake = await openLake({
        root: "s3://shop/lake",
        s3: s3.s3,
        sourceRoots: [],
        scratch: join(home, "scratch"),
        spark: { remote },
      });
    });
    afterAll(async () => {
      await lake?.close();
      await server?.stop();
      await s3?.close();
      await rm(home, { recursive: true, force: true });
    });

    const txn = () => ({ appId: `bucket-${writes++}`, version: 1 });
    const orders = "SELECT CAST(id AS INT) AS id, CASE WHEN id % 2 = 0 THEN 'even /ü' END AS p FROM range(10)";

    it("are written once, read at any version, merged and exported", async () => {
      const once = { table: "t", sql: orders, views: {}, partitionBy: ["p"], mode: "append", txn: txn() } as const;
      expect(await lake.write(once)).toMatchObject({ version: 0, rowsWritten: 10, alreadyDone: false });
      expect(await lake.write(once)).toMatchObject({ version: 0, rowsWritten: 10, alreadyDone: true });
      const views = { t: { table: "t" } };
      const merge = "SELECT id + 8 AS id, 'merged' AS p FROM t WHERE id < 4";
      await lake.merge({ table: "t", sql: merge, views, on: ["id"], txn: txn() });
      const count = async (version?: number) =>
        (
          await lake.query("SELECT count(*) AS n, count(p) AS p, max(id) AS most FROM t", {
            views: { t: { table: "t", version } },
          })
        ).rows;
      expect(await count()).toEqual([{ n: 12, p: 8, most: 11 }]);
      expect(await count(0)).toEqual([{ n: 10, p: 5, most: 9 }]);
      await lake.write({ table: "none", sql: `${orders} WHERE id > 99`, views: {}, mode: "overwrite", txn: txn() });
      expect((await lake.snapshot({ table: "none" })).columns.map((c) => c.type)).toEqual(["int", "string"]);
    });

    it.runIf(onApacheSpark)("take the daily pipeline to its end", async () => {
      const env = { ...s3.env, DAGWRIGHT_LAKE: "s3://shop/daily", SPARK_REMOTE: `sc://127.0.0.1:${server.port}` };
      const product = await Product.create(env);
      try {
        const dag = ["workflows/daily-ml-pipeline.ts", "--dag", "daily_ml_pipeline", "--logical-date", "1998-01-31"];
        const { code, value } = await product.json(["test", ...dag], { timeoutMs: 540_000 });
        expect([code, value]).toEqual([0, expect.objectContaining({ state: "success" })]);
      } finally {
        await product.destroy();
      }
    });
  },
);
