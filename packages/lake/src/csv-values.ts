import type { CsvColumn } from "./api.ts";

/** Checks one field against its column. Returns its normal form (null for a missing value), or what was expected. */
export function checkValue(
  text: string,
  column: CsvColumn,
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
      if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) || !Number.isFinite(Number(text)))
        return { expected: "a number" };
      return atLeast(Number(text), column) ?? { value: text };
    case "date":
      return isDate(text) ? { value: text } : { expected: "a date of the calendar as yyyy-MM-dd" };
    case "timestamp":
      return timestamp(text);
    case "boolean":
      return /^(true|false)$/i.test(text) ? { value: text.toLowerCase() } : { expected: "true or false" };
    case "string":
      return { value: text };
  }
}

const articled = (type: string) => (type === "int" ? "an int" : `a ${type}`);

function integer(text: string, column: CsvColumn, least: bigint, most: bigint) {
  if (!/^[+-]?\d{1,20}$/.test(text)) return { expected: "a whole number" };
  const value = BigInt(text.replace("+", ""));
  if (value < least || value > most) return { expected: `a whole number that fits ${articled(column.type)}` };
  return atLeast(Number(value), column) ?? { value: value.toString() };
}

function atLeast(value: number, column: CsvColumn): { expected: string } | undefined {
  return column.min !== undefined && value < column.min
    ? { expected: `a number of at least ${column.min}` }
    : undefined;
}

/** Whether a text is a day of the proleptic Gregorian calendar, written yyyy-MM-dd. */
export function isDate(text: string): boolean {
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (!parts) return false;
  const [year, month, day] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1];
  return year > 0 && days !== undefined && day >= 1 && day <= days;
}

const TIMESTAMP =
  /^(\d{4}-\d{2}-\d{2})[T ](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(Z|[+-](?:0\d|1[0-4]):[0-5]\d)?$/;

function timestamp(text: string) {
  const parts = TIMESTAMP.exec(text);
  if (!parts || !isDate(parts[1]!))
    return { expected: "a timestamp as yyyy-MM-ddTHH:mm:ss, with or without fraction and offset (UTC without)" };
  return { value: parts[2] === undefined ? `${text}Z` : text };
}
