import type { FeatureView } from "./definitions.ts";
import type { RequestedView } from "./feature-references.ts";

/** The column of entity rows that says as of when the features are wanted. */
export const EVENT_TIMESTAMP = "event_timestamp";

/** The name under which a point-in-time join reads the entity rows. */
export const ENTITY_ROWS = "entity_rows";

/** The name under which queries read the table of the n-th requested view. */
export function sourceName(index: number): string {
  return `feature_source_${index}`;
}

/**
 * DuckDB SQL that joins to every entity row the newest feature values that were known at its `event_timestamp`.
 *
 * The rule of a point-in-time join: a row's values hold from its timestamp (inclusive) on; of two rows for one moment
 * the later created counts; when the newest row is older than the view's ttl (exactly as old still counts) the features
 * are null. Every entity row comes back once, with all its columns, duplicates too.
 *
 * @param requested Views of `sourceName(0)`, `sourceName(1)`, … in this order.
 */
export function pointInTimeSql(requested: readonly RequestedView[]): string {
  const columns = requested.flatMap(({ view, features }, index) =>
    features.map(({ feature, outputName }) => {
      const value = `s${index}.${quote(feature)}`;
      const held =
        view.ttl === 0
          ? value
          : `CASE WHEN ${micros(`e.${quote(EVENT_TIMESTAMP)}`)} - ${micros(timestamp(index, view))} <= ${Math.round(view.ttl * 1000)} THEN ${value} END`;
      return `${held} AS ${quote(outputName)}`;
    }),
  );
  const joins = requested.map(({ view }, index) => {
    const keys = view.entities.map(({ joinKey }) => `e.${quote(joinKey)} = s${index}.${quote(joinKey)}`);
    return `ASOF LEFT JOIN (${oneRowPerMoment(view, sourceName(index))}) AS s${index}
  ON ${keys.join(" AND ")} AND e.${quote(EVENT_TIMESTAMP)} >= ${timestamp(index, view)}`;
  });
  return `SELECT e.*, ${columns.join(", ")}
FROM ${ENTITY_ROWS} AS e
${joins.join("\n")}`;
}

/**
 * DuckDB SQL for the newest values of every entity with a timestamp up to `$until` (inclusive), and from `$start` on
 * when `withStart`: `entity_0, … (text), event_us, created_us` (microseconds since the epoch), then the features.
 */
export function newestValuesSql(view: FeatureView, withStart: boolean): string {
  const { timestampField, createdTimestampColumn } = view.source;
  const keys = view.entities.map(({ joinKey }) => quote(joinKey));
  const when = quote(timestampField);
  const created = createdTimestampColumn === undefined ? "NULL" : micros(quote(createdTimestampColumn));
  const conditions = [
    ...keys.map((key) => `${key} IS NOT NULL`),
    `${micros(when)} <= ${micros("CAST($until AS TIMESTAMP)")}`,
    ...(withStart ? [`${micros(when)} >= ${micros("CAST($start AS TIMESTAMP)")}`] : []),
  ];
  const columns = [
    ...keys.map((key, index) => `CAST(${key} AS VARCHAR) AS entity_${index}`),
    `CAST(${micros(when)} AS DOUBLE) AS event_us`,
    `CAST(${created} AS DOUBLE) AS created_us`,
    ...Object.entries(view.features).map(([name, type]) => {
      // Integers travel as text: no engine between here and the store may round them.
      const value = type === "bigint" ? `CAST(${quote(name)} AS VARCHAR)` : castTo(type, quote(name));
      return `${value} AS ${quote(name)}`;
    }),
  ];
  return `SELECT ${columns.join(", ")}
FROM ${sourceName(0)}
WHERE ${conditions.join(" AND ")}
QUALIFY row_number() OVER (PARTITION BY ${keys.join(", ")} ORDER BY ${[`${when} DESC`, ...latestFirst(view)].join(", ")}) = 1`;
}

/** The rows of a source, one for each entity and moment: the latest created. */
function oneRowPerMoment(view: FeatureView, source: string): string {
  const when = quote(view.source.timestampField);
  const moment = [...view.entities.map(({ joinKey }) => quote(joinKey)), when].join(", ");
  return `SELECT * FROM ${source} WHERE ${when} IS NOT NULL
  QUALIFY row_number() OVER (PARTITION BY ${moment} ORDER BY ${latestFirst(view).join(", ")}) = 1`;
}

/** Rows of one moment, the one that counts first: the latest created, then by value so that the choice is stable. */
function latestFirst(view: FeatureView): string[] {
  const created = view.source.createdTimestampColumn;
  return [
    ...(created === undefined ? [] : [`${quote(created)} DESC NULLS LAST`]),
    ...Object.keys(view.features).map((name) => `${quote(name)} DESC NULLS LAST`),
  ];
}

function timestamp(index: number, view: FeatureView): string {
  return `s${index}.${quote(view.source.timestampField)}`;
}

/** Microseconds since the epoch (UTC) of a date, a timestamp or a timestamp with time zone. */
function micros(expression: string): string {
  return `epoch_us(${expression})`;
}

function castTo(type: "double" | "string" | "boolean", expression: string): string {
  const name = { double: "DOUBLE", string: "VARCHAR", boolean: "BOOLEAN" }[type];
  return `CAST(${expression} AS ${name})`;
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
