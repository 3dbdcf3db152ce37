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

/** A column of the view under validation, with the engine's name of its type. */
export interface Column {
  readonly name: string;
  readonly type: string;
  readonly family: TypeFamily;
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
  "TIMESTAMP WITH TIME ZONE": "timestamptz",
};

/** Other names of the engine's types: Spark SQL's and pandas'. */
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
  INT8: "TINYINT",
  INT16: "SMALLINT",
  INT32: "INTEGER",
  INT64: "BIGINT",
  FLOAT32: "FLOAT",
  FLOAT64: "DOUBLE",
  STR: "VARCHAR",
  OBJECT: "VARCHAR",
  "DATETIME64[NS]": "TIMESTAMP",
};

/** The engine's own name of a type: `int` and `int32` are INTEGER, `string` is VARCHAR; unknown names stay. */
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
