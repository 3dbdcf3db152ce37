import { type ColumnValues, type Lake, LakeError, type TableRef } from "@dagwright/lake";
import { nearest, ToolError } from "@dagwright/mcp-kit";

/** Rows of which one column equals a value; of a timestamp column, ISO-8601 text (no zone = UTC). */
export interface RowFilter {
  readonly column: string;
  readonly equals: string | number | boolean;
}

/** The rows that a served model has answered from one moment on, before another; both ISO-8601. */
export interface ServedRows {
  readonly model: string;
  /** Answers of this version alone. @default of all */
  readonly version?: number | undefined;
  readonly since: string;
  readonly until: string;
}

/** What a served model was asked, and what it answered. */
export interface AnsweredRow {
  readonly version: number;
  readonly features: Readonly<Record<string, number | string | null>>;
  readonly prediction: number;
  readonly probabilities: Readonly<Record<string, number>>;
}

/** Where answered rows come from; of both moments in milliseconds since 1970. */
export type ReadAnswered = (
  model: string,
  window: { readonly since: number; readonly until: number },
) => Promise<readonly AnsweredRow[]>;

/** Columns of some rows. */
export interface Rows {
  readonly count: number;
  readonly columns: Readonly<Record<string, ColumnValues>>;
}

/** An error of the lake about a table that was asked for, with the field of the request that names it. */
function onSide(error: unknown, side: string): unknown {
  if (!(error instanceof LakeError) || (error.field !== "table" && error.field !== "version")) return error;
  const { code, message, field, hint, retryable } = error;
  return new ToolError(code, message, {
    field: `${side}.${field}`,
    ...(hint === undefined ? {} : { hint }),
    retryable,
    cause: error,
  });
}

/**
 * Reads columns of the rows of a table that a filter lets through.
 * @param fieldOf the field of the request that names a column, for messages
 * @throws ToolError NO_ROWS, COLUMN_NOT_FOUND, INVALID_FILTER, and the lake's own
 */
export async function readRows(
  lake: Lake,
  ref: TableRef,
  names: readonly string[],
  where: RowFilter | undefined,
  side: "reference" | "current",
  fieldOf: (column: string) => string = () => "columns",
): Promise<Rows> {
  const { version, columns: known } = await lake.snapshot(ref).catch((error: unknown) => {
    throw onSide(error, side);
  });
  const wanted = new Set(names);
  if (where !== undefined) wanted.add(where.column);
  const all = known.map((column) => column.name);
  for (const name of wanted)
    if (!all.includes(name))
      throw columnNotFound(`Table "${ref.table}" at version ${version}`, name, all, {
        field: names.includes(name) ? fieldOf(name) : `${side}Where.column`,
      });
  const read = await lake.readColumns({ table: ref.table, version }, { columns: [...wanted] });
  const keep = where === undefined ? null : matchingRows(read.columns[where.column]!, where, side);
  const count = keep === null ? read.rowCount : keep.length;
  if (count === 0)
    throw new ToolError(
      "NO_ROWS",
      `Table "${ref.table}" at version ${version} has no rows${where ? ` whose "${where.column}" is ${JSON.stringify(where.equals)}` : ""}: expected at least one.`,
      { field: where === undefined ? side : `${side}Where` },
    );
  return {
    count,
    columns: Object.fromEntries(
      names.map((name) => [name, keep === null ? read.columns[name]! : pick(read.columns[name]!, keep)]),
    ),
  };
}

/**
 * Reads columns of the rows that a served model has answered: its features, `prediction`, and `probability` of the label 1.
 * @throws ToolError NO_ROWS, COLUMN_NOT_FOUND, INVALID_ARGUMENTS
 */
export async function readServed(
  answered: ReadAnswered,
  { model, version, since, until }: ServedRows,
  names: readonly string[],
): Promise<Rows> {
  const window = { since: Date.parse(since), until: Date.parse(until) };
  if (window.since >= window.until)
    throw new ToolError("INVALID_ARGUMENTS", `current.until is ${until}: expected a moment after ${since}.`, {
      field: "current.until",
    });
  const all = await answered(model, window);
  const rows = version === undefined ? all : all.filter((row) => row.version === version);
  if (rows.length === 0)
    throw new ToolError("NO_ROWS", `"${model}" has answered nothing from ${since} to ${until}: expected one row.`, {
      field: "current",
      hint: "Ask for a longer time, or send predictions to its endpoint.",
    });
  const known = [...new Set(rows.flatMap(({ features }) => Object.keys(features))), "prediction", "probability"];
  const columns = names.map((name): [string, ColumnValues] => {
    if (!known.includes(name)) throw columnNotFound(`What "${model}" was asked`, name, known, { field: "columns" });
    if (rows.some(({ features }) => typeof features[name] === "string"))
      return [name, { type: "string", values: rows.map(({ features }) => textOf(features[name])) }];
    const values = Float64Array.from(rows, ({ features, prediction, probabilities }) => {
      const value = features[name];
      if (value !== undefined) return typeof value === "number" ? value : Number.NaN;
      if (name === "prediction") return prediction;
      return (name === "probability" ? probabilities["1"] : undefined) ?? Number.NaN;
    });
    return [name, { type: "number", values }];
  });
  return { count: rows.length, columns: Object.fromEntries(columns) };
}

function textOf(value: number | string | null | undefined): string | null {
  return value === null || value === undefined ? null : String(value);
}

function columnNotFound(where: string, name: string, all: readonly string[], { field }: { field: string }): ToolError {
  const meant = nearest(name, all);
  return new ToolError("COLUMN_NOT_FOUND", `${where} has no column "${name}".`, {
    field,
    hint: meant === undefined ? `It has: ${all.join(", ")}.` : `Did you mean "${meant}"?`,
  });
}

function pick(column: ColumnValues, rows: readonly number[]): ColumnValues {
  return column.type === "string"
    ? { type: column.type, values: rows.map((row) => column.values[row] ?? null) }
    : { type: column.type, values: Float64Array.from(rows, (row) => column.values[row]!) };
}

function matchingRows(column: ColumnValues, where: RowFilter, side: string): number[] {
  const target = comparable(column.type, where, side);
  const rows: number[] = [];
  for (let row = 0; row < column.values.length; row++) if (column.values[row] === target) rows.push(row);
  return rows;
}

/** The filter's value as the column holds it: milliseconds for a timestamp, 0 or 1 for a boolean. */
function comparable(type: ColumnValues["type"], { column, equals }: RowFilter, side: string): string | number {
  if (type === "string" && typeof equals === "string") return equals;
  if (type === "number" && typeof equals === "number") return equals;
  if (type === "boolean" && typeof equals === "boolean") return Number(equals);
  if (type === "timestamp" && typeof equals === "string") {
    const moment = Date.parse(/T.*(?:Z|[+-]\d\d:?\d\d)$/.test(equals) || !equals.includes("T") ? equals : `${equals}Z`);
    if (!Number.isNaN(moment)) return moment;
  }
  throw new ToolError(
    "INVALID_FILTER",
    `${side}Where.equals is ${JSON.stringify(equals)}: expected ${type === "timestamp" ? "an ISO-8601 date or moment" : `a ${type}`}, as "${column}" holds.`,
    { field: `${side}Where.equals` },
  );
}
