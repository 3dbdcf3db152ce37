import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { entity, featureView } from "./definitions.ts";
import { type OnlineRow, type OnlineStore, openSqliteOnlineStore } from "./online-store.ts";

const view = featureView({
  name: "spending",
  entities: [entity({ name: "user", joinKey: "user_id", type: "bigint" })],
  source: { table: "spending", timestampField: "at" },
  ttl: 0,
  features: { spend: "double", visits: "bigint", city: "string", vip: "boolean" },
});

let folder: string;
let store: OnlineStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "online-store-"));
  store = openSqliteOnlineStore(join(folder, "online.db"));
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

const row = (user: string, eventUs: number, createdUs: number | null, spend: number | null): OnlineRow => ({
  entity: [user],
  eventUs,
  createdUs,
  values: { spend, visits: 3, city: "Oslo", vip: false },
});

test("whatever the order in which rows come, twice or once, the newest of each entity is kept", () => {
  const rows = fc.array(
    fc.tuple(fc.constantFrom("1", "2"), fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 3 })),
    { maxLength: 12 },
  );
  let run = 0;
  fc.assert(
    fc.property(rows, fc.integer({ min: 1, max: 4 }), (tuples, batch) => {
      const own = { ...view, name: `view_${run++}` };
      const all = tuples.map(([user, at, created]) => row(user, at, created, at * 10 + created));
      for (let from = 0; from < all.length; from += batch) store.put(own, all.slice(from, from + batch));
      for (const one of all) store.put(own, [one]);
      for (const user of ["1", "2"]) {
        const values = tuples.filter(([mine]) => mine === user).map(([, at, created]) => at * 10 + created);
        expect(store.get(own, [user])?.values).toEqual(
          values.length === 0 ? undefined : { ...row(user, 0, 0, Math.max(...values)).values },
        );
      }
    }),
    { numRuns: 50 },
  );
});

test("a corrected value for the same moment replaces, an unchanged one counts for nothing", () => {
  expect(store.put(view, [row("1", 5, null, 1)])).toBe(1);
  expect(store.put(view, [row("1", 5, null, 1)])).toBe(0);
  expect(store.put(view, [row("1", 5, null, 2)])).toBe(1);
  expect(store.put(view, [row("1", 4, null, 9)])).toBe(0);
  expect(store.get(view, ["1"])).toEqual({ eventUs: 5, values: { spend: 2, visits: 3, city: "Oslo", vip: false } });
  expect(store.statistics(view)).toEqual({ entities: 1, newestUs: 5 });
});

test("a failing batch leaves nothing behind", () => {
  function* broken(): Generator<OnlineRow> {
    yield row("1", 5, null, 1);
    throw new Error("the source broke off");
  }
  expect(() => store.put(view, broken())).toThrow("the source broke off");
  expect(store.statistics(view)).toEqual({ entities: 0, newestUs: null });
});

test("a feature that came later is absent, one that is gone is not shown, integers beyond 2^53 are exact", () => {
  store.put(view, [
    { entity: ["1"], eventUs: 1, createdUs: null, values: { visits: "9007199254740993", spend: null } },
  ]);
  const { spend, ...features } = view.features;
  expect(spend).toBe("double");
  expect(store.get({ ...view, features }, ["1"])?.values).toEqual({ visits: "9007199254740993" });
  expect(store.get(view, ["1"])?.values).toEqual({ visits: "9007199254740993", spend: null });
});

test("what one process wrote another reads", () => {
  store.put(view, [row("1", 5, null, 1)]);
  const other = openSqliteOnlineStore(join(folder, "online.db"));
  expect(other.get(view, ["1"])?.values).toMatchObject({ spend: 1 });
  other.close();
});

test("23,570 entities are put at once", () => {
  const many = Array.from({ length: 23_570 }, (_, index) => row(String(index), 5, null, index));
  expect(store.put(view, many)).toBe(23_570);
});
