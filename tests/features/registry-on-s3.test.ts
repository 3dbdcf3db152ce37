import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { entity, featureView, openFeatureStore } from "@dagwright/feature-store";
import { openLake, openObjectStore } from "@dagwright/lake";
import { expect, test } from "vitest";
import { installVersitygw, startVersitygw } from "../servers/versitygw.ts";

const missing = await installVersitygw();
const user = entity({ name: "user", joinKey: "user_id", type: "bigint" });
const views = Array.from({ length: 6 }, (_, n) =>
  featureView({
    name: `view_${n}`,
    entities: [user],
    source: { table: "spending", timestampField: "since" },
    ttl: 0,
    features: { spend: "double" },
  }),
);

test.skipIf(missing !== undefined)(
  `tables and registry in a bucket: of machines that apply and materialise at once, each is remembered${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "registry-on-s3-"));
    const server = await startVersitygw();
    await server.bucket("shop");
    const lake = await openLake({
      root: "s3://shop/lake",
      s3: server.s3,
      scratch: folder,
      sourceRoots: [],
      threads: 1,
    });
    const online = join(folder, "features");
    const open = async () =>
      openFeatureStore({
        ...{ root: online, lake, entities: [user], views },
        registry: await openObjectStore("s3://shop/lake/.features", server.s3),
      });
    try {
      const sql =
        "SELECT CAST(1 AS BIGINT) AS user_id, TIMESTAMPTZ '2026-03-01T00:00:00Z' AS since, 5 :: DOUBLE AS spend";
      const txn = { appId: "t", version: 1 };
      await lake.write({ table: "spending", sql, dialect: "duckdb", views: {}, mode: "append", txn });
      const stores = await Promise.all(views.map(open));
      await Promise.all(
        stores.map(async (store, nth) => {
          await store.apply();
          await store.materialize({ views: [`view_${nth}`], until: "2026-03-02T00:00:00Z", incremental: true });
        }),
      );
      const [first] = stores;
      expect((await first?.plan())?.changes).toEqual([]);
      const listed = await first?.listViews();
      expect(listed?.map(({ materializedUntil }) => materializedUntil)).toEqual(
        views.map(() => "2026-03-02T00:00:00.000Z"),
      );
      expect(await lake.listTables()).toEqual(["spending"]);
      for (const store of stores) await store.close();
    } finally {
      await lake.close();
      await server.close();
      rmSync(folder, { recursive: true });
    }
  },
  60_000,
);
