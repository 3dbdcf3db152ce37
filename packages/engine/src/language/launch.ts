import { type TimeSchedule, timesOf } from "../core/graph.ts";
import { catchupRule } from "./catchup.ts";
import type { Dag } from "./dag-definition.ts";
import { intervalEndingAt, isFire } from "./interval.ts";
import { normalMoment, workflowIdFor } from "./logical-date.ts";
import { firesSince } from "./schedule-times.ts";

/** A run whose start comes this much later than it was due was missed, in milliseconds; below, workers were only busy. */
const MISSED_AFTER_MS = 60_000;

/** The run that a fire of a schedule stands for. */
export interface Launch {
  readonly runId: string;
  readonly logicalDate: string;
  readonly dataInterval: { readonly start: string; readonly end: string };
  /** Why it is not started: it is further behind than the DAG's `catchup` makes up for. */
  readonly passedOver?: string;
}

/** A fire of a schedule. */
export interface Fire {
  readonly firedFor: Date;
  readonly now: Date;
  /** When the last run of the schedule ended: what became due before was put off by it, not missed. */
  readonly busyUntil?: Date | undefined;
  /** The schedule as the server has it: the code may be older or newer. @default the code's */
  readonly schedule?: TimeSchedule | undefined;
}

/**
 * What the fire of a DAG's schedule asks for; null when it is none of its fires: somebody has triggered it by hand.
 */
export function launchFor(
  { id, graph, options }: Dag,
  { firedFor, now, busyUntil, schedule = timesOf(graph.schedule) ?? undefined }: Fire,
): Launch | null {
  if (schedule === undefined || !isFire(schedule, firedFor)) return null;
  const { start, end } = intervalEndingAt(schedule, firedFor);
  const dataInterval = { start: normalMoment(start), end: normalMoment(end) };
  const launch = { runId: workflowIdFor(id, start), logicalDate: dataInterval.start, dataInterval };
  const { limit } = catchupRule(options.catchup);
  const putOff = busyUntil !== undefined && busyUntil.getTime() > firedFor.getTime();
  const inTime = now.getTime() - firedFor.getTime() < MISSED_AFTER_MS;
  if (limit === null || inTime || putOff || firesSince(schedule, end, now, limit) < limit) return launch;
  const kept = limit === 1 ? "the last interval" : `the last ${limit} intervals`;
  return { ...launch, passedOver: `It was missed, and later ones are over: catchup makes up for ${kept}` };
}
