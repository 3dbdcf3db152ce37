import { z } from "zod";
import { type Column, canonicalType, isNumeric } from "./column-types.ts";
import {
  and,
  columnMap,
  columnOf,
  conditionOf,
  countIf,
  isMissing,
  type Json,
  known,
  literal,
  type MapArguments,
  mapOutcome,
  NotEvaluableError,
  number,
  type Plan,
  type Probe,
  ROWS,
  rowsWhere,
} from "./plan.ts";
import { type Fragment, identifier, join, sql, text } from "./sql.ts";

/** Bounds of a range; a missing side is open. */
export interface Range {
  readonly min_value?: string | number | null | undefined;
  readonly max_value?: string | number | null | undefined;
  readonly strict_min: boolean;
  readonly strict_max: boolean;
}

/** Whether a value lies in a range; `bound` writes a bound in the value's own terms. */
export function inRange(value: Fragment, range: Range, bound: (value: string | number) => Fragment): Fragment {
  const sides: Fragment[] = [text("true")];
  const min = range.min_value ?? null;
  const max = range.max_value ?? null;
  if (min !== null) sides.push(sql`${value} ${text(range.strict_min ? ">" : ">=")} ${bound(min)}`);
  if (max !== null) sides.push(sql`${value} ${text(range.strict_max ? "<" : "<=")} ${bound(max)}`);
  return sql`(${join(sides, " AND ")})`;
}

/** Values of a column against a range in the column's own terms. */
export function between(column: Column, range: Range): Fragment {
  return inRange(identifier(column.name), range, (value) => literal(column, value));
}

/** Nulls, or their absence, as what is unexpected: every row counts, none is missing. */
export function nulls(kwargs: MapArguments, columns: readonly Column[], unexpected: "null" | "value"): Plan {
  const missing = isMissing(columnOf(columns, kwargs.column));
  const where = conditionOf(kwargs.row_condition, columns);
  const failed = and(where, unexpected === "null" ? missing : sql`NOT ${missing}`);
  return {
    aggregates: [countIf(where), countIf(failed)],
    judge: ([elements, count]) => mapOutcome(number(elements), 0, number(count), kwargs.mostly, null),
    failing: rowsWhere(failed),
  };
}

/** Values that occur once; every row of a repeated value is unexpected. */
export function unique(kwargs: MapArguments, columns: readonly Column[]): Plan {
  const column = columnOf(columns, kwargs.column);
  const name = identifier(column.name);
  const where = conditionOf(kwargs.row_condition, columns);
  const missing = isMissing(column);
  const present = and(where, sql`NOT ${missing}`);
  return {
    aggregates: [
      countIf(where),
      countIf(and(where, missing)),
      // Distinct values alone do not tell how many rows repeat, so the groups are counted.
      sql`(SELECT coalesce(sum(n), 0)::BIGINT FROM (SELECT count(*) AS n FROM ${ROWS} WHERE ${present} GROUP BY ${name} HAVING count(*) > 1))`,
    ],
    judge: ([elements, skipped, failed]) =>
      mapOutcome(number(elements), number(skipped), number(failed), kwargs.mostly, number(skipped)),
    failing: sql`${rowsWhere(present)} QUALIFY count(*) OVER (PARTITION BY ${name}) > 1`,
  };
}

/** A value against the one before it in the table's order, missing values left out. */
export function monotonic(
  kwargs: MapArguments & { strictly?: boolean | null | undefined },
  columns: readonly Column[],
  direction: "increasing" | "decreasing",
): Plan {
  const column = columnOf(columns, kwargs.column);
  const name = identifier(column.name);
  const where = conditionOf(kwargs.row_condition, columns);
  const missing = isMissing(column);
  const broken = direction === "increasing" ? "<" : ">";
  const operator = text(kwargs.strictly === true ? `${broken}=` : broken);
  const failing = sql`${rowsWhere(and(where, sql`NOT ${missing}`))} QUALIFY ${name} ${operator} lag(${name}) OVER ()`;
  return {
    aggregates: [countIf(where), countIf(and(where, missing)), sql`(SELECT count(*) FROM (${failing}))`],
    judge: ([elements, skipped, failed]) =>
      mapOutcome(number(elements), number(skipped), number(failed), kwargs.mostly, number(skipped)),
    failing,
  };
}

/** Distance from the mean in standard deviations (of a sample), below a threshold; as a distance when double-sided. */
export function zScores(
  kwargs: MapArguments & { threshold: number; double_sided: boolean },
  columns: readonly Column[],
): Plan {
  const column = numericColumn(columns, kwargs.column);
  const value = sql`CAST(${identifier(column.name)} AS DOUBLE)`;
  const where = conditionOf(kwargs.row_condition, columns);
  const missing = isMissing(column);
  const present = and(where, sql`NOT ${missing}`);
  const score = sql`((${value} - (SELECT avg(${value}) FROM ${ROWS} WHERE ${present})) / (SELECT stddev_samp(${value}) FROM ${ROWS} WHERE ${present}))`;
  const measured = kwargs.double_sided ? sql`abs(${score})` : score;
  const failing = rowsWhere(and(present, sql`NOT coalesce(${measured} < ${kwargs.threshold}, false)`));
  return {
    aggregates: [countIf(where), countIf(and(where, missing)), sql`(SELECT count(*) FROM (${failing}))`],
    judge: ([elements, skipped, failed]) =>
      mapOutcome(number(elements), number(skipped), number(failed), kwargs.mostly, number(skipped)),
    failing,
  };
}

/** Whether a value matches a regular expression somewhere (RE2's syntax, as DuckDB has it). */
export function matches(column: Column, regex: string): Fragment {
  return sql`regexp_matches(CAST(${identifier(column.name)} AS VARCHAR), ${regex})`;
}

/** Whether the number of characters of a text lies in a range. */
export function lengthBetween(column: Column, range: Range): Fragment {
  return inRange(sql`length(${textOf(column)})`, range, (value) => sql`${value}`);
}

/** Whether a text can be read in a strftime format. */
export function matchesFormat(column: Column, format: string): Fragment {
  return sql`(try_strptime(${textOf(column)}, ${format}) IS NOT NULL)`;
}

/** Orders of day, month, year and time that dateutil reads besides ISO-8601. */
const DATE_FORMATS = [
  ["%Y/%m/%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%m-%d-%Y", "%d-%m-%Y", "%Y.%m.%d", "%Y%m%d", "%m/%d/%y"],
  ["%d %b %Y", "%d %B %Y", "%b %d %Y", "%B %d %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y", "%b %Y", "%B %Y"],
  ["%Y-%m", "%Y", "%H:%M", "%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y%m%dT%H%M%S", "%Y/%m/%d %H:%M:%S"],
  ["%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%a, %d %b %Y %H:%M:%S", "%a %b %d %H:%M:%S %Y", "%I:%M %p"],
].flat();

/** Whether a text reads as a date or a moment in one of the customary ways. */
export function readsAsDate(column: Column): Fragment {
  const value = textOf(column);
  const formats = join(
    DATE_FORMATS.map((format) => sql`${format}`),
    ", ",
  );
  return sql`(TRY_CAST(${value} AS TIMESTAMPTZ) IS NOT NULL OR try_strptime(trim(${value}), [${formats}]) IS NOT NULL)`;
}

/** Whether a text is JSON. */
export function isJson(column: Column): Fragment {
  return sql`json_valid(${textOf(column)})`;
}

/** Values that are JSON and fit a schema; asks for the distinct values first. A value that is no JSON is an error. */
export function matchesJsonSchema(
  kwargs: MapArguments & { json_schema: Readonly<Record<string, Json>> },
  columns: readonly Column[],
): Probe {
  const column = columnOf(columns, kwargs.column);
  const present = and(conditionOf(kwargs.row_condition, columns), sql`NOT ${isMissing(column)}`);
  const schema = z.fromJSONSchema({ ...kwargs.json_schema });
  return {
    distinct: sql`SELECT DISTINCT ${textOf(column)} AS v FROM ${ROWS} WHERE ${present}`,
    plan: (values) => {
      const bad = values.filter((value) => !schema.safeParse(parsed(column, value)).success);
      if (bad.length === 0) return columnMap(kwargs, columns, () => text("true"));
      const list = join(
        bad.map((value) => sql`${value}`),
        ", ",
      );
      return columnMap(kwargs, columns, () => sql`(${identifier(column.name)} NOT IN (${list}))`);
    },
  };
}

function parsed(column: Column, value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    throw new NotEvaluableError(`Column "${column.name}" holds ${JSON.stringify(value)}, which is not JSON`);
  }
}

/** Names of pandas and Python that ask of a text column what each of its values is. */
const PANDAS_TYPE =
  /^(u?int(8|16|32|64)|float(16|32|64)|bool_?|str_?|bytes|datetime64.*|timedelta64.*|complex(64|128)|category)$/;

/**
 * The type of a column by the engine's, Spark SQL's or pandas' name. As in pandas, whose text columns hold objects, a
 * text column is asked value by value when pandas' names are given.
 */
export function ofType(kwargs: MapArguments, types: readonly string[], columns: readonly Column[]): Plan {
  const column = columnOf(columns, kwargs.column);
  const objects = column.family === "text" && types.every((type) => PANDAS_TYPE.test(type));
  if (objects) return columnMap(kwargs, columns, () => text(String(types.some((type) => type.startsWith("str")))));
  const actual = canonicalType(column.type);
  return known(
    types.some((type) => canonicalType(type) === actual),
    column.type,
  );
}

/** A column of numbers, by its name. */
export function numericColumn(columns: readonly Column[], name: string): Column {
  const column = columnOf(columns, name);
  if (isNumeric(column.family)) return column;
  throw new NotEvaluableError(`Column "${name}" holds ${column.type}; numbers are needed`);
}

function textOf(column: Column): Fragment {
  if (column.family === "text") return identifier(column.name);
  throw new NotEvaluableError(`Column "${column.name}" holds ${column.type}; text is needed`);
}
