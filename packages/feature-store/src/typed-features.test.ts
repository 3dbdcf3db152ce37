import { expectTypeOf, test } from "vitest";
import { entity, type FeatureValue, featureService, featureView, onDemandView } from "./definitions.ts";
import { type FeatureStore, openFeatureStore } from "./feature-store.ts";
import type { OfflineStore } from "./offline/offline-store.ts";

const user = entity({ name: "user", joinKey: "user_id", type: "bigint" });
const shop = entity({ name: "shop", joinKey: "shop_id", type: "string" });
const spending = featureView({
  name: "spending",
  entities: [user],
  source: { table: "spending", timestampField: "at" },
  ttl: 0,
  features: { spend: "double", visits: "int", points: "bigint" },
});
const visits = featureView({
  name: "visits",
  entities: [user, shop],
  source: { table: "visits", timestampField: "at" },
  ttl: 0,
  features: { spend: "string", regular: "boolean", last: "timestamp" },
});
const ratio = onDemandView({
  name: "ratio",
  sources: [spending],
  request: { amount: "double" },
  features: { of_spend: "double" },
  transform: ({ spending: { spend, points }, request: { amount } }) => {
    expectTypeOf(spend).toEqualTypeOf<number | null>();
    expectTypeOf(points).toEqualTypeOf<number | string | null>();
    expectTypeOf(amount).toEqualTypeOf<number | null>();
    return { of_spend: spend === null || amount === null ? null : amount / spend };
  },
});
const ranker = featureService({ name: "ranker", features: ["spending:visits", "visits:regular"] });

/** Never called: the compiler reads it. */
async function read(lake: OfflineStore) {
  const store = await openFeatureStore({
    root: "features",
    lake,
    entities: [user, shop],
    views: [spending, visits, ratio],
    services: [ranker],
  });
  const valuesOf = async <Values>(answer: Promise<{ readonly results: readonly { readonly values: Values }[] }>) => {
    const [first] = (await answer).results;
    if (first === undefined) throw new Error("no results");
    return first.values;
  };

  const some = await valuesOf(
    store.getOnlineFeatures({ features: ["spending:spend", "spending:points"], entityRows: [{ user_id: 1 }] }),
  );
  expectTypeOf(some).toEqualTypeOf<{ readonly spend: number | null; readonly points: number | string | null }>();
  // @ts-expect-error a misspelt feature
  await store.getOnlineFeatures({ features: ["spending:spent"], entityRows: [{ user_id: 1 }] });
  // @ts-expect-error a misspelt view
  await store.getOnlineFeatures({ features: ["spendings:spend"], entityRows: [{ user_id: 1 }] });
  // @ts-expect-error a feature that was not asked for
  expectTypeOf(some.visits).toBeNumber();
  // @ts-expect-error a join key of another type
  await store.getOnlineFeatures({ features: ["spending:spend"], entityRows: [{ user_id: true }] });
  // @ts-expect-error a missing join key
  await store.getOnlineFeatures({ features: ["visits:regular"], entityRows: [{ user_id: 1 }] });

  const served = await valuesOf(
    store.getOnlineFeatures({ features: "ranker", entityRows: [{ user_id: 1, shop_id: "x" }] }),
  );
  expectTypeOf(served).toEqualTypeOf<{ readonly visits: number | null; readonly regular: boolean | null }>();
  // @ts-expect-error a misspelt service
  await store.getOnlineFeatures({ features: "rankr", entityRows: [] });

  const computed = await valuesOf(
    store.getOnlineFeatures({
      features: ["ratio:of_spend", "visits:last"],
      entityRows: [{ user_id: 1, shop_id: "x", amount: 3 }],
    }),
  );
  expectTypeOf(computed).toEqualTypeOf<{ readonly of_spend: number | null; readonly last: string | null }>();
  // @ts-expect-error a missing value of the request
  await store.getOnlineFeatures({ features: ["ratio:of_spend"], entityRows: [{ user_id: 1 }] });

  const full = await valuesOf(
    store.getOnlineFeatures({
      features: ["spending:spend", "visits:spend"],
      fullFeatureNames: true,
      entityRows: [{ user_id: 1, shop_id: "x" }],
    }),
  );
  expectTypeOf(full).toEqualTypeOf<{
    readonly spending__spend: number | null;
    readonly visits__spend: string | null;
  }>();

  // Names that are known only at run time are checked then.
  const names: string[] = [];
  const any = await valuesOf(store.getOnlineFeatures({ features: names, entityRows: [{ user_id: 3 }] }));
  expectTypeOf(any).toEqualTypeOf<Readonly<Record<string, FeatureValue>>>();
  expectTypeOf(store).toExtend<FeatureStore>();

  const misspelt = featureService({ name: "misspelt", features: ["spending:spent"] });
  // @ts-expect-error a service of a feature that does not exist
  await openFeatureStore({ root: "features", lake, entities: [user], views: [spending], services: [misspelt] });
}

onDemandView({
  name: "wrong",
  sources: [spending],
  features: { value: "double" },
  // @ts-expect-error a value of another type
  transform: () => ({ value: "1" }),
});

test("the compiler knows features, their types, join keys, services and values of the request", () => {
  expectTypeOf(read).toBeFunction();
});
