import { type DagGraph, timesOf } from "../core/graph.ts";
import type { RunState } from "../core/state.ts";
import { BackfillRangeError } from "./errors.ts";
import { normalMoment, parseLogicalDate } from "./logical-date.ts";
import { intervalsWithin, type RangeOrder } from "./schedule-times.ts";

/** Most runs of one backfill. */
export const MOST_BACKFILL_DATES = 50_000;

/** A range of logical dates to backfill. */
export interface RangeOfDates {
  /** First and last logical date: a day, or an ISO-8601 moment. A day means its midnight in UTC. */
  readonly from: string;
  readonly to: string;
  /** @default "forward" */
  readonly order?: RangeOrder;
  /** Intervals that are not over at this moment are left out. */
  readonly now: Date;
  /** Begin behind this date, in the order asked for. */
  readonly after?: string | undefined;
  /** How many at most. @default all */
  readonly limit?: number;
}

/**
 * The logical dates of a range by a DAG's schedule, whatever its `start` and `end` say: both ends included.
 *
 * @throws BackfillRangeError when the DAG has no schedule, the range is upside down, or holds more than 50,000 dates
 * @throws InvalidLogicalDateError
 */
export function backfillDates(graph: Pick<DagGraph, "dagId" | "schedule">, range: RangeOfDates): string[] {
  const { dagId: id } = graph;
  const schedule = timesOf(graph.schedule);
  const { now, order = "forward", after, limit = MOST_BACKFILL_DATES + 1 } = range;
  if (schedule === null)
    throw new BackfillRangeError(
      "dag",
      `DAG "${id}" has no schedule by time: it has no logical dates to backfill`,
      START_IT,
    );
  const { from, to } = checkedRange(range);
  const found = intervalsWithin(schedule, {
    ...{ from, to, endsBy: now, order, limit },
    after: after === undefined ? undefined : parseLogicalDate(after),
  });
  if (found.length > MOST_BACKFILL_DATES) {
    const message = `The range has more than ${MOST_BACKFILL_DATES} logical dates by the schedule of "${id}"`;
    throw new BackfillRangeError("to", message, "Make several backfills of it.");
  }
  return found.map(({ start }) => normalMoment(start));
}

/**
 * Both ends of a range.
 * @throws BackfillRangeError, InvalidLogicalDateError
 */
export function checkedRange({ from, to }: Pick<RangeOfDates, "from" | "to">): { from: Date; to: Date } {
  const range = { from: parseLogicalDate(from), to: parseLogicalDate(to) };
  if (range.to < range.from)
    throw new BackfillRangeError("to", `The range ends at ${to}, before it begins at ${from}`, "Exchange the two.");
  return range;
}

/** Whether a backfill runs a date whose run is in this state; null: there is none. Temporal has the last word. */
export function isToRun(reprocess: "missing" | "failed" | "all", state: RunState | null): boolean {
  if (state === null || reprocess === "all") return true;
  // What the store saw running may be lost: Temporal knows.
  if (state === "queued" || state === "running" || state === "paused") return true;
  return reprocess === "failed" && state !== "success";
}

const START_IT = "Start single runs of it: dagwright run DAG --logical-date D.";
