import { NotEvaluableError } from "./errors.ts";

/** What can be compared with what: the families that DuckDB's types fall into. */
export type TypeFamily =
  | "integer"
  | "decimal"
  | "float"
  | "text"
  | "boolean"
  | "date"
  | "timestamp"
  | "timestamptz"
  | "other";

/** What a glance at the first rows, and at the suite, tells of a column. */
export interface AskedBy {
  /** Its different values are fewer by far than the rows: what is sorted or judged is these. */
  readonly few?: boolean;
  /** Few, and what stands at some rank is asked: that is read off the same grouping. */
  readonly ranked?: boolean;
  /** Its different values are worked out in any case: what is judged is these. */
  readonly grouped?: boolean;
  /** Its values rise from row to row, so far: if they do to the end, none occurs twice. */
  readonly rising?: boolean;
}

/** A column of the view under validation, with the engine's name of its type. */
export interface Column {
  readonly name: string;
  readonly type: string;
  readonly family: TypeFamily;
  /** How the engine is best asked about it, which changes no answer. @default value by value */
  readonly asked?: AskedBy;
}

const FAMILIES: Readonly<Record<string, TypeFamily>> = {
  TINYINT: "integer",
  SMALLINT: "integer",
  INTEGER: "integer",
  BIGINT: "integer",
  HUGEINT: "integer",
  UTINYINT: "integer",
  USMALLINT: "integer",
  UINTEGER: "integer",
  UBIGINT: "integer",
  UHUGEINT: "integer",
  DECIMAL: "decimal",
  FLOAT: "float",
  DOUBLE: "float",
  VARCHAR: "text",
  BOOLEAN: "boolean",
  DATE: "date",
  TIMESTAMP: "timestamp",
  TIMESTAMP_S: "timestamp",
  TIMESTAMP_MS: "timestamp",
  TIMESTAMP_NS: "timestamp",
  TIMESTAMP_NTZ: "timestamp",
  "TIMESTAMP WITH TIME ZONE": "timestamptz",
};

/** Other names of the engine's types, Spark SQL's among them. */
const ALIASES: Readonly<Record<string, string>> = {
  BYTE: "TINYINT",
  SHORT: "SMALLINT",
  INT: "INTEGER",
  LONG: "BIGINT",
  REAL: "FLOAT",
  STRING: "VARCHAR",
  TEXT: "VARCHAR",
  BOOL: "BOOLEAN",
  TIMESTAMPTZ: "TIMESTAMP WITH TIME ZONE",
};

/** The engine's own name of a type: `int` is INTEGER, `string` is VARCHAR; unknown names stay. */
export function canonicalType(name: string): string {
  const upper = name.trim().toUpperCase();
  return ALIASES[upper] ?? upper;
}

/** The family of a type by the engine's name; parameters as in DECIMAL(18,2) do not matter. */
export function familyOf(type: string): TypeFamily {
  return FAMILIES[canonicalType(type).replace(/\(.*\)$/, "")] ?? "other";
}

/** Whether values of this family are numbers. */
export function isNumeric(family: TypeFamily): boolean {
  return family === "integer" || family === "decimal" || family === "float";
}

/** Whether values of this family are days or moments. */
export function isTemporal(family: TypeFamily): boolean {
  return family === "date" || family === "timestamp" || family === "timestamptz";
}

/** Finds a column by its exact name. */
export function columnOf(columns: readonly Column[], name: string): Column {
  const found = columns.find((column) => column.name === name);
  if (found !== undefined) return found;
  throw new NotEvaluableError(
    `Column "${name}" does not exist; the columns are ${columns.map((column) => column.name).join(", ")}`,
  );
}
