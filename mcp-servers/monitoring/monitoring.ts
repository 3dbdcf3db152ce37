import type { ColumnValues, Lake, TableRef } from "@dagwright/lake";
import { nearest, ToolError } from "@dagwright/mcp-kit";
import { columnDrift, DriftError, datasetDrift } from "evidently-lite";

/** Rows of which one column equals a value; of a timestamp column, ISO-8601 text (no zone = UTC). */
export interface RowFilter {
  readonly column: string;
  readonly equals: string | number | boolean;
}

/** Which rows are compared, and from what on a column counts as drifted. */
export interface DriftRequest {
  readonly reference: TableRef;
  readonly current: TableRef;
  readonly referenceWhere?: RowFilter | undefined;
  readonly currentWhere?: RowFilter | undefined;
  readonly columns: readonly string[];
  /** PSI from which on a column has drifted. */
  readonly threshold: number;
  /** p-value of the KS test up to which a column has drifted. */
  readonly ksThreshold: number;
  /** Share of columns drifted by PSI from which on the data set has drifted. */
  readonly driftShare: number;
}

interface Measured {
  readonly score: number;
  readonly threshold: number;
  readonly drifted: boolean;
}

/** What a comparison found. */
export interface DriftReport {
  readonly drifted: boolean;
  /** Drifted columns over all columns, 0 to 1. */
  readonly share: number;
  readonly driftedColumns: string[];
  readonly columns: {
    column: string;
    psi: Measured;
    /** Null for text and booleans. */
    ks: (Measured & { statistic: number }) | null;
    /** By PSI. */
    drifted: boolean;
  }[];
  readonly rows: { reference: number; current: number };
}

interface Rows {
  readonly count: number;
  readonly columns: Record<string, ColumnValues>;
}

/**
 * Measures the drift of columns between two tables with Evidently's methods: numbers and timestamps by PSI and KS,
 * text and booleans by PSI.
 * @throws ToolError NO_ROWS, COLUMN_NOT_FOUND, COLUMN_TYPE_CHANGED, INVALID_FILTER, EMPTY_COLUMN, and the lake's own
 */
export async function detectDrift(lake: Lake, request: DriftRequest): Promise<DriftReport> {
  const names = [...new Set(request.columns)];
  const reference = await readRows(lake, request.reference, names, request.referenceWhere, "reference");
  const current = await readRows(lake, request.current, names, request.currentWhere, "current");
  for (const name of names) requireSameType(name, reference, current);
  try {
    return measure(names, reference, current, request);
  } catch (error) {
    if (error instanceof DriftError)
      throw new ToolError(error.code, error.message, {
        field: "columns",
        hint: "Leave the column out, or compare rows that have values.",
        cause: error,
      });
    throw error;
  }
}

function measure(names: string[], reference: Rows, current: Rows, request: DriftRequest): DriftReport {
  const valuesOf = (rows: Rows) => Object.fromEntries(names.map((name) => [name, rows.columns[name]!.values]));
  const before = valuesOf(reference);
  const now = valuesOf(current);
  const isCategory = (name: string) => ["string", "boolean"].includes(reference.columns[name]!.type);
  const byPsi = datasetDrift({
    reference: before,
    current: now,
    types: Object.fromEntries(names.map((name) => [name, isCategory(name) ? "cat" : "num"])),
    options: { method: "psi", threshold: request.threshold, driftShare: request.driftShare },
  });
  const columns = byPsi.columns.map(({ column, type, score, threshold, drifted }) => ({
    column,
    psi: { score, threshold, drifted },
    ks: type === "num" ? byKs(before[column]!, now[column]!, request.ksThreshold) : null,
    drifted,
  }));
  return {
    drifted: byPsi.dataset.datasetDrift,
    share: byPsi.dataset.share,
    driftedColumns: columns.filter(({ drifted }) => drifted).map(({ column }) => column),
    columns,
    rows: { reference: reference.count, current: current.count },
  };
}

function byKs(reference: ColumnValues["values"], current: ColumnValues["values"], threshold: number) {
  const drift = columnDrift({ reference, current, columnType: "num", method: "ks", threshold });
  return { score: drift.score, statistic: drift.statistic ?? 0, threshold, drifted: drift.drifted };
}

async function readRows(
  lake: Lake,
  ref: TableRef,
  names: readonly string[],
  where: RowFilter | undefined,
  side: "reference" | "current",
): Promise<Rows> {
  const { version, columns: known } = await lake.snapshot(ref);
  const wanted = new Set(names);
  if (where !== undefined) wanted.add(where.column);
  for (const name of wanted)
    if (!known.some((column) => column.name === name)) {
      const all = known.map((column) => column.name);
      const meant = nearest(name, all);
      throw new ToolError("COLUMN_NOT_FOUND", `Table "${ref.table}" at version ${version} has no column "${name}".`, {
        field: names.includes(name) ? "columns" : `${side}Where.column`,
        hint: meant === undefined ? `It has: ${all.join(", ")}.` : `Did you mean "${meant}"?`,
      });
    }
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

function requireSameType(name: string, reference: Rows, current: Rows): void {
  const before = reference.columns[name]!.type;
  const now = current.columns[name]!.type;
  if (before !== now)
    throw new ToolError(
      "COLUMN_TYPE_CHANGED",
      `Column "${name}" holds ${before} values in the reference and ${now} values in the current table: expected one type.`,
      { field: "columns" },
    );
}
