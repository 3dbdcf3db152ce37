import { LakeError } from "./errors.ts";

/** A column by its name and its type in Spark SQL's words (`bigint, int, double, string, date, timestamp, …`). */
export interface Column {
  readonly name: string;
  readonly type: string;
}

const PRIMITIVES = [
  // Delta, Spark SQL, DuckDB
  ["long", "bigint", "BIGINT"],
  ["integer", "int", "INTEGER"],
  ["short", "smallint", "SMALLINT"],
  ["byte", "tinyint", "TINYINT"],
  ["double", "double", "DOUBLE"],
  ["float", "float", "FLOAT"],
  ["string", "string", "VARCHAR"],
  ["boolean", "boolean", "BOOLEAN"],
  ["date", "date", "DATE"],
  ["timestamp", "timestamp", "TIMESTAMP WITH TIME ZONE"],
  ["binary", "binary", "BLOB"],
] as const;

const DECIMAL = /^decimal\((\d+),(\d+)\)$/i;

/** DuckDB types that Delta has no word for, and the Delta type that holds their values. */
const NEAREST: Readonly<Record<string, string>> = {
  HUGEINT: "long",
  UBIGINT: "long",
  UINTEGER: "long",
  USMALLINT: "integer",
  UTINYINT: "short",
  TIMESTAMP: "timestamp",
  TIMESTAMP_S: "timestamp",
  TIMESTAMP_MS: "timestamp",
  TIMESTAMP_NS: "timestamp",
};

/** Delta's name of a type as Spark SQL writes it, or undefined when the lake does not hold that type. */
export function deltaToSpark(delta: string): string | undefined {
  return DECIMAL.test(delta) ? delta : PRIMITIVES.find((p) => p[0] === delta)?.[1];
}

/** Delta's name of a type in Spark SQL's words, or undefined when the lake does not hold that type. */
export function sparkToDelta(spark: string): string | undefined {
  return DECIMAL.test(spark) ? spark : PRIMITIVES.find((p) => p[1] === spark)?.[0];
}

/** The DuckDB type of a Delta column. */
export function deltaToDuck(delta: string): string {
  const decimal = DECIMAL.exec(delta);
  if (decimal) return `DECIMAL(${decimal[1]},${decimal[2]})`;
  const found = PRIMITIVES.find((p) => p[0] === delta);
  if (!found) throw new LakeError("UNSUPPORTED_TYPE", `The lake holds no columns of the Delta type ${delta}.`);
  return found[2];
}

/** The Delta type that holds what DuckDB computed, or undefined (lists, structs, intervals, times). */
export function duckToDelta(duck: string): string | undefined {
  const decimal = DECIMAL.exec(duck);
  if (decimal) return `decimal(${decimal[1]},${decimal[2]})`;
  return PRIMITIVES.find((p) => p[2] === duck)?.[0] ?? NEAREST[duck];
}

/** The type of a result column in Spark SQL's words; a DuckDB type without one keeps its own name, in lower case. */
export function duckToSpark(duck: string): string {
  const delta = duckToDelta(duck);
  if (delta !== undefined) return deltaToSpark(delta) ?? delta;
  return duck === '"NULL"' || duck === "SQLNULL" ? "void" : duck.toLowerCase();
}

const WIDENS: Readonly<Record<string, readonly string[]>> = {
  byte: ["short", "integer", "long", "float", "double"],
  short: ["integer", "long", "float", "double"],
  integer: ["long", "double"],
  float: ["double"],
};

/** Whether every value of the Delta type `from` is exactly a value of `to`. */
export function widens(from: string, to: string): boolean {
  return from === to || (WIDENS[from]?.includes(to) ?? false);
}
