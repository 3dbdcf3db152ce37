import { Cron } from "croner";
import type { GraphSchedule } from "../core/graph.ts";
import { type AssetExpression, checkedCondition } from "./asset.ts";
import { type Duration, millisecondsOf } from "./duration.ts";
import { isTimezone } from "./wall-clock.ts";

/** What happens when a run is due while the former one still runs. */
export type Overlap = "skip" | "buffer_one" | "buffer_all" | "allow_all" | "cancel_other" | "terminate_other";

export interface CronOptions {
  /** IANA name. A wall time that the clock shows twice fires once; one that it skips does not fire. @default "UTC" */
  readonly timezone?: string;
  /** Each start is put off by a random time up to this. @default 0 */
  readonly jitter?: Duration;
  /** @default "buffer_all" */
  readonly overlap?: Overlap;
  /** No fire before this moment. */
  readonly start?: string;
  /** No fire after this moment. */
  readonly end?: string;
}

/** When a DAG runs by itself, as written; `defineDag` checks it. */
export type Schedule =
  | ({ readonly kind: "cron"; readonly expressions: readonly string[] } & CronOptions)
  | { readonly kind: "every"; readonly interval: Duration; readonly offset: Duration }
  | { readonly kind: "assets"; readonly expression: AssetExpression };

/**
 * Runs at the times of one cron expression or of several (five fields, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`).
 *
 * @example cron("@daily", { timezone: "Europe/Berlin" })
 */
export function cron(expressions: string | readonly string[], options: CronOptions = {}): Schedule {
  return { kind: "cron", expressions: typeof expressions === "string" ? [expressions] : expressions, ...options };
}

/** Runs every so often, counted from 1970 (UTC), `offset` later. */
export function every(interval: Duration, options: { readonly offset?: Duration } = {}): Schedule {
  return { kind: "every", interval, offset: options.offset ?? 0 };
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

/** A schedule as the graph keeps it; what is wrong with it is reported to `mistake`. */
export function graphScheduleOf(schedule: Schedule, mistake: (message: string) => void): GraphSchedule {
  if (schedule.kind === "assets") return { kind: "assets", condition: checkedCondition(schedule.expression, mistake) };
  if (schedule.kind === "every") {
    const everyMs = millisecondsOf(schedule.interval);
    const offsetMs = millisecondsOf(schedule.offset);
    if (everyMs === null || everyMs < 1_000)
      mistake(`every(${JSON.stringify(schedule.interval)}): expected a duration of at least "1s"`);
    if (offsetMs === null)
      mistake(`every(…, { offset: ${JSON.stringify(schedule.offset)} }): expected a duration such as "5m"`);
    return { kind: "every", everyMs: everyMs ?? 60_000, offsetMs: offsetMs ?? 0 };
  }
  const { timezone = "UTC", jitter = 0, overlap = "buffer_all", start, end } = schedule;
  if (schedule.expressions.length === 0) mistake("cron([]): expected at least one expression");
  const expressions = schedule.expressions.map((expression) => FIVE_FIELDS[expression] ?? expression);
  if (!isTimezone(timezone)) {
    mistake(`cron timezone is ${JSON.stringify(timezone)}: expected an IANA name such as "Europe/Berlin"`);
  }
  for (const expression of expressions) {
    const problem = problemOf(expression);
    if (problem !== null) mistake(`cron expression ${JSON.stringify(expression)}: ${problem}`);
  }
  const jitterMs = millisecondsOf(jitter);
  if (jitterMs === null) mistake(`cron jitter is ${JSON.stringify(jitter)}: expected a duration such as "30s"`);
  for (const [name, moment] of Object.entries({ start, end })) {
    if (moment !== undefined && Number.isNaN(Date.parse(moment)))
      mistake(`cron ${name} is ${JSON.stringify(moment)}: expected an ISO-8601 date`);
  }
  return {
    kind: "cron",
    expressions,
    timezone,
    jitterMs: jitterMs ?? 0,
    overlap,
    ...(start === undefined ? {} : { start }),
    ...(end === undefined ? {} : { end }),
  };
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
