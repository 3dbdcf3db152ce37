import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Lake, openLake } from "@dagwright/lake";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { entity, featureView } from "./definitions.ts";
import { InvalidFeatureDefinitionError } from "./errors.ts";
import { type FeatureStore, openFeatureStore } from "./feature-store.ts";

const user = entity({ name: "user", joinKey: "user_id", type: "bigint" });
const spending = featureView({
  name: "spending",
  entities: [user],
  source: { table: "spending", timestampField: "event_timestamp", createdTimestampColumn: "created" },
  ttl: 24 * 3_600_000,
  features: { spend: "double", visits: "bigint" },
});
const profile = featureView({
  name: "profile",
  entities: [user],
  source: { table: "profile", timestampField: "since" },
  ttl: 0,
  features: { city: "string", vip: "boolean", spend: "double" },
});

let root: string;
let lake: Lake;
let store: FeatureStore;
let writes = 0;

async function write(table: string, sql: string) {
  writes += 1;
  const txn = { appId: "test", version: writes };
  return lake.write({ table, sql, dialect: "duckdb", views: {}, mode: "overwrite", txn });
}

const SPENDING = `SELECT * FROM (VALUES
  (CAST(1 AS BIGINT), TIMESTAMPTZ '2026-03-01T10:00:00Z', TIMESTAMPTZ '2026-03-01T11:00:00Z', CAST(10 AS DOUBLE), CAST(1 AS BIGINT)),
  (1, '2026-03-01T10:00:00Z', '2026-03-01T12:00:00Z', 11, 1),
  (1, '2026-03-03T10:00:00Z', '2026-03-03T10:00:00Z', 13, 3),
  (2, '2026-03-01T10:00:00Z', '2026-03-01T10:00:00Z', NULL, 5)
) AS t(user_id, event_timestamp, created, spend, visits)`;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "feature-store-"));
  lake = await openLake({ root: join(root, "lake"), sourceRoots: [root] });
  await write("spending", SPENDING);
  await write(
    "profile",
    "SELECT CAST(1 AS BIGINT) AS user_id, DATE '2026-01-01' AS since, 'Oslo' AS city, true AS vip, CAST(7 AS DOUBLE) AS spend",
  );
  await write(
    "asked",
    `SELECT * FROM (VALUES
      (0, CAST(1 AS BIGINT), TIMESTAMPTZ '2026-03-01T10:00:00Z', 'first'),
      (1, 1, '2026-03-02T10:00:00Z', 'a day later, still'),
      (2, 1, '2026-03-02T10:00:00.000001Z', 'a microsecond too late'),
      (3, 1, '2026-03-01T09:59:59Z', 'too early'),
      (4, 2, '2026-03-01T12:00:00Z', 'null'),
      (4, 2, '2026-03-01T12:00:00Z', 'null'),
      (5, 9, '2026-03-01T12:00:00Z', 'unknown')
    ) AS t(n, user_id, event_timestamp, note)`,
  );
  store = await openFeatureStore({ root: join(root, "features"), lake, entities: [user], views: [spending, profile] });
});
afterAll(async () => {
  await store.close();
  await lake.close();
  await rm(root, { recursive: true });
});

describe("historical features", () => {
  test("every entity row once, with its other columns, and what was known then", async () => {
    const { rows, columns } = await store.getHistoricalFeatures({
      entities: { table: "asked" },
      features: ["spending:spend", "spending:visits", "profile:city"],
    });
    const got = rows
      .map(({ n, note, spend, visits, city }) => [n, note, spend, visits, city])
      .toSorted((a, b) => Number(a[0]) - Number(b[0]));
    expect(got).toEqual([
      [0, "first", 11, 1, "Oslo"],
      [1, "a day later, still", 11, 1, "Oslo"],
      [2, "a microsecond too late", null, null, "Oslo"],
      [3, "too early", null, null, "Oslo"],
      [4, "null", null, 5, null],
      [4, "null", null, 5, null],
      [5, "unknown", null, null, null],
    ]);
    expect(columns.map(({ name }) => name)).toEqual([
      "n",
      "user_id",
      "event_timestamp",
      "note",
      "spend",
      "visits",
      "city",
    ]);
  });

  test("are written once for a transaction, however often it is tried", async () => {
    const request = {
      entities: { table: "asked" },
      features: ["spending:spend", "profile:spend"],
      fullFeatureNames: true,
      output: { table: "joined", txn: { appId: "join", version: 1 } },
    };
    const first = await store.getHistoricalFeatures(request);
    expect(first).toMatchObject({ table: "joined", rows: 7, alreadyDone: false });
    expect(first.columns.map(({ name }) => name)).toContain("profile__spend");
    expect(await store.getHistoricalFeatures(request)).toEqual({ ...first, alreadyDone: true });
  });

  test("a request that cannot be answered says why before anything is read", async () => {
    const ask = (features: string[], table = "asked") => store.getHistoricalFeatures({ entities: { table }, features });
    await expect(ask(["spendin:spend"])).rejects.toMatchObject({
      code: "UNKNOWN_FEATURE",
      known: ["spending", "profile"],
    });
    await expect(ask(["spending:spent"])).rejects.toMatchObject({ code: "UNKNOWN_FEATURE", field: "features.0" });
    await expect(ask(["spend"])).rejects.toThrow('"spend" is not of the form view:feature');
    await expect(ask(["spending:spend", "profile:spend"])).rejects.toMatchObject({
      message: 'features.1: "profile:spend" and "spending:spend" would both be named "spend"',
      hint: "Ask for full feature names.",
    });
    await expect(ask(["spending:spend"], "spending")).rejects.toThrow(
      'column "spend" has the name of a requested feature',
    );
    await expect(ask(["spending:spend"], "profile")).rejects.toThrow('column "event_timestamp" is missing');
    await expect(ask(["spending:spend"], "nope")).rejects.toMatchObject({ code: "TABLE_NOT_FOUND" });
  });
});

describe("online features", () => {
  const ask = async (...ids: number[]) => {
    const { results } = await store.getOnlineFeatures({
      features: ["spending:spend", "spending:visits", "profile:vip"],
      entityRows: ids.map((user_id) => ({ user_id })),
    });
    return results;
  };

  test("the newest up to a moment, twice the same as once, and never back in time", async () => {
    expect((await ask(1))[0]).toEqual({
      entity: { user_id: 1 },
      values: { spend: null, visits: null, vip: null },
      statuses: { spend: "NOT_FOUND", visits: "NOT_FOUND", vip: "NOT_FOUND" },
      eventTimestamp: null,
    });
    const early = { views: ["spending", "profile"], until: "2026-03-01T10:00:00Z" };
    expect(await store.materialize(early)).toEqual([
      { name: "spending", rows: 2, entities: 2, newest: "2026-03-01T10:00:00.000Z" },
      { name: "profile", rows: 1, entities: 1, newest: "2026-01-01T00:00:00.000Z" },
    ]);
    expect(await store.materialize(early)).toMatchObject([
      { rows: 0, entities: 2 },
      { rows: 0, entities: 1 },
    ]);
    expect(await ask(1, 2, 9)).toMatchObject([
      { values: { spend: 11, visits: 1, vip: true }, eventTimestamp: "2026-03-01T10:00:00.000Z" },
      { values: { spend: null, visits: 5, vip: null }, statuses: { spend: "PRESENT", vip: "NOT_FOUND" } },
      { values: { spend: null }, statuses: { spend: "NOT_FOUND" } },
    ]);
    const all = await store.materialize({ views: ["spending"], until: "2026-04-01T00:00:00Z" });
    expect(all).toEqual([{ name: "spending", rows: 1, entities: 2, newest: "2026-03-03T10:00:00.000Z" }]);
    await store.materialize(early);
    expect(await ask(1)).toMatchObject([{ values: { spend: 13 } }]);
  });

  test("a window may begin somewhere", async () => {
    const other = await openFeatureStore({ root: join(root, "window"), lake, entities: [user], views: [spending] });
    const window = { views: ["spending"], start: "2026-03-02T00:00:00Z", until: "2026-03-31T00:00:00Z" };
    expect(await other.materialize(window)).toMatchObject([{ rows: 1, entities: 1 }]);
    await other.close();
  });

  test("are checked: views, moments, join keys and their types", async () => {
    await expect(store.materialize({ views: ["nope"], until: "2026-03-01T00:00:00Z" })).rejects.toMatchObject({
      code: "UNKNOWN_FEATURE",
      field: "views.0",
    });
    await expect(store.materialize({ views: ["spending"], until: "soon" })).rejects.toThrow('until: "soon" is not');
    const get = (row: Record<string, string | number>) =>
      store.getOnlineFeatures({ features: ["spending:spend"], entityRows: [row] });
    await expect(get({ user: 1 })).rejects.toMatchObject({ field: "entityRows.0.user", hint: "Join keys: user_id" });
    await expect(get({ user_id: "1" })).rejects.toThrow('entityRows.0.user_id: "1" is not an integer');
    await expect(get({ user_id: 1.5 })).rejects.toThrow("1.5 is not an integer");
  });

  test("a table that does not fit the definition is refused, all its faults at once", async () => {
    const view = featureView({
      ...spending,
      name: "misfit",
      source: { table: "profile", timestampField: "city" },
      features: { vip: "double", gone: "string" },
    });
    const other = await openFeatureStore({ root: join(root, "misfit"), lake, entities: [user], views: [view] });
    await expect(other.materialize({ views: ["misfit"], until: "2026-03-01T00:00:00Z" })).rejects.toMatchObject({
      code: "FEATURE_TABLE_MISMATCH",
      message:
        'Table "profile" does not fit feature view "misfit": column "city" holds string where timestamp is expected; column "vip" holds boolean where double is expected; column "gone" is missing',
    });
    await other.close();
  });
});

describe("definitions", () => {
  test("are recorded whole", async () => {
    const folder = join(root, "features");
    const registry = JSON.parse(await readFile(join(folder, "registry.json"), "utf8"));
    expect(
      registry.featureViews.map(({ name, entities }: { name: string; entities: string[] }) => [name, entities]),
    ).toEqual([
      ["spending", ["user"]],
      ["profile", ["user"]],
    ]);
    expect((await readdir(folder)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  test("are checked", async () => {
    expect(() => featureView({ ...spending, features: {} })).toThrow(InvalidFeatureDefinitionError);
    expect(() => featureView({ ...spending, features: { user_id: "bigint" } })).toThrow(
      'Feature view "spending": features.user_id: is a join key or a timestamp already',
    );
    expect(() => featureView({ ...spending, name: "a:b" })).toThrow("name: must be letters");
    await expect(openFeatureStore({ root, lake, entities: [], views: [spending] })).rejects.toThrow(
      'entity "user" is not among the store\'s entities',
    );
  });
});
