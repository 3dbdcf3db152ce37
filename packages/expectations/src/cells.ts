import { type Column, isNumeric, isTemporal } from "./column-types.ts";
import { NotEvaluableError } from "./errors.ts";
import { type Fragment, identifier, join, perDialect, type Scalar, sql, TEXT, text } from "./sql.ts";

/** A value of an argument. */
export type Value = string | number | boolean;

/** Null; in a column of floating point numbers NaN too, which means the same to the people who write expectations. */
export function isMissing(column: Column): Fragment {
  const name = identifier(column.name);
  return column.family === "float" ? sql`(${name} IS NULL OR isnan(${name}))` : sql`(${name} IS NULL)`;
}

/** A day, a time of it, and an offset of the time: as ISO-8601 writes a moment, and as databases do. */
const MOMENT =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?\s*(?:Z|[+-]\d{2}(?::?\d{2})?)?)?$/;

/** Whether a text is a date or a moment, of a day that there is. */
export function isMoment(text: string): boolean {
  const [, year, month, day] = (MOMENT.exec(text) ?? []).map(Number);
  if (year === undefined || month === undefined || day === undefined || month < 1 || month > 12 || day < 1)
    return false;
  // Day 0 of the next month; of a year in which leap days fall as in this one.
  return day <= new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
}

/** A moment as a literal that can be compared with a column of this type. */
export function moment(column: Column, iso: string): Fragment {
  if (!isMoment(iso)) {
    throw new NotEvaluableError(
      `Column "${column.name}" holds ${column.type}; ${JSON.stringify(iso)} is not a date or moment (expected ISO-8601)`,
    );
  }
  if (column.family !== "timestamptz") return sql`CAST(${iso} AS TIMESTAMP)`;
  return perDialect({ duckdb: sql`CAST(${iso} AS TIMESTAMPTZ)`, spark: sql`CAST(${iso} AS TIMESTAMP)` });
}

/** A number of a column: of yes and no it is 1 and 0. */
export function numberOf(column: Column): Fragment {
  const name = identifier(column.name);
  return column.family === "boolean" ? sql`CAST(CAST(${name} AS INTEGER) AS DOUBLE)` : sql`CAST(${name} AS DOUBLE)`;
}

/** The infinities as engines and Python write them. */
const INFINITIES: Readonly<Record<string, number>> = {
  inf: Number.POSITIVE_INFINITY,
  Infinity: Number.POSITIVE_INFINITY,
  "-inf": Number.NEGATIVE_INFINITY,
  "-Infinity": Number.NEGATIVE_INFINITY,
};

/** A number as text, for `readNumber`: the rows that a query gives hold no infinite numbers. */
export function written(value: Fragment): Fragment {
  return sql`CAST(CAST(${value} AS DOUBLE) AS ${TEXT})`;
}

/** The number that was `written`; null of none and of what is not a number. */
export function readNumber(value: Scalar | undefined): number | null {
  if (value === null || value === undefined) return null;
  const read = INFINITIES[String(value)] ?? Number(value);
  return Number.isNaN(read) ? null : read;
}

/** A number as a report tells it: the infinities, which JSON does not have, as text. */
export function told(value: number | null): number | string | null {
  return value === null || Number.isFinite(value) ? value : String(value);
}

/** Whether a floating point number is infinite. */
export function isInfinite(value: Fragment): Fragment {
  return sql`(abs(${value}) = CAST('Infinity' AS DOUBLE))`;
}

/** A column of numbers (or of yes and no, as 1 and 0). @throws NotEvaluableError for any other. */
export function numeric(column: Column): Column {
  if (isNumeric(column.family) || column.family === "boolean") return column;
  throw new NotEvaluableError(`Column "${column.name}" holds ${column.type}; numbers are needed`);
}

/** An argument's value as something that compares with the column in the column's own terms. */
export function literal(column: Column, value: Value): Fragment {
  const comparable = comparableTo(column, value);
  if (comparable !== undefined) return comparable;
  if (isTemporal(column.family) && typeof value === "string") return moment(column, value);
  throw new NotEvaluableError(
    `Column "${column.name}" holds ${column.type} and cannot be compared with the ${typeof value} ${JSON.stringify(value)}`,
  );
}

/** Whether an argument's value is of the column's kind. */
export function isComparable(column: Column, value: Value): boolean {
  return comparableTo(column, value) !== undefined;
}

/** The same, or undefined where nothing in the column could ever equal it. */
function comparableTo(column: Column, value: Value): Fragment | undefined {
  if (isNumeric(column.family)) {
    if (typeof value === "string") return isNumberText(value) ? sql`${Number(value)}` : undefined;
    return sql`${Number(value)}`;
  }
  if (column.family === "boolean") {
    if (typeof value === "boolean") return sql`${value}`;
    return value === 0 || value === 1 ? sql`${value === 1}` : undefined;
  }
  if (typeof value !== "string") return undefined;
  if (!isTemporal(column.family)) return sql`${value}`;
  return isMoment(value) ? moment(column, value) : undefined;
}

function isNumberText(value: string): boolean {
  return value.trim() !== "" && Number.isFinite(Number(value));
}

/** Whether the column's value is one of these; a value of another kind is never. Null where the column's value is. */
export function inSet(column: Column, values: readonly (Value | null)[]): Fragment {
  const comparable = values.flatMap((value) => {
    // A text never equals a number: only bounds are read as numbers.
    if (value === null || (typeof value === "string" && isNumeric(column.family))) return [];
    return comparableTo(column, value) ?? [];
  });
  if (comparable.length === 0) return text("false");
  return sql`(${identifier(column.name)} IN (${join(comparable, ", ")}))`;
}

/** Bounds of a range; a missing side is open. */
export interface Range {
  readonly min_value?: string | number | null | undefined;
  readonly max_value?: string | number | null | undefined;
  readonly strict_min: boolean;
  readonly strict_max: boolean;
}

/** Whether a value lies in a range; `bound` writes a bound in the value's own terms. */
export function inRange(value: Fragment, range: Range, bound: (value: string | number) => Fragment): Fragment {
  const sides: Fragment[] = [];
  const min = range.min_value ?? null;
  const max = range.max_value ?? null;
  if (min !== null) sides.push(sql`${value} ${text(range.strict_min ? ">" : ">=")} ${bound(min)}`);
  if (max !== null) sides.push(sql`${value} ${text(range.strict_max ? "<" : "<=")} ${bound(max)}`);
  return sides.length === 0 ? text("true") : sql`(${join(sides, " AND ")})`;
}

/** Whether a number lies in a range; a missing side is open. */
export function fits(value: number, { min_value, max_value, strict_min, strict_max }: Range): boolean {
  const min = Number(min_value ?? -Infinity);
  const max = Number(max_value ?? Infinity);
  return (strict_min ? value > min : value >= min) && (strict_max ? value < max : value <= max);
}

/** A column's value, with every missing one as null. */
export function cellOf(column: Column): Fragment {
  const name = identifier(column.name);
  return column.family === "float" ? sql`CASE WHEN isnan(${name}) THEN NULL ELSE ${name} END` : name;
}
