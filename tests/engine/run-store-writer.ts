/** A process that opens a run store several times at once and writes to it: `tests/engine/run-store.test.ts` starts two. */
import { openRunStore } from "@dagwright/engine/store";

const [place = "", view = "", name = ""] = process.argv.slice(2);
const stores = await Promise.all(Array.from({ length: 4 }, () => openRunStore(JSON.parse(place))));
await Promise.all(
  stores.map((store, nth) =>
    store.saveRun({ view: { ...JSON.parse(view), runId: `${name}/${nth}` }, temporalRunId: "a" }),
  ),
);
await Promise.all(stores.map((store) => store.close()));
process.disconnect();
