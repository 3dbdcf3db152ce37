import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Lake, openLake } from "@dagwright/lake";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { entity, featureService, featureView, onDemandView } from "./definitions.ts";
import { type FeatureStore, type OnlineOptions, openFeatureStore } from "./feature-store.ts";

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

const ratio = onDemandView({
  name: "ratio",
  sources: [spending],
  request: { amount: "double" },
  features: { of_spend: "double", known: "boolean" },
  transform: ({ spending: { spend }, request: { amount } }) => ({
    of_spend: spend === null || amount === null ? null : amount / spend,
    known: spend !== null,
  }),
});
const scores = featureService({ name: "scores", features: ["spending:visits", "profile:vip"] });

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
  store = await openFeatureStore({
    ...{ root: join(root, "features"), lake, entities: [user], views: [spending, profile, ratio] },
    services: [scores],
  });
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

  test("a feature service names the features of a model", async () => {
    const { columns } = await store.getHistoricalFeatures({ entities: { table: "asked" }, features: "scores" });
    expect(columns.map(({ name }) => name).slice(4)).toEqual(["visits", "vip"]);
    const unknown = store.getHistoricalFeatures({ entities: { table: "asked" }, features: "score" });
    await expect(unknown).rejects.toMatchObject({ code: "UNKNOWN_FEATURE", hint: 'Did you mean "scores"?' });
  });

  test("entity rows and tables without rows give no rows, and nulls", async () => {
    await write(
      "nobody",
      "SELECT * FROM (SELECT CAST(1 AS BIGINT) AS user_id, DATE '2026-03-01' AS event_timestamp) WHERE false",
    );
    await write("nothing", `${SPENDING} WHERE false`);
    const empty = featureView({ ...spending, name: "empty", source: { ...spending.source, table: "nothing" } });
    const other = await openFeatureStore({ root: join(root, "empty"), lake, entities: [user], views: [empty] });
    const features = ["empty:visits"];
    expect(await other.getHistoricalFeatures({ entities: { table: "nobody" }, features })).toMatchObject({ rows: [] });
    const { rows } = await other.getHistoricalFeatures({ entities: { table: "asked" }, features });
    expect(rows.map(({ visits }) => visits)).toEqual(Array(7).fill(null));
    await other.close();
  });

  test("rows stay in the order of their table, however many there are", async () => {
    await write(
      "many",
      "SELECT CAST(i * 7919 % 3 AS BIGINT) AS user_id, TIMESTAMPTZ '2026-03-01T00:00:00Z' + to_seconds(i * 104729 % 200000) AS event_timestamp, i AS n FROM range(300000) AS t(i)",
    );
    const output = { table: "many_joined", txn: { appId: "many", version: 1 } };
    await store.getHistoricalFeatures({
      entities: { table: "many" },
      features: ["spending:visits", "profile:city"],
      output,
    });
    const sql =
      "SELECT count(*) AS out_of_place FROM (SELECT n, row_number() OVER () - 1 AS place FROM t) WHERE n <> place";
    expect((await lake.native(sql, { views: { t: { table: "many_joined" } } })).rows).toEqual([{ out_of_place: 0 }]);
  });

  test("a request that cannot be answered says why before anything is read", async () => {
    const ask = (features: string[], table = "asked") => store.getHistoricalFeatures({ entities: { table }, features });
    await expect(ask(["spendin:spend"])).rejects.toMatchObject({
      code: "UNKNOWN_FEATURE",
      known: ["spending", "profile", "ratio"],
      hint: 'Did you mean "spending"?',
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
    await expect(ask(["spending:spend"], "profile")).rejects.toThrow(
      'column "event_timestamp" is missing (it has user_id, since,',
    );
    await expect(ask(["ratio:of_spend"])).rejects.toThrow('column "amount" is missing');
    await expect(ask(["spending:spend"], "nope")).rejects.toMatchObject({ code: "TABLE_NOT_FOUND" });
  });
});

describe("online features", () => {
  /** As of the day of the last values, unless options say otherwise. */
  const ask = async (first: number | OnlineOptions, ...others: number[]) => {
    const [options, ids] = typeof first === "number" ? [{}, [first, ...others]] : [first, others];
    const { results } = await store.getOnlineFeatures({
      features: ["spending:spend", "spending:visits", "profile:vip"],
      entityRows: ids.map((user_id) => ({ user_id })),
      now: "2026-03-02T10:00:00Z",
      ...options,
    });
    return results;
  };

  test("the newest up to a moment, twice the same as once, and never back in time", async () => {
    await expect(ask(1)).rejects.toMatchObject({
      code: "FEATURE_VIEW_NOT_MATERIALIZED",
      message: 'Feature view "spending" was never materialised into this online store',
    });
    expect((await ask({ beforeMaterialization: "not_found" }, 1))[0]).toEqual({
      entity: { user_id: 1 },
      values: { spend: null, visits: null, vip: null },
      statuses: { spend: "NOT_FOUND", visits: "NOT_FOUND", vip: "NOT_FOUND" },
      eventTimestamps: { spend: null, visits: null, vip: null },
      eventTimestamp: null,
    });
    const early = { views: ["spending", "profile"], until: "2026-03-01T10:00:00Z" };
    expect(await store.materialize(early)).toEqual([
      { name: "spending", start: null, rows: 2, entities: 2, newest: "2026-03-01T10:00:00.000Z" },
      { name: "profile", start: null, rows: 1, entities: 1, newest: "2026-01-01T00:00:00.000Z" },
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
    expect(all).toEqual([{ name: "spending", start: null, rows: 1, entities: 2, newest: "2026-03-03T10:00:00.000Z" }]);
    await store.materialize(early);
    expect(await ask(1)).toMatchObject([{ values: { spend: 13 } }]);
  });

  test("past its ttl a value is null, as in historical features, or served when that is asked for; either way it says so", async () => {
    const now = "2026-03-04T10:00:00.000001Z";
    const eventTimestamp = "2026-03-03T10:00:00.000Z";
    expect((await ask({ now: "2026-03-04T10:00:00Z" }, 1))[0]).toMatchObject({
      values: { spend: 13, vip: true },
      statuses: { spend: "PRESENT" },
    });
    expect((await ask({ now }, 1))[0]).toMatchObject({
      values: { spend: null, vip: true },
      statuses: { spend: "OUTSIDE_MAX_AGE", vip: "PRESENT" },
      eventTimestamps: { spend: eventTimestamp, vip: "2026-01-01T00:00:00.000Z" },
      eventTimestamp,
    });
    expect((await ask({ now, pastTtl: "serve" }, 1))[0]).toMatchObject({
      values: { spend: 13 },
      statuses: { spend: "OUTSIDE_MAX_AGE" },
    });
    const features = ["spending:spend"];
    const late = { features, entityRows: [{ user_id: 1 }] };
    expect((await store.getOnlineFeatures(late)).results[0]?.statuses).toEqual({ spend: "OUTSIDE_MAX_AGE" });
  });

  test("values are removed by entity, and when they are past their ttl", async () => {
    const other = await openFeatureStore({
      root: join(root, "removed"),
      lake,
      entities: [user],
      views: [spending, profile],
    });
    await other.materialize({ views: ["spending", "profile"], until: "2026-03-31T00:00:00Z" });
    expect(await other.removeOnlineFeatures({ view: "profile", entityRows: [{ user_id: 1 }, { user_id: 7 }] })).toBe(1);
    const remove = other.removeOnlineFeatures({ view: "profile", entityRows: [{ user_id: null }] });
    await expect(remove).rejects.toThrow("entityRows.0.user_id: null names no entity");
    expect(await other.removeExpired({ now: "2026-03-03T00:00:00Z" })).toBe(1);
    const left = await other.getOnlineFeatures({
      features: ["spending:visits"],
      entityRows: [{ user_id: 1 }, { user_id: 2 }],
    });
    expect(left.results.map(({ eventTimestamp }) => eventTimestamp)).toEqual(["2026-03-03T10:00:00.000Z", null]);
    await other.close();
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
    await expect(store.materialize({ views: ["ratio"], until: "2026-03-01T00:00:00Z" })).rejects.toMatchObject({
      message: 'views.0: "ratio" is computed on demand and holds no values',
      hint: "Name its sources: spending.",
    });
    const get = (row: Record<string, string | number>) =>
      store.getOnlineFeatures({ features: ["spending:spend"], entityRows: [row] });
    await expect(get({ user: 1 })).rejects.toMatchObject({
      message: "entityRows.0.user_id: is missing (null means that it is not known)",
      hint: "Join keys: user_id",
    });
    await expect(get({ user_id: 1, user: 1 })).rejects.toMatchObject({ field: "entityRows.0.user" });
    await expect(get({ user_id: "1" })).rejects.toThrow(
      'entityRows.0.user_id: "1" is not an integer, as join keys of the entity "user" are',
    );
    await expect(get({ user_id: 1.5 })).rejects.toThrow("1.5 is not an integer");
    await expect(get({ user_id: 2 ** 53 })).rejects.toThrow("beyond 2^53 as decimal text");
    await expect(get({ user_id: "9223372036854775808" })).rejects.toThrow("is not an integer");
    const big: unknown = 5n;
    // @ts-expect-error from JavaScript it may be anything
    await expect(get({ user_id: big })).rejects.toThrow("the BigInt 5 is not an integer");
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
        'Table "profile" does not fit feature view "misfit": column "city" holds string where timestamp is expected; column "vip" holds boolean where double is expected; column "gone" is missing (it has user_id, since, city, vip, spend)',
    });
    await other.close();
  });
});

describe("what is computed on demand", () => {
  test("online, of the newest values and of the request", async () => {
    const { results } = await store.getOnlineFeatures({
      features: ["ratio:of_spend", "ratio:known", "spending:visits"],
      entityRows: [
        { user_id: 1, amount: 26 },
        { user_id: 2, amount: 26 },
      ],
      now: "2026-03-04T10:00:00Z",
    });
    expect(results).toMatchObject([
      { values: { of_spend: 2, known: true, visits: 3 }, statuses: { of_spend: "PRESENT" } },
      { values: { of_spend: null, known: false, visits: null } },
    ]);
    expect(Object.keys(results[0]?.values ?? {})).toEqual(["of_spend", "known", "visits"]);
    const incomplete = store.getOnlineFeatures({ features: ["ratio:of_spend"], entityRows: [{ user_id: 1 }] });
    await expect(incomplete).rejects.toMatchObject({
      field: "entityRows.0.amount",
      hint: "Join keys: user_id; values of the request: amount",
    });
  });

  test("historically, by the same code, of what was known then", async () => {
    await write(
      "bought",
      `SELECT *, CAST(22 * n AS DOUBLE) AS amount FROM (VALUES
      (1, CAST(1 AS BIGINT), TIMESTAMPTZ '2026-03-01T10:00:00Z'), (3, 9, '2026-03-01T10:00:00Z'), (2, 1, '2026-03-01T11:00:00Z')
    ) AS t(n, user_id, event_timestamp)`,
    );
    const request = {
      entities: { table: "bought" },
      features: ["ratio:of_spend", "ratio:known"],
      fullFeatureNames: true,
    };
    const { rows, columns } = await store.getHistoricalFeatures(request);
    expect(rows.map((row) => [row["n"], row["ratio__of_spend"], row["ratio__known"]])).toEqual([
      [1, 2, true],
      [3, null, false],
      [2, 4, true],
    ]);
    expect(columns.map(({ name }) => name).slice(3)).toEqual(["amount", "ratio__of_spend", "ratio__known"]);
    const output = { table: "with_ratio", txn: { appId: "ratio", version: 1 } };
    expect(await store.getHistoricalFeatures({ ...request, output })).toMatchObject({ rows: 3, columns });
  });

  test("is checked: what fails, or is of another type, names the view", async () => {
    const views = [
      spending,
      ...["throws", "mistyped"].map((name) =>
        onDemandView({
          name,
          sources: [spending],
          features: { value: "int" },
          transform: () => {
            if (name === "throws") throw new RangeError("too far");
            return { value: 1.5 };
          },
        }),
      ),
    ];
    const other = await openFeatureStore({ root: join(root, "failing"), lake, entities: [user], views });
    await other.materialize({ views: ["spending"], until: "2026-03-31T00:00:00Z" });
    const ask = (reference: string) => other.getOnlineFeatures({ features: [reference], entityRows: [{ user_id: 1 }] });
    await expect(ask("throws:value")).rejects.toMatchObject({
      code: "FEATURE_TRANSFORMATION_FAILED",
      message: 'The transformation of "throws" failed: too far',
    });
    await expect(ask("mistyped:value")).rejects.toThrow("it gave 1.5 for value, where int is expected");
    await other.close();
  });
});
