import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { GraphSchedule } from "../core/graph.ts";
import { dataIntervalFor, type Interval, intervalEndingAt, lastCompleteInterval } from "./interval.ts";
import { cron, every, graphScheduleOf, type Schedule } from "./schedule.ts";

function scheduleOf(schedule: Schedule): GraphSchedule {
  return graphScheduleOf(schedule, (mistake) => expect.unreachable(mistake));
}
const berlin = (expression: string) => scheduleOf(cron(expression, { timezone: "Europe/Berlin" }));
const text = ({ start, end }: Interval) =>
  [start, end].map((moment) => moment.toISOString().replace(":00.000Z", "Z")).join(" → ");
const forDate = (schedule: GraphSchedule | null, date: string) => text(dataIntervalFor(schedule, new Date(date)));
const endingAt = (schedule: GraphSchedule, fire: string) => text(intervalEndingAt(schedule, new Date(fire)));

describe("data intervals", () => {
  const daily = scheduleOf(cron("@daily"));

  it("of a logical date start at the latest fire at or before it", () => {
    expect(forDate(daily, "1998-01-31T00:00:00Z")).toBe("1998-01-31T00:00Z → 1998-02-01T00:00Z");
    expect(forDate(daily, "1998-01-31T17:30:00Z")).toBe("1998-01-31T00:00Z → 1998-02-01T00:00Z");
  });

  it("end when the schedule fires, and a late moment counts for the fire before it", () => {
    expect(endingAt(daily, "1998-02-01T00:00:00Z")).toBe("1998-01-31T00:00Z → 1998-02-01T00:00Z");
    expect(endingAt(daily, "1998-02-01T00:00:07Z")).toBe("1998-01-31T00:00Z → 1998-02-01T00:00Z");
  });

  it("are over before now when they are the last complete one", () => {
    expect(text(lastCompleteInterval(daily, new Date("1998-02-01T00:00:00Z")))).toBe(
      "1998-01-31T00:00Z → 1998-02-01T00:00Z",
    );
    expect(text(lastCompleteInterval(daily, new Date("1998-01-31T23:59:59Z")))).toBe(
      "1998-01-30T00:00Z → 1998-01-31T00:00Z",
    );
  });

  it("have no length without a schedule", () => {
    expect(forDate(null, "1998-01-31T17:30:00Z")).toBe("1998-01-31T17:30Z → 1998-01-31T17:30Z");
  });

  it("of several expressions run from one fire to the next of any", () => {
    const twice = scheduleOf(cron(["0 6 * * *", "30 18 * * *"]));
    expect(forDate(twice, "2026-05-01T12:00:00Z")).toBe("2026-05-01T06:00Z → 2026-05-01T18:30Z");
  });

  it("of every(…) count from 1970, with their offset", () => {
    const schedule = scheduleOf(every("6h", { offset: "1h" }));
    expect(forDate(schedule, "2026-05-01T06:59:00Z")).toBe("2026-05-01T01:00Z → 2026-05-01T07:00Z");
    expect(endingAt(schedule, "2026-05-01T07:00:00Z")).toBe("2026-05-01T01:00Z → 2026-05-01T07:00Z");
  });

  it("fall on wall times of the zone", () => {
    expect(forDate(berlin("0 0 * * *"), "2026-07-01T12:00:00Z")).toBe("2026-06-30T22:00Z → 2026-07-01T22:00Z");
    expect(forDate(berlin("0 0 * * *"), "2026-01-15T12:00:00Z")).toBe("2026-01-14T23:00Z → 2026-01-15T23:00Z");
  });
});

describe("daylight saving in Berlin", () => {
  // As Temporal fires: 02:00 on 25 October 2026 once, at 01:00Z.
  const two = berlin("0 2 * * *");

  it("25 October 2026, the hour that comes twice: one fire, one interval of 25 hours", () => {
    expect(endingAt(two, "2026-10-25T01:00:00Z")).toBe("2026-10-24T00:00Z → 2026-10-25T01:00Z");
    expect(forDate(two, "2026-10-24T00:00:00Z")).toBe("2026-10-24T00:00Z → 2026-10-25T01:00Z");
    expect(forDate(two, "2026-10-25T00:30:00Z")).toBe("2026-10-24T00:00Z → 2026-10-25T01:00Z");
    expect(forDate(two, "2026-10-25T01:00:00Z")).toBe("2026-10-25T01:00Z → 2026-10-26T01:00Z");
  });

  it("29 March 2026, the hour that is left out: no fire, one interval over both days", () => {
    expect(forDate(two, "2026-03-29T12:00:00Z")).toBe("2026-03-28T01:00Z → 2026-03-30T00:00Z");
    expect(endingAt(two, "2026-03-30T00:00:00Z")).toBe("2026-03-28T01:00Z → 2026-03-30T00:00Z");
  });

  it("midnight: days of 25 and of 23 hours", () => {
    const midnight = berlin("@daily");
    expect(forDate(midnight, "2026-10-25T12:00:00Z")).toBe("2026-10-24T22:00Z → 2026-10-25T23:00Z");
    expect(forDate(midnight, "2026-03-29T12:00:00Z")).toBe("2026-03-28T23:00Z → 2026-03-29T22:00Z");
  });

  it("hourly: the repeated hour is one interval of two hours, whichever copy of it fires", () => {
    const hourly = berlin("@hourly");
    for (const fire of ["2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"]) {
      expect(endingAt(hourly, fire)).toBe("2026-10-24T23:00Z → 2026-10-25T01:00Z");
    }
    expect(forDate(hourly, "2026-03-29T00:30:00Z")).toBe("2026-03-29T00:00Z → 2026-03-29T01:00Z");
  });

  it("New York, where Temporal takes the first copy", () => {
    const schedule = scheduleOf(cron("30 1 * * *", { timezone: "America/New_York" }));
    expect(forDate(schedule, "2026-11-01T12:00:00Z")).toBe("2026-11-01T05:30Z → 2026-11-02T06:30Z");
  });
});

it("intervals tile time: no hole, no overlap, in any zone, around any change of clocks", () => {
  const expressions = fc.constantFrom(
    "0 2 * * *",
    "30 1 * * *",
    "@hourly",
    "*/20 * * * *",
    "0 3 * * 0",
    "15 0,2,14 * * *",
  );
  const zones = fc.constantFrom("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata");
  const aroundChange = fc.constantFrom(
    "2026-10-25",
    "2026-03-29",
    "2026-11-01",
    "2026-03-08",
    "2026-04-05",
    "2026-10-04",
    "2026-06-15",
  );
  fc.assert(
    fc.property(
      expressions,
      zones,
      aroundChange,
      fc.integer({ min: -2880, max: 2880 }),
      (expression, timezone, day, minutes) => {
        const schedule = scheduleOf(cron(expression, { timezone }));
        const date = new Date(Date.parse(day) + minutes * 60_000);
        const { start, end } = dataIntervalFor(schedule, date);
        expect(start.getTime()).toBeLessThanOrEqual(date.getTime());
        expect(end.getTime()).toBeGreaterThan(date.getTime());
        expect(dataIntervalFor(schedule, start)).toEqual({ start, end });
        expect(dataIntervalFor(schedule, end).start).toEqual(end);
        expect(intervalEndingAt(schedule, end)).toEqual({ start, end });
        expect(lastCompleteInterval(schedule, end)).toEqual({ start, end });
      },
    ),
    { numRuns: 300 },
  );
});
