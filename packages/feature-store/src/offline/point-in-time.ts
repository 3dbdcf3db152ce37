import type { FeatureView } from "../definitions.ts";
import type { RequestedFeature, RequestedView } from "../feature-references.ts";
import { type Dialect, keysOf, latestFirst, micros, moment, quote, sqlType } from "./sql-dialect.ts";

/** The column of entity rows that says as of when the features are wanted. */
export const EVENT_TIMESTAMP = "event_timestamp";

/** The name under which a point-in-time join reads the entity rows. */
export const ENTITY_ROWS = "entity_rows";

/** The number of an entity row, from 0 (DuckDB) or any, ascending (Spark), in the order of the table. */
export const ROW_NUMBER = "__entity_row";

/** Columns of a join's own; entity rows cannot have them. */
export const OWN_COLUMNS: readonly string[] = [
  ...[ROW_NUMBER, "__at", "__is_entity_row", "__created", "__source", "__held"],
];

/** The name under which queries read the table of the n-th requested view. */
export function sourceName(index: number): string {
  return `feature_source_${index}`;
}

/** The join: which columns of the entity rows pass through, and which views' features are joined to them. */
export interface PointInTimeJoin {
  /** The columns of the entity rows that are kept, in order. */
  readonly entityColumns: readonly string[];
  /** Views of `sourceName(0)`, `sourceName(1)`, … in this order. */
  readonly views: readonly RequestedView[];
}

/**
 * SQL that joins to every entity row the newest feature values that were known at its `event_timestamp`.
 *
 * The rule of a point-in-time join: a row's values hold from its timestamp (inclusive) on; of two rows for one moment
 * the later created counts; when the newest row is older than the view's ttl (exactly as old still counts) the features
 * are null. Every entity row comes back once, duplicates too: its kept columns, the features, and its number
 * (`ROW_NUMBER`), in no particular order.
 */
export function pointInTimeSql(dialect: Dialect, join: PointInTimeJoin): string {
  return dialect === "spark" ? windowPlan(join) : asofPlan(join);
}

/** DuckDB: one ASOF join for each view. */
function asofPlan({ entityColumns, views }: PointInTimeJoin): string {
  const name = (text: string) => quote("duckdb", text);
  const at = `e.${name(EVENT_TIMESTAMP)}`;
  const columns = views.flatMap(({ view, features }, index) => {
    const age = `${micros("duckdb", at)} - ${micros("duckdb", `s${index}.${name(view.source.timestampField)}`)}`;
    return features.map(({ feature, type, column }) => {
      const value = `CAST(s${index}.${name(feature)} AS ${sqlType("duckdb", type)})`;
      // DuckDB's ASOF join of many rows takes a null moment for one after all others, and a null key for equal to another.
      const known = [at, ...view.entities.map(({ joinKey }) => `e.${name(joinKey)}`)];
      const held = `CASE WHEN ${known.map((one) => `${one} IS NOT NULL`).join(" AND ")} THEN ${withinTtl(view, age, value)} END`;
      return `${held} AS ${name(column)}`;
    });
  });
  const joins = views.map(({ view }, index) => {
    const keys = view.entities.map(({ joinKey }) => `e.${name(joinKey)} = s${index}.${name(joinKey)}`);
    return `ASOF LEFT JOIN (${oneRowPerMoment(view, sourceName(index))}) AS s${index}
  ON ${keys.join(" AND ")} AND ${at} >= s${index}.${name(view.source.timestampField)}`;
  });
  return `SELECT ${[...entityColumns.map((column) => `e.${name(column)}`), ...columns, `e.${ROW_NUMBER}`].join(", ")}
FROM (SELECT *, row_number() OVER () - 1 AS ${ROW_NUMBER} FROM ${ENTITY_ROWS}) AS e
${joins.join("\n")}`;
}

/** The rows of a source, one for each entity and moment: the latest created. */
function oneRowPerMoment(view: FeatureView, source: string): string {
  const when = quote("duckdb", view.source.timestampField);
  const moment = [...keysOf("duckdb", view.entities), when];
  return `SELECT * FROM ${source} WHERE ${moment.map((column) => `${column} IS NOT NULL`).join(" AND ")}
  QUALIFY row_number() OVER (PARTITION BY ${moment.join(", ")} ORDER BY ${latestFirst("duckdb", view).join(", ")}) = 1`;
}

/**
 * Spark has no ASOF join: for each view, entity rows and source rows go together into one window by join keys and time,
 * where an entity row takes the last source row before it. No row is multiplied, however many there are of one key.
 */
function windowPlan({ entityColumns, views }: PointInTimeJoin): string {
  const name = (text: string) => quote("spark", text);
  const needed = new Set([
    ...entityColumns,
    EVENT_TIMESTAMP,
    ...views.flatMap(({ view }) => view.entities.map(({ joinKey }) => joinKey)),
  ]);
  const carried = [...needed].map(name);
  const steps = [
    `joined_0 AS (SELECT ${carried.join(", ")}, monotonically_increasing_id() AS ${ROW_NUMBER} FROM ${ENTITY_ROWS})`,
  ];
  const done: string[] = [];
  for (const [index, { view, features }] of views.entries()) {
    const { timestampField, createdTimestampColumn } = view.source;
    const keys = keysOf("spark", view.entities);
    const when = moment("spark", name(timestampField));
    const created =
      createdTimestampColumn === undefined ? "CAST(NULL AS TIMESTAMP)" : moment("spark", name(createdTimestampColumn));
    // All features decide between rows of one moment, not only those that are asked for.
    const all = Object.entries(view.features);
    const fields = ["at TIMESTAMP", ...all.map(([, type], n) => `f${n} ${sqlType("spark", type)}`)];
    const values = [
      `'at', ${when}`,
      ...all.map(([one, type], n) => `'f${n}', CAST(${name(one)} AS ${sqlType("spark", type)})`),
    ];
    const asNull = (column: string) => (keys.includes(column) ? column : `NULL AS ${column}`);
    const before = [...carried, ...done, ROW_NUMBER];
    steps.push(
      `both_${index} AS (
  SELECT ${before.join(", ")}, ${moment("spark", name(EVENT_TIMESTAMP))} AS __at, 1 AS __is_entity_row,
    CAST(NULL AS TIMESTAMP) AS __created, CAST(NULL AS STRUCT<${fields.join(", ").replaceAll(/(\w+) (\w+)(,|$)/g, "$1: $2$3")}>) AS __source
  FROM joined_${index}
  UNION ALL
  SELECT ${before.map(asNull).join(", ")}, ${when}, 0, ${created}, named_struct(${values.join(", ")})
  FROM ${sourceName(index)} WHERE ${[...keys, name(timestampField)].map((column) => `${column} IS NOT NULL`).join(" AND ")})`,
      `held_${index} AS (
  SELECT *, last_value(__source, true) OVER (PARTITION BY ${keys.join(", ")}
    ORDER BY ${["__at", "__is_entity_row", "__created", ...all.map((_, n) => `__source.f${n}`)].map((one) => `${one} ASC NULLS FIRST`).join(", ")}
    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS __held
  FROM both_${index})`,
      `joined_${index + 1} AS (
  SELECT ${[...before, ...features.map((one) => heldFeature(view, one))].join(", ")}
  FROM held_${index} WHERE __is_entity_row = 1)`,
    );
    done.push(...features.map(({ column }) => name(column)));
  }
  return `WITH ${steps.join(",\n")}
SELECT ${[...entityColumns.map(name), ...done, ROW_NUMBER].join(", ")} FROM joined_${views.length}`;
}

function heldFeature(view: FeatureView, { feature, column }: RequestedFeature): string {
  const value = `__held.f${Object.keys(view.features).indexOf(feature)}`;
  const age = `${micros("spark", "__at")} - ${micros("spark", "__held.at")}`;
  return `${withinTtl(view, age, value)} AS ${quote("spark", column)}`;
}

/** The value while it holds; its age is in microseconds. */
function withinTtl(view: FeatureView, age: string, value: string): string {
  return view.ttl === 0 ? value : `CASE WHEN ${age} <= ${Math.round(view.ttl * 1000)} THEN ${value} END`;
}
