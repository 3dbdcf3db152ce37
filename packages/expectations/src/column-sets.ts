import { type AggregateArguments, presentRows } from "./column-aggregates.ts";
import type { Column } from "./column-types.ts";
import { numericColumn } from "./column-values.ts";
import {
  and,
  columnOf,
  countIf,
  inSet,
  type Json,
  NotEvaluableError,
  number,
  type Plan,
  ROWS,
  tableOutcome,
} from "./plan.ts";
import { type Fragment, identifier, type Scalar, sql } from "./sql.ts";

type Value = string | number | boolean;
/** Unexpected values that are shown. */
const SHOWN = 20;

/** The distinct values of a column against a set: none outside it, none of it missing, or both. */
export function distinctValues(
  kwargs: AggregateArguments & { value_set: readonly Value[] },
  columns: readonly Column[],
  wanted: "in" | "contain" | "equal",
): Plan {
  const column = columnOf(columns, kwargs.column);
  const name = identifier(column.name);
  const present = presentRows(kwargs, columns);
  const outside = and(present, sql`NOT ${inSet(column, kwargs.value_set)}`);
  const shown = sql`(SELECT CAST(to_json(list(v)) AS VARCHAR) FROM (SELECT DISTINCT ${name} AS v FROM ${ROWS} WHERE ${outside} ORDER BY v LIMIT ${SHOWN}))`;
  const asked = wanted === "in" ? [] : [...new Set(kwargs.value_set)].reverse();
  return {
    aggregates: [
      sql`count(DISTINCT ${name}) FILTER (WHERE ${outside})`,
      shown,
      ...asked.map((value) => countIf(and(present, inSet(column, [value])))),
    ],
    judge: ([count, list, ...found]) => {
      const missing = asked.filter((_, index) => number(found[index]) === 0);
      const unexpected = wanted === "contain" ? 0 : number(count);
      return {
        ...tableOutcome(unexpected === 0 && missing.length === 0, null),
        ...(wanted !== "contain" && { unexpectedCount: unexpected, unexpectedValues: valuesOf(list) }),
        ...(wanted !== "in" && { missingCount: missing.length, missingValues: missing }),
      };
    },
  };
}

/** The most frequent value lies in a set; several equally frequent ones only where ties are okay. */
export function mostCommon(
  kwargs: AggregateArguments & { value_set: readonly Value[]; ties_okay?: boolean | null | undefined },
  columns: readonly Column[],
): Plan {
  const name = identifier(columnOf(columns, kwargs.column).name);
  const groups = sql`SELECT ${name} AS v, count(*) AS n FROM ${ROWS} WHERE ${presentRows(kwargs, columns)} GROUP BY ${name}`;
  return {
    aggregates: [
      sql`(SELECT CAST(to_json(list(v ORDER BY v)) AS VARCHAR) FROM (SELECT v FROM (${groups}) QUALIFY n = max(n) OVER ()))`,
    ],
    judge: ([list]) => {
      const modes = valuesOf(list);
      const expected = modes.filter((mode) => kwargs.value_set.some((value) => value === mode)).length;
      return tableOutcome(kwargs.ties_okay === true ? expected > 0 : modes.length === 1 && expected === 1, modes);
    },
  };
}

type Partition =
  | { readonly values: readonly Value[]; readonly weights: readonly number[] }
  | { readonly bins: readonly number[]; readonly weights: readonly number[] };

/** Kullback-Leibler divergence of the column's distribution from an expected one (scipy's entropy, natural log). */
export function klDivergence(
  kwargs: AggregateArguments & {
    partition_object: Partition;
    threshold?: number | null | undefined;
    tail_weight_holdout: number;
    internal_weight_holdout: number;
  },
  columns: readonly Column[],
): Plan {
  const { partition_object: partition, tail_weight_holdout: tail, internal_weight_holdout: internal } = kwargs;
  const parts = "bins" in partition ? partition.bins.length - 1 : partition.values.length;
  const total = partition.weights.reduce((sum, weight) => sum + weight, 0);
  if (parts !== partition.weights.length || Math.abs(total - 1) > 1e-3) {
    throw new NotEvaluableError(
      `partition_object of "${kwargs.column}" must have one weight for each part, with sum 1; it has ${partition.weights.length} weights for ${parts} parts, with sum ${total}`,
    );
  }
  const present = presentRows(kwargs, columns);
  const zeros = partition.weights.filter((weight) => weight === 0).length;
  const kept = 1 - tail - internal;
  const expected = partition.weights.map((weight) => (weight === 0 && zeros > 0 ? internal / zeros : weight * kept));
  const conditions: Fragment[] = [];
  if ("bins" in partition) {
    const name = identifier(numericColumn(columns, kwargs.column).name);
    const [first = 0, last = 0] = [partition.bins[0], partition.bins.at(-1)];
    for (let bin = 0; bin < parts; bin += 1) {
      const [low = 0, high = 0] = [partition.bins[bin], partition.bins[bin + 1]];
      conditions.push(
        bin === parts - 1
          ? sql`${name} >= ${low} AND ${name} <= ${high}`
          : sql`${name} >= ${low} AND ${name} < ${high}`,
      );
    }
    conditions.push(sql`${name} < ${first}`, sql`${name} > ${last}`);
    expected.push(tail / 2, tail / 2);
  } else {
    const column = columnOf(columns, kwargs.column);
    for (const value of partition.values) conditions.push(inSet(column, [value]));
    conditions.push(sql`NOT ${inSet(column, partition.values)}`);
    expected.push(tail);
  }
  return {
    aggregates: conditions.map((condition) => countIf(and(present, sql`(${condition})`))),
    judge: (counts) => {
      const value = entropy(counts.map(number), expected);
      const observed = Number.isFinite(value) ? value : null;
      const { threshold } = kwargs;
      return tableOutcome(threshold === null || threshold === undefined || value <= threshold, observed);
    },
  };
}

/** Sum of p ln(p / q), both scaled to sum 1: infinite where q is 0 and p is not, NaN of nothing. */
function entropy(observed: readonly number[], expected: readonly number[]): number {
  const sum = (list: readonly number[]) => list.reduce((total, value) => total + value, 0);
  const [observedSum, expectedSum] = [sum(observed), sum(expected)];
  if (observedSum === 0) return Number.NaN;
  return sum(
    observed.map((count, index) => {
      if (count === 0) return 0;
      const p = count / observedSum;
      return p * Math.log(p / ((expected[index] ?? 0) / expectedSum));
    }),
  );
}

/** A list that a query gave as JSON text. */
function valuesOf(list: Scalar | undefined): Json[] {
  const values: unknown = typeof list === "string" ? JSON.parse(list) : [];
  return Array.isArray(values) ? values : [];
}
