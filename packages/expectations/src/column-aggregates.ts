import {
  fits,
  inRange,
  isComparable,
  isMissing,
  literal,
  numberOf,
  numeric,
  type Range,
  readNumber,
  told,
  written,
} from "./cells.ts";
import { type Column, columnOf, isNumeric, isTemporal } from "./column-types.ts";
import { conditionOf } from "./conditions.ts";
import { type Ask, and, countOf, isoOf, number, type Plan, ROWS, scopeOf, table, valuesOf } from "./plan.ts";
import type { RowCondition } from "./row-condition.ts";
import { type Fragment, identifier, perDialect, type Scalar, sql, text } from "./sql.ts";

/** Arguments that every expectation about a column as a whole has. */
export interface AggregateArguments {
  readonly column: string;
  readonly row_condition?: RowCondition | undefined;
}

/** The rows whose value is there and that meet the row condition. */
export function presentRows(kwargs: AggregateArguments, columns: readonly Column[]): Fragment {
  return scopeOf(kwargs, columns).kept;
}

/** A number as pandas computes it over the values that are there: deviation of a sample, median of the middle two. */
const STATISTICS = { mean: "avg", median: "median", stdev: "stddev_samp", sum: "sum" } as const;

/** From here on a number's square, and with it a deviation, may be beyond what is finite. */
const VAST = 1e150;

/** Standard deviation of a sample; of infinite values there is none, and of vast ones it is infinite. */
export function deviationOf(column: Column, where: Fragment): Fragment {
  const value = numberOf(column);
  if (column.family !== "float") return sql`stddev_samp(${value}) FILTER (WHERE ${where})`;
  const size = sql`CASE WHEN ${where} THEN abs(${value}) END`;
  const greatest = sql`coalesce(max(${size}), 0)`;
  // A filter would part the rows once more: cases make nulls, which the aggregates pass over.
  const finite = sql`stddev_samp(CASE WHEN ${where} AND abs(${value}) < ${VAST} THEN ${value} END)`;
  const infinity = sql`CAST('Infinity' AS DOUBLE)`;
  return sql`CASE WHEN ${greatest} < ${VAST} THEN ${finite} WHEN ${greatest} < ${infinity} THEN ${infinity} END`;
}

/** Mean, median, standard deviation or sum in a range; of no values only the sum exists, and is 0. */
export function statisticBetween(
  statistic: keyof typeof STATISTICS,
  kwargs: AggregateArguments & Range,
  columns: readonly Column[],
): Plan {
  const column = columnOf(columns, kwargs.column);
  if (!isNumeric(column.family) && column.family !== "boolean") return ofNothing(kwargs, columns, numeric);
  const value = numberOf(column);
  const present = presentRows(kwargs, columns);
  const found =
    statistic === "stdev"
      ? deviationOf(column, present)
      : sql`${text(STATISTICS[statistic])}(${value}) FILTER (WHERE ${present})`;
  const ask = { over: ROWS, value: written(statistic === "sum" ? sql`coalesce(${found}, 0)` : found) };
  return numberBetween([ask], ([only]) => readNumber(only), kwargs);
}

/** Of a column of another kind nothing can be told, unless it holds nothing: then there is no value, and that fails. */
function ofNothing(kwargs: AggregateArguments, columns: readonly Column[], refuse: (column: Column) => unknown): Plan {
  return {
    asks: [countOf(presentRows(kwargs, columns))],
    judge: ({ values: [present] }) => {
      if (number(present) > 0) refuse(columnOf(columns, kwargs.column));
      return table(false, null);
    },
  };
}

/** Least or greatest value in a range: numbers, text, moments, or yes and no as 1 and 0. */
export function extremeBetween(
  extreme: "min" | "max",
  kwargs: AggregateArguments & Range,
  columns: readonly Column[],
): Plan {
  const column = columnOf(columns, kwargs.column);
  const present = presentRows(kwargs, columns);
  if (column.family === "boolean") {
    const ask = { over: ROWS, value: sql`${text(extreme)}(${numberOf(column)}) FILTER (WHERE ${present})` };
    return {
      asks: [ask],
      judge: ({ values: [found] }) =>
        typeof found === "number" ? table(fits(found, kwargs), found === 1) : table(false, null),
    };
  }
  const bounds = [kwargs.min_value, kwargs.max_value].filter((bound) => bound !== null && bound !== undefined);
  if (bounds.some((bound) => !isComparable(column, bound))) {
    return ofNothing(kwargs, columns, () => bounds.map((bound) => literal(column, bound)));
  }
  const value = sql`${text(extreme)}(${identifier(column.name)}) FILTER (WHERE ${present})`;
  const within = sql`CAST(coalesce(${inRange(value, kwargs, (bound) => literal(column, bound))} AND ${value} IS NOT NULL, false) AS INTEGER)`;
  const temporal = isTemporal(column.family);
  const isFloat = column.family === "float";
  return {
    asks: [
      { over: ROWS, value: temporal ? epochMicros(value) : isFloat ? written(value) : value },
      { over: ROWS, value: within },
    ],
    judge: ({ values: [found, fit] }) => {
      const nothing = found === null || found === undefined;
      // A moment without a zone, as the reference writes it.
      const observed = nothing ? null : temporal ? momentOf(found) : isFloat ? told(readNumber(found)) : found;
      return table(number(fit) === 1, observed);
    },
  };
}

/** A date or moment as microseconds since 1970. */
export function epochMicros(value: Fragment): Fragment {
  return perDialect({
    duckdb: sql`epoch_us(CAST(${value} AS TIMESTAMP))`,
    spark: sql`unix_micros(CAST(${value} AS TIMESTAMP))`,
  });
}

function momentOf(micros: Scalar): string {
  return isoOf(Math.floor(number(micros) / 1000)).replace(/(\.000)?Z$/, "");
}

/** Number of different values in a range. */
export function uniqueCountBetween(kwargs: AggregateArguments & Range, columns: readonly Column[]): Plan {
  return numberBetween([distinctCount(kwargs, columns)], ([count]) => number(count ?? 0), kwargs);
}

/** Different values as a share of the values that are there; 0 of none. */
export function uniqueShareBetween(kwargs: AggregateArguments & Range, columns: readonly Column[]): Plan {
  return numberBetween([distinctCount(kwargs, columns), countOf(presentRows(kwargs, columns))], shareOf, kwargs);
}

/** Values that are there as a share of the rows; 0 of none. */
export function presentShareBetween(kwargs: AggregateArguments & Range, columns: readonly Column[]): Plan {
  const where = conditionOf(kwargs.row_condition, columns);
  const present = and(where, sql`NOT ${isMissing(columnOf(columns, kwargs.column))}`);
  return numberBetween([countOf(present), countOf(where)], shareOf, kwargs);
}

/** The groups of a column are what other expectations about its values ask for too. */
function distinctCount(kwargs: AggregateArguments, columns: readonly Column[]): Ask {
  const over = valuesOf(columnOf(columns, kwargs.column), presentRows(kwargs, columns));
  return { over, value: text("count(*)") };
}

function shareOf([part, whole]: readonly Scalar[]): number {
  return number(whole) === 0 ? 0 : number(part) / number(whole);
}

/** A number that some aggregates make, against a range; no number fails. */
export function numberBetween(
  asks: readonly Ask[],
  value: (values: readonly Scalar[]) => number | null,
  range: Range,
): Plan {
  return {
    asks,
    judge: ({ values }) => {
      const found = value(values);
      return table(found !== null && fits(found, range), told(found));
    },
  };
}
