import type { FeatureView } from "../definitions.ts";
import { sourceName } from "./point-in-time.ts";
import { type Dialect, keysOf, latestFirst, micros, momentLiteral, quote, sqlType } from "./sql-dialect.ts";

/** Which rows of a view's table are read. */
export interface NewestValuesWindow {
  /** ISO-8601; rows with a timestamp up to and with this moment. */
  readonly until: string;
  /** ISO-8601; rows with a timestamp from this moment on. @default all */
  readonly start?: string | undefined;
  /** The entities of one of so many parts, from 0; every entity is in exactly one. @default all */
  readonly part?: { readonly index: number; readonly of: number } | undefined;
}

/**
 * SQL for the newest values of every entity within a window: `entity_0, … (text), event_us, created_us` (microseconds
 * since the epoch), then the features under their names.
 */
export function newestValuesSql(
  dialect: Dialect,
  view: FeatureView,
  { until, start, part }: NewestValuesWindow,
): string {
  const { timestampField, createdTimestampColumn } = view.source;
  const name = (text: string) => quote(dialect, text);
  const keys = keysOf(dialect, view.entities);
  const when = name(timestampField);
  const created = createdTimestampColumn === undefined ? "NULL" : micros(dialect, name(createdTimestampColumn));
  const conditions = [
    ...keys.map((key) => `${key} IS NOT NULL`),
    `${when} <= ${momentLiteral(dialect, until)}`,
    ...(start === undefined ? [] : [`${when} >= ${momentLiteral(dialect, start)}`]),
    ...(part === undefined || part.of === 1 ? [] : [`${partOf(dialect, keys, part.of)} = ${part.index}`]),
  ];
  const text = sqlType(dialect, "string");
  const columns = [
    ...keys.map((key, index) => `CAST(${key} AS ${text}) AS entity_${index}`),
    `CAST(${micros(dialect, when)} AS DOUBLE) AS event_us`,
    `CAST(${created} AS DOUBLE) AS created_us`,
    ...Object.entries(view.features).map(([feature, type]) => {
      // Integers travel as text: no engine between here and the store may round them.
      const value = `CAST(${name(feature)} AS ${sqlType(dialect, type)})`;
      return `${type === "bigint" ? `CAST(${value} AS ${text})` : value} AS ${name(feature)}`;
    }),
  ];
  // By name: whatever else the table has cannot be taken for a column of this query.
  const read = new Set([
    ...keys,
    when,
    ...(createdTimestampColumn === undefined ? [] : [name(createdTimestampColumn)]),
    ...Object.keys(view.features).map(name),
  ]);
  const order = [`${when} DESC`, ...latestFirst(dialect, view)].join(", ");
  return `SELECT ${columns.join(", ")}
FROM (
  SELECT ${[...read].join(", ")}, row_number() OVER (PARTITION BY ${keys.join(", ")} ORDER BY ${order}) AS __newest
  FROM ${sourceName(0)} WHERE ${conditions.join(" AND ")}
) AS ranked
WHERE __newest = 1`;
}

function partOf(dialect: Dialect, keys: readonly string[], parts: number): string {
  return dialect === "spark" ? `pmod(hash(${keys.join(", ")}), ${parts})` : `hash(${keys.join(", ")}) % ${parts}`;
}
