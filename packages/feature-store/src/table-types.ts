import type { Entity, FeatureView, ValueType } from "./definitions.ts";
import { FeatureTableMismatchError } from "./errors.ts";

/** A column as the lake names and types it. */
export interface TableColumn {
  readonly name: string;
  readonly type: string;
}

const INTEGERS = ["bigint", "long", "integer", "int", "smallint", "short", "tinyint", "byte"];
const TYPES: Readonly<Record<ValueType, readonly string[]>> = {
  bigint: INTEGERS,
  double: ["double", "float", "real", "decimal", ...INTEGERS],
  string: ["string", "varchar"],
  boolean: ["boolean"],
};
const TEMPORAL = [
  "date",
  "timestamp",
  "timestamp_ntz",
  "timestamptz",
  "timestamp with time zone",
  "timestamp_s",
  "timestamp_ms",
  "timestamp_ns",
];

/** Checks that a view's table has its join keys, timestamps and features, each of its type; all problems at once. */
export function checkSourceTable(view: FeatureView, columns: readonly TableColumn[]): void {
  const { table, timestampField, createdTimestampColumn } = view.source;
  const problems = [
    ...view.entities.flatMap((entity) => problemOf(columns, entity.joinKey, TYPES[entity.type], entity.type)),
    ...problemOf(columns, timestampField, TEMPORAL, "timestamp"),
    ...(createdTimestampColumn === undefined ? [] : problemOf(columns, createdTimestampColumn, TEMPORAL, "timestamp")),
    ...Object.entries(view.features).flatMap(([name, type]) => problemOf(columns, name, TYPES[type], type)),
  ];
  if (problems.length > 0) throw new FeatureTableMismatchError(`feature view "${view.name}"`, table, problems);
}

/** Checks that entity rows have the join keys and the event timestamp, and no column named like a wanted feature. */
export function checkEntityTable(
  table: string,
  columns: readonly TableColumn[],
  entities: readonly Entity[],
  timestampField: string,
  outputNames: readonly string[],
): void {
  const problems = [
    ...entities.flatMap(({ joinKey, type }) => problemOf(columns, joinKey, TYPES[type], type)),
    ...problemOf(columns, timestampField, TEMPORAL, "timestamp"),
    ...outputNames
      .filter((name) => columns.some((column) => column.name.toLowerCase() === name.toLowerCase()))
      .map((name) => `column "${name}" has the name of a requested feature`),
  ];
  if (problems.length > 0) throw new FeatureTableMismatchError("the entity rows of a historical join", table, problems);
}

function problemOf(columns: readonly TableColumn[], name: string, types: readonly string[], wanted: string): string[] {
  const column = columns.find((one) => one.name === name);
  if (column === undefined) return [`column "${name}" is missing`];
  const type = column.type.toLowerCase().replace(/\(.*\)$/, "");
  return types.includes(type) ? [] : [`column "${name}" holds ${column.type} where ${wanted} is expected`];
}
