/** `dagwright features …` as a person types it, without a server. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openLake } from "@dagwright/lake";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Product } from "../product.ts";

let product: Product;
beforeAll(async () => {
  product = await Product.create();
  const lake = await openLake({ root: join(product.home, "lake"), sourceRoots: [] });
  await lake.write({
    ...{ table: "customer_features", dialect: "duckdb", views: {}, mode: "append", txn: { appId: "t", version: 1 } },
    sql: `SELECT CAST(i AS BIGINT) AS customer_id, TIMESTAMPTZ '1998-01-02T00:00:00Z' AS event_timestamp,
      ${["total_purchases", "days_since_last_purchase", "tenure_days"].map((name) => `i AS ${name}`).join(", ")},
      ${["total_spent", "avg_purchase_value", "purchase_frequency", "cds_per_purchase"]
        .map((name) => `CAST(i / 2 AS DOUBLE) AS ${name}`)
        .join(", ")}
      FROM range(5) AS t(i)`,
  });
  await lake.close();
});
afterAll(() => product.destroy());

const features = (...args: string[]) => product.cli(["features", ...args]);
const json = async (...args: string[]): Promise<unknown> => JSON.parse((await features(...args, "--json")).stdout);

test("a plan shows what apply then does, and changes nothing itself", async () => {
  const all = "+ entity customer\n+ feature view customer_features";
  expect(await features("plan")).toMatchObject({ code: 0, stdout: `${all}\n` });
  expect(await features("apply")).toMatchObject({ code: 0, stdout: `Applied:\n${all}\n` });
  expect(await json("apply")).toEqual({ version: 1, changes: [], text: "" });

  // What was applied before is another definition than the code's.
  const registry = join(product.home, "features", "registry");
  const [last = ""] = readdirSync(registry);
  const older = readFileSync(join(registry, last), "utf8").replace('"ttl": 0', '"ttl": 60000');
  writeFileSync(join(registry, "0000000002.json"), older);
  expect(await json("plan")).toMatchObject({
    changes: [{ change: "change", name: "customer_features", fields: [{ field: "ttl", before: 60000, after: 0 }] }],
    text: "~ feature view customer_features\n    ttl: 60000 → 0",
  });
}, 240_000);

test("views are listed, materialised and read by hand; what is wrong is named", async () => {
  expect((await features("list")).stdout).toMatch(/customer_features +view +customer +7 +never/);
  expect(await json("show", "customer_features")).toMatchObject({ name: "customer_features", ttlSeconds: 0 });
  expect(await features("show", "customers")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('There is no feature view or service "customers"'),
  });
  const materialize = ["materialize", "customer_features", "--until"];
  expect(await json(...materialize, "1998-02-01T00:00:00Z", "--incremental")).toMatchObject({
    views: [{ name: "customer_features", rows: 5, entities: 5 }],
  });
  expect(await features(...materialize, "february")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('"until" is "february": expected a valid ISO datetime'),
  });
  const online = ["online", "customer_features:total_spent", "--entities"];
  expect((await features(...online, '[{"customer_id":4},{"customer_id":9}]')).stdout).toMatch(
    /\{"customer_id":4\} +2\n\{"customer_id":9\} +null \(NOT_FOUND\)\n/,
  );
  expect(await json(...online, '[{"customer_id":"four"}]')).toMatchObject({
    error: { code: "INVALID_FEATURE_REQUEST", field: "entityRows.0.customer_id" },
  });
}, 240_000);
