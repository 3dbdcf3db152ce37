import { DriftError } from "./errors.ts";

/** One value of a column; `null`, `undefined`, `NaN` and the infinities are missing. */
export type Value = number | string | boolean | null | undefined;

/** How a column is to be read: as a quantity or as a category. */
export type ColumnType = "num" | "cat";

/** The present values of a column, in order. @throws DriftError EMPTY_COLUMN */
export function presentValues(column: ArrayLike<Value>, field: string): (number | string | boolean)[] {
  const present: (number | string | boolean)[] = [];
  for (let row = 0; row < column.length; row++) {
    const value = column[row];
    if (value === null || value === undefined) continue;
    if (typeof value === "number" && !Number.isFinite(value)) continue;
    present.push(value);
  }
  if (present.length === 0) throw emptyColumn(field, column.length);
  return present;
}

/** The error of a column without a present value. */
export function emptyColumn(field: string, rows: number): DriftError {
  return new DriftError(
    "EMPTY_COLUMN",
    field,
    `"${field}" has no values (of ${rows} rows): expected at least one that is neither missing nor infinite`,
  );
}

/** The present values of a numeric column, ascending. @throws DriftError EMPTY_COLUMN, NOT_A_NUMBER */
export function sortedNumbers(column: ArrayLike<Value>, field: string): Float64Array {
  if (column instanceof Float64Array) {
    const finite = column.filter(Number.isFinite);
    if (finite.length === 0) throw emptyColumn(field, column.length);
    return finite.sort();
  }
  const present = presentValues(column, field);
  const numbers = new Float64Array(present.length);
  for (const [row, value] of present.entries()) {
    if (typeof value === "string")
      throw new DriftError("NOT_A_NUMBER", field, `"${field}" holds the text "${value}": expected numbers`);
    numbers[row] = Number(value);
  }
  return numbers.sort();
}

/** How many different values an ascending list holds. */
export function distinctSorted(sorted: Float64Array): number {
  let distinct = 0;
  for (let at = 0; at < sorted.length; at++) if (at === 0 || sorted[at] !== sorted[at - 1]) distinct += 1;
  return distinct;
}

/** `num` for typed arrays and columns whose first present value is a number, else `cat`. */
export function inferType(column: ArrayLike<Value>): ColumnType {
  if (ArrayBuffer.isView(column)) return "num";
  for (let row = 0; row < column.length; row++) {
    const value = column[row];
    if (value === null || value === undefined) continue;
    return typeof value === "number" ? "num" : "cat";
  }
  return "cat";
}
