import { isMissing } from "./cells.ts";
import { type Column, columnOf } from "./column-types.ts";
import { conditionOf } from "./conditions.ts";
import type { RowCondition } from "./row-condition.ts";
import { ALWAYS, type Fragment, identifier, type Scalar, sql, text } from "./sql.ts";

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

/** One aggregate over the rows of a relation. What several expectations ask of one relation costs one pass over it. */
export interface Ask {
  /** What stands after FROM. */
  readonly over: Fragment;
  readonly value: Fragment;
}

/** Texts that are judged here and not by the engine; each different text once. */
export interface TextCheck {
  /** A column of text. */
  readonly value: Fragment;
  readonly where: Fragment;
  /** @throws NotEvaluableError when the text cannot be judged. */
  accepts(value: string): boolean;
}

/** What a text check found: how many rows hold a text that was not accepted, and some of those texts. */
export interface TextVerdict {
  readonly rows: number;
  readonly values: readonly string[];
}

/** One expectation as questions to the engine, and what follows from the answers: a verdict, or more questions. */
export interface Plan {
  readonly asks: readonly Ask[];
  /** Selects of one column named `v`, a value each row. */
  readonly lists?: readonly Fragment[];
  readonly texts?: TextCheck;
  judge(answers: Answers): Verdict | Plan;
}

/** Answers in the order of the questions. */
export interface Answers {
  readonly values: readonly Scalar[];
  readonly lists: readonly (readonly Scalar[])[];
  readonly texts: TextVerdict;
}

/** What a validation saw, kept for the validations after it. */
export interface ValidationFacts {
  readonly rowCount: number;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** Newest value of each column that an expectation compares with earlier runs, ISO-8601; null of none. */
  readonly newest: Readonly<Record<string, string | null>>;
}

/** The end of a plan. */
export interface Verdict {
  readonly outcome: Outcome;
  readonly facts?: ValidationFacts;
  /** Selects the rows that break the expectation, beside their own columns at most `HELPER`; absent where no single row does. */
  readonly failing?: Fragment;
}

/** The name under which every query of a validation sees the rows. */
export const ROWS = identifier("validated_rows");

/** Name, or beginning of the name, of a column that a query adds to the rows; it is never shown. */
export const HELPER = "__dagwright_helper";

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

/** How many rows meet a condition. */
export function countOf(condition: Fragment, over: Fragment = ROWS): Ask {
  return { over, value: countIf(condition) };
}

/** Which rows an expectation about single values looks at, and which of those it leaves out. */
export interface Scope {
  readonly where: Fragment;
  readonly ignored: Fragment;
  /** Looked at and not left out. */
  readonly kept: Fragment;
}

/** The rows that a row condition selects; those with a missing value in the column are left out. */
export function scopeOf(kwargs: MapArguments, columns: readonly Column[]): Scope {
  const where = conditionOf(kwargs.row_condition, columns);
  const ignored = isMissing(columnOf(columns, kwargs.column));
  return { where, ignored, kept: and(where, sql`NOT ${ignored}`) };
}

/** Rows as expected or not: `expected` says it of a row that is not left out, and never null. */
export function rowMap(scope: Scope, mostly: number | undefined, expected: Fragment): Plan {
  const unexpected = and(scope.kept, sql`NOT ${expected}`);
  return {
    asks: [countOf(scope.where), countOf(and(scope.where, scope.ignored)), countOf(unexpected)],
    judge: ({ values: [elements, ignored, failed] }) => ({
      outcome: mapOutcome(number(elements), number(ignored), number(failed), mostly),
      failing: rowsWhere(unexpected),
    }),
  };
}

/** The different combinations of values among some rows, each with its number of rows `n`; what stands after FROM. */
export function groupsOf(names: readonly Fragment[], where: Fragment): Fragment {
  const keys = names.map((name, index) => sql`${name} AS ${text(`k${index}`)}`);
  const list = keys.reduce((all, key) => sql`${all}, ${key}`);
  const places = text(names.map((_, index) => index + 1).join(", "));
  return sql`(SELECT ${list}, count(*) AS n FROM ${ROWS} WHERE ${where} GROUP BY ${places}) AS g`;
}

/**
 * The different values of one column as `groupsOf`. Where ranks are asked of it too (median, quantiles), each with the
 * number of rows `upto` it in order and that of all rows, `total`: one grouping then answers both.
 */
export function valuesOf(column: Column, where: Fragment): Fragment {
  return column.asked?.ranked === true ? rankedValuesOf(column, where) : groupsOf([identifier(column.name)], where);
}

/** The different values of a column with the rows up to each, and of all. */
export function rankedValuesOf(column: Column, where: Fragment): Fragment {
  const groups = groupsOf([identifier(column.name)], where);
  return sql`(SELECT k0, n, sum(n) OVER (ORDER BY k0) AS upto, sum(n) OVER () AS total FROM ${groups}) AS r`;
}

/**
 * `expected` says of a value that is not missing whether it is as expected. Where a column has few different values,
 * or they are worked out in any case, it is asked of each of them and not of each row.
 */
export function columnMap(
  kwargs: MapArguments,
  columns: readonly Column[],
  expected: (column: Column) => Fragment,
): Plan {
  const column = columnOf(columns, kwargs.column);
  const scope = scopeOf(kwargs, columns);
  const rows = rowMap(scope, kwargs.mostly, expected(column));
  const { few, grouped } = column.asked ?? {};
  if ((few !== true && grouped !== true) || kwargs.row_condition !== undefined) return rows;
  const over = valuesOf(column, scope.kept);
  const unexpected = sql`NOT ${expected({ ...column, name: "k0" })}`;
  const failed: Ask = { over, value: sql`coalesce(sum(n) FILTER (WHERE ${unexpected}), 0)` };
  return { ...rows, asks: [...rows.asks.slice(0, 2), failed] };
}

/** An expectation that the columns' names and types alone decide. */
export function known(success: boolean, observed: Json): Plan {
  return { asks: [], judge: () => table(success, observed) };
}

/** A verdict about a table or a column as a whole. */
export function table(success: boolean, observed: Json): Verdict {
  return { outcome: { ...NOTHING_COUNTED, success, observed } };
}

/** An outcome without counts. */
export const NOTHING_COUNTED: Outcome = {
  success: false,
  observed: null,
  elementCount: null,
  missingCount: null,
  unexpectedCount: null,
  unexpectedPercent: null,
};

/** Great Expectations' rule: `mostly` counts on values that are not missing, and no values at all succeed. */
export function mapOutcome(
  elementCount: number,
  ignored: number,
  unexpectedCount: number,
  mostly: number | undefined,
  missingCount: number | null = ignored,
): Outcome {
  const counted = elementCount - ignored;
  return {
    success: counted === 0 || (counted - unexpectedCount) / counted >= (mostly ?? 1),
    observed: null,
    elementCount,
    missingCount,
    unexpectedCount,
    unexpectedPercent: counted === 0 ? null : (unexpectedCount / counted) * 100,
  };
}

export function countIf(condition: Fragment): Fragment {
  return condition === ALWAYS ? text("count(*)") : sql`count(*) FILTER (WHERE ${condition})`;
}

export function and(left: Fragment, right: Fragment): Fragment {
  if (left === ALWAYS) return right;
  return right === ALWAYS ? left : sql`(${left} AND ${right})`;
}

export function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}

export function number(value: Scalar | undefined): number {
  return Number(value ?? 0);
}
