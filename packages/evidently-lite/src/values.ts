import { DriftError } from "./errors.ts";

/**
 * One value of a column; `null`, `undefined`, `NaN` and the infinities are missing. As a number a boolean counts 0 or 1, a
 * `Date` its milliseconds since 1970; as a category a `Date` is its ISO text, a bigint the number or, beyond 2^53, its text.
 */
export type Value = number | string | boolean | bigint | Date | null | undefined;

/** How a column is to be read: as a quantity or as a category. */
export type ColumnType = "num" | "cat";

/** A category as it is counted. */
export type Category = number | string | boolean;

/** The error of a column without a present value. */
export function emptyColumn(field: string, rows: number): DriftError {
  return new DriftError(
    "EMPTY_COLUMN",
    field,
    `"${field}" has no values (of ${rows} rows): expected at least one that is neither missing nor infinite`,
  );
}

/** A value as a number, NaN where it is missing. @throws DriftError NOT_A_NUMBER for text */
export function numberOf(value: unknown, field: string): number {
  if (typeof value === "number") return value;
  if (value === null || value === undefined) return Number.NaN;
  if (typeof value === "boolean" || typeof value === "bigint" || value instanceof Date) return Number(value);
  throw new DriftError("NOT_A_NUMBER", field, `"${field}" holds the text "${String(value)}": expected numbers`);
}

/** A value as a category, null where it is missing. */
export function categoryOf(value: unknown): Category | null {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value : null;
    case "bigint":
      return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    case "undefined":
      return null;
    default:
      if (value === null) return null;
      if (!(value instanceof Date)) return String(value);
      return Number.isNaN(value.getTime()) ? null : value.toISOString();
  }
}

/** Categories in order: texts by code unit, all else by number. */
export function beforeCategory(one: Category, two: Category): boolean {
  if (typeof one === "string" || typeof two === "string") return String(one) < String(two);
  return Number(one) < Number(two);
}
