/** A process that materialises hour after hour, to be killed: says before and after each what it is at. */
import { openFeatureStore, openRedisOnlineStore } from "@dagwright/feature-store";
import { openLake } from "@dagwright/lake";
import { HOURS, hour, user, visits } from "./visits.ts";

const [root = "", folder = "", redis] = process.argv.slice(2);
const lake = await openLake({ root, sourceRoots: [], threads: 1 });
const store = await openFeatureStore({
  ...{ root: folder, lake, entities: [user], views: [visits] },
  ...(redis !== undefined && { online: openRedisOnlineStore({ url: redis, prefix: "crash", timeoutMs: 20_000 }) }),
});
for (let at = 0; at < HOURS; at += 1) {
  console.log(`begin ${at}`);
  await store.materialize({ views: ["visits"], until: hour(at), incremental: true });
  console.log(`done ${at}`);
}
await store.close();
await lake.close();
