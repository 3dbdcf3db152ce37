import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { entity, featureView, onDemandView, openFeatureStore } from "@dagwright/feature-store";
import { openLake } from "@dagwright/lake";
import { installSparkServer, onApacheSpark, sparkServerName, startSparkServer } from "@dagwright/spark-connect/testing";
import fc from "fast-check";
import { expect, test } from "vitest";

const missing = await installSparkServer();

/** Random small tables, told apart by a join key, so that one query joins them all. */
const CASES = 150;
const seconds = fc.option(fc.integer({ min: 0, max: 12 }), { freq: 8 });
const key = { user: fc.option(fc.integer({ min: 1, max: 2 }), { freq: 8 }), shop: fc.constantFrom("a", "b", "") };
const tables = fc.record({
  source: fc.array(
    fc.record({ ...key, at: seconds, made: seconds, spend: fc.option(fc.integer({ min: 0, max: 99 }), { freq: 5 }) }),
    { maxLength: 14 },
  ),
  rows: fc.array(fc.record({ ...key, at: seconds }), { maxLength: 8 }),
});

const entities = [
  entity({ name: "case", joinKey: "case_id", type: "bigint" }),
  entity({ name: "user", joinKey: "user_id", type: "bigint" }),
  entity({ name: "shop", joinKey: "shop id", type: "string" }),
];
const views = [0, 1, 2, 3].map((ttlSeconds) =>
  featureView({
    name: `spending_${ttlSeconds}`,
    entities,
    source: {
      table: "spending",
      timestampField: "at",
      ...(ttlSeconds % 2 === 0 && { createdTimestampColumn: "made" }),
    },
    ttl: ttlSeconds * 1000,
    features: { spend: "double", visits: "bigint", city: "string", vip: "boolean", last: "timestamp" },
  }),
);

/** Of every type, of two views and a value of the entity rows. */
const computed = onDemandView({
  name: "computed",
  sources: views.slice(0, 2),
  request: { n: "bigint" },
  features: { share: "double", half: "int", big: "bigint", text: "string", more: "boolean", since: "timestamp" },
  transform: ({ spending_0: newest, spending_1: held, request: { n } }) => {
    const [spend = null, other = null, visits = null] = [newest?.spend, held?.spend, newest?.visits];
    return {
      share: Number(spend) / Number(other),
      half: spend === null ? null : Math.floor(spend / 2),
      big: visits === null ? null : String(BigInt(visits) * 3n),
      text: `'${newest?.city}" \\ ü\n#${n}`,
      more: spend === null || other === null ? null : spend > other,
      since: newest?.last ?? null,
    };
  },
});

const moment = (at: number | null) =>
  at === null ? "NULL" : `TIMESTAMPTZ '2026-03-01T00:00:00Z' + to_seconds(${at / 2})`;
const text = (value: string | number | null) =>
  value === null ? "NULL" : typeof value === "number" ? String(value) : `'${value}'`;
const values = (lines: readonly (readonly string[])[]) => lines.map((line) => `(${line.join(", ")})`).join(", ");

test.skipIf(missing !== undefined)(
  `random point-in-time joins and materialisations are the same on DuckDB and on ${sparkServerName}${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "point-in-time-on-spark-"));
    const server = await startSparkServer(folder);
    const root = join(folder, "lake");
    const duck = await openLake({ root, sourceRoots: [] });
    const spark = await openLake({ root, sourceRoots: [], spark: { remote: `sc://127.0.0.1:${server.port}` } });
    try {
      const sample = fc.sample(tables, CASES);
      const source = sample.flatMap((one, nth) =>
        one.source.map((row) =>
          [nth, row.user, row.shop].map(text).concat(moment(row.at), moment(row.made), text(row.spend)),
        ),
      );
      const rows = sample.flatMap((one, nth) =>
        one.rows.map((row) => [nth, row.user, row.shop].map(text).concat(moment(row.at))),
      );
      const write = (table: string, sql: string) =>
        duck.write({ table, sql, dialect: "duckdb", views: {}, mode: "append", txn: { appId: "t", version: 1 } });
      const keys = 'CAST(c AS BIGINT) AS case_id, CAST(u AS BIGINT) AS user_id, s AS "shop id"';
      await write(
        "spending",
        `SELECT ${keys}, "at", made, CAST(spend AS DOUBLE) AS spend, CAST(spend AS BIGINT) * 9007199254740993 // 64 AS visits,
          CAST(spend AS VARCHAR) AS city, spend > 50 AS vip, made AS last
          FROM (VALUES ${values(source)}) AS t(c, u, s, "at", made, spend)`,
      );
      await write(
        "asked",
        `SELECT ${keys}, event_timestamp, row_number() OVER () AS n FROM (VALUES ${values(rows)}) AS t(c, u, s, event_timestamp)`,
      );
      const features = views.flatMap(({ name, features }) => Object.keys(features).map((one) => `${name}:${one}`));
      const defined = [...views, computed];
      const [onDuck, onSpark] = await Promise.all(
        [duck, spark].map((lake) =>
          openFeatureStore({ root: join(folder, lake.dialect), lake, entities, views: defined }),
        ),
      );
      if (onDuck === undefined || onSpark === undefined) throw new Error("two stores were opened");
      const onDemand = Object.keys(computed.features).map((one) => `computed:${one}`);
      const asked = { entities: { table: "asked" }, features: [...features, ...onDemand], fullFeatureNames: true };
      const [expected, joined] = [
        await onDuck.getHistoricalFeatures(asked),
        await onSpark.getHistoricalFeatures(asked),
      ];
      expect(joined.columns).toEqual(expected.columns);
      expect(joined.rows).toEqual(expected.rows);
      // So that nothing is not compared with nothing; how many it is hangs on chance.
      expect(joined.rows.filter((row) => row["spending_0__spend"] !== null).length).toBeGreaterThan(CASES / 10);
      expect(joined.rows.filter((row) => row["computed__more"] !== null).length).toBeGreaterThan(CASES / 20);

      const output = { table: "joined", txn: { appId: "join", version: 1 } };
      expect(await onSpark.getHistoricalFeatures({ ...asked, output })).toMatchObject({ rows: rows.length });
      const { rows: written } = await duck.native("SELECT * FROM t ORDER BY n", { views: { t: { table: "joined" } } });
      expect(written).toEqual(expected.rows);

      const entityRows = rows.map((_, n) => {
        const { case_id = null, user_id = null, "shop id": shop = null } = expected.rows[n] ?? {};
        return { case_id, user_id, "shop id": shop };
      });
      const served: unknown[] = [];
      for (const store of [onDuck, onSpark]) {
        const until = "2026-03-01T00:00:05Z";
        await store.materialize({ views: views.map(({ name }) => name), until });
        served.push(await store.getOnlineFeatures({ features, fullFeatureNames: true, entityRows, now: until }));
        await store.close();
      }
      expect(served[1]).toEqual(served[0]);
    } finally {
      await duck.close();
      await spark.close();
      await server.stop();
      rmSync(folder, { recursive: true });
    }
  },
  onApacheSpark ? 600_000 : 120_000,
);
