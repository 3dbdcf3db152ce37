import { fits, inRange, numberOf, numeric, type Range, readNumber, told, written } from "./cells.ts";
import { type AggregateArguments, statisticBetween } from "./column-aggregates.ts";
import { type Column, columnOf, isNumeric } from "./column-types.ts";
import { momentsOf } from "./column-values.ts";
import { NotEvaluableError } from "./errors.ts";
import {
  type Ask,
  countOf,
  type MapArguments,
  type Plan,
  ROWS,
  rankedValuesOf,
  rowMap,
  type Scope,
  scopeOf,
  table,
} from "./plan.ts";
import { join, perDialect, sql, text } from "./sql.ts";

/** How a quantile that falls between two values is made of them, as in pandas. */
export type Interpolation = "linear" | "lower" | "higher" | "midpoint" | "nearest";

/**
 * Quantiles of the values that are kept, exact: asks for the values at the ranks on either side, and goes on with the
 * quantiles (null of no values).
 */
export function withQuantiles(
  column: Column,
  scope: Scope,
  quantiles: readonly number[],
  interpolation: Interpolation,
  next: (found: readonly (number | null)[]) => ReturnType<Plan["judge"]>,
): Plan {
  const quantilesOf = (n: number, at: (quantile: number, rank: number) => number) =>
    next(
      quantiles.map((quantile) => {
        if (n === 0) return null;
        const { low, high, share } = ranksOf(quantile, n, interpolation);
        return mixOf(at(quantile, low), at(quantile, high), share);
      }),
    );
  if (column.asked?.few === true) {
    return {
      asks: amongValues(column, scope, quantiles),
      judge: ({ values: [count, ...sides] }) => {
        const n = Number(count ?? 0);
        return quantilesOf(n, (quantile, rank) => {
          const side = Number(rank > Math.floor(quantile * (n - 1)));
          return readNumber(sides[2 * quantiles.indexOf(quantile) + side]) ?? Number.NaN;
        });
      },
    };
  }
  return {
    asks: [countOf(scope.kept)],
    judge: ({ values: [count] }) => {
      const n = Number(count ?? 0);
      if (n === 0) return quantilesOf(0, () => Number.NaN);
      const ranks = quantiles.map((quantile) => ranksOf(quantile, n, interpolation));
      const asked = [...new Set(ranks.flatMap(({ low, high }) => [low, high]))];
      return {
        asks: amongRows(column, scope, asked, n),
        judge: ({ values }) => quantilesOf(n, (_, rank) => readNumber(values[asked.indexOf(rank)]) ?? Number.NaN),
      };
    },
  };
}

/** What lies between two values; between the two infinities nothing does. */
function mixOf(low: number, high: number, share: number): number | null {
  const mixed = low === high ? low : low + (high - low) * share;
  return Number.isNaN(mixed) ? null : mixed;
}

/** The values at ranks (from 0) of n: asked half a rank on, so that rounding cannot move them. */
function amongRows(column: Column, scope: Scope, ranks: readonly number[], n: number): Ask[] {
  const over = sql`(SELECT ${numberOf(column)} AS v FROM ${ROWS} WHERE ${scope.kept}) AS q`;
  const places = ranks.map((rank) => text(String((rank + 0.5) / n)));
  const all = sql`quantile_disc(v, [${join(places, ", ")}])`;
  return places.map((place, index) => ({
    over,
    value: perDialect({
      duckdb: written(sql`${all}[${text(String(index + 1))}]`),
      spark: written(sql`percentile_disc(${place}) WITHIN GROUP (ORDER BY v)`),
    }),
  }));
}

/**
 * Of few different values, by how many rows there are up to each: the number of all rows, and of each quantile the value
 * at the rank below it and that above.
 */
function amongValues(column: Column, scope: Scope, quantiles: readonly number[]): Ask[] {
  const over = rankedValuesOf(column, scope.kept);
  const value = numberOf({ ...column, name: "k0" });
  return [
    { over, value: sql`coalesce(max(total), 0)` },
    ...quantiles.flatMap((quantile) =>
      ["floor", "ceil"].map((side) => {
        const rank = sql`${text(side)}(CAST(${quantile} AS DOUBLE) * CAST(total - 1 AS DOUBLE))`;
        return { over, value: written(sql`min(${value}) FILTER (WHERE upto > ${rank})`) };
      }),
    ),
  ];
}

function ranksOf(quantile: number, n: number, interpolation: Interpolation) {
  const exact = quantile * (n - 1);
  const [low, high] = [Math.floor(exact), Math.ceil(exact)];
  switch (interpolation) {
    case "lower":
      return { low, high: low, share: 0 };
    case "higher":
      return { low: high, high, share: 0 };
    case "midpoint":
      return { low, high, share: 0.5 };
    case "nearest": {
      // Of two equally near the even one.
      const rest = exact - low;
      const rank = rest === 0.5 ? low + (low % 2) : Math.round(exact);
      return { low: rank, high: rank, share: 0 };
    }
    case "linear":
      return { low, high, share: exact - low };
  }
}

/** The median in a range: of many different values the engine's own, of few what lies in the middle of their rows. */
export function medianBetween(kwargs: AggregateArguments & Range, columns: readonly Column[]): Plan {
  const column = columnOf(columns, kwargs.column);
  if (column.asked?.few !== true || kwargs.row_condition !== undefined || !isNumeric(column.family))
    return statisticBetween("median", kwargs, columns);
  return withQuantiles(column, scopeOf(kwargs, columns), [0.5], "midpoint", ([median = null]) =>
    table(median !== null && fits(median, kwargs), told(median)),
  );
}

/** Quantiles in ranges. A bound that differs by less than a ten-thousandth is met, as in Great Expectations. */
export function quantilesBetween(
  kwargs: MapArguments & {
    quantile_ranges: {
      quantiles: readonly number[];
      value_ranges: readonly (readonly [number | null, number | null])[];
    };
    allow_relative_error?: Interpolation | boolean | undefined;
  },
  columns: readonly Column[],
): Plan {
  const { quantiles, value_ranges } = kwargs.quantile_ranges;
  const interpolation = kwargs.allow_relative_error || "nearest";
  if (interpolation === true) {
    throw new NotEvaluableError(
      "allow_relative_error must be linear, lower, higher, midpoint, nearest or false: quantiles are exact here",
    );
  }
  const column = numeric(columnOf(columns, kwargs.column));
  return withQuantiles(column, scopeOf(kwargs, columns), quantiles, interpolation, (values) => {
    const fits = values.every((found, index) => {
      const [low, high] = value_ranges[index] ?? [null, null];
      if (found === null) return false;
      const within = found >= (low ?? -Infinity) && found <= (high ?? Infinity);
      return within || isClose(found, low) || isClose(found, high);
    });
    return table(fits, { quantiles: [...quantiles], values: values.map(told) });
  });
}

function isClose(value: number, bound: number | null): boolean {
  return bound !== null && Math.abs(value - bound) <= 1e-8 + 1e-4 * Math.abs(bound);
}

/** Values within fences: of quartiles a multiple of their distance off (iqr), or of deviations about the mean (std). */
export function notOutliers(
  kwargs: MapArguments & { method: "iqr" | "std"; multiplier: number },
  columns: readonly Column[],
): Plan {
  const column = numeric(columnOf(columns, kwargs.column));
  const value = numberOf(column);
  const scope = scopeOf(kwargs, columns);
  const all = () => rowMap(scope, kwargs.mostly, text("true"));
  if (kwargs.method === "iqr") {
    return withQuantiles(column, scope, [0.25, 0.75], "linear", ([low, high]) => {
      if (typeof low !== "number" || typeof high !== "number") return all();
      const off = kwargs.multiplier * (high - low);
      const fences = { min_value: low - off, max_value: high + off, strict_min: false, strict_max: false };
      return rowMap(
        scope,
        kwargs.mostly,
        inRange(value, fences, (bound) => sql`${bound}`),
      );
    });
  }
  return {
    asks: momentsOf(column, scope.kept),
    judge: ({ values: [mean, deviation] }) => {
      if (typeof mean !== "number" || typeof deviation !== "number" || !Number.isFinite(deviation)) return all();
      const off = kwargs.multiplier * deviation;
      const expected = off <= 0 ? sql`(${value} = ${mean})` : sql`(abs(${value} - ${mean}) < ${off})`;
      return rowMap(scope, kwargs.mostly, expected);
    },
  };
}
