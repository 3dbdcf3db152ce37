import { cellOf, inSet, isMissing, numberOf, numeric, type Value } from "./cells.ts";
import { type Column, columnOf } from "./column-types.ts";
import { occursOnce } from "./column-values.ts";
import { conditionOf } from "./conditions.ts";
import { NotEvaluableError } from "./errors.ts";
import { and, number, type Plan, rowMap, type Scope } from "./plan.ts";
import type { RowCondition } from "./row-condition.ts";
import { type Fragment, identifier, join, sql, text } from "./sql.ts";

const all = (missing: readonly Fragment[]) => join(missing, " AND ");
const any = (missing: readonly Fragment[]) => join(missing, " OR ");
const none = () => text("false");
/** Rows that are left out, given which of their values are missing. */
const IGNORED = {
  both_values_are_missing: all,
  all_values_are_missing: all,
  either_value_is_missing: any,
  any_value_is_missing: any,
  neither: none,
  never: none,
} as const;

interface RecordArguments {
  readonly mostly?: number | undefined;
  readonly ignore_row_if: keyof typeof IGNORED;
  readonly row_condition?: RowCondition | undefined;
}

/** Arguments of an expectation about two columns of a row. */
export interface PairArguments extends RecordArguments {
  readonly column_A: string;
  readonly column_B: string;
}

/** Arguments of an expectation about several columns of a row. */
export interface ListArguments extends RecordArguments {
  readonly column_list: readonly string[];
}

/** The rows that are looked at, and those of them that are left out because values are missing. */
function scopeOf(kwargs: RecordArguments, named: readonly Column[], columns: readonly Column[]): Scope {
  const where = conditionOf(kwargs.row_condition, columns);
  const ignored = sql`(${IGNORED[kwargs.ignore_row_if](named.map(isMissing))})`;
  return { where, ignored, kept: and(where, sql`NOT ${ignored}`) };
}

/** Rows as expected or not; a comparison with a missing value is not as expected. */
function recordMap(kwargs: RecordArguments, named: readonly Column[], columns: readonly Column[], expected: Fragment) {
  return rowMap(scopeOf(kwargs, named, columns), kwargs.mostly, sql`coalesce(${expected}, false)`);
}

/** Whether two columns of a row hold the same; values of different kinds never do. Null where one is missing. */
function equal(a: Column, b: Column): Fragment {
  return kindOf(a) === kindOf(b) ? sql`(${comparable(a)} = ${comparable(b)})` : text("false");
}

function kindOf({ family }: Column): string {
  if (family === "integer" || family === "decimal" || family === "float" || family === "boolean") return "number";
  return family === "date" || family === "timestamp" || family === "timestamptz" ? "moment" : family;
}

function comparable(column: Column): Fragment {
  return kindOf(column) === "number" && column.family !== "integer" ? numberOf(column) : identifier(column.name);
}

/** Two columns of a row are equal. */
export function pairEqual(kwargs: PairArguments, columns: readonly Column[]): Plan {
  const [a, b] = [columnOf(columns, kwargs.column_A), columnOf(columns, kwargs.column_B)];
  const there = sql`NOT ${isMissing(a)} AND NOT ${isMissing(b)}`;
  return recordMap(kwargs, [a, b], columns, sql`(${there} AND ${equal(a, b)})`);
}

/** One column of a row is greater than another, or equal where that is allowed. */
export function pairGreater(
  kwargs: PairArguments & { or_equal?: boolean | null | undefined },
  columns: readonly Column[],
): Plan {
  const [a, b] = [columnOf(columns, kwargs.column_A), columnOf(columns, kwargs.column_B)];
  if (kindOf(a) !== kindOf(b)) {
    const plan = recordMap(kwargs, [a, b], columns, text("false"));
    return {
      ...plan,
      judge: (answers) => {
        // Where there are no rows, nothing had to be compared.
        if (number(answers.values[2]) === 0) return plan.judge(answers);
        throw new NotEvaluableError(
          `Columns "${a.name}" (${a.type}) and "${b.name}" (${b.type}) cannot be compared by which is greater`,
        );
      },
    };
  }
  const there = sql`NOT ${isMissing(a)} AND NOT ${isMissing(b)}`;
  const operator = text(kwargs.or_equal === true ? ">=" : ">");
  return recordMap(kwargs, [a, b], columns, sql`(${there} AND ${comparable(a)} ${operator} ${comparable(b)})`);
}

/** Two columns of a row as one of several pairs; null in a pair stands for a missing value. No pairs at all are fulfilled. */
export function pairInSet(
  kwargs: PairArguments & { value_pairs_set: readonly (readonly [Value | null, Value | null])[] | null },
  columns: readonly Column[],
): Plan {
  const [a, b] = [columnOf(columns, kwargs.column_A), columnOf(columns, kwargs.column_B)];
  const is = (column: Column, value: Value | null) =>
    value === null ? isMissing(column) : sql`coalesce(${inSet(column, [value])}, false)`;
  const pairs = kwargs.value_pairs_set?.map(([left, right]) => and(is(a, left), is(b, right)));
  if (pairs === undefined) return recordMap(kwargs, [a, b], columns, text("true"));
  const expected = pairs.length === 0 ? text("false") : sql`(${join(pairs, " OR ")})`;
  return recordMap(kwargs, [a, b], columns, expected);
}

/** Combinations of values that occur once; a missing value equals another one. */
export function compoundUnique(kwargs: ListArguments, columns: readonly Column[]): Plan {
  const named = kwargs.column_list.map((name) => columnOf(columns, name));
  return occursOnce(scopeOf(kwargs, named, columns), kwargs.mostly, named.map(cellOf));
}

/** Whether two columns of a row hold the same, or both nothing. */
function same(a: Column, b: Column): Fragment {
  return sql`((${isMissing(a)} AND ${isMissing(b)}) OR (NOT ${isMissing(a)} AND NOT ${isMissing(b)} AND ${equal(a, b)}))`;
}

/** No value of a row occurs in two of the columns; a missing value equals another one. */
export function uniqueWithinRecord(kwargs: ListArguments, columns: readonly Column[]): Plan {
  const named = kwargs.column_list.map((name) => columnOf(columns, name));
  const differ = named.flatMap((left, index) => named.slice(index + 1).map((right) => sql`NOT ${same(left, right)}`));
  return recordMap(kwargs, named, columns, differ.length === 0 ? text("true") : sql`(${join(differ, " AND ")})`);
}

/** All of several columns of a row hold the same; missing values equal one another. */
export function allEqual(kwargs: ListArguments, columns: readonly Column[]): Plan {
  const [first, ...others] = kwargs.column_list.map((name) => columnOf(columns, name));
  if (first === undefined) throw new NotEvaluableError("column_list is empty");
  const equals = others.map((other) => same(first, other));
  const expected = equals.length === 0 ? text("true") : sql`(${join(equals, " AND ")})`;
  return recordMap(kwargs, [first, ...others], columns, expected);
}

/** The sum of several columns of a row; with a missing value there is none, and that is not as expected. */
export function sumEquals(kwargs: ListArguments & { sum_total: number }, columns: readonly Column[]): Plan {
  const named = kwargs.column_list.map((name) => numeric(columnOf(columns, name)));
  const terms = named.map((column) => sql`CASE WHEN ${isMissing(column)} THEN NULL ELSE ${numberOf(column)} END`);
  return recordMap(kwargs, named, columns, sql`((${join(terms, " + ")}) = ${kwargs.sum_total})`);
}
