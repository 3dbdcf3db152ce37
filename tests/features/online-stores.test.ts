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
      (await store.read([{ view: of, entities: entities.map((one) => [one]) }]))[0];

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
              values.length === 0 ? undefined : row(user, 0, 0, Math.max(...values)).values,
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
      expect(await read(view, "1")).toEqual([
        { eventUs: 5, values: { spend: 3, visits: 3, city: "Oslo", vip: false } },
      ]);
      expect(await store.statistics(view)).toEqual({ entities: 1, newestUs: 5 });
    });

    test("many views and entities are read at once, in the order in which they are asked for", async () => {
      const other = { ...view, name: "other" };
      await store.put(view, [row("1", 5, null, 1), row("2", -6, null, 2)]);
      await store.put(other, [row("2", 7, null, null)]);
      const spends = (
        await store.read([
          { view, entities: [["2"], ["3"], ["1"], ["2"]] },
          { view: other, entities: [] },
          { view: other, entities: [["1"], ["2"]] },
        ])
      ).map((ofView) => ofView.map((one) => one && [one.eventUs, one.values["spend"]]));
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
      const [held] = await store.read([{ view: pair, entities: keys }]);
      expect(held?.map((one) => one?.values["spend"])).toEqual(keys.map((_, n) => n));
    });

    test("values have their types: integers beyond 2^53 exact, not-a-number null, text of any kind", async () => {
      const values = { spend: Number.NaN, visits: "9007199254740993", city: 'Ø"\\\n', vip: true };
      await store.put(view, [{ ...row("1", 1, null, 0), values }]);
      expect((await read(view, "1"))?.[0]?.values).toEqual({ ...values, spend: null });
    });

    test("a feature that came later is absent, one that is gone is not shown, and both can be read by another process", async () => {
      const { spend, ...features } = view.features;
      expect(spend).toBe("double");
      const before = { ...view, features };
      await store.put(before, [row("1", 1, null, 4)]);
      expect((await read(view, "1"))?.[0]?.values).toEqual({ visits: 3, city: "Oslo", vip: false });
      await store.put(view, [row("2", 1, null, 4)]);
      const other = maker.open();
      const held = (await other.read([{ view: before, entities: [["1"], ["2"]] }]))[0];
      expect(held?.map((one) => one?.values)).toEqual([1, 2].map(() => ({ visits: 3, city: "Oslo", vip: false })));
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
      expect(held?.map((one) => one?.values["spend"])).toEqual(users.map(() => 63));
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
    await expect(store.read([{ view, entities: [["1"]] }])).rejects.toMatchObject({ code: "ONLINE_STORE_UNAVAILABLE" });
    const readsAgain = async () =>
      expect((await store.read([{ view, entities: [["1"]] }]))[0]?.[0]?.values).toMatchObject({ spend: 1 });
    await redis.start();
    // On a busy machine it may take a few tries.
    await vi.waitFor(readsAgain, { timeout: 10_000 });
    await redis.hanging(() =>
      expect(store.read([{ view, entities: [["1"]] }])).rejects.toMatchObject({ code: "ONLINE_STORE_UNAVAILABLE" }),
    );
    await vi.waitFor(readsAgain, { timeout: 10_000 });
    await store.close();
  });
});
