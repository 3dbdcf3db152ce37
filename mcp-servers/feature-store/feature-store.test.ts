import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FeatureStore, openFeatureStore } from "@dagwright/feature-store";
import { type Lake, openLake } from "@dagwright/lake";
import { createMcpPool, type McpPool } from "@dagwright/mcp-kit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { featureStore } from "./contract.ts";
import { entities, views } from "./definitions.ts";
import { createFeatureStoreServer } from "./server.ts";

let root: string;
let lake: Lake;
let store: FeatureStore;
let pool: McpPool;

/** As many customers as the shop has, each with features as of two moments. */
const CUSTOMERS = 23_570;
const FEATURES = `
  SELECT CAST(i AS BIGINT) AS customer_id, m.moment AS event_timestamp,
    CAST(m.n AS BIGINT) AS total_purchases, CAST(i * 1.5 AS DOUBLE) AS total_spent, CAST(1.5 AS DOUBLE) AS avg_purchase_value,
    CAST(10 AS BIGINT) AS days_since_last_purchase, CAST(20 AS BIGINT) AS tenure_days,
    CAST(0.5 AS DOUBLE) AS purchase_frequency, CAST(2 AS DOUBLE) AS cds_per_purchase, m.as_of
  FROM range(${CUSTOMERS}) AS t(i), (VALUES
    (1, TIMESTAMPTZ '1998-01-02T00:00:00Z', '1998-01-02'), (2, TIMESTAMPTZ '1998-02-01T00:00:00Z', '1998-02-01')) AS m(n, moment, as_of)`;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "feature-store-server-"));
  lake = await openLake({ root: join(root, "lake"), sourceRoots: [root] });
  store = await openFeatureStore({ root: join(root, "features"), lake, entities, views });
  pool = createMcpPool({ servers: { "feature-store": createFeatureStoreServer({ store }) } });
  const write = (table: string, sql: string, partitionBy: string[]) =>
    lake.write({
      table,
      sql,
      dialect: "duckdb",
      views: {},
      mode: "overwrite",
      partitionBy,
      txn: { appId: "test", version: 1 },
    });
  await write("customer_features", FEATURES, ["as_of"]);
  await write(
    "labels",
    `SELECT CAST(i AS BIGINT) AS customer_id, TIMESTAMPTZ '1998-01-02T00:00:00Z' AS event_timestamp, CAST(i % 2 AS INTEGER) AS label FROM range(${CUSTOMERS}) AS t(i)`,
    [],
  );
});
afterAll(async () => {
  await pool.close();
  await store.close();
  await lake.close();
  await rm(root, { recursive: true });
});

const client = (idempotencyKey?: string) =>
  pool.client(featureStore, idempotencyKey === undefined ? {} : { idempotencyKey });
const all = views.flatMap((view) => Object.keys(view.features).map((feature) => `${view.name}:${feature}`));

test("online features of a view that was never materialised are an error that says what to do", async () => {
  const asked = { features: ["customer_features:total_spent"], entityRows: [{ customer_id: 1 }] };
  await expect(client().call("get_online_features", asked)).rejects.toMatchObject({
    code: "FEATURE_VIEW_NOT_MATERIALIZED",
    hint: expect.stringContaining("Materialise it first"),
  });
});

test("feature views are listed with their table and types", async () => {
  const { views: listed, onDemandViews, services } = await client().call("list_feature_views", {});
  expect([onDemandViews, services]).toEqual([[], []]);
  expect(listed).toHaveLength(1);
  expect(listed[0]).toMatchObject({
    name: "customer_features",
    entities: [{ name: "customer", joinKey: "customer_id" }],
    table: "customer_features",
    timestampField: "event_timestamp",
    ttlSeconds: 0,
    materializedUntil: null,
  });
  expect(listed[0]?.features).toContainEqual({ name: "total_spent", type: "double" });
});

test("a training set holds each labelled row once with the features of its moment, written once for a key", async () => {
  const request = { entities: { table: "labels" }, features: all, output: { table: "training_set" } };
  const first = await client("run/train").call("get_historical_features", request);
  expect(first).toMatchObject({ table: "training_set", rows: CUSTOMERS, alreadyDone: false });
  expect(first.columns.map(({ name }) => name)).toEqual([
    "customer_id",
    "event_timestamp",
    "label",
    ...all.map((name) => name.slice(name.indexOf(":") + 1)),
  ]);
  const { rows } = await lake.native("SELECT max(total_purchases) AS newest, count(*) AS n FROM t", {
    views: { t: first },
  });
  expect(rows).toEqual([{ newest: 1, n: CUSTOMERS }]);
  expect(await client("run/train").call("get_historical_features", request)).toEqual({ ...first, alreadyDone: true });
});

test("the newest values of all customers are served", async () => {
  const request = { views: ["customer_features"], until: "1998-02-01T00:00:00Z" };
  expect(await client().call("materialize_features", request)).toEqual({
    views: [
      {
        ...{ name: "customer_features", start: null, rows: CUSTOMERS, entities: CUSTOMERS },
        newest: "1998-02-01T00:00:00.000Z",
      },
    ],
  });
  expect(await client().call("materialize_features", request)).toMatchObject({
    views: [{ rows: 0, entities: CUSTOMERS }],
  });
  expect(await client().call("materialize_features", { ...request, incremental: true })).toMatchObject({
    views: [{ start: "1998-02-01T00:00:00.000000Z", rows: 0 }],
  });
  expect((await client().call("list_feature_views", {})).views[0]?.materializedUntil).toBe("1998-02-01T00:00:00.000Z");

  const { results } = await client().call("get_online_features", {
    features: ["customer_features:total_purchases", "customer_features:total_spent"],
    entityRows: [{ customer_id: 4 }, { customer_id: CUSTOMERS }],
  });
  expect(results).toEqual([
    {
      entity: { customer_id: 4 },
      values: { total_purchases: 2, total_spent: 6 },
      statuses: { total_purchases: "PRESENT", total_spent: "PRESENT" },
      eventTimestamps: {
        total_purchases: "1998-02-01T00:00:00.000Z",
        total_spent: "1998-02-01T00:00:00.000Z",
      },
      eventTimestamp: "1998-02-01T00:00:00.000Z",
    },
    {
      entity: { customer_id: CUSTOMERS },
      values: { total_purchases: null, total_spent: null },
      statuses: { total_purchases: "NOT_FOUND", total_spent: "NOT_FOUND" },
      eventTimestamps: { total_purchases: null, total_spent: null },
      eventTimestamp: null,
    },
  ]);
});

test("an unknown view or feature is an error that suggests the nearest", async () => {
  const until = "1998-02-01T00:00:00Z";
  await expect(client().call("materialize_features", { views: ["customer_feature"], until })).rejects.toMatchObject({
    code: "UNKNOWN_FEATURE",
    field: "views.0",
    hint: 'Did you mean "customer_features"?',
  });
  const asked = { features: ["customer_features:total_spend"], entityRows: [{ customer_id: 1 }] };
  await expect(client().call("get_online_features", asked)).rejects.toMatchObject({
    hint: 'Did you mean "customer_features:total_spent"?',
  });
});
