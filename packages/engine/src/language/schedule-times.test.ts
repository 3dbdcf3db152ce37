import { describe, expect, it } from "vitest";
import { timesOf } from "../core/graph.ts";
import { backfillDates, isToRun, type RangeOfDates } from "./backfill-dates.ts";
import { defineDag } from "./dag.ts";
import { launchFor } from "./launch.ts";
import { cron, every, graphScheduleOf, type Schedule } from "./schedule.ts";
import { firesSince, firstFire, intervalsToCome, longestInterval } from "./schedule-times.ts";

const scheduleOf = (schedule: Schedule) => {
  const times = timesOf(graphScheduleOf(schedule, (mistake) => expect.unreachable(mistake)));
  return times ?? expect.unreachable("a schedule by time");
};
const short = (moment: Date | null) => moment?.toISOString().replace(":00.000Z", "Z");
const toCome = (schedule: Schedule, after: string, count: number) =>
  intervalsToCome(scheduleOf(schedule), new Date(after), count).map(
    ({ start, end }) => `${short(start)} → ${short(end)}`,
  );

describe("the intervals to come", () => {
  it("begin behind one another and fire when they end", () => {
    expect(toCome(cron("@daily"), "2026-05-04T10:00:00Z", 2)).toEqual([
      "2026-05-04T00:00Z → 2026-05-05T00:00Z",
      "2026-05-05T00:00Z → 2026-05-06T00:00Z",
    ]);
  });

  it("in spring and autumn: as many fires as intervals", () => {
    const two = cron("0 2 * * *", { timezone: "Europe/Berlin" });
    expect(toCome(two, "2026-03-28T12:00:00Z", 2)).toEqual([
      "2026-03-28T01:00Z → 2026-03-30T00:00Z",
      "2026-03-30T00:00Z → 2026-03-31T00:00Z",
    ]);
    expect(toCome(two, "2026-10-24T12:00:00Z", 2)).toEqual([
      "2026-10-24T00:00Z → 2026-10-25T01:00Z",
      "2026-10-25T01:00Z → 2026-10-26T01:00Z",
    ]);
    // The hour that comes twice is one; the one that is left out is none.
    const hourly = cron("@hourly", { timezone: "Europe/Berlin" });
    expect(toCome(hourly, "2026-10-24T21:59:00Z", 24).at(-1)).toBe("2026-10-25T21:00Z → 2026-10-25T22:00Z");
    expect(toCome(hourly, "2026-03-28T22:59:00Z", 24).at(-1)).toBe("2026-03-29T21:00Z → 2026-03-29T22:00Z");
  });

  it("lie within start and end", () => {
    const bounded = cron("@daily", { start: "2026-05-01T12:00:00Z", end: "2026-05-05" });
    expect(toCome(bounded, "2020-01-01", 10)).toEqual([
      "2026-05-02T00:00Z → 2026-05-03T00:00Z",
      "2026-05-03T00:00Z → 2026-05-04T00:00Z",
      "2026-05-04T00:00Z → 2026-05-05T00:00Z",
    ]);
    expect(short(firstFire(scheduleOf(bounded)))).toBe("2026-05-03T00:00Z");
    expect(toCome(bounded, "2026-05-05", 10)).toEqual([]);
  });

  it("of several crons and of periods with an offset", () => {
    expect(toCome(cron(["0 6 * * *", "30 18 * * *"]), "2026-05-04T10:00:00Z", 2)).toEqual([
      "2026-05-04T06:00Z → 2026-05-04T18:30Z",
      "2026-05-04T18:30Z → 2026-05-05T06:00Z",
    ]);
    expect(toCome(every("6h", { offset: "1h" }), "2026-05-04T10:00:00Z", 1)).toEqual([
      "2026-05-04T07:00Z → 2026-05-04T13:00Z",
    ]);
  });
});

it("the longest interval of a schedule, and how often it has fired since", () => {
  const workdays = scheduleOf(cron("0 9 * * 1-5"));
  expect(longestInterval(workdays)).toBe(72 * 3_600_000);
  expect(firesSince(workdays, new Date("2026-05-01T09:00:00Z"), new Date("2026-05-06T10:00:00Z"), 10)).toBe(3);
  expect(firesSince(workdays, new Date("2026-05-01T09:00:00Z"), new Date("2026-05-06T10:00:00Z"), 2)).toBe(2);
});

describe("the launch of a fire", () => {
  const dag = (catchup: boolean | { limit: number }, timezone = "UTC") =>
    defineDag({ id: "d", schedule: cron("0 2 * * *", { timezone }), catchup }, () => ({}));
  const launch = (of: ReturnType<typeof dag>, fire: string, now: string, busyUntil?: string) =>
    launchFor(of, {
      ...{ firedFor: new Date(fire), now: new Date(now) },
      busyUntil: busyUntil === undefined ? undefined : new Date(busyUntil),
    });

  it("is the run of the interval that ends with it", () => {
    expect(launch(dag(false), "2026-05-04T02:00:00Z", "2026-05-04T02:00:01Z")).toEqual({
      runId: "d/2026-05-03T02:00:00Z",
      logicalDate: "2026-05-03T02:00:00Z",
      dataInterval: { start: "2026-05-03T02:00:00Z", end: "2026-05-04T02:00:00Z" },
    });
    const berlin = dag(false, "Europe/Berlin");
    expect(launch(berlin, "2026-10-25T01:00:00Z", "2026-10-25T01:00:00Z")?.runId).toBe("d/2026-10-24T00:00:00Z");
    expect(launch(berlin, "2026-03-30T00:00:00Z", "2026-03-30T00:00:00Z")?.runId).toBe("d/2026-03-28T01:00:00Z");
  });

  it("is none when the schedule does not fire then: somebody has triggered it", () => {
    expect(launch(dag(false), "2026-05-04T02:00:01Z", "2026-05-04T02:00:01Z")).toBeNull();
    expect(
      launchFor(
        defineDag({ id: "d" }, () => ({})),
        { firedFor: new Date(), now: new Date() },
      ),
    ).toBeNull();
  });

  it("goes by the schedule that fired, whatever the code says by now", () => {
    const fire = { firedFor: new Date("2026-05-04T05:00:00Z"), now: new Date("2026-05-04T05:00:00Z") };
    expect(launchFor(dag(false), fire)).toBeNull();
    const former = scheduleOf(cron("0 5 * * *"));
    expect(launchFor(dag(false), { ...fire, schedule: former })?.runId).toBe("d/2026-05-03T05:00:00Z");
  });

  it("is passed over when it is further behind than catchup makes up for", () => {
    const late = "2026-05-07T10:00:00Z";
    const passed = (catchup: boolean | { limit: number }) =>
      ["04", "05", "06", "07"].filter(
        (day) => launch(dag(catchup), `2026-05-${day}T02:00:00Z`, late)?.passedOver !== undefined,
      );
    expect(passed(false)).toEqual(["04", "05", "06"]);
    expect(passed({ limit: 2 })).toEqual(["04", "05"]);
    expect(passed(true)).toEqual([]);
  });

  it("is not passed over when it is less than a minute late, so that short intervals never starve", () => {
    const often = defineDag({ id: "often", schedule: every("2s") }, () => ({}));
    const late = (seconds: number) =>
      launchFor(often, { firedFor: new Date(60_000), now: new Date(60_000 + seconds * 1_000) })?.passedOver;
    expect(late(59)).toBeUndefined();
    expect(late(61)).toContain("the last interval");
  });

  it("is not passed over when it was put off by the former run", () => {
    const late = "2026-05-07T10:00:00Z";
    const putOff = (busyUntil: string) => launch(dag(false), "2026-05-05T02:00:00Z", late, busyUntil)?.passedOver;
    expect(putOff("2026-05-07T09:59:59Z")).toBeUndefined();
    expect(putOff("2026-05-05T01:00:00Z")).toContain("the last interval");
  });
});

describe("the dates of a backfill", () => {
  const dag = (schedule: Schedule | null) => defineDag({ id: "d", schedule }, () => ({})).graph;
  const now = new Date("2026-11-15T10:00:00Z");
  const dates = (schedule: Schedule | null, range: Omit<RangeOfDates, "now">) =>
    backfillDates(dag(schedule), { ...range, now });

  it("have both ends, in either order, in pages", () => {
    const range = { from: "2026-01-01", to: "2026-01-03" };
    const all = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"];
    expect(dates(cron("@daily"), range)).toEqual(all);
    expect(dates(cron("@daily"), { ...range, order: "backward" })).toEqual([...all].reverse());
    expect(dates(cron("@daily"), { ...range, after: "2026-01-01", limit: 1 })).toEqual(all.slice(1, 2));
    expect(dates(cron("@daily"), { ...range, order: "backward", after: all[1], limit: 5 })).toEqual(all.slice(0, 1));
  });

  it("count days of 23 and 25 hours once, and leave out wall times that are no more", () => {
    const berlin = (expression: string) => cron(expression, { timezone: "Europe/Berlin" });
    expect(dates(berlin("@daily"), { from: "2026-03-27", to: "2026-03-31" })).toHaveLength(4);
    expect(dates(berlin("@daily"), { from: "2026-10-23", to: "2026-10-27" })).toHaveLength(4);
    expect(dates(berlin("0 2 * * *"), { from: "2026-03-28", to: "2026-03-30" })).toEqual([
      "2026-03-28T01:00:00Z",
      "2026-03-30T00:00:00Z",
    ]);
  });

  it("leave out intervals that are not over", () => {
    expect(dates(cron("@daily"), { from: "2026-11-13", to: "2026-11-30" })).toEqual([
      "2026-11-13T00:00:00Z",
      "2026-11-14T00:00:00Z",
    ]);
    expect(dates(cron("@daily"), { from: "2026-11-13", to: "2026-11-30", order: "backward" })).toHaveLength(2);
  });

  it("are none without a schedule, upside down, or too many", () => {
    const code = "INVALID_BACKFILL";
    const refused = (schedule: Schedule | null, from: string, to: string) => () => dates(schedule, { from, to });
    expect(refused(null, "2026-01-01", "2026-01-02")).toThrowError(expect.objectContaining({ code, field: "dag" }));
    expect(refused(cron("@daily"), "2026-01-02", "2026-01-01")).toThrowError(
      expect.objectContaining({ code, field: "to" }),
    );
    expect(refused(every("1s"), "2026-01-01", "2026-02-01")).toThrowError(expect.objectContaining({ code }));
  });

  it.each([
    ["missing", [true, false, false, false, true]],
    ["failed", [true, false, true, true, true]],
    ["all", [true, true, true, true, true]],
  ] as const)("with %s", (reprocess, expected) => {
    const states = [null, "success", "failed", "cancelled", "running"] as const;
    expect(states.map((state) => isToRun(reprocess, state))).toEqual(expected);
  });
});
