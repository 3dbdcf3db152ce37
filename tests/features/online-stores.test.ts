import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  entity,
  type FeatureView,
  featureView,
  type OnlineRow,
  type OnlineStore,
  openRedisOnlineStore,
  openSqliteOnlineStore,
} from "@dagwright/feature-store";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { installRedis, type RedisServer, startRedis } from "../servers/redis.ts";

const noRedis = await installRedis();

const user = entity({ name: "user", joinKey: "user_id", type: "bigint" });
const view = featureView({
  name: "spending",
  entities: [user],
  source: { table: "spending", timestampField: "at" },
  ttl: 0,
  features: { spend: "double", visits: "bigint", city: "string", vip: "boolean" },
});

const row = (user: string, eventUs: number, createdUs: number | null, spend: number | null): OnlineRow => ({
  entity: [user],
  eventUs,
  createdUs,
  values: { spend, visits: 3, city: "Oslo", vip: false },
});

/** All features of a view, for these entities. */
const queryOf = (of: FeatureView, ...entities: readonly (readonly string[])[]) => ({
  view: of,
  features: Object.keys(of.features),
  entities,
});

/** What opens the store under test again and again, each time upon the same values. */
interface Maker {
  open(): OnlineStore;
  end(): void;
}

let redis: RedisServer;
if (noRedis === undefined) {
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.close());
}

const MAKERS: readonly (readonly [name: string, missing: string | undefined, make: () => Maker])[] = [
  [
    "SQLite",
    undefined,
    () => {
      const folder = mkdtempSync(join(tmpdir(), "online-store-"));
      return {
        open: () => openSqliteOnlineStore(join(folder, "online.db")),
        end: () => rmSync(folder, { recursive: true }),
      };
    },
  ],
  [
    "Redis",
    noRedis,
    () => {
      const prefix = `test[*]:${Math.random()}`;
      return { open: () => openRedisOnlineStore({ url: redis.url, prefix }), end: () => {} };
    },
  ],
];

describe.each(MAKERS)("the online store in %s", (name, missing, make) => {
  describe.skipIf(missing !== undefined)(missing ?? "", () => {
    let maker: Maker;
    let store: OnlineStore;
    beforeEach(() => {
      maker = make();
      store = maker.open();
    });
    afterEach(async () => {
      await store.close();
      maker.end();
    });
    const read = async (of: FeatureView = view, ...entities: string[]) =>
      (await store.read([queryOf(of, ...entities.map((one) => [one]))]))[0];

    test("whatever the order in which rows come, twice or once, the newest of each entity is kept", async () => {
      const rows = fc.array(
        fc.tuple(
          fc.constantFrom("1", "2"),
          fc.integer({ min: -2, max: 3 }),
          fc.option(fc.integer({ min: -2, max: 2 }), { freq: 6 }),
        ),
        { maxLength: 12 },
      );
      let run = 0;
      await fc.assert(
        fc.asyncProperty(rows, fc.integer({ min: 1, max: 4 }), async (tuples, batch) => {
          const own = { ...view, name: `view_${run++}` };
          const worth = (at: number, created: number | null) => at * 10 + (created ?? -5);
          const all = tuples.map(([user, at, created]) => row(user, at, created, worth(at, created)));
          for (let from = 0; from < all.length; from += batch) await store.put(own, all.slice(from, from + batch));
          for (const one of all) await store.put(own, [one]);
          const held = await read(own, "1", "2");
          for (const [index, user] of ["1", "2"].entries()) {
            const values = tuples.filter(([mine]) => mine === user).map(([, at, created]) => worth(at, created));
            expect(held?.[index]?.values).toEqual(
              values.length === 0 ? undefined : [Math.max(...values), 3, "Oslo", false],
            );
          }
        }),
        { numRuns: 50 },
      );
    });

    test("a corrected value for the same moment replaces, an unchanged one counts for nothing", async () => {
      expect(await store.put(view, [row("1", 5, null, 1)])).toBe(1);
      expect(await store.put(view, [row("1", 5, null, 1)])).toBe(0);
      expect(await store.put(view, [row("1", 5, null, 2)])).toBe(1);
      expect(await store.put(view, [row("1", 4, null, 9)])).toBe(0);
      expect(await store.put(view, [row("1", 5, 0, 3)])).toBe(1);
      expect(await store.put(view, [row("1", 5, null, 4)])).toBe(0);
      expect(await read(view, "1")).toEqual([{ eventUs: 5, values: [3, 3, "Oslo", false] }]);
      expect(await store.statistics(view)).toEqual({ entities: 1, newestUs: 5 });
    });

    test("many views and entities are read at once, in the order in which they are asked for", async () => {
      const other = { ...view, name: "other" };
      await store.put(view, [row("1", 5, null, 1), row("2", -6, null, 2)]);
      await store.put(other, [row("2", 7, null, null)]);
      const spends = (
        await store.read([
          queryOf(view, ["2"], ["3"], ["1"], ["2"]),
          queryOf(other),
          { ...queryOf(other, ["1"], ["2"]), features: ["city", "spend"] },
        ])
      ).map((ofView, at) => ofView.map((one) => one && [one.eventUs, one.values[at === 2 ? 1 : 0]]));
      expect(spends).toEqual([[[-6, 2], undefined, [5, 1], [-6, 2]], [], [undefined, [7, null]]]);
    });

    test("entities of several keys, and of odd characters, are told apart", async () => {
      const pair = {
        ...view,
        name: "pair",
        entities: [user, entity({ name: "shop", joinKey: "shop", type: "string" })],
      };
      const keys = [
        ["1", "a:b"],
        ["1", "a"],
        ["1", '"] *?'],
        ["1", "\u0000ü"],
        ["1a", ""],
      ];
      await store.put(
        pair,
        keys.map((entity, n) => ({ ...row("", 1, null, n), entity })),
      );
      const [held] = await store.read([queryOf(pair, ...keys)]);
      expect(held?.map((one) => one?.values[0])).toEqual(keys.map((_, n) => n));
    });

    test("values of every type come back as they were: exact integers of 64 bits, empty texts, nulls; not-a-number is null", async () => {
      const wide = featureView({
        ...view,
        name: "wide",
        features: { a: "double", b: "int", c: "bigint", d: "string", e: "boolean", f: "timestamp", g: "string" },
      });
      const int64 = fc
        .bigInt(-(2n ** 63n), 2n ** 63n - 1n)
        .map((n) => (Number.isSafeInteger(Number(n)) ? Number(n) : `${n}`));
      const text = fc.oneof(fc.string({ unit: "grapheme" }), fc.constant(""), fc.constant('Ø"\\\n\u0000'));
      const values = fc.record({
        a: fc.option(fc.double({ noDefaultInfinity: true, noNaN: true })),
        b: fc.option(fc.integer()),
        c: fc.option(int64),
        d: fc.option(text),
        e: fc.option(fc.boolean()),
        f: fc.option(fc.date({ noInvalidDate: true }).map((one) => one.toISOString())),
        g: fc.option(text),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(values, { minLength: 1, maxLength: 5 }), async (all) => {
          const rows = all.map((one, n) => ({ entity: [String(n)], eventUs: 1, createdUs: null, values: one }));
          await store.remove(
            wide,
            rows.map(({ entity }) => entity),
          );
          await store.put(wide, rows);
          const held = await read(wide, ...rows.map(({ entity: [user = ""] }) => user));
          expect(held?.map((one) => one?.values)).toEqual(all.map((one) => Object.values(one)));
        }),
        { numRuns: 60 },
      );
      for (const odd of [Number.NaN, Number.POSITIVE_INFINITY, -0]) {
        await store.put(view, [row("1", 1, null, odd)]);
        expect((await read(view, "1"))?.[0]?.values).toEqual([odd === 0 ? -0 : null, 3, "Oslo", false]);
      }
    });

    test("a feature that came later or has another type now is absent, one that is gone is not shown, and both can be read by another process", async () => {
      const { spend, ...features } = view.features;
      expect(spend).toBe("double");
      const before = { ...view, features };
      await store.put(before, [row("1", 1, null, 4)]);
      expect((await read(view, "1"))?.[0]?.values).toEqual([undefined, 3, "Oslo", false]);
      await store.put(view, [row("2", 1, null, 4)]);
      const other = maker.open();
      const held = (await other.read([queryOf(before, ["1"], ["2"])]))[0];
      expect(held?.map((one) => one?.values)).toEqual([1, 2].map(() => [3, "Oslo", false]));
      const changed = { ...view, features: { ...view.features, visits: "string" as const } };
      expect((await read(changed, "2"))?.[0]?.values).toEqual([4, undefined, "Oslo", false]);
      expect(await store.put(changed, [{ ...row("2", 1, null, 4), values: { visits: "three" } }])).toBe(1);
      expect((await read(changed, "2"))?.[0]?.values).toEqual([null, "three", null, null]);
      expect(await other.identity()).toBe(await store.identity());
      await other.close();
    });

    test("a view over another table or other keys begins empty", async () => {
      await store.put(view, [row("1", 1, null, 4)]);
      const moved = { ...view, source: { ...view.source, table: "spending_2" } };
      expect([await store.holds(view), await store.holds(moved)]).toEqual([true, false]);
      expect(await read(moved, "1")).toEqual([undefined]);
      await store.put(moved, []);
      expect(await store.holds(moved)).toBe(true);
      expect(await store.removeAllBut([moved])).toBe(1);
      expect([await store.holds(view), await read(view, "1")]).toEqual([false, [undefined]]);
    });

    test("values are removed by entity and by age, and counted", async () => {
      await store.put(
        view,
        ["1", "2", "3", "4"].map((one) => row(one, Number(one), null, 1)),
      );
      expect(await store.remove(view, [["2"], ["9"], ["2"]])).toBe(1);
      expect(await store.removeBefore(view, 3)).toBe(1);
      expect((await read(view, "1", "2", "3", "4"))?.map((one) => one?.eventUs)).toEqual([undefined, undefined, 3, 4]);
      expect(await store.statistics(view)).toEqual({ entities: 2, newestUs: 4 });
      expect(await store.remove(view, [["3"], ["4"]])).toBe(2);
      expect(await store.statistics(view)).toEqual({ entities: 0, newestUs: null });
    });

    test("eight writers at once: nothing older wins", async () => {
      const stores = Array.from({ length: 8 }, () => maker.open());
      const users = Array.from({ length: 50 }, (_, n) => String(n));
      await Promise.all(
        stores.map(async (one, nth) => {
          for (let step = 0; step < 8; step += 1) {
            const at = ((step * 5 + nth * 3) % 8) * 8 + nth;
            await one.put(
              view,
              users.map((user) => row(user, at, null, at)),
            );
          }
        }),
      );
      const held = await read(view, ...users);
      expect(held?.map((one) => one?.values[0])).toEqual(users.map(() => 63));
      expect((await store.statistics(view)).entities).toBe(users.length);
      for (const one of stores) await one.close();
    });

    test("many rows are put at once", async () => {
      const many = Array.from({ length: 23_570 }, (_, index) => row(String(index), 5, null, index));
      expect(await store.put(view, many)).toBe(23_570);
      expect(await store.put(view, many)).toBe(0);
      expect(await store.statistics(view)).toEqual({ entities: 23_570, newestUs: 5 });
      expect(name).toBeTypeOf("string");
    });
  });
});

describe.skipIf(noRedis !== undefined)(`Redis away${noRedis === undefined ? "" : ` (skipped: ${noRedis})`}`, () => {
  test("is an error that says where, without the password, and passes when Redis is back", async () => {
    const url = redis.url.replace("redis://", "redis://default:s3cret@");
    const away = openRedisOnlineStore({ url: url.replace(/:\d+\/0/, ":1/0"), timeoutMs: 200 });
    const error = await away.put(view, [row("1", 1, null, 1)]).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "ONLINE_STORE_UNAVAILABLE", retryable: true });
    expect(String(error)).toMatch(/^OnlineStoreUnavailableError: The online store at 127\.0\.0\.1:1 does not answer: /);
    expect(JSON.stringify(error)).not.toContain("s3cret");
    await away.close();

    const store = openRedisOnlineStore({ url: redis.url, prefix: "away", timeoutMs: 500 });
    await store.put(view, [row("1", 1, null, 1)]);
    await redis.stop();
    await expect(store.read([queryOf(view, ["1"])])).rejects.toMatchObject({ code: "ONLINE_STORE_UNAVAILABLE" });
    const readsAgain = async () => expect((await store.read([queryOf(view, ["1"])]))[0]?.[0]?.values[0]).toBe(1);
    await redis.start();
    // On a busy machine it may take a few tries.
    await vi.waitFor(readsAgain, { timeout: 10_000 });
    await redis.hanging(() =>
      expect(store.read([queryOf(view, ["1"])])).rejects.toMatchObject({ code: "ONLINE_STORE_UNAVAILABLE" }),
    );
    await vi.waitFor(readsAgain, { timeout: 10_000 });
    await store.close();
  });
});
