import type { ColumnValues, Lake, TableRef } from "@dagwright/lake";
import { ToolError } from "@dagwright/mcp-kit";
import { columnDrift, DriftError, type Report, runReport } from "evidently-lite";
import { type ReadAnswered, type RowFilter, type Rows, readRows, readServed, type ServedRows } from "./rows.ts";

/** Which rows are compared, and from what on a column counts as drifted. */
export interface DriftRequest {
  readonly reference: TableRef;
  readonly current: TableRef | ServedRows;
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

/** Where the rows of a comparison come from. */
export interface DriftSources {
  readonly lake: Lake;
  /** What served models have answered; null where no model is served. */
  readonly answered: ReadAnswered | null;
}

/**
 * Measures the drift of columns between two tables, or between a table and what a served model was asked, with Evidently's
 * methods: numbers and timestamps by PSI and KS, text and booleans by PSI.
 * @throws ToolError NO_ROWS, COLUMN_NOT_FOUND, COLUMN_TYPE_CHANGED, INVALID_FILTER, EMPTY_COLUMN, NOT_SERVED, and the lake's own
 */
export async function detectDrift(
  { lake, answered }: DriftSources,
  request: DriftRequest,
  about: { readonly title: string; readonly timestamp: Date },
): Promise<{ readonly drift: DriftReport; readonly report: Report }> {
  const names = [...new Set(request.columns)];
  const reference = await readRows(lake, request.reference, names, request.referenceWhere, "reference");
  const current = await readCurrent();
  for (const name of names) requireSameType(name, reference, current);
  try {
    return measure(names, reference, current, request, about);
  } catch (error) {
    if (error instanceof DriftError)
      throw new ToolError(error.code, error.message, {
        field: "columns",
        hint: "Leave the column out, or compare rows that have values.",
        cause: error,
      });
    throw error;
  }

  async function readCurrent(): Promise<Rows> {
    if (!("model" in request.current)) return readRows(lake, request.current, names, request.currentWhere, "current");
    if (request.currentWhere !== undefined)
      throw new ToolError("INVALID_ARGUMENTS", "currentWhere filters a table: expected none for a served model.", {
        field: "currentWhere",
      });
    if (answered !== null) return readServed(answered, request.current, names);
    throw new ToolError(
      "NOT_SERVED",
      `This server knows no served models: "${request.current.model}" cannot be read.`,
      {
        field: "current.model",
      },
    );
  }
}

function measure(
  names: string[],
  reference: Rows,
  current: Rows,
  request: DriftRequest,
  about: { readonly title: string; readonly timestamp: Date },
) {
  const valuesOf = (rows: Rows) => Object.fromEntries(names.map((name) => [name, rows.columns[name]!.values]));
  const before = valuesOf(reference);
  const now = valuesOf(current);
  const isCategory = (name: string) => ["string", "boolean"].includes(reference.columns[name]!.type);
  const report = runReport({
    ...about,
    reference: before,
    current: now,
    types: Object.fromEntries(names.map((name) => [name, isCategory(name) ? "cat" : "num"])),
    presets: [
      {
        preset: "DataDriftPreset",
        options: { method: "psi", threshold: request.threshold, driftShare: request.driftShare },
      },
    ],
  });
  const byPsi = report.sections[0]?.drift;
  if (byPsi === undefined) throw new Error("the report has no drift");
  const columns = byPsi.columns.map(({ column, type, score, threshold, drifted }) => ({
    column,
    psi: { score, threshold, drifted },
    ks: type === "num" ? byKs(before[column]!, now[column]!, request.ksThreshold) : null,
    drifted,
  }));
  const drift: DriftReport = {
    drifted: byPsi.dataset.datasetDrift,
    share: byPsi.dataset.share,
    driftedColumns: columns.filter(({ drifted }) => drifted).map(({ column }) => column),
    columns,
    rows: { reference: reference.count, current: current.count },
  };
  return { drift, report };
}

function byKs(reference: ColumnValues["values"], current: ColumnValues["values"], threshold: number) {
  const drift = columnDrift({ reference, current, columnType: "num", method: "ks", threshold });
  return { score: drift.score, statistic: drift.statistic ?? 0, threshold, drifted: drift.drifted };
}

function requireSameType(name: string, reference: Rows, current: Rows): void {
  const before = reference.columns[name]!.type;
  const now = current.columns[name]!.type;
  // What a served model was asked knows numbers and texts alone.
  if (before === now || (now === "number" && before !== "string")) return;
  throw new ToolError(
    "COLUMN_TYPE_CHANGED",
    `Column "${name}" holds ${before} values in the reference and ${now} values in the current table: expected one type.`,
    { field: "columns" },
  );
}
