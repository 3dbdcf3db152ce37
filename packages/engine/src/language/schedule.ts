import { Cron } from "croner";
import { type GraphSchedule, OVERLAPS, type Overlap } from "../core/graph.ts";
import { type AssetExpression, checkedCondition } from "./asset.ts";
import { type Duration, millisecondsOf } from "./duration.ts";
import { checkNames, type Names } from "./known-options.ts";
import { isTimezone } from "./wall-clock.ts";

/** What every schedule may say besides its times. */
export interface ScheduleOptions {
  /** Each start is put off by a random time up to this; the data interval stays. @default 0 */
  readonly jitter?: Duration;
  /** What happens when a run is due while the former one still runs. @default "buffer_all" */
  readonly overlap?: Overlap;
  /** No interval that begins before this moment runs. */
  readonly start?: string;
  /** No interval that ends after this moment runs. */
  readonly end?: string;
}

export interface CronOptions extends ScheduleOptions {
  /** IANA name. A wall time that the clock shows twice fires once; one that it skips does not fire. @default "UTC" */
  readonly timezone?: string;
}

export interface EveryOptions extends ScheduleOptions {
  /** How much later than a whole number of periods since 1970. @default 0 */
  readonly offset?: Duration;
}

/** When a DAG runs by itself, as written; `defineDag` checks it. */
export type Schedule =
  | ({ readonly kind: "cron"; readonly expressions: readonly string[] } & CronOptions)
  | ({ readonly kind: "every"; readonly interval: Duration } & EveryOptions)
  | { readonly kind: "assets"; readonly expression: AssetExpression };

const SCHEDULE_NAMES: Names<ScheduleOptions> = { jitter: true, overlap: true, start: true, end: true };
const CRON_NAMES: Names<Extract<Schedule, { kind: "cron" }>> = {
  ...{ ...SCHEDULE_NAMES, timezone: true, kind: true, expressions: true },
};
const EVERY_NAMES: Names<Extract<Schedule, { kind: "every" }>> = {
  ...{ ...SCHEDULE_NAMES, offset: true, kind: true, interval: true },
};

type WrittenTimes = Exclude<Schedule, { kind: "assets" }>;

/**
 * Runs at the times of one cron expression or of several (five fields, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`).
 *
 * @example cron("@daily", { timezone: "Europe/Berlin" })
 */
export function cron(expressions: string | readonly string[], options: CronOptions = {}): Schedule {
  return { kind: "cron", expressions: typeof expressions === "string" ? [expressions] : expressions, ...options };
}

/**
 * Runs every so often, counted from 1970 (UTC), `offset` later.
 *
 * @example every("6h", { offset: "30m" })
 */
export function every(interval: Duration, options: EveryOptions = {}): Schedule {
  return { kind: "every", interval, ...options };
}

/**
 * Runs when assets have been updated: once for each event that makes the expression hold, with all events that have come
 * since the last run (`run.assetEvents`).
 *
 * @example onAssets(purchases.and(customers.or(accounts)))
 */
export function onAssets(expression: AssetExpression): Schedule {
  return { kind: "assets", expression };
}

const FIVE_FIELDS: Readonly<Record<string, string>> = {
  "@hourly": "0 * * * *",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@weekly": "0 0 * * 0",
  "@monthly": "0 0 1 * *",
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
};

/** Whether this is what `cron`, `every` or `onAssets` gave; what it is instead is told to `mistake`. */
export function isSchedule(written: unknown, mistake: (message: string) => void): written is Schedule {
  const { kind }: { readonly kind?: unknown } = Object(written);
  if (kind === "cron" || kind === "every" || kind === "assets") return true;
  const told = JSON.stringify(written)?.slice(0, 100);
  mistake(`it is ${told}: expected cron("@daily"), cron(["0 6 * * *", "0 18 * * *"]), every("6h") or onAssets(…)`);
  return false;
}

/** A schedule as the graph keeps it; what is wrong with it is reported to `mistake`. */
export function graphScheduleOf(schedule: Schedule, mistake: (message: string) => void): GraphSchedule {
  if (schedule.kind === "assets") return { kind: "assets", condition: checkedCondition(schedule.expression, mistake) };
  checkNames(schedule, schedule.kind === "every" ? EVERY_NAMES : CRON_NAMES, mistake);
  if (schedule.kind === "every") {
    const times = periodOf(schedule, mistake);
    const { jitterMs, overlap, bounds } = commonOf(schedule, mistake);
    return {
      ...times,
      ...(jitterMs > 0 ? { jitterMs } : {}),
      ...(overlap === undefined ? {} : { overlap }),
      ...bounds,
    };
  }
  const times = expressionsOf(schedule, mistake);
  const { jitterMs, overlap = "buffer_all", bounds } = commonOf(schedule, mistake);
  return { ...times, jitterMs, overlap, ...bounds };
}

function expressionsOf(
  { expressions: written, timezone = "UTC" }: Extract<Schedule, { kind: "cron" }>,
  mistake: (message: string) => void,
) {
  if (written.length === 0) mistake("cron([]): expected at least one expression");
  const expressions = written.map((expression) => FIVE_FIELDS[expression] ?? expression);
  if (!isTimezone(timezone)) {
    mistake(`cron timezone is ${JSON.stringify(timezone)}: expected an IANA name such as "Europe/Berlin"`);
  }
  for (const expression of expressions) {
    const problem = problemOf(expression);
    if (problem !== null) mistake(`cron expression ${JSON.stringify(expression)}: ${problem}`);
  }
  return { kind: "cron" as const, expressions, timezone };
}

function periodOf({ interval, offset = 0 }: Extract<Schedule, { kind: "every" }>, mistake: (message: string) => void) {
  const everyMs = millisecondsOf(interval);
  const offsetMs = millisecondsOf(offset);
  if (everyMs === null || everyMs < 1_000)
    mistake(`every(${JSON.stringify(interval)}): expected a duration of at least "1s"`);
  if (offsetMs === null) mistake(`every(…, { offset: ${JSON.stringify(offset)} }): expected a duration such as "5m"`);
  return { kind: "every" as const, everyMs: everyMs ?? 60_000, offsetMs: offsetMs ?? 0 };
}

function commonOf({ kind, jitter = 0, overlap, start, end }: WrittenTimes, mistake: (message: string) => void) {
  const jitterMs = millisecondsOf(jitter);
  if (jitterMs === null) mistake(`${kind} jitter is ${JSON.stringify(jitter)}: expected a duration such as "30s"`);
  if (overlap !== undefined && !OVERLAPS.includes(overlap))
    mistake(`${kind} overlap is ${JSON.stringify(overlap)}: expected one of ${OVERLAPS.join(", ")}`);
  const bounds = { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) };
  for (const [name, moment] of Object.entries(bounds)) {
    if (Number.isNaN(Date.parse(moment)))
      mistake(`${kind} ${name} is ${JSON.stringify(moment)}: expected an ISO-8601 date`);
  }
  if (start !== undefined && end !== undefined && Date.parse(end) <= Date.parse(start))
    mistake(`${kind} end is ${JSON.stringify(end)}: expected a moment after its start, ${JSON.stringify(start)}`);
  return { jitterMs: jitterMs ?? 0, overlap, bounds };
}

/** One part of a field: what Temporal and we read alike; no `L`, `W`, `#`, `?`. */
const PART = /^(\*|[a-z]{3}|\d+)(-([a-z]{3}|\d+))?(\/\d+)?$/i;

function problemOf(expression: string): string | null {
  const fields = expression.trim().split(/\s+/);
  if (fields.length !== 5) return "expected five fields (minute hour day month weekday) or a name such as @daily";
  const strange = fields.flatMap((field) => field.split(",")).find((part) => !PART.test(part));
  if (strange !== undefined)
    return `${JSON.stringify(strange)} is not understood: expected *, numbers, ranges, steps, lists, names`;
  if (fields[2] !== "*" && fields[4] !== "*") {
    return "day and weekday together mean different things to different crons: give one expression for each";
  }
  try {
    return new Cron(expression, { timezone: "UTC" }).nextRun() === null ? "never fires" : null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
