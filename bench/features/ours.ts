/** The feature store over tables that both sides read. */
import { join } from "node:path";
import { entity, type FeatureValue, featureView, type OnlineStore, openFeatureStore } from "@dagwright/feature-store";
import { type Lake, openLake } from "@dagwright/lake";

const NAMES = ["orders", "sessions", "returns"] as const;
const DAYS = 86_400_000;

const user = entity({ name: "user", joinKey: "user_id", type: "bigint" });
const views = NAMES.map((name) =>
  featureView({
    name,
    entities: [user],
    source: { table: name, timestampField: "event_timestamp", createdTimestampColumn: "created" },
    ttl: 10 * DAYS,
    features: { amount: "double", visits: "bigint", city: "string" },
  }),
);
const served = featureView({
  name: "served",
  entities: [user],
  source: { table: "served", timestampField: "event_timestamp", createdTimestampColumn: "created" },
  ttl: 0,
  features: Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`f${n}`, "double" as const])),
});

/** How large the tables are. */
export interface Sizes {
  /** Of the entity rows, and of each of the three tables that are joined to them. */
  readonly rows: number;
  readonly users: number;
}

/** Opens a lake in an empty folder and fills it; gives the Parquet file of each table. */
export async function fillLake(folder: string, { rows, users }: Sizes) {
  const lake = await openLake({ root: join(folder, "lake"), sourceRoots: [folder] });
  const month = "TIMESTAMPTZ '2026-01-01T00:00:00Z' + to_seconds";
  const files: Record<string, string> = {};
  const write = async (table: string, sql: string) => {
    await lake.write({ table, sql, dialect: "duckdb", views: {}, mode: "append", txn: { appId: "bench", version: 1 } });
    const [file, ...others] = (await lake.snapshot({ table })).files;
    if (file === undefined || others.length > 0) throw new Error(`${table} is not one file`);
    files[table] = join(folder, "lake", table, file.path);
  };
  await write(
    "asked",
    `SELECT i * 7919 % ${users} AS user_id, ${month}(i * 104729 % 2592000) AS event_timestamp, i AS n FROM range(${rows}) AS t(i)`,
  );
  for (const [nth, name] of NAMES.entries()) {
    await write(
      name,
      `SELECT i * ${31 + 10 * nth} % ${users} AS user_id, ${month}(i * 15485863 % 2592000 // 60 * 60) AS event_timestamp,
        ${month}(i * 32452843 % 2592000) AS created, i * 1.5 :: DOUBLE AS amount, i % 100 AS visits, 'city ' || i % 50 AS city
        FROM range(${rows}) AS t(i)`,
    );
  }
  const values = Array.from({ length: 10 }, (_, n) => `(i + ${n}) * 0.37 :: DOUBLE AS f${n}`).join(", ");
  await write(
    "served",
    `SELECT i AS user_id, ${month}(0) AS event_timestamp, ${month}(0) AS created, ${values} FROM range(${users}) AS t(i)`,
  );
  return { lake, files };
}

/** What is measured of ours. */
export interface Ours {
  historical(): Promise<{ readonly rows: number }>;
  /** The features of each user, by their names. */
  online(users: readonly number[]): Promise<readonly Readonly<Record<string, FeatureValue>>[]>;
  close(): Promise<void>;
}

/** Opens a feature store over a filled lake, and materialises what is served. */
export async function openOurs(folder: string, lake: Lake, online?: OnlineStore): Promise<Ours> {
  const store = await openFeatureStore({
    ...{ root: folder, lake, entities: [user], views: [...views, served] },
    ...(online !== undefined && { online }),
  });
  await store.materialize({ views: ["served"], until: "2026-02-01T00:00:00Z" });
  const historical = NAMES.flatMap((name) => ["amount", "visits", "city"].map((feature) => `${name}:${feature}`));
  const features = Object.keys(served.features).map((name) => `served:${name}`);
  let nth = 0;
  return {
    historical: () => {
      const output = { table: "joined", txn: { appId: "bench", version: ++nth } };
      const entities = { table: "asked" };
      return store.getHistoricalFeatures({ entities, features: historical, fullFeatureNames: true, output });
    },
    online: async (users) => {
      const entityRows = users.map((user_id) => ({ user_id }));
      const { results } = await store.getOnlineFeatures({ features, entityRows });
      return results.map(({ values }) => values);
    },
    close: () => store.close(),
  };
}

/** How many rows of the last join and of Feast's, saved to a file, hold the same values; numbers to nine digits. */
export async function sameAsFeast(lake: Lake, file: string): Promise<{ readonly same: number; readonly rows: number }> {
  const staged = await lake.stage({ source: file });
  try {
    const same = NAMES.flatMap((name) => [
      ...["amount", "visits"].map((feature) => {
        const [ours, theirs] = [`o.${name}__${feature}`, `f.${name}__${feature}`];
        return `(${ours} IS NOT DISTINCT FROM ${theirs} OR coalesce(abs(${ours} - ${theirs}) <= 1e-9 * abs(${ours}), false))`;
      }),
      `o.${name}__city IS NOT DISTINCT FROM f.${name}__city`,
    ]).join(" AND ");
    const { rows } = await lake.native(
      `SELECT count(*) AS n, count(*) FILTER (WHERE o.n IS NOT NULL AND f.n IS NOT NULL AND ${same}) AS same FROM o FULL JOIN f ON o.n = f.n`,
      { views: { o: { table: "joined" }, f: staged.view } },
    );
    return { same: Number(rows[0]?.["same"]), rows: Number(rows[0]?.["n"]) };
  } finally {
    await staged.close();
  }
}
