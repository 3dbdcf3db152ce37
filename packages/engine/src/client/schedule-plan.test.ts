import { describe, expect, it } from "vitest";
import { defineDag } from "../language/dag.ts";
import type { DagOptions } from "../language/dag-definition.ts";
import { cron, every } from "../language/schedule.ts";
import { type PresentSchedule, planSync, type SyncScope } from "./schedule-plan.ts";
import { desiredSchedule } from "./schedule-spec.ts";

const dag = (options: DagOptions) => defineDag(options, () => ({}));
const present = (of: ReturnType<typeof dag>, some: Partial<PresentSchedule> = {}): PresentSchedule => ({
  ...{ dagId: of.id, source: null, paused: false },
  fields: desiredSchedule(of, "queue")?.fields ?? null,
  ...some,
});
const plan = (dags: Parameters<typeof planSync>[0], there: readonly PresentSchedule[], scope?: SyncScope) =>
  planSync(dags, there, "queue", scope);

const daily = dag({ id: "daily", schedule: cron("@daily") });
const NOTHING = { create: [], update: [], remove: [], unchanged: [], kept: [] };

describe("a plan of schedules", () => {
  it("is empty when all is as the code says", () => {
    expect(plan([daily], [present(daily)])).toEqual({ ...NOTHING, unchanged: ["daily"] });
  });

  it("says every field of what is new, also that it begins paused", () => {
    const noted = dag({
      ...{ id: "noted", paused: { note: "not yet" }, catchup: { window: "3d", limit: 2 } },
      schedule: every("6h", { offset: "1h", jitter: "30s", overlap: "skip", start: "2026-01-01", end: "2027-01-01" }),
    });
    const { create } = plan([noted], []);
    expect(create).toMatchObject([{ dagId: "noted", kind: "time", paused: true }]);
    expect(Object.fromEntries(create[0]?.changes.map(({ field, to }) => [field, to]) ?? [])).toEqual({
      ...{ every: "6h", offset: "1h", jitter: "30s", overlap: "skip", start: "2026-01-01", end: "2027-01-01" },
      catchup: "the last 2 within 3d",
    });
  });

  it("says of a change what was and what will be; paused stays paused", () => {
    const changed = dag({ id: "daily", schedule: cron("@daily", { timezone: "Europe/Berlin" }), catchup: true });
    expect(plan([changed], [present(daily, { paused: true })]).update).toEqual([
      {
        ...{ dagId: "daily", kind: "time", paused: true },
        changes: [
          { field: "timezone", from: "UTC", to: "Europe/Berlin" },
          { field: "catchup", from: "the last interval", to: "all" },
        ],
      },
    ]);
    const former = present(daily, { fields: null });
    expect(plan([daily], [former]).update).toMatchObject([{ changes: [{ field: "form", from: null }] }]);
    const { update } = plan([daily], [present(daily, { fields: { ...present(daily).fields, taskQueue: "other" } })]);
    expect(update[0]?.changes).toEqual([{ field: "taskQueue", from: "other", to: "queue" }]);
  });

  it("removes what is gone from the files at hand, what has lost its schedule, and with prune all others", () => {
    const there = [
      present(daily),
      present(dag({ id: "gone", schedule: cron("@daily") }), { source: "shop:dags/gone.ts" }),
      present(dag({ id: "elsewhere", schedule: cron("@daily") }), { source: "bank:dags/a.ts" }),
      present(dag({ id: "nameless", schedule: cron("@daily") })),
    ];
    const unscheduled = dag({ id: "daily" });
    const scope = { owned: ["shop:dags"], sources: new Map() };
    const removed = (prune: boolean) =>
      plan([unscheduled], there, { ...scope, prune }).remove.map(({ dagId, why }) => `${dagId}: ${why}`);
    expect(removed(false)).toEqual(["daily: the DAG has no schedule any more", "gone: the DAG is gone from the code"]);
    expect(plan([unscheduled], there, scope).kept).toEqual([
      { dagId: "elsewhere", source: "bank:dags/a.ts" },
      { dagId: "nameless", source: null },
    ]);
    expect(removed(true)).toHaveLength(4);
    // A folder whose name only begins alike is another's.
    expect(plan([], there, { owned: ["shop:dag"] }).remove).toEqual([]);
    expect(plan([daily], there, {}).remove.map(({ dagId }) => dagId)).toEqual(["nameless"]);
  });

  it("follows a DAG to another file", () => {
    const moved = { owned: ["shop:"], sources: new Map([["daily", "shop:new.ts"]]) };
    expect(plan([daily], [present(daily, { source: "shop:old.ts" })], moved).update[0]?.changes).toEqual([
      { field: "source", from: "shop:old.ts", to: "shop:new.ts" },
    ]);
  });
});

describe("how far back Temporal looks", () => {
  const windowOf = (options: Omit<DagOptions, "id">) =>
    desiredSchedule(dag({ id: "d", ...options }), "queue")?.options.policies?.catchupWindow;
  const hour = 3_600_000;
  it("is one interval, so many as the limit, the window, or all", () => {
    expect(windowOf({ schedule: cron("@daily") })).toBe(24 * hour);
    expect(windowOf({ schedule: cron("@daily", { timezone: "Europe/Berlin" }) })).toBe(25 * hour);
    expect(windowOf({ schedule: cron("0 9 * * 1-5") })).toBe(72 * hour);
    expect(windowOf({ schedule: every("1h", { jitter: "5m" }), catchup: { limit: 3 } })).toBe(3 * hour + 300_000);
    expect(windowOf({ schedule: cron("@daily"), catchup: { window: "3d" } })).toBe(72 * hour);
    expect(windowOf({ schedule: cron("@daily"), catchup: { window: "3d", limit: 2 } })).toBe(48 * hour);
    expect(windowOf({ schedule: every("1s") })).toBe(10_000);
    expect(windowOf({ schedule: cron("@daily"), catchup: true })).toBe(3650 * 24 * hour);
  });
});
