import type { FeatureView, ValueType } from "../definitions.ts";
import { FeatureTableMismatchError } from "../errors.ts";
import type { ResolvedFeatures } from "../feature-references.ts";

/** A column as the lake names and types it. */
export interface TableColumn {
  readonly name: string;
  readonly type: string;
}

const INTS = ["integer", "int", "smallint", "short", "tinyint", "byte"];
const INTEGERS = ["bigint", "long", ...INTS];
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
const TYPES: Readonly<Record<ValueType, readonly string[]>> = {
  int: INTS,
  bigint: INTEGERS,
  double: ["double", "float", "real", "decimal", ...INTEGERS],
  string: ["string", "varchar"],
  boolean: ["boolean"],
  timestamp: TEMPORAL,
};

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

/**
 * Checks that entity rows have the join keys, the event timestamp and the values that transformations request, and no
 * column named like a wanted feature or like one of the join's own.
 */
export function checkEntityTable(
  table: string,
  columns: readonly TableColumn[],
  { entities, request, outputs }: ResolvedFeatures,
  timestampField: string,
  own: readonly string[],
): void {
  const problems = [
    ...[...entities.values()].flatMap(({ joinKey, type }) => problemOf(columns, joinKey, TYPES[type], type)),
    ...problemOf(columns, timestampField, TEMPORAL, "timestamp"),
    ...[...request].flatMap(([name, type]) => problemOf(columns, name, TYPES[type], type)),
    ...outputs
      .filter((name) => columns.some((column) => column.name.toLowerCase() === name.toLowerCase()))
      .map((name) => `column "${name}" has the name of a requested feature`),
    ...columns
      .filter(({ name }) => own.includes(name.toLowerCase()) || name.toLowerCase().startsWith("__input__"))
      .map(({ name }) => `column "${name}" has a name that the join keeps for itself`),
  ];
  if (problems.length > 0) throw new FeatureTableMismatchError("the entity rows of a historical join", table, problems);
}

function problemOf(columns: readonly TableColumn[], name: string, types: readonly string[], wanted: string): string[] {
  const column = columns.find((one) => one.name === name);
  if (column === undefined)
    return [`column "${name}" is missing (it has ${columns.map((one) => one.name).join(", ")})`];
  const type = column.type.toLowerCase().replace(/\(.*\)$/, "");
  return types.includes(type) ? [] : [`column "${name}" holds ${column.type} where ${wanted} is expected`];
}
