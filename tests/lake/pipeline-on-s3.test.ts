/** The daily pipeline gives the same on S3 as on files. */
import type { RunView } from "@dagwright/engine";
import { openLake, openObjectStore, readText } from "@dagwright/lake";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Product } from "../product.ts";
import { installVersitygw, type S3Server, startVersitygw } from "../servers/versitygw.ts";

const missing = await installVersitygw();

describe.skipIf(missing !== undefined)(
  `tables in a bucket${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  () => {
    let server: S3Server;
    const products: Product[] = [];
    beforeAll(async () => {
      server = await startVersitygw();
      await server.bucket("shop");
    });
    afterAll(async () => {
      for (const product of products) await product.destroy();
      await server?.close();
    });

    /** The pipeline in one process, and what each stage gave. */
    async function run(env: NodeJS.ProcessEnv): Promise<RunView["tasks"]> {
      const product = await Product.create(env);
      products.push(product);
      const dag = ["workflows/daily-ml-pipeline.ts", "--dag", "daily_ml_pipeline", "--logical-date", "1998-01-31"];
      const { code, value } = await product.json(["test", ...dag]);
      expect([code, (value as RunView).error]).toEqual([0, undefined]);
      // Reports lie in the state folder, which is another one each time, or beside the tables.
      const text = JSON.stringify(value).replaceAll(`file://${product.home}/reports`, "reports");
      return (JSON.parse(text.replaceAll("s3://shop/lake/.reports", "reports")) as RunView).tasks;
    }

    it("hold what tables in a folder hold, and the models are as good", async () => {
      const onFiles = await run({});
      const inBucket = await run({ ...server.env, DAGWRIGHT_LAKE: "s3://shop/lake" });
      for (const stage of ["ingest", "quality", "features", "materialize"]) {
        expect([stage, inBucket[stage]?.output]).toEqual([stage, onFiles[stage]?.output]);
      }
      const reports = await openObjectStore("s3://shop/lake/.reports", server.s3);
      const [report = ""] = await reports.keys("quality/");
      expect(await readText(reports, report)).toMatch(/^<!doctype html>/i);
      reports.close();
      const metrics = (tasks: RunView["tasks"]): unknown => Reflect.get(Object(tasks["train"]?.output), "metrics");
      expect(metrics(onFiles)).toBeDefined();
      expect(metrics(inBucket)).toEqual(metrics(onFiles));

      const lakes = [
        await openLake({ root: `${products[0]?.home}/lake`, sourceRoots: [] }),
        await openLake({ root: "s3://shop/lake", s3: server.s3, sourceRoots: [] }),
      ] as const;
      try {
        const [here, there] = await Promise.all(lakes.map((lake) => lake.listTables()));
        expect(there).toEqual(here);
        for (const table of here ?? []) {
          // Sums of doubles may differ in their last bits with the order of adding: so rows are counted.
          const [a, b] = await Promise.all(lakes.map((lake) => lake.snapshot({ table })));
          expect([table, b?.version, b?.rowCount, b?.columns]).toEqual([table, a?.version, a?.rowCount, a?.columns]);
        }
      } finally {
        for (const lake of lakes) await lake.close();
      }
    }, 300_000);
  },
);
