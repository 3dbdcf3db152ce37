import { type Column, isTemporal } from "./column-types.ts";
import { inRange, numericColumn, type Range } from "./column-values.ts";
import {
  and,
  columnOf,
  conditionOf,
  countIf,
  isMissing,
  isoOf,
  type Json,
  literal,
  number,
  type Plan,
  tableOutcome,
} from "./plan.ts";
import { type Fragment, identifier, sql, text } from "./sql.ts";
import type { RowCondition } from "./vocabulary.ts";

/** Arguments that every expectation about a column as a whole has. */
export interface AggregateArguments {
  readonly column: string;
  readonly row_condition?: RowCondition | undefined;
}

/** The rows whose value is there and that meet the row condition. */
export function presentRows(kwargs: AggregateArguments, columns: readonly Column[]): Fragment {
  const missing = isMissing(columnOf(columns, kwargs.column));
  return and(conditionOf(kwargs.row_condition, columns), sql`NOT ${missing}`);
}

/** A number as pandas computes it over the values that are there: deviation of a sample, median of the middle two. */
const STATISTICS = { mean: "avg", median: "median", stdev: "stddev_samp", sum: "sum" } as const;

/** Mean, median, standard deviation or sum in a range; of no values only the sum exists, and is 0. */
export function statisticBetween(
  statistic: keyof typeof STATISTICS,
  kwargs: AggregateArguments & Range,
  columns: readonly Column[],
): Plan {
  const column = numericColumn(columns, kwargs.column);
  const present = presentRows(kwargs, columns);
  const value = sql`${text(STATISTICS[statistic])}(CAST(${identifier(column.name)} AS DOUBLE)) FILTER (WHERE ${present})`;
  return numberBetween([statistic === "sum" ? sql`coalesce(${value}, 0)` : value], ([found]) => found ?? null, kwargs);
}

/** Least or greatest value in a range: numbers, text or moments. */
export function extremeBetween(
  extreme: "min" | "max",
  kwargs: AggregateArguments & Range,
  columns: readonly Column[],
): Plan {
  const column = columnOf(columns, kwargs.column);
  const value = sql`${text(extreme)}(${identifier(column.name)}) FILTER (WHERE ${presentRows(kwargs, columns)})`;
  const fits = sql`CAST(coalesce(${inRange(value, kwargs, (bound) => literal(column, bound))} AND ${value} IS NOT NULL, false) AS INTEGER)`;
  const temporal = isTemporal(column.family);
  return {
    aggregates: [temporal ? sql`epoch_ms(CAST(${value} AS TIMESTAMP))` : value, fits],
    judge: ([found, fit]) => {
      const nothing = found === null || found === undefined;
      // A moment without a zone, as the reference writes it.
      const observed = nothing ? null : temporal ? isoOf(number(found)).replace(/(\.000)?Z$/, "") : found;
      return tableOutcome(number(fit) === 1, observed);
    },
  };
}

/** Number of different values in a range. */
export function uniqueCountBetween(kwargs: AggregateArguments & Range, columns: readonly Column[]): Plan {
  return numberBetween([distinctCount(kwargs, columns)], ([count]) => count ?? 0, kwargs);
}

/** Different values as a share of the values that are there; 0 of none. */
export function uniqueShareBetween(kwargs: AggregateArguments & Range, columns: readonly Column[]): Plan {
  return numberBetween([distinctCount(kwargs, columns), countIf(presentRows(kwargs, columns))], shareOf, kwargs);
}

/** Values that are there as a share of the rows; 0 of none. */
export function presentShareBetween(kwargs: AggregateArguments & Range, columns: readonly Column[]): Plan {
  const where = conditionOf(kwargs.row_condition, columns);
  return numberBetween([countIf(presentRows(kwargs, columns)), countIf(where)], shareOf, kwargs);
}

/** Quantiles in ranges; a quantile is the value nearest to it, the even one of two (pandas' "nearest"). */
export function quantilesBetween(
  kwargs: AggregateArguments & {
    quantile_ranges: {
      quantiles: readonly number[];
      value_ranges: readonly (readonly [number | null, number | null])[];
    };
  },
  columns: readonly Column[],
): Plan {
  const column = numericColumn(columns, kwargs.column);
  const present = presentRows(kwargs, columns);
  const sorted = sql`list_sort(list(CAST(${identifier(column.name)} AS DOUBLE)) FILTER (WHERE ${present}))`;
  const { quantiles, value_ranges } = kwargs.quantile_ranges;
  return {
    aggregates: quantiles.map(
      (quantile) =>
        sql`${sorted}[1 + CAST(round_even(CAST(${quantile} AS DOUBLE) * (${countIf(present)} - 1), 0) AS BIGINT)]`,
    ),
    judge: (found) => {
      const values = quantiles.map((_, index) => found[index] ?? null);
      const fits = values.every((value, index) => {
        const [low, high] = value_ranges[index] ?? [null, null];
        return value !== null && number(value) >= (low ?? -Infinity) && number(value) <= (high ?? Infinity);
      });
      return tableOutcome(fits, { quantiles: [...quantiles], values });
    },
  };
}

function distinctCount(kwargs: AggregateArguments, columns: readonly Column[]): Fragment {
  return sql`count(DISTINCT ${identifier(kwargs.column)}) FILTER (WHERE ${presentRows(kwargs, columns)})`;
}

function shareOf([part, whole]: readonly Json[]): number {
  return whole === 0 ? 0 : Number(part) / Number(whole);
}

/** A number that some aggregates make, against a range; no number fails. */
export function numberBetween(
  aggregates: readonly Fragment[],
  value: (values: readonly Json[]) => Json,
  range: Range,
): Plan {
  return {
    aggregates,
    judge: (values) => {
      const found = value(values);
      return tableOutcome(typeof found === "number" && fits(found, range), found);
    },
  };
}

/** Whether a number lies in a range; a missing side is open. */
export function fits(value: number, { min_value, max_value, strict_min, strict_max }: Range): boolean {
  const min = Number(min_value ?? -Infinity);
  const max = Number(max_value ?? Infinity);
  return (strict_min ? value > min : value >= min) && (strict_max ? value < max : value <= max);
}
