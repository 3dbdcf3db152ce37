import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createRegistry, cron, type Dag, defineDag } from "../index.ts";
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
    expect(await planned({ ...ground, store: one }, fire)).toMatchObject({
      runAs: "daily/2026-01-01T00:00:00Z",
      logicalDate: "2026-01-01T00:00:00Z",
      dataInterval: { start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z" },
    });
  }
  await store.close();
});

describe("a launcher hands the plan of its run on", () => {
  const withParam = (shape: z.ZodRawShape) =>
    defineDag({ id: "daily", schedule: cron("@daily"), params: z.object(shape) }, () => ({}));
  const launchOf = async (dag: Dag) =>
    await planned({ registry: createRegistry([dag]), store: null, objects: null, continueAfterEvents: 8_192 }, fire);

  it("as the run would have planned itself", async () => {
    const dag = withParam({ limit: z.number().default(7) });
    const ground = { registry: createRegistry([dag]), store: null, objects: null, continueAfterEvents: 8_192 };
    const { runAs, plan, ...dates } = await planned(ground, fire).then((launch) => {
      if (!("runAs" in launch)) throw new Error("A schedule's fire is no run itself");
      return launch;
    });
    const request = { dagId: "daily", runId: runAs, startedAt: fired, input: { ...dates, trigger: "schedule" } };
    expect(plan).toEqual({ ...(await planned(ground, request)), recorded: "apart" });
    expect(plan).toMatchObject({ params: { limit: 7 }, run: { id: runAs, trigger: "schedule" } });
  });

  it("unless the run has to say itself why it cannot be planned, or the plan would weigh on two histories", async () => {
    expect(await launchOf(withParam({ needed: z.string() }))).not.toHaveProperty("plan");
    expect(await launchOf(withParam({ long: z.string().default("x".repeat(70_000)) }))).not.toHaveProperty("plan");
  });

  it("and nobody else can: a run that is started with a plan is refused", async () => {
    const input = { plan: { graph: daily.graph, params: {}, run: {} } };
    const ground = { registry: createRegistry([daily]), store: null, objects: null, continueAfterEvents: 8_192 };
    const asked = planned(ground, { dagId: "daily", runId: "daily/by-hand", startedAt: fired, input });
    await expect(asked).rejects.toMatchObject({ type: "INVALID_RUN_INPUT" });
  });
});
