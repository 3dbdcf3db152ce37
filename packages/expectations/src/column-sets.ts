import { inSet, readNumber, told, type Value, written } from "./cells.ts";
import { type AggregateArguments, presentRows } from "./column-aggregates.ts";
import { type Column, columnOf } from "./column-types.ts";
import { type Ask, type Json, number, type Plan, table, type Verdict, valuesOf } from "./plan.ts";
import { type Scalar, sql, TEXT, text } from "./sql.ts";

/** Values beyond a set that are shown. */
const SHOWN = 20;

/** The groups of a column's values: whether a value is among some, how it is selected, and how it is read. */
function setOf(kwargs: AggregateArguments, columns: readonly Column[]) {
  const column = columnOf(columns, kwargs.column);
  const isFloat = column.family === "float";
  const plain = column.family === "other" ? sql`CAST(k0 AS ${TEXT})` : text("k0");
  return {
    over: valuesOf(column, presentRows(kwargs, columns)),
    among: (values: readonly (Value | null)[]) => {
      // What does not compare is refused by the column's own name.
      inSet(column, values);
      return inSet({ ...column, name: "k0" }, values);
    },
    shown: isFloat ? written(plain) : plain,
    read: (value: Scalar): Json => (isFloat ? told(readNumber(value)) : value),
  };
}

/** Different values as Python's sets give them, as far as that is an order: numbers rising, texts in any. */
function inOrder(values: readonly (Value | null)[]): (Value | null)[] {
  const different = [...new Set(values)].reverse();
  return different.every((value) => typeof value === "number")
    ? different.toSorted((a, b) => Number(a) - Number(b))
    : different;
}

/** The distinct values of a column against a set: none outside it, none of it missing, or both. */
export function distinctValues(
  kwargs: AggregateArguments & { value_set: readonly (Value | null)[] },
  columns: readonly Column[],
  wanted: "in" | "contain" | "equal",
): Plan {
  const { over, among, shown, read } = setOf(kwargs, columns);
  const outside = sql`NOT ${among(kwargs.value_set)}`;
  const asked = wanted === "in" ? [] : inOrder(kwargs.value_set);
  const asks: Ask[] = [
    { over, value: sql`count(*) FILTER (WHERE ${outside})` },
    ...asked.map((value) => ({ over, value: sql`count(*) FILTER (WHERE ${among([value])})` })),
  ];
  const judge = (unexpected: number, missing: readonly Json[], shown: readonly Json[]): Verdict => ({
    outcome: {
      ...table(unexpected === 0 && missing.length === 0, null).outcome,
      ...(wanted !== "contain" && { unexpectedCount: unexpected, unexpectedValues: shown }),
      ...(wanted !== "in" && { missingCount: missing.length, missingValues: missing }),
    },
  });
  return {
    asks,
    judge: ({ values: [count, ...found] }) => {
      const missing = asked.filter((_, index) => number(found[index]) === 0);
      const unexpected = wanted === "contain" ? 0 : number(count);
      if (unexpected === 0) return judge(0, missing, []);
      return {
        asks: [],
        lists: [sql`SELECT ${shown} AS v FROM ${over} WHERE ${outside} ORDER BY k0 LIMIT ${text(String(SHOWN))}`],
        judge: ({ lists: [found = []] }) => judge(unexpected, missing, found.map(read)),
      };
    },
  };
}

/** The most frequent value lies in a set; several equally frequent ones only where ties are okay. */
export function mostCommon(
  kwargs: AggregateArguments & { value_set: readonly (Value | null)[] | null; ties_okay?: boolean | null | undefined },
  columns: readonly Column[],
): Plan {
  const { over, among, shown, read } = setOf(kwargs, columns);
  const expected = among(kwargs.value_set ?? []);
  return {
    asks: [{ over, value: sql`max(n)` }],
    judge: ({ values: [most] }) => {
      if (number(most) === 0) return table(false, []);
      const modes = sql`FROM ${over} WHERE n = ${number(most)}`;
      return {
        asks: [],
        lists: [sql`SELECT ${shown} AS v ${modes} ORDER BY k0`, sql`SELECT ${shown} AS v ${modes} AND ${expected}`],
        judge: ({ lists: [all = [], fitting = []] }) =>
          table(
            kwargs.ties_okay === true ? fitting.length > 0 : all.length === 1 && fitting.length === 1,
            all.map(read),
          ),
      };
    },
  };
}
