import { type Column, isNumeric, isTemporal } from "./column-types.ts";
import { type Fragment, identifier, join, type Scalar, sql, text } from "./sql.ts";
import type { RowCondition } from "./vocabulary.ts";

/** A value as JSON has it. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** A data interval in milliseconds since the epoch: `start` inclusive, `end` exclusive. */
export interface IntervalMs {
  readonly start: number;
  readonly end: number;
}

/** What one expectation found. Counts are null where an expectation is not about single rows. */
export interface Outcome {
  readonly success: boolean;
  /** What was seen of a table, or of a column as a whole; null for expectations about single values. */
  readonly observed: Json;
  readonly elementCount: number | null;
  readonly missingCount: number | null;
  readonly unexpectedCount: number | null;
  /** Percent of the values that are not missing; of all values where missing is what is unexpected. */
  readonly unexpectedPercent: number | null;
  /** Distinct values of the column that are not expected, at most 20; for expectations about the set of values. */
  readonly unexpectedValues?: readonly Json[];
  /** Expected values that the column does not hold; for expectations about the set of values. */
  readonly missingValues?: readonly Json[];
}

/** One expectation as aggregates over the rows (named `ROWS` in the query), and the verdict on their values. */
export interface Plan {
  readonly aggregates: readonly Fragment[];
  judge(values: readonly Scalar[]): Outcome;
  /** Selects the rows that break the expectation; absent where no single row does. */
  readonly failing?: Fragment;
}

/** An expectation that must see the distinct values of a column, as text, before it can be planned. */
export interface Probe {
  /** Selects the values, as the column `v`. */
  readonly distinct: Fragment;
  plan(values: readonly string[]): Plan;
}

/** The expectation cannot be evaluated on this table; the message says why. */
export class NotEvaluableError extends Error {}

/** The name under which every query of a validation sees the rows. */
export const ROWS = identifier("validated_rows");

/** Finds a column by its exact name. */
export function columnOf(columns: readonly Column[], name: string): Column {
  const found = columns.find((column) => column.name === name);
  if (found !== undefined) return found;
  throw new NotEvaluableError(
    `Column "${name}" does not exist; the columns are ${columns.map((column) => column.name).join(", ")}`,
  );
}

/** A moment as a literal that can be compared with a column of this type. */
export function moment(column: Column, iso: string): Fragment {
  return column.family === "timestamptz" ? sql`CAST(${iso} AS TIMESTAMPTZ)` : sql`CAST(${iso} AS TIMESTAMP)`;
}

/** Rows dated before the interval's end, and rows without a date, which are for `not_be_null` to find. */
export function beforeEnd(column: Column, interval: IntervalMs): Fragment {
  const name = identifier(column.name);
  return sql`(${name} < ${moment(column, isoOf(interval.end))} OR ${name} IS NULL)`;
}

/** Arguments that every expectation about the values of one column has. */
export interface MapArguments {
  readonly column: string;
  readonly mostly?: number | undefined;
  readonly row_condition?: RowCondition | undefined;
}

/** The rows for which a condition holds. */
export function rowsWhere(condition: Fragment): Fragment {
  return sql`SELECT * FROM ${ROWS} WHERE ${condition}`;
}

/** `expected` says of a value that is not missing whether it is as expected. */
export function columnMap(
  kwargs: MapArguments,
  columns: readonly Column[],
  expected: (column: Column) => Fragment,
): Plan {
  const column = columnOf(columns, kwargs.column);
  const where = conditionOf(kwargs.row_condition, columns);
  const missing = isMissing(column);
  const unexpected = and(where, sql`NOT ${missing} AND NOT ${expected(column)}`);
  return {
    aggregates: [countIf(where), countIf(and(where, missing)), countIf(unexpected)],
    judge: ([elements, nulls, failed]) =>
      mapOutcome(number(elements), number(nulls), number(failed), kwargs.mostly, number(nulls)),
    failing: rowsWhere(unexpected),
  };
}

export function inSet(column: Column, values: readonly (string | number | boolean)[]): Fragment {
  const comparable = values.filter((value) => isComparable(column, value));
  if (comparable.length === 0) return text("false");
  return sql`(${identifier(column.name)} IN (${join(
    comparable.map((value) => literal(column, value)),
    ", ",
  )}))`;
}

/** An expectation that the columns' names and types alone decide. */
export function known(success: boolean, observed: Json): Plan {
  return { aggregates: [], judge: () => tableOutcome(success, observed) };
}

export function tableOutcome(success: boolean, observed: Json): Outcome {
  return { success, observed, elementCount: null, missingCount: null, unexpectedCount: null, unexpectedPercent: null };
}

/** Great Expectations' rule: `mostly` counts on values that are not missing, and no values at all succeed. */
export function mapOutcome(
  elementCount: number,
  skipped: number,
  unexpectedCount: number,
  mostly: number | undefined,
  missingCount: number | null,
): Outcome {
  const counted = elementCount - skipped;
  return {
    success: counted === 0 || (counted - unexpectedCount) / counted >= (mostly ?? 1),
    observed: null,
    elementCount,
    missingCount,
    unexpectedCount,
    unexpectedPercent: counted === 0 ? null : (100 * unexpectedCount) / counted,
  };
}

/** Null; in a column of floating point numbers NaN too, which means the same to the people who write expectations. */
export function isMissing(column: Column): Fragment {
  const name = identifier(column.name);
  return column.family === "float" ? sql`(${name} IS NULL OR isnan(${name}))` : sql`(${name} IS NULL)`;
}

export function conditionOf(condition: RowCondition | undefined, columns: readonly Column[]): Fragment {
  if (condition === undefined) return text("true");
  const column = columnOf(columns, condition.column);
  const name = identifier(column.name);
  switch (condition.operator) {
    case "is_null":
      return isMissing(column);
    case "is_not_null":
      return sql`NOT ${isMissing(column)}`;
    case "in":
      return sql`coalesce(${inSet(column, condition.value)}, false)`;
    default: {
      const operator = text(condition.operator === "==" ? "=" : condition.operator);
      return sql`coalesce(${name} ${operator} ${literal(column, condition.value)}, false)`;
    }
  }
}

/** A bound value as something that compares with the column in the column's own terms. */
export function literal(column: Column, value: string | number | boolean): Fragment {
  if (!isComparable(column, value)) {
    throw new NotEvaluableError(
      `Column "${column.name}" holds ${column.type} and cannot be compared with the ${typeof value} ${JSON.stringify(value)}`,
    );
  }
  return isTemporal(column.family) ? moment(column, String(value)) : sql`${value}`;
}

export function isComparable(column: Column, value: string | number | boolean): boolean {
  if (typeof value === "number") return isNumeric(column.family);
  if (typeof value === "boolean") return column.family === "boolean";
  return column.family === "text" || isTemporal(column.family);
}

export function countIf(condition: Fragment): Fragment {
  return sql`count(*) FILTER (WHERE ${condition})`;
}

export function and(left: Fragment, right: Fragment): Fragment {
  return sql`(${left} AND ${right})`;
}

export function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}

export function number(value: Scalar | undefined): number {
  return Number(value ?? 0);
}
