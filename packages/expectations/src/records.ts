import type { Column } from "./column-types.ts";
import { numericColumn } from "./column-values.ts";
import {
  and,
  columnOf,
  conditionOf,
  countIf,
  inSet,
  isMissing,
  mapOutcome,
  number,
  type Plan,
  ROWS,
  rowsWhere,
} from "./plan.ts";
import { type Fragment, identifier, join, sql, text } from "./sql.ts";
import type { RowCondition } from "./vocabulary.ts";

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
function scope(kwargs: RecordArguments, named: readonly Column[], columns: readonly Column[]) {
  const where = conditionOf(kwargs.row_condition, columns);
  const missing = named.map(isMissing);
  const ignored = sql`(${IGNORED[kwargs.ignore_row_if](missing)})`;
  return { where, ignored, kept: and(where, sql`NOT ${ignored}`) };
}

/** Rows that are looked at, each as expected or not; a comparison with a missing value is not as expected. */
function recordMap(
  kwargs: RecordArguments,
  named: readonly Column[],
  columns: readonly Column[],
  expected: Fragment,
): Plan {
  const { where, ignored, kept } = scope(kwargs, named, columns);
  const unexpected = and(kept, sql`NOT coalesce(${expected}, false)`);
  return {
    aggregates: [countIf(where), countIf(and(where, ignored)), countIf(unexpected)],
    judge: ([elements, skipped, failed]) =>
      mapOutcome(number(elements), number(skipped), number(failed), kwargs.mostly, number(skipped)),
    failing: rowsWhere(unexpected),
  };
}

/** Two columns of a row compared by an operator. */
export function pairCompare(kwargs: PairArguments, columns: readonly Column[], operator: "=" | ">" | ">="): Plan {
  const [a, b] = [columnOf(columns, kwargs.column_A), columnOf(columns, kwargs.column_B)];
  const present = sql`NOT ${isMissing(a)} AND NOT ${isMissing(b)}`;
  const compared = sql`${identifier(a.name)} ${text(operator)} ${identifier(b.name)}`;
  return recordMap(kwargs, [a, b], columns, sql`(${present} AND ${compared})`);
}

/** Two columns of a row as one of several pairs; null in a pair stands for a missing value. */
export function pairInSet(
  kwargs: PairArguments & {
    value_pairs_set: readonly (readonly [string | number | boolean | null, string | number | boolean | null])[];
  },
  columns: readonly Column[],
): Plan {
  const [a, b] = [columnOf(columns, kwargs.column_A), columnOf(columns, kwargs.column_B)];
  const is = (column: Column, value: string | number | boolean | null) =>
    value === null ? isMissing(column) : sql`coalesce(${inSet(column, [value])}, false)`;
  const pairs = kwargs.value_pairs_set.map(([left, right]) => and(is(a, left), is(b, right)));
  const expected = pairs.length === 0 ? text("false") : sql`(${join(pairs, " OR ")})`;
  return recordMap(kwargs, [a, b], columns, expected);
}

/** Combinations of values that occur once; a missing value equals another one. */
export function compoundUnique(kwargs: ListArguments, columns: readonly Column[]): Plan {
  const named = kwargs.column_list.map((name) => columnOf(columns, name));
  const keys = join(
    named.map(({ name }) => identifier(name)),
    ", ",
  );
  const { where, ignored, kept } = scope(kwargs, named, columns);
  return {
    aggregates: [
      countIf(where),
      countIf(and(where, ignored)),
      sql`(SELECT coalesce(sum(n), 0)::BIGINT FROM (SELECT count(*) AS n FROM ${ROWS} WHERE ${kept} GROUP BY ${keys} HAVING count(*) > 1))`,
    ],
    judge: ([elements, skipped, failed]) =>
      mapOutcome(number(elements), number(skipped), number(failed), kwargs.mostly, number(skipped)),
    failing: sql`${rowsWhere(kept)} QUALIFY count(*) OVER (PARTITION BY ${keys}) > 1`,
  };
}

/** No value of a row occurs in two of the columns; a missing value equals another one. */
export function uniqueWithinRecord(kwargs: ListArguments, columns: readonly Column[]): Plan {
  const named = kwargs.column_list.map((name) => columnOf(columns, name));
  const differ = named.flatMap((left, index) =>
    named.slice(index + 1).map((right) => {
      const [a, b] = [identifier(left.name), identifier(right.name)];
      if (left.family === right.family) return sql`(${a} IS DISTINCT FROM ${b})`;
      return sql`NOT ${and(isMissing(left), isMissing(right))}`;
    }),
  );
  return recordMap(kwargs, named, columns, differ.length === 0 ? text("true") : sql`(${join(differ, " AND ")})`);
}

/** The sum of several columns of a row; a missing value adds nothing. */
export function sumEquals(kwargs: ListArguments & { sum_total: number }, columns: readonly Column[]): Plan {
  const named = kwargs.column_list.map((name) => numericColumn(columns, name));
  const terms = named.map(
    (column) => sql`CASE WHEN ${isMissing(column)} THEN 0 ELSE CAST(${identifier(column.name)} AS DOUBLE) END`,
  );
  return recordMap(kwargs, named, columns, sql`((${join(terms, " + ")}) = ${kwargs.sum_total})`);
}
