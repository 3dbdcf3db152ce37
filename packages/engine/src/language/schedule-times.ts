import type { TimeSchedule } from "../core/graph.ts";
import { fireAfter, fireAtOrBefore, type Interval } from "./interval.ts";

/** How many intervals are looked at for the longest one. */
const LENGTHS_COMPARED = 100;

/** A moment from which lengths are measured: the same whenever it is done. */
const REFERENCE = Date.parse("2001-01-01T00:00:00Z");

/** In which order the intervals of a range come. */
export type RangeOrder = "forward" | "backward";

/** Some of the intervals of a range. */
export interface IntervalRange {
  /** First and last moment at which an interval may begin. */
  readonly from: Date;
  readonly to: Date;
  /** Last moment at which it may end. @default no bound */
  readonly endsBy?: Date;
  /** @default "forward" */
  readonly order?: RangeOrder;
  /** Begin behind the interval that begins here, in the order asked for. */
  readonly after?: Date | undefined;
  /** How many at most. */
  readonly limit: number;
}

/** The intervals whose runs a schedule starts after a moment, the first first; within its `start` and `end`. */
export function intervalsToCome(schedule: TimeSchedule, after: Date, count: number): Interval[] {
  const found: Interval[] = [];
  const first = firstFire(schedule)?.getTime() ?? Number.NEGATIVE_INFINITY;
  const last = schedule.end === undefined ? Number.POSITIVE_INFINITY : Date.parse(schedule.end);
  let end = fireAfter(schedule, Math.max(after.getTime(), first - 1));
  while (found.length < count && Number.isFinite(end) && end <= last) {
    found.push({ start: new Date(fireAtOrBefore(schedule, end - 1)), end: new Date(end) });
    end = fireAfter(schedule, end);
  }
  return found;
}

/** The intervals that begin within a range, whatever the schedule's `start` and `end` say. */
export function intervalsWithin(schedule: TimeSchedule, range: IntervalRange): Interval[] {
  const { from, to, endsBy, order = "forward", after, limit } = range;
  const found: Interval[] = [];
  const add = (start: number): boolean => {
    const end = fireAfter(schedule, start);
    const over = Number.isFinite(end) && (endsBy === undefined || end <= endsBy.getTime());
    if (over) found.push({ start: new Date(start), end: new Date(end) });
    return over;
  };
  if (order === "backward") {
    const last = Math.min(to.getTime(), endsBy?.getTime() ?? Number.POSITIVE_INFINITY);
    let start = fireAtOrBefore(schedule, after === undefined ? last : after.getTime() - 1);
    for (; found.length < limit && start >= from.getTime(); start = fireAtOrBefore(schedule, start - 1)) add(start);
    return found;
  }
  let start = fireAfter(schedule, after === undefined ? from.getTime() - 1 : after.getTime());
  while (found.length < limit && start <= to.getTime() && add(start)) start = fireAfter(schedule, start);
  return found;
}

/** How many times a schedule has fired since a fire of its, at `now`; counted no further than `most`. */
export function firesSince(schedule: TimeSchedule, fire: Date, now: Date, most: number): number {
  let count = 0;
  for (let next = fireAfter(schedule, fire.getTime()); count < most && next <= now.getTime(); count += 1)
    next = fireAfter(schedule, next);
  return count;
}

/** When a schedule with a `start` fires first: at the end of the first interval that begins at or after it. */
export function firstFire(schedule: TimeSchedule): Date | null {
  if (schedule.start === undefined) return null;
  const begin = fireAfter(schedule, Date.parse(schedule.start) - 1);
  const end = fireAfter(schedule, begin);
  return Number.isFinite(end) ? new Date(end) : null;
}

/** The longest interval of a schedule, in milliseconds: of a hundred in a row. */
export function longestInterval(schedule: TimeSchedule): number {
  let longest = 0;
  let fire = fireAfter(schedule, REFERENCE);
  for (let i = 0; i < LENGTHS_COMPARED && Number.isFinite(fire); i += 1) {
    const next = fireAfter(schedule, fire);
    if (Number.isFinite(next)) longest = Math.max(longest, next - fire);
    fire = next;
  }
  return longest;
}
