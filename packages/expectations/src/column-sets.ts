import { inSet, type Value } from "./cells.ts";
import { type AggregateArguments, presentRows } from "./column-aggregates.ts";
import { type Column, columnOf } from "./column-types.ts";
import { type Ask, groupsOf, type Json, number, type Plan, table, type Verdict } from "./plan.ts";
import { type Fragment, identifier, type Scalar, sql, text } from "./sql.ts";

/** Values beyond a set that are shown. */
const SHOWN = 20;

/** The groups of a column's values, their value named as the column, so that conditions on it can be asked of them. */
function valuesOf(kwargs: AggregateArguments, columns: readonly Column[]): { over: Fragment; column: Column } {
  const column = columnOf(columns, kwargs.column);
  return {
    over: groupsOf([identifier(column.name)], presentRows(kwargs, columns)),
    column: { ...column, name: "k0" },
  };
}

/** The distinct values of a column against a set: none outside it, none of it missing, or both. */
export function distinctValues(
  kwargs: AggregateArguments & { value_set: readonly (Value | null)[] },
  columns: readonly Column[],
  wanted: "in" | "contain" | "equal",
): Plan {
  const { over, column } = valuesOf(kwargs, columns);
  const outside = sql`NOT ${inSet(column, kwargs.value_set)}`;
  const asked = wanted === "in" ? [] : [...new Set(kwargs.value_set)].reverse();
  const asks: Ask[] = [
    { over, value: sql`count(*) FILTER (WHERE ${outside})` },
    ...asked.map((value) => ({ over, value: sql`count(*) FILTER (WHERE ${inSet(column, [value])})` })),
  ];
  const judge = (unexpected: number, missing: readonly Json[], shown: readonly Scalar[]): Verdict => ({
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
        lists: [sql`SELECT k0 AS v FROM ${over} WHERE ${outside} ORDER BY v LIMIT ${text(String(SHOWN))}`],
        judge: ({ lists: [shown = []] }) => judge(unexpected, missing, shown),
      };
    },
  };
}

/** The most frequent value lies in a set; several equally frequent ones only where ties are okay. */
export function mostCommon(
  kwargs: AggregateArguments & { value_set: readonly (Value | null)[] | null; ties_okay?: boolean | null | undefined },
  columns: readonly Column[],
): Plan {
  const { over, column } = valuesOf(kwargs, columns);
  const expected = inSet(column, kwargs.value_set ?? []);
  return {
    asks: [{ over, value: sql`max(n)` }],
    judge: ({ values: [most] }) => {
      if (number(most) === 0) return table(false, []);
      const modes = sql`FROM ${over} WHERE n = ${number(most)}`;
      return {
        asks: [],
        lists: [sql`SELECT k0 AS v ${modes} ORDER BY v`, sql`SELECT k0 AS v ${modes} AND ${expected}`],
        judge: ({ lists: [all = [], fitting = []] }) =>
          table(kwargs.ties_okay === true ? fitting.length > 0 : all.length === 1 && fitting.length === 1, all),
      };
    },
  };
}
