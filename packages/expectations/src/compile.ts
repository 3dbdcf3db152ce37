import { type Column, canonicalType, familyOf, isNumeric, isTemporal } from "./column-types.ts";
import { type Fragment, identifier, join, type Scalar, sql, text } from "./sql.ts";
import type { Expectation, RowCondition } from "./suite.ts";

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
}

/** One expectation as aggregates over the rows (named `ROWS` in the query), and the verdict on their values. */
export interface Plan {
  readonly aggregates: readonly Fragment[];
  judge(values: readonly Scalar[]): Outcome;
  /** True for the rows that break the expectation; absent where no single row does. */
  readonly failing?: Fragment;
}

/** The expectation cannot be evaluated on this table; the message says why. */
export class NotEvaluableError extends Error {}

/** The name under which every query of a validation sees the rows. */
export const ROWS = identifier("validated_rows");

const DAY_MS = 86_400_000;

/** Finds a column by its exact name. */
export function columnOf(columns: readonly Column[], name: string): Column {
  const found = columns.find((column) => column.name === name);
  if (found !== undefined) return found;
  throw new NotEvaluableError(
    `Column "${name}" does not exist; the columns are ${columns.map((column) => column.name).join(", ")}`,
  );
}

/** A moment as a literal that can be compared with a column of this type. */
function moment(column: Column, iso: string): Fragment {
  return column.family === "timestamptz" ? sql`CAST(${iso} AS TIMESTAMPTZ)` : sql`CAST(${iso} AS TIMESTAMP)`;
}

/** Rows dated before the interval's end, and rows without a date, which are for `not_be_null` to find. */
export function beforeEnd(column: Column, interval: IntervalMs): Fragment {
  const name = identifier(column.name);
  return sql`(${name} < ${moment(column, isoOf(interval.end))} OR ${name} IS NULL)`;
}

/** Plans one expectation over the columns of the view. @throws NotEvaluableError when it cannot be asked. */
export function compile(expectation: Expectation, columns: readonly Column[], interval: IntervalMs | null): Plan {
  switch (expectation.type) {
    case "expect_column_values_to_not_be_null": {
      const { column, mostly, row_condition } = expectation.kwargs;
      const missing = isMissing(columnOf(columns, column));
      const where = conditionOf(row_condition, columns);
      return {
        aggregates: [countIf(where), countIf(and(where, missing))],
        judge: ([elements, nulls]) => {
          const count = number(elements);
          return mapOutcome(count, 0, number(nulls), mostly, null);
        },
        failing: and(where, missing),
      };
    }
    case "expect_column_values_to_be_between":
      return columnMap(expectation.kwargs, columns, (column) => between(column, expectation.kwargs));
    case "expect_column_values_to_be_in_set":
      return columnMap(expectation.kwargs, columns, (column) => inSet(column, expectation.kwargs.value_set));
    case "expect_column_values_to_be_unique":
      return unique(expectation.kwargs, columns);
    case "expect_column_values_to_be_of_type": {
      const column = columnOf(columns, expectation.kwargs.column);
      const wanted = canonicalType(expectation.kwargs.type_);
      return known(canonicalType(column.type) === wanted, column.type);
    }
    case "expect_table_columns_to_match_set": {
      const { column_set, exact_match } = expectation.kwargs;
      const names = columns.map(({ name }) => name);
      const missing = column_set.filter((name) => !names.includes(name));
      const unexpected = exact_match ? names.filter((name) => !column_set.includes(name)) : [];
      return known(missing.length === 0 && unexpected.length === 0, names.toSorted());
    }
    case "expect_table_columns_to_match_ordered_list": {
      const { column_list } = expectation.kwargs;
      const names = columns.map(({ name }) => name);
      const same = names.length === column_list.length && names.every((name, index) => name === column_list[index]);
      return known(same, names);
    }
    case "expect_table_row_count_to_be_between": {
      const { min_value, max_value, row_condition } = expectation.kwargs;
      return {
        aggregates: [countIf(conditionOf(row_condition, columns))],
        judge: ([count]) => {
          const rows = number(count);
          return tableOutcome(rows >= (min_value ?? 0) && rows <= (max_value ?? Number.POSITIVE_INFINITY), rows);
        },
      };
    }
    case "expect_column_max_to_be_within_interval":
      return maxWithinInterval(temporalColumn(columns, expectation.kwargs.column), needInterval(interval));
    case "expect_interval_row_count_to_be_near_trailing_mean":
      return nearTrailingMean(
        temporalColumn(columns, expectation.kwargs.column),
        needInterval(interval),
        expectation.kwargs,
      );
  }
}

/** `expected` says of a value that is not missing whether it is as expected. */
function columnMap(
  kwargs: { column: string; mostly?: number | undefined; row_condition?: RowCondition | undefined },
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
    failing: unexpected,
  };
}

function unique(
  kwargs: { column: string; mostly?: number | undefined; row_condition?: RowCondition | undefined },
  columns: readonly Column[],
): Plan {
  const column = columnOf(columns, kwargs.column);
  const name = identifier(column.name);
  const where = conditionOf(kwargs.row_condition, columns);
  const missing = isMissing(column);
  const present = and(where, sql`NOT ${missing}`);
  const repeated = sql`SELECT ${name} AS v, count(*) AS n FROM ${ROWS} WHERE ${present} GROUP BY ${name} HAVING count(*) > 1`;
  return {
    aggregates: [
      countIf(where),
      countIf(and(where, missing)),
      sql`(SELECT coalesce(sum(n), 0)::BIGINT FROM (${repeated}))`,
    ],
    judge: ([elements, nulls, failed]) =>
      mapOutcome(number(elements), number(nulls), number(failed), kwargs.mostly, number(nulls)),
    failing: and(present, sql`${name} IN (SELECT v FROM (${repeated}))`),
  };
}

function between(
  column: Column,
  kwargs: {
    min_value?: string | number | null | undefined;
    max_value?: string | number | null | undefined;
    strict_min: boolean;
    strict_max: boolean;
  },
): Fragment {
  const name = identifier(column.name);
  const sides: Fragment[] = [];
  const min = kwargs.min_value ?? null;
  const max = kwargs.max_value ?? null;
  if (min !== null) sides.push(sql`${name} ${text(kwargs.strict_min ? ">" : ">=")} ${literal(column, min)}`);
  if (max !== null) sides.push(sql`${name} ${text(kwargs.strict_max ? "<" : "<=")} ${literal(column, max)}`);
  return sql`(${join(sides, " AND ")})`;
}

function inSet(column: Column, values: readonly (string | number | boolean)[]): Fragment {
  const comparable = values.filter((value) => isComparable(column, value));
  if (comparable.length === 0) return text("false");
  return sql`(${identifier(column.name)} IN (${join(
    comparable.map((value) => literal(column, value)),
    ", ",
  )}))`;
}

function maxWithinInterval(column: Column, interval: IntervalMs): Plan {
  return {
    aggregates: [sql`epoch_us(max(${identifier(column.name)}))`],
    judge: ([newest]) => {
      if (newest === null || newest === undefined) return tableOutcome(false, null);
      const ms = number(newest) / 1000;
      return tableOutcome(ms >= interval.start && ms < interval.end, isoOf(Math.floor(ms)));
    },
  };
}

function nearTrailingMean(
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

/** An expectation that the columns' names and types alone decide. */
function known(success: boolean, observed: Json): Plan {
  return { aggregates: [], judge: () => tableOutcome(success, observed) };
}

function tableOutcome(success: boolean, observed: Json): Outcome {
  return { success, observed, elementCount: null, missingCount: null, unexpectedCount: null, unexpectedPercent: null };
}

/** Great Expectations' rule: `mostly` counts on values that are not missing, and no values at all succeed. */
function mapOutcome(
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
function isMissing(column: Column): Fragment {
  const name = identifier(column.name);
  return column.family === "float" ? sql`(${name} IS NULL OR isnan(${name}))` : sql`(${name} IS NULL)`;
}

function conditionOf(condition: RowCondition | undefined, columns: readonly Column[]): Fragment {
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
function literal(column: Column, value: string | number | boolean): Fragment {
  if (!isComparable(column, value)) {
    throw new NotEvaluableError(
      `Column "${column.name}" holds ${column.type} and cannot be compared with the ${typeof value} ${JSON.stringify(value)}`,
    );
  }
  return isTemporal(column.family) ? moment(column, String(value)) : sql`${value}`;
}

function isComparable(column: Column, value: string | number | boolean): boolean {
  if (typeof value === "number") return isNumeric(column.family);
  if (typeof value === "boolean") return column.family === "boolean";
  return column.family === "text" || isTemporal(column.family);
}

function temporalColumn(columns: readonly Column[], name: string): Column {
  const column = columnOf(columns, name);
  if (isTemporal(familyOf(column.type))) return column;
  throw new NotEvaluableError(`Column "${name}" holds ${column.type}; a date or timestamp is needed`);
}

function needInterval(interval: IntervalMs | null): IntervalMs {
  if (interval !== null) return interval;
  throw new NotEvaluableError("This expectation is about a data interval, and the validation was given none");
}

function countIf(condition: Fragment): Fragment {
  return sql`count(*) FILTER (WHERE ${condition})`;
}

function and(left: Fragment, right: Fragment): Fragment {
  return sql`(${left} AND ${right})`;
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}

function number(value: Scalar | undefined): number {
  return Number(value ?? 0);
}
