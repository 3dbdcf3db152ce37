import type { SourceColumn } from "./api.ts";
import { quoteLiteral } from "./names.ts";

/*
 * What a column's values must look like, twice: as a function for one text, which says what was expected, and as DuckDB
 * SQL for millions of them. The two agree; a test with random texts holds them to it.
 */

const INTEGER = String.raw`[+-]?\d{1,20}`;
const NUMBER = String.raw`[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?`;
const DATE = String.raw`\d{4}-\d{2}-\d{2}`;
const TIMESTAMP = String.raw`(\d{4}-\d{2}-\d{2})[T ](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(Z|[+-](?:0\d|1[0-4]):[0-5]\d)?`;
const whole = (pattern: string) => new RegExp(`^(?:${pattern})$`);

const DECIMAL = /^decimal\((\d{1,2}),(\d{1,2})\)$/;

/** Whether a type is one of a decimal that tables hold. */
export function isDecimal(type: string): boolean {
  const [, precision, scale] = DECIMAL.exec(type) ?? [];
  return (
    precision !== undefined && Number(precision) >= 1 && Number(precision) <= 38 && Number(scale) <= Number(precision)
  );
}

/** Leading zeros count for nothing, nor do those after the last digit. */
function decimalPattern(type: string): string {
  const [, precision, scale] = DECIMAL.exec(type) ?? [];
  const digits = Number(precision) - Number(scale);
  return `[+-]?0*[0-9]{${digits === 0 ? "0" : `1,${digits}`}}(\\.[0-9]{0,${scale}}0*)?`;
}

/** The DuckDB type of a column. */
export function sourceType(column: SourceColumn): string {
  switch (column.type) {
    case "bigint":
      return "BIGINT";
    case "int":
      return "INTEGER";
    case "double":
      return "DOUBLE";
    case "string":
      return "VARCHAR";
    case "date":
      return "DATE";
    case "timestamp":
      return "TIMESTAMPTZ";
    case "boolean":
      return "BOOLEAN";
    default:
      return column.type.toUpperCase();
  }
}

/** Checks one field against its column. Returns its normal form (null for a missing value), or what was expected. */
export function checkValue(
  text: string,
  column: SourceColumn,
): { readonly value: string | null } | { readonly expected: string } {
  if (text === "")
    return column.nullable === true
      ? { value: null }
      : { expected: `${articled(column.type)} (the column is not nullable)` };
  if (text.includes("\uFFFD") || text.includes("\0")) return { expected: "valid UTF-8 text" };
  switch (column.type) {
    case "bigint":
      return integer(text, column, -(2n ** 63n), 2n ** 63n - 1n);
    case "int":
      return integer(text, column, -(2n ** 31n), 2n ** 31n - 1n);
    case "double":
      if (!whole(NUMBER).test(text) || !Number.isFinite(Number(text))) return { expected: "a number" };
      return atLeast(Number(text), column) ?? { value: text };
    case "date":
      return isDate(text) ? { value: text } : { expected: "a date of the calendar as yyyy-MM-dd" };
    case "timestamp":
      return timestamp(text);
    case "boolean":
      return /^(true|false)$/i.test(text) ? { value: text.toLowerCase() } : { expected: "true or false" };
    case "string":
      return { value: text };
    default:
      return decimal(text, column);
  }
}

/**
 * DuckDB SQL of a column's value from a text, and of whether the text is right.
 * @param text SQL of the text, null where it is missing
 */
export function checkedSql(text: string, column: SourceColumn): { readonly value: string; readonly valid: string } {
  const type = sourceType(column);
  const value = column.type === "string" ? text : `TRY_CAST(${text} AS ${type})`;
  const matches = (pattern: string) => `regexp_full_match(${text}, ${quoteLiteral(pattern)})`;
  const least = column.min === undefined ? [] : [`${value} >= ${column.min}`];
  const conditions = [...shape(), ...least, ...(column.type === "string" ? [] : [`${value} IS NOT NULL`])];
  const valid = conditions.map((c) => `coalesce(${c}, false)`).join(" AND ");
  return { value, valid: `CASE WHEN ${text} IS NULL THEN ${column.nullable === true} ELSE ${valid} END` };

  function shape(): string[] {
    switch (column.type) {
      case "bigint":
      case "int":
        return [matches(INTEGER)];
      case "double":
        return [matches(NUMBER), `isfinite(${value})`];
      case "date":
        return [matches(DATE), `${text} >= '0001'`];
      case "timestamp":
        return [matches(TIMESTAMP), `${text} >= '0001'`];
      case "boolean":
        return [`lower(${text}) IN ('true', 'false')`];
      case "string":
        return [`NOT contains(${text}, chr(0))`, `NOT contains(${text}, chr(65533))`];
      default:
        return [matches(decimalPattern(column.type))];
    }
  }
}

const articled = (type: string) => (type === "int" ? "an int" : `a ${type}`);

function integer(text: string, column: SourceColumn, least: bigint, most: bigint) {
  if (!whole(INTEGER).test(text)) return { expected: "a whole number" };
  const value = BigInt(text.replace("+", ""));
  if (value < least || value > most) return { expected: `a whole number that fits ${articled(column.type)}` };
  return atLeast(Number(value), column) ?? { value: value.toString() };
}

function decimal(text: string, column: SourceColumn) {
  if (!whole(decimalPattern(column.type)).test(text) || !/\d/.test(text))
    return { expected: `a number that fits ${articled(column.type)}` };
  return atLeast(Number(text), column) ?? { value: text };
}

function atLeast(value: number, column: SourceColumn): { expected: string } | undefined {
  return column.min !== undefined && value < column.min
    ? { expected: `a number of at least ${column.min}` }
    : undefined;
}

/** Whether a text is a day of the proleptic Gregorian calendar, written yyyy-MM-dd. */
function isDate(text: string): boolean {
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (!parts) return false;
  const [year, month, day] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1];
  return year > 0 && days !== undefined && day >= 1 && day <= days;
}

function timestamp(text: string) {
  const parts = whole(TIMESTAMP).exec(text);
  if (!parts || !isDate(parts[1]!))
    return { expected: "a timestamp as yyyy-MM-ddTHH:mm:ss, with or without fraction and offset (UTC without)" };
  return { value: parts[2] === undefined ? `${text}Z` : text };
}
