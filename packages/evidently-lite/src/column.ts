import { type ArrowVector, isArrowVector } from "./arrow.ts";
import type { ColumnType, Value } from "./values.ts";

/** A column: a plain array, a typed array, or a vector of Apache Arrow. None of them is copied or changed. */
export type Column = ArrayLike<Value> | ArrowVector;

/** A named column each, all of the same length. A column may be a getter: each is asked for when its turn comes. */
export type Table = Readonly<Record<string, Column>>;

/** `num` for typed arrays and for columns whose first present value is a number, a bigint or a date, else `cat`. */
export function inferType(column: Column): ColumnType {
  if (ArrayBuffer.isView(column)) return "num";
  const read = valueReader(column);
  for (let row = 0; row < column.length; row++) {
    const value = read(row);
    if (value === null || value === undefined) continue;
    return typeof value === "number" || typeof value === "bigint" || value instanceof Date ? "num" : "cat";
  }
  return "cat";
}

/** The values of a column by row. */
export function valueReader(column: Column): (row: number) => Value {
  if (!isArrowVector(column)) return (row) => column[row];
  return (row) => {
    const value = column.get(row);
    return value === null || isScalar(value) ? value : String(value);
  };
}

function isScalar(value: unknown): value is Value {
  return ["number", "string", "boolean", "bigint", "undefined"].includes(typeof value) || value instanceof Date;
}
