import { inRange, inSet, isMissing, literal, numberOf, numeric, type Range } from "./cells.ts";
import { deviationOf } from "./column-aggregates.ts";
import { type Column, columnOf, isTemporal } from "./column-types.ts";
import { conditionOf } from "./conditions.ts";
import { NotEvaluableError } from "./errors.ts";
import {
  type Ask,
  and,
  columnMap,
  countOf,
  groupsOf,
  HELPER,
  type MapArguments,
  mapOutcome,
  number,
  type Plan,
  ROWS,
  rowMap,
  rowsWhere,
  type Scope,
  scopeOf,
} from "./plan.ts";
import { type Fragment, identifier, perDialect, sql, text } from "./sql.ts";

/** Values of a column against a range in the column's own terms. */
export function between(kwargs: MapArguments & Range, columns: readonly Column[]): Plan {
  const { min_value: min, max_value: max } = kwargs;
  if ((typeof min === "number" || typeof min === "string") && typeof max === typeof min && min > (max ?? min)) {
    throw new NotEvaluableError(`min_value ${min} cannot be greater than max_value ${max}`);
  }
  return columnMap(kwargs, columns, (column) => {
    // Yes and no lie between numbers as 1 and 0.
    const numbers = column.family === "boolean" && [min, max].some((bound) => typeof bound === "number");
    return numbers
      ? inRange(numberOf(column), kwargs, (value) => literal({ ...column, family: "float" }, value))
      : inRange(identifier(column.name), kwargs, (value) => literal(column, value));
  });
}

/** Values in a set, or out of it; no set at all is fulfilled. */
export function membership(
  kwargs: MapArguments & { value_set: readonly (string | number | boolean | null)[] | null },
  columns: readonly Column[],
  wanted: "in" | "out",
): Plan {
  const { value_set } = kwargs;
  if (value_set === null) return columnMap(kwargs, columns, () => text("true"));
  const asked = columnOf(columns, kwargs.column);
  // A day misspelt would never be found: what must not be there has to be one.
  if (wanted === "out" && isTemporal(asked.family)) {
    for (const value of value_set) if (typeof value === "string") literal(asked, value);
  }
  return columnMap(kwargs, columns, (column) =>
    wanted === "in" ? inSet(column, value_set) : sql`(NOT ${inSet(column, value_set)})`,
  );
}

/** Nulls, or their absence, as what is unexpected: every row counts, none is missing. */
export function nulls(kwargs: MapArguments, columns: readonly Column[], unexpected: "null" | "value"): Plan {
  const missing = isMissing(columnOf(columns, kwargs.column));
  const where = conditionOf(kwargs.row_condition, columns);
  const failed = and(where, unexpected === "null" ? missing : sql`(NOT ${missing})`);
  return {
    asks: [countOf(where), countOf(failed)],
    judge: ({ values: [elements, count] }) => ({
      outcome: mapOutcome(number(elements), 0, number(count), kwargs.mostly, null),
      failing: rowsWhere(failed),
    }),
  };
}

/** Values (or combinations) that occur once; every row of a repeated one is unexpected. */
export function occursOnce(scope: Scope, mostly: number | undefined, names: readonly Fragment[]): Plan {
  const repeated: Ask = {
    over: groupsOf(names, scope.kept),
    value: sql`coalesce(sum(n) FILTER (WHERE n > 1), 0)`,
  };
  const keys = names.reduce((all, name) => sql`${all}, ${name}`);
  const counted = sql`SELECT *, count(*) OVER (PARTITION BY ${keys}) AS ${identifier(HELPER)} FROM ${ROWS} WHERE ${scope.kept}`;
  return {
    asks: [countOf(scope.where), countOf(and(scope.where, scope.ignored)), repeated],
    judge: ({ values: [elements, ignored, failed] }) => ({
      outcome: mapOutcome(number(elements), number(ignored), number(failed), mostly),
      failing: sql`SELECT * FROM (${counted}) AS c WHERE ${identifier(HELPER)} > 1`,
    }),
  };
}

/**
 * Values of a column that occur once. Where they seem to rise from row to row they are asked whether they do, for a
 * tenth of what it costs to group them; only if not are they grouped.
 */
export function unique(kwargs: MapArguments, columns: readonly Column[]): Plan {
  const column = columnOf(columns, kwargs.column);
  const name = identifier(column.name);
  const scope = scopeOf(kwargs, columns);
  const grouped = occursOnce(scope, kwargs.mostly, [name]);
  if (column.asked?.rising !== true) return grouped;
  const falls = countOf(sql`${name} <= ${identifier(HELPER)}`, besideBefore(name, name, scope));
  return {
    asks: [...grouped.asks.slice(0, 2), falls],
    judge: (answers) => (number(answers.values[2]) === 0 ? grouped.judge(answers) : grouped),
  };
}

/** The order in which a table's rows lie; Spark's rows have none but the one in which they are read. */
const IN_ORDER = perDialect({ duckdb: text(""), spark: text("ORDER BY monotonically_increasing_id()") });

/** Columns of the rows that are kept, beside each row the value that a column has in the row before; what stands after FROM. */
function besideBefore(columns: Fragment, name: Fragment, { kept }: Scope): Fragment {
  const before = sql`lag(${name}) OVER (${IN_ORDER}) AS ${identifier(HELPER)}`;
  return sql`(SELECT ${columns}, ${before} FROM ${ROWS} WHERE ${kept}) AS o`;
}

/** A value against the one before it in the table's order, missing values left out. */
export function monotonic(
  kwargs: MapArguments & { strictly?: boolean | null | undefined },
  columns: readonly Column[],
  direction: "increasing" | "decreasing",
): Plan {
  const column = columnOf(columns, kwargs.column);
  const name = identifier(column.name);
  const scope = scopeOf(kwargs, columns);
  const broken = direction === "increasing" ? "<" : ">";
  const operator = text(kwargs.strictly === true ? `${broken}=` : broken);
  const falls = sql`${name} ${operator} ${identifier(HELPER)}`;
  const ordered = column.family !== "text" && column.family !== "other";
  return {
    asks: [
      countOf(scope.where),
      countOf(and(scope.where, scope.ignored)),
      countOf(falls, besideBefore(name, name, scope)),
    ],
    judge: ({ values: [elements, ignored, failed] }) => {
      if (!ordered && number(elements) > number(ignored) + 1) {
        throw new NotEvaluableError(`Column "${column.name}" holds ${column.type}; numbers or moments are needed`);
      }
      return {
        outcome: mapOutcome(number(elements), number(ignored), number(failed), kwargs.mostly),
        failing: sql`SELECT * FROM ${besideBefore(text("*"), name, scope)} WHERE ${falls}`,
      };
    },
  };
}

/**
 * Distance from the mean in standard deviations (of a sample), below a threshold; as a distance when double-sided.
 * Values without a spread are as expected.
 */
export function zScores(
  kwargs: MapArguments & { threshold: number; double_sided: boolean },
  columns: readonly Column[],
): Plan {
  const column = numeric(columnOf(columns, kwargs.column));
  const value = numberOf(column);
  const scope = scopeOf(kwargs, columns);
  return {
    asks: momentsOf(column, scope.kept),
    judge: ({ values: [mean, deviation] }) => {
      if (typeof mean !== "number" || typeof deviation !== "number" || deviation === 0 || !Number.isFinite(deviation)) {
        return rowMap(scope, kwargs.mostly, text("true"));
      }
      const score = sql`((${value} - ${mean}) / ${deviation})`;
      const expected = kwargs.double_sided
        ? sql`(abs(${score}) < ${Math.abs(kwargs.threshold)})`
        : sql`(${score} < ${kwargs.threshold})`;
      return rowMap(scope, kwargs.mostly, expected);
    },
  };
}

/** Mean and standard deviation of a sample. */
export function momentsOf(column: Column, where: Fragment): Ask[] {
  return [
    { over: ROWS, value: sql`avg(${numberOf(column)}) FILTER (WHERE ${where})` },
    { over: ROWS, value: deviationOf(column, where) },
  ];
}
