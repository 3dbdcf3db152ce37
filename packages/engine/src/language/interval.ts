import { Cron } from "croner";
import type { GraphSchedule, TimeSchedule } from "../core/graph.ts";
import { instantOf, offsetAt, wallAt } from "./wall-clock.ts";

/** A data interval: `start` inclusive, `end` exclusive. A run for an interval starts when it ends. */
export interface Interval {
  readonly start: Date;
  readonly end: Date;
}

/**
 * The data interval of a logical date: it starts at the latest fire at or before the date and ends at the next fire.
 * So a date between two fires belongs to the interval around it. Without a schedule by time, start and end are the date itself.
 */
export function dataIntervalFor(schedule: GraphSchedule | null, logicalDate: Date): Interval {
  if (schedule === null || schedule.kind === "assets") return { start: logicalDate, end: logicalDate };
  const start = fireAtOrBefore(schedule, logicalDate.getTime());
  return { start: new Date(start), end: new Date(fireAfter(schedule, start)) };
}

/** The interval that ends when a schedule fires; a moment between two fires counts for the one before it (jitter). */
export function intervalEndingAt(schedule: GraphSchedule, fireTime: Date): Interval {
  if (schedule.kind === "assets") return { start: fireTime, end: fireTime };
  const end = repeatedFire(schedule, fireTime.getTime()) ?? fireAtOrBefore(schedule, fireTime.getTime());
  return { start: new Date(fireAtOrBefore(schedule, end - 1)), end: new Date(end) };
}

/** The last interval that is over at `now`. Without a schedule by time, start and end are `now`. */
export function lastCompleteInterval(schedule: GraphSchedule | null, now: Date): Interval {
  if (schedule === null || schedule.kind === "assets") return { start: now, end: now };
  const end = fireAtOrBefore(schedule, now.getTime());
  return { start: new Date(fireAtOrBefore(schedule, end - 1)), end: new Date(end) };
}

/** How far around a change of clocks a wall time may fire at another instant than the one at hand shows. */
const AROUND_CHANGE = 4 * 3_600_000;

/** Whether a schedule fires at a moment; of a wall time that clocks show twice, at either of the two. */
export function isFire(schedule: TimeSchedule, moment: Date): boolean {
  const at = moment.getTime();
  return fireAtOrBefore(schedule, at) === at || repeatedFire(schedule, at) !== null;
}

/** The first fire after a moment, whatever `start` and `end` say; infinite when there is none. In milliseconds. */
export function fireAfter(schedule: TimeSchedule, moment: number): number {
  if (schedule.kind === "every") {
    const { everyMs, offsetMs } = schedule;
    return (Math.floor((moment - offsetMs) / everyMs) + 1) * everyMs + offsetMs;
  }
  const { timezone } = schedule;
  const from = wallAt(moment, timezone) - slack(moment, timezone);
  return Math.min(
    ...patterns(schedule).map((pattern) => {
      for (let wall = pattern.nextRun(new Date(from)); wall !== null; wall = pattern.nextRun(wall)) {
        const instant = instantOf(wall.getTime(), timezone);
        if (instant !== null && instant > moment) return instant;
      }
      return Number.POSITIVE_INFINITY;
    }),
  );
}

/** The last fire at or before a moment, whatever `start` and `end` say. In milliseconds. */
export function fireAtOrBefore(schedule: TimeSchedule, moment: number): number {
  if (schedule.kind === "every") {
    const { everyMs, offsetMs } = schedule;
    return Math.floor((moment - offsetMs) / everyMs) * everyMs + offsetMs;
  }
  const { timezone } = schedule;
  // `previousRuns` looks strictly before its reference.
  const from = wallAt(moment, timezone) + slack(moment, timezone) + 1_000;
  return Math.max(
    ...patterns(schedule).map((pattern) => {
      for (
        let [wall] = pattern.previousRuns(1, new Date(from));
        wall !== undefined;
        [wall] = pattern.previousRuns(1, wall)
      ) {
        const instant = instantOf(wall.getTime(), timezone);
        if (instant !== null && instant <= moment) return instant;
      }
      return Number.NEGATIVE_INFINITY;
    }),
  );
}

/**
 * Where an hour is repeated, Temporal fires schedules with a wildcard hour at the other instant of a wall time than those
 * with a fixed hour. Both mean the same fire: the one of the wall time.
 */
function repeatedFire(schedule: TimeSchedule, moment: number): number | null {
  if (schedule.kind === "every" || slack(moment, schedule.timezone) === 0) return null;
  const wall = wallAt(moment, schedule.timezone);
  const hit = patterns(schedule).some((pattern) => pattern.nextRun(new Date(wall - 1_000))?.getTime() === wall);
  return hit ? instantOf(wall, schedule.timezone) : null;
}

function slack(moment: number, timezone: string): number {
  if (timezone === "UTC") return 0;
  return offsetAt(moment - AROUND_CHANGE, timezone) === offsetAt(moment + AROUND_CHANGE, timezone) ? 0 : AROUND_CHANGE;
}

/** The expressions as patterns over wall times: UTC has no daylight saving to get in the way. */
function patterns(schedule: Extract<TimeSchedule, { kind: "cron" }>): Cron[] {
  return schedule.expressions.map((expression) => {
    const known = PATTERNS.get(expression) ?? new Cron(expression, { timezone: "UTC" });
    PATTERNS.set(expression, known);
    return known;
  });
}

/** Reading an expression takes longer than finding its next fire. */
const PATTERNS = new Map<string, Cron>();
