import { inSet, isMissing, literal, type Value } from "./cells.ts";
import { type Column, columnOf, isNumeric, isTemporal } from "./column-types.ts";
import type { RowCondition } from "./row-condition.ts";
import { ALWAYS, type Fragment, identifier, join, sql, text } from "./sql.ts";

/**
 * A row condition as SQL that is true or false and never null. As in pandas, by which Great Expectations filters: a
 * missing value is unequal to every value, in no set, and neither less nor greater than anything.
 *
 * @throws NotEvaluableError for a missing column, or `<` and `>` between a column and a value of another kind.
 */
export function conditionOf(condition: RowCondition | undefined, columns: readonly Column[]): Fragment {
  if (condition === undefined) return ALWAYS;
  if ("and" in condition) return all(condition.and, columns, " AND ");
  if ("or" in condition) return all(condition.or, columns, " OR ");
  if ("not" in condition) return sql`(NOT ${conditionOf(condition.not, columns)})`;
  const column = columnOf(columns, condition.column);
  const name = identifier(column.name);
  switch (condition.operator) {
    case "is_null":
      return isMissing(column);
    case "is_not_null":
      return sql`(NOT ${isMissing(column)})`;
    case "in":
      return sql`coalesce(${inSet(column, condition.value)}, false)`;
    case "not_in":
      return sql`(NOT coalesce(${inSet(column, condition.value)}, false))`;
    default: {
      const { operator } = condition;
      const same = operator === "==";
      if ("other" in condition) {
        const other = columnOf(columns, condition.other);
        const compared = sql`${name} ${text(same ? "=" : operator)} ${identifier(other.name)}`;
        const there = sql`NOT ${isMissing(column)} AND NOT ${isMissing(other)}`;
        const between = sql`coalesce(${there} AND ${compared}, false)`;
        return operator === "!="
          ? sql`(NOT coalesce(${there} AND ${name} = ${identifier(other.name)}, false))`
          : between;
      }
      const { value } = condition;
      if (same || operator === "!=") {
        const equal = sql`coalesce(NOT ${isMissing(column)} AND ${equals(column, value)}, false)`;
        return same ? equal : sql`(NOT ${equal})`;
      }
      return sql`coalesce(NOT ${isMissing(column)} AND ${name} ${text(operator)} ${literal(column, value)}, false)`;
    }
  }
}

/** A value of another kind is equal to nothing in the column. */
function equals(column: Column, value: Value): Fragment {
  const isDay = isTemporal(column.family) && typeof value === "string";
  if (isDay || (isNumeric(column.family) && typeof value === "boolean")) {
    return sql`${identifier(column.name)} = ${literal(column, value)}`;
  }
  return inSet(column, [value]);
}

function all(conditions: readonly RowCondition[], columns: readonly Column[], separator: string): Fragment {
  return sql`(${join(
    conditions.map((condition) => conditionOf(condition, columns)),
    separator,
  )})`;
}
