import { expect, it } from "vitest";
import { createRegistry, cron, defineDag } from "../index.ts";
import { openRunStore, type RunStore, RunStoreUnavailableError } from "../store/index.ts";
import { planned } from "./plan-activity.ts";

const daily = defineDag({ id: "daily", schedule: cron("@daily") }, () => ({}));
const fired = "2026-01-02T00:00:00.000Z";
const fire = {
  dagId: "daily",
  runId: `daily/scheduled-${fired}`,
  input: undefined,
  startedAt: fired,
  scheduledFor: fired,
};

it("a schedule's run starts also while the run store is away", async () => {
  const store = await openRunStore({ file: ":memory:" });
  const away: RunStore = { ...store, getRun: () => Promise.reject(new RunStoreUnavailableError("runs", "it is away")) };
  const ground = { registry: createRegistry([daily]), objects: null, continueAfterEvents: 8_192 };
  for (const one of [store, away, null]) {
    expect(await planned({ ...ground, store: one }, fire)).toEqual({
      runAs: "daily/2026-01-01T00:00:00Z",
      logicalDate: "2026-01-01T00:00:00Z",
      dataInterval: { start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z" },
    });
  }
  await store.close();
});
