import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Lake, openLake } from "@dagwright/lake";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type AnyView, entity, featureView } from "./definitions.ts";
import { RegistryMovedError } from "./errors.ts";
import { type FeatureStore, openFeatureStore } from "./feature-store.ts";
import { openSqliteOnlineStore } from "./online/sqlite-store.ts";

const user = entity({ name: "user", joinKey: "user_id", type: "string" });
const spending = featureView({
  name: "spending",
  entities: [user],
  source: { table: "spending", timestampField: "since", createdTimestampColumn: "created" },
  ttl: 0,
  features: { spend: "double" },
});

let root: string;
let lake: Lake;
let writes = 0;
let folders = 0;
let folder: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "materialize-"));
  lake = await openLake({ root: join(root, "lake"), sourceRoots: [root] });
});
afterAll(async () => {
  await lake.close();
  await rm(root, { recursive: true });
});
beforeEach(() => {
  folder = join(root, `features-${folders++}`);
});

/** Rows of user, day of March, day on which it was written, spend. */
async function table(mode: "overwrite" | "append", ...rows: readonly (readonly [string, number, number, number])[]) {
  const day = (n: number) => `TIMESTAMPTZ '2026-03-${String(n).padStart(2, "0")}T00:00:00Z'`;
  const values = rows.map(
    ([user, at, created, spend]) => `('${user}', ${day(at)}, ${day(created)}, CAST(${spend} AS DOUBLE))`,
  );
  const sql = `SELECT * FROM (VALUES ${values.join(", ")}) AS t(user_id, since, created, spend)`;
  await lake.write({
    table: "spending",
    sql,
    dialect: "duckdb",
    views: {},
    mode,
    txn: { appId: "t", version: ++writes },
  });
}
const open = (views: readonly AnyView[] = [spending], online = "online.db"): Promise<FeatureStore> =>
  openFeatureStore({
    ...{ root: folder, lake, entities: [user], views },
    online: openSqliteOnlineStore(join(root, `${folder.slice(root.length + 1)}-${online}`)),
  });
const spends = async (store: FeatureStore, ...users: string[]) => {
  const entityRows = users.map((user_id) => ({ user_id }));
  const { results } = await store.getOnlineFeatures({ features: ["spending:spend"], entityRows });
  return results.map(({ values }) => values["spend"]);
};
const untilDay = (day: number, more = {}) => ({ views: ["spending"], until: `2026-03-0${day}`, ...more });

test("an incremental materialisation begins where the last one ended, also after it was opened again", async () => {
  await table("overwrite", ["a", 1, 1, 1], ["b", 3, 3, 3], ["a", 4, 4, 4]);
  const store = await open();
  const incremental = { incremental: true };
  expect(await store.materialize(untilDay(2, incremental))).toMatchObject([{ start: null, rows: 1 }]);
  expect(await store.listViews()).toMatchObject([{ materializedUntil: "2026-03-02T00:00:00.000Z" }]);
  await store.close();
  const again = await open();
  const second = await again.materialize(untilDay(3, incremental));
  expect(second).toMatchObject([{ start: "2026-03-02T00:00:00.000000Z", rows: 1, entities: 2 }]);
  // Overlapping and older runs do no harm, and leave the memory as it is.
  expect(await again.materialize(untilDay(1))).toMatchObject([{ start: null, rows: 0 }]);
  expect(await again.materialize(untilDay(4, incremental))).toMatchObject([
    { start: "2026-03-03T00:00:00.000000Z", rows: 1 },
  ]);
  expect(await spends(again, "a", "b")).toEqual([4, 3]);
  // Rows that came late are found when it is said how late they may be.
  await table("append", ["c", 2, 5, 2]);
  expect(await again.materialize(untilDay(5, incremental))).toMatchObject([{ rows: 0 }]);
  expect(await again.materialize(untilDay(5, { ...incremental, lateBy: 4 * 86_400_000 }))).toMatchObject([
    { start: "2026-03-01T00:00:00.000Z", rows: 1 },
  ]);
  await again.close();
});

test("what is not all there is not taken for it: windows with a gap, another store, other features", async () => {
  await table("overwrite", ["a", 1, 1, 1], ["b", 3, 3, 3]);
  const store = await open();
  await store.materialize(untilDay(4, { start: "2026-03-02" }));
  expect(await store.listViews()).toMatchObject([{ materializedUntil: null }]);
  await store.materialize(untilDay(2));
  await store.materialize(untilDay(4, { start: "2026-03-02" }));
  expect(await store.listViews()).toMatchObject([{ materializedUntil: "2026-03-04T00:00:00.000Z" }]);
  await store.close();

  const emptied = await open([spending], "another.db");
  expect(await emptied.materialize(untilDay(4, { incremental: true }))).toMatchObject([{ start: null, rows: 2 }]);
  await emptied.close();

  const wider = await open(
    [featureView({ ...spending, features: { spend: "double", created_at: "timestamp" } })],
    "another.db",
  );
  expect(await wider.listViews()).toMatchObject([{ materializedUntil: null }]);
  await expect(wider.materialize(untilDay(4, { incremental: true }))).rejects.toThrow('column "created_at" is missing');
  await wider.close();
});

test("what was brought in as another type is no value of the feature, until it is brought in again", async () => {
  await lake.write({
    table: "visits",
    sql: "SELECT 'a' AS user_id, TIMESTAMPTZ '2026-03-01T00:00:00Z' AS since, 7::BIGINT AS n",
    dialect: "duckdb",
    views: {},
    mode: "append",
    txn: { appId: "visits", version: 1 },
  });
  const visits = (type: "bigint" | "double") =>
    featureView({
      name: "visits",
      entities: [user],
      source: { table: "visits", timestampField: "since" },
      ttl: 0,
      features: { n: type },
    });
  const materialize = { views: ["visits"], until: "2026-03-04", incremental: true };
  const read = async (store: FeatureStore) =>
    (await store.getOnlineFeatures({ features: ["visits:n"], entityRows: [{ user_id: "a" }] })).results;
  const before = await open([visits("bigint")]);
  await before.materialize(materialize);
  expect(await read(before)).toMatchObject([{ values: { n: 7 }, statuses: { n: "PRESENT" } }]);
  await before.close();

  const after = await open([visits("double")]);
  expect(await after.listViews()).toMatchObject([{ materializedUntil: null }]);
  expect(await read(after)).toMatchObject([{ values: { n: null }, statuses: { n: "NOT_FOUND" } }]);
  expect(await after.materialize(materialize)).toMatchObject([{ start: null, rows: 1 }]);
  expect(await read(after)).toMatchObject([{ values: { n: 7 }, statuses: { n: "PRESENT" } }]);
  await after.close();
});

test("many materialisations at once: the newest wins, for each entity, by creation where moments are equal", async () => {
  await table("overwrite", ["a", 1, 1, 1], ["a", 2, 2, 20], ["a", 2, 4, 24], ["a", 2, 3, 23], ["b", 1, 1, 5]);
  const stores = await Promise.all([1, 2, 3, 4].map(() => open()));
  await Promise.all(
    stores.map(async (store, nth) => {
      for (const day of [1, 2, 3, 1]) await store.materialize(untilDay(day, { incremental: nth % 2 === 0 }));
    }),
  );
  expect(await spends(stores[0]!, "a", "b", "c")).toEqual([24, 5, null]);
  expect(await stores[0]!.listViews()).toMatchObject([{ materializedUntil: "2026-03-03T00:00:00.000Z" }]);
  await Promise.all(stores.map((store) => store.close()));
});

test("windows are checked before anything is read", async () => {
  const store = await open();
  const refused = async (more: object, message: string) =>
    expect(store.materialize(untilDay(4, more))).rejects.toThrow(message);
  await refused({ start: "2026-03-05" }, 'start: "2026-03-05" is after until, "2026-03-04"');
  await refused({ start: "2026-03-01", incremental: true }, "start: cannot be given");
  await refused({ lateBy: 5 }, "lateBy: 5 must be 0");
  await refused({ start: "1. March" }, 'start: "1. March" is not an ISO-8601 moment');
  await store.close();
});

test("definitions are applied as they were planned, or not at all", async () => {
  const store = await open();
  const plan = await store.plan();
  expect(plan.text).toBe("+ entity user\n+ feature view spending");
  const longer = await open([featureView({ ...spending, ttl: 5 })]);
  await longer.apply();
  await expect(store.apply(plan)).rejects.toThrow(RegistryMovedError);
  expect((await store.plan()).text).toBe("~ feature view spending\n    ttl: 5 → 0");
  expect((await store.apply(await store.plan())).changes).toHaveLength(1);
  expect((await store.apply()).changes).toEqual([]);
  await store.close();
  await longer.close();
});
