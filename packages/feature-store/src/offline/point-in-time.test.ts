import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { entity, type FeatureView, featureView } from "../definitions.ts";
import { catalogueOf, resolveFeatures } from "../feature-references.ts";
import { newestValuesSql } from "./newest-values.ts";
import { ENTITY_ROWS, OWN_COLUMNS, pointInTimeSql, ROW_NUMBER, sourceName } from "./point-in-time.ts";
import { checkEntityTable } from "./table-types.ts";

const user = entity({ name: "user", joinKey: "user_id", type: "bigint" });
const shop = entity({ name: "shop", joinKey: "shop id", type: "string" });

interface SourceRow {
  user: number | null;
  shop: string;
  at: number | null;
  created: number | null;
  spend: number | null;
}
interface EntityRow {
  user: number | null;
  shop: string;
  at: number | null;
}

let connection: DuckDBConnection;
let close: () => void;
beforeAll(async () => {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  connection = await instance.connect();
  // As in the lake.
  await connection.run("SET timezone = 'UTC'");
  await connection.run("SET default_null_order = 'nulls_first_on_asc_last_on_desc'");
  close = () => {
    connection.closeSync();
    instance.closeSync();
  };
});
afterAll(() => close());

const moment = (seconds: number | null) => (seconds === null ? "NULL" : `make_timestamp(${seconds * 1_000_000})`);
const rows = <T>(list: readonly T[], row: (one: T) => string) => list.map((one) => `(${row(one)})`).join(", ");

async function load(source: readonly SourceRow[], entities: readonly EntityRow[]): Promise<void> {
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE ${sourceName(0)} (user_id BIGINT, "shop id" VARCHAR, "at" TIMESTAMP, made TIMESTAMPTZ, spend DOUBLE)`,
  );
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE ${ENTITY_ROWS} (n INT, user_id BIGINT, "shop id" VARCHAR, event_timestamp TIMESTAMPTZ)`,
  );
  if (source.length > 0) {
    await connection.run(
      `INSERT INTO ${sourceName(0)} VALUES ${rows(source, (s) => `${s.user}, '${s.shop}', ${moment(s.at)}, ${moment(s.created)}, ${s.spend}`)}`,
    );
  }
  if (entities.length > 0) {
    let n = 0;
    await connection.run(
      `INSERT INTO ${ENTITY_ROWS} VALUES ${rows(entities, (e) => `${n++}, ${e.user}, '${e.shop}', ${moment(e.at)}`)}`,
    );
  }
}

function viewOf(ttl: number) {
  return featureView({
    name: "spending",
    entities: [user, shop],
    source: { table: "spending", timestampField: "at", createdTimestampColumn: "made" },
    ttl,
    features: { spend: "double" },
  });
}

function joinSql(views: readonly FeatureView[], features: readonly string[], entityColumns: readonly string[]): string {
  const resolved = resolveFeatures(catalogueOf({ views, services: [] }), features, views.length > 1);
  return pointInTimeSql("duckdb", { entityColumns, views: resolved.views });
}

/** The rule as one would write it by hand. */
function bruteForce(source: readonly SourceRow[], { user, shop, at }: EntityRow, ttlSeconds: number): number | null {
  let best: SourceRow | undefined;
  for (const row of source) {
    if (row.user === null || row.user !== user || row.shop !== shop) continue;
    if (row.at === null || at === null || row.at > at) continue;
    if (best === undefined || beats(row, best)) best = row;
  }
  if (best === undefined || best.at === null || at === null) return null;
  return ttlSeconds > 0 && at - best.at > ttlSeconds ? null : best.spend;
}

/** Newer first, then later created, then the larger value; what is absent comes last. */
function beats(a: SourceRow, b: SourceRow): boolean {
  for (const [x, y] of [
    [a.at, b.at],
    [a.created, b.created],
    [a.spend, b.spend],
  ] as const) {
    if (x !== y) return (x ?? Number.NEGATIVE_INFINITY) > (y ?? Number.NEGATIVE_INFINITY);
  }
  return false;
}

const seconds = fc.option(fc.integer({ min: 0, max: 12 }), { freq: 8 });
const key = {
  user: fc.option(fc.integer({ min: 1, max: 2 }), { freq: 8 }),
  shop: fc.constantFrom("a", "b"),
};
const sourceRows = fc.array(
  fc.record({ ...key, at: seconds, created: seconds, spend: fc.option(fc.integer({ min: 0, max: 99 }), { freq: 5 }) }),
  { maxLength: 14 },
);
const entityRows = fc.array(fc.record({ ...key, at: seconds }), { maxLength: 10 });

describe("the point-in-time join", () => {
  // DuckDB has two ways of joining: one for fewer left rows than the threshold, one for more.
  test.each([0, 1_000])(
    "equals brute force, whatever the rows and the ttl (threshold %i)",
    async (threshold) => {
      await connection.run(`SET asof_loop_join_threshold = ${threshold}`);
      await fc.assert(
        fc.asyncProperty(sourceRows, entityRows, fc.integer({ min: 0, max: 4 }), async (source, entities, ttl) => {
          await load(source, entities);
          const view = viewOf(ttl * 1000);
          const sql = joinSql([view], ["spending:spend"], ["n"]);
          const joined = await connection.runAndReadAll(`SELECT n, spend FROM (${sql}) ORDER BY ${ROW_NUMBER}`);
          const wanted = entities.map((row, n) => ({ n, spend: bruteForce(source, row, ttl) }));
          expect(joined.getRowObjectsJS()).toEqual(wanted);
        }),
        { numRuns: 150 },
      );
    },
    60_000,
  );

  test("extra columns pass through, two views join side by side, dates count as midnight", async () => {
    await connection.run(
      `CREATE OR REPLACE TEMP TABLE ${sourceName(0)} AS SELECT 1::BIGINT AS user_id, DATE '2026-01-02' AS day, 5::BIGINT AS clicks`,
    );
    await connection.run(
      `CREATE OR REPLACE TEMP TABLE ${sourceName(1)} AS SELECT 1::BIGINT AS user_id, TIMESTAMP '2026-01-01 12:00' AS at, 'gold' AS clicks`,
    );
    await connection.run(
      `CREATE OR REPLACE TEMP TABLE ${ENTITY_ROWS} AS SELECT 1::BIGINT AS user_id, TIMESTAMP '2026-01-03' AS event_timestamp, true AS label`,
    );
    const a = featureView({
      name: "a",
      entities: [user],
      source: { table: "a", timestampField: "day" },
      ttl: 86_400_000,
      features: { clicks: "bigint" },
    });
    const b = featureView({
      name: "b",
      entities: [user],
      source: { table: "b", timestampField: "at" },
      ttl: 86_400_000,
      features: { clicks: "string" },
    });
    const sql = joinSql([a, b], ["a:clicks", "b:clicks"], ["user_id", "event_timestamp", "label"]);
    const joined = await connection.runAndReadAll(sql);
    expect(joined.getRowObjectsJson()).toEqual([
      {
        user_id: "1",
        event_timestamp: "2026-01-03 00:00:00",
        label: true,
        a__clicks: "5",
        b__clicks: null,
        [ROW_NUMBER]: "0",
      },
    ]);
  });
});

test("the newest values up to a moment equal brute force", async () => {
  await fc.assert(
    fc.asyncProperty(
      sourceRows,
      fc.integer({ min: 0, max: 12 }),
      fc.option(fc.integer({ min: 0, max: 12 })),
      async (source, until, start) => {
        await load(source, []);
        const iso = (s: number) => new Date(s * 1000).toISOString();
        const window = { until: iso(until), ...(start !== null && { start: iso(start) }) };
        const parts: unknown[][] = [];
        for (const index of [0, 1, 2]) {
          const reader = await connection.runAndReadAll(
            newestValuesSql("duckdb", viewOf(0), { ...window, part: { index, of: 3 } }),
          );
          parts.push(...reader.getRows());
        }
        const got = parts.map(([user, shop, us, _created, spend]) => [user, shop, us, spend]);
        const wanted: unknown[] = [];
        for (const user of [1, 2]) {
          for (const shop of ["a", "b"]) {
            const mine = source.filter(
              (s) => s.user === user && s.shop === shop && s.at !== null && s.at <= until && s.at >= (start ?? 0),
            );
            const best = mine.reduce<SourceRow | undefined>(
              (top, row) => (top === undefined || beats(row, top) ? row : top),
              undefined,
            );
            if (best !== undefined) wanted.push([String(user), shop, (best.at ?? 0) * 1_000_000, best.spend]);
          }
        }
        expect(got.toSorted((a, b) => String(a).localeCompare(String(b)))).toEqual(wanted);
      },
    ),
    { numRuns: 100 },
  );
}, 60_000);

test("a column of the table that is named like one of the query's own changes nothing", async () => {
  await connection.run(`CREATE OR REPLACE TEMP TABLE ${sourceName(0)} AS
    SELECT 1::BIGINT AS user_id, 'a' AS "shop id", moment AS "at", moment AS made, spend, 1 AS __newest
    FROM (VALUES (TIMESTAMP '2026-01-01', 1.0::DOUBLE), (TIMESTAMP '2026-01-03', 2.0)) AS t(moment, spend)`);
  const reader = await connection.runAndReadAll(
    newestValuesSql("duckdb", viewOf(0), { until: "2026-02-01T00:00:00Z" }),
  );
  expect(reader.getRowObjectsJS().map(({ spend }) => spend)).toEqual([2]);

  const resolved = resolveFeatures(catalogueOf({ views: [viewOf(0)], services: [] }), ["spending:spend"], false);
  const own = [...OWN_COLUMNS, "__INPUT__spending__spend"].map((name) => ({ name, type: "int" }));
  expect(() => checkEntityTable("asked", own, resolved, "event_timestamp", OWN_COLUMNS)).toThrow(
    new RegExp(own.map(({ name }) => `column "${name}" has a name that the join keeps for itself`).join("; ")),
  );
});
