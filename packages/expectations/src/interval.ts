import { moment } from "./cells.ts";
import { epochMicros } from "./column-aggregates.ts";
import { type Column, columnOf, isTemporal } from "./column-types.ts";
import { NotEvaluableError } from "./errors.ts";
import { countOf, type IntervalMs, isoOf, number, type Plan, ROWS, table } from "./plan.ts";
import { type Fragment, identifier, sql } from "./sql.ts";

/** Rows dated before the interval's end, and rows without a date, which are for `not_be_null` to find. */
export function beforeEnd(column: Column, interval: IntervalMs): Fragment {
  const name = identifier(column.name);
  return sql`(${name} < ${moment(column, isoOf(interval.end))} OR ${name} IS NULL)`;
}

const DAY_MS = 86_400_000;

export function maxWithinInterval(column: Column, interval: IntervalMs): Plan {
  return {
    asks: [{ over: ROWS, value: epochMicros(sql`max(${identifier(column.name)})`) }],
    judge: ({ values: [newest] }) => {
      if (newest === null || newest === undefined) return table(false, null);
      const ms = number(newest) / 1000;
      return table(ms >= interval.start && ms < interval.end, isoOf(Math.floor(ms)));
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
    asks: [
      countOf(sql`${name} >= ${at(interval.start)} AND ${name} < ${at(interval.end)}`),
      countOf(sql`${name} >= ${at(windowStart)} AND ${name} < ${at(interval.start)}`),
      { over: ROWS, value: epochMicros(sql`min(${name})`) },
    ],
    judge: ({ values: [inInterval, before, first] }) => {
      const rows = number(inInterval);
      const firstMs = first === null || first === undefined ? interval.start : number(first) / 1000;
      const days = Math.ceil((interval.start - Math.max(windowStart, firstMs)) / DAY_MS);
      if (days <= 0) return table(true, { rows, trailingMeanPerDay: null });
      const mean = number(before) / days;
      const usual = mean * ((interval.end - interval.start) / DAY_MS);
      return table(rows >= minFactor * usual && rows <= maxFactor * usual, {
        rows,
        trailingMeanPerDay: mean,
        trailingDays: days,
      });
    },
  };
}

export function temporalColumn(columns: readonly Column[], name: string): Column {
  const column = columnOf(columns, name);
  if (isTemporal(column.family)) return column;
  throw new NotEvaluableError(`Column "${name}" holds ${column.type}; a date or timestamp is needed`);
}

export function needInterval(interval: IntervalMs | null): IntervalMs {
  if (interval !== null) return interval;
  throw new NotEvaluableError("This expectation is about a data interval, and the validation was given none");
}
