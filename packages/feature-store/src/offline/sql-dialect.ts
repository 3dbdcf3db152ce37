import type { Entity, FeatureView, ValueType } from "../definitions.ts";

/** The SQL of the engine that runs a query. */
export type Dialect = "duckdb" | "spark";

const SQL_TYPES: Readonly<Record<Dialect, Readonly<Record<ValueType, string>>>> = {
  duckdb: {
    double: "DOUBLE",
    int: "INTEGER",
    bigint: "BIGINT",
    string: "VARCHAR",
    boolean: "BOOLEAN",
    timestamp: "TIMESTAMPTZ",
  },
  spark: {
    double: "DOUBLE",
    int: "INT",
    bigint: "BIGINT",
    string: "STRING",
    boolean: "BOOLEAN",
    timestamp: "TIMESTAMP",
  },
};

/** The type's name. */
export function sqlType(dialect: Dialect, type: ValueType): string {
  return SQL_TYPES[dialect][type];
}

/** An identifier: whatever is inside stays a name. */
export function quote(dialect: Dialect, name: string): string {
  return dialect === "spark" ? `\`${name.replaceAll("`", "``")}\`` : `"${name.replaceAll('"', '""')}"`;
}

/** A moment (a date is its midnight, UTC) as a timestamp with time zone. */
export function moment(dialect: Dialect, expression: string): string {
  return `CAST(${expression} AS ${sqlType(dialect, "timestamp")})`;
}

/** Microseconds since the epoch (UTC) of a moment. */
export function micros(dialect: Dialect, expression: string): string {
  return dialect === "spark" ? `unix_micros(${moment(dialect, expression)})` : `epoch_us(${expression})`;
}

/** A literal of a moment, from ISO-8601 text that was checked. */
export function momentLiteral(dialect: Dialect, iso: string): string {
  return `${sqlType(dialect, "timestamp")} '${iso}'`;
}

/** The join keys of a view, quoted. */
export function keysOf(dialect: Dialect, entities: readonly Entity[]): string[] {
  return entities.map(({ joinKey }) => quote(dialect, joinKey));
}

/** Rows of one moment, the one that counts first: the latest created, then by value so that the choice is stable. */
export function latestFirst(dialect: Dialect, view: FeatureView): string[] {
  const created = view.source.createdTimestampColumn;
  return [
    ...(created === undefined ? [] : [`${quote(dialect, created)} DESC NULLS LAST`]),
    ...Object.keys(view.features).map((name) => `${quote(dialect, name)} DESC NULLS LAST`),
  ];
}
