import { type Column, familyOf, isTemporal } from "./column-types.ts";
import {
  columnOf,
  countIf,
  type IntervalMs,
  isoOf,
  moment,
  NotEvaluableError,
  number,
  type Plan,
  tableOutcome,
} from "./plan.ts";
import { identifier, sql } from "./sql.ts";

const DAY_MS = 86_400_000;

export function maxWithinInterval(column: Column, interval: IntervalMs): Plan {
  return {
    aggregates: [sql`epoch_us(max(${identifier(column.name)}))`],
    judge: ([newest]) => {
      if (newest === null || newest === undefined) return tableOutcome(false, null);
      const ms = number(newest) / 1000;
      return tableOutcome(ms >= interval.start && ms < interval.end, isoOf(Math.floor(ms)));
    },
  };
}

export function nearTrailingMean(
  column: Column,
  interval: IntervalMs,
  { trailingDays, minFactor, maxFactor }: { trailingDays: number; minFactor: number; maxFactor: number },
): Plan {
  const name = identifier(column.name);
  const windowStart = interval.start - trailingDays * DAY_MS;
  const at = (ms: number) => moment(column, isoOf(ms));
  return {
    aggregates: [
      countIf(sql`${name} >= ${at(interval.start)} AND ${name} < ${at(interval.end)}`),
      countIf(sql`${name} >= ${at(windowStart)} AND ${name} < ${at(interval.start)}`),
      sql`epoch_us(min(${name}))`,
    ],
    judge: ([inInterval, before, first]) => {
      const rows = number(inInterval);
      const firstMs = first === null || first === undefined ? interval.start : number(first) / 1000;
      const days = Math.ceil((interval.start - Math.max(windowStart, firstMs)) / DAY_MS);
      if (days <= 0) return tableOutcome(true, { rows, trailingMeanPerDay: null });
      const mean = number(before) / days;
      const usual = mean * ((interval.end - interval.start) / DAY_MS);
      return tableOutcome(rows >= minFactor * usual && rows <= maxFactor * usual, {
        rows,
        trailingMeanPerDay: mean,
        trailingDays: days,
      });
    },
  };
}

export function temporalColumn(columns: readonly Column[], name: string): Column {
  const column = columnOf(columns, name);
  if (isTemporal(familyOf(column.type))) return column;
  throw new NotEvaluableError(`Column "${name}" holds ${column.type}; a date or timestamp is needed`);
}

export function needInterval(interval: IntervalMs | null): IntervalMs {
  if (interval !== null) return interval;
  throw new NotEvaluableError("This expectation is about a data interval, and the validation was given none");
}
