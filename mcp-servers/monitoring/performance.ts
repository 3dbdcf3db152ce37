import type { ColumnValues, Lake, TableRef } from "@dagwright/lake";
import { ToolError } from "@dagwright/mcp-kit";
import { DriftError, type Preset, type Report, runReport, snapshotOf } from "evidently-lite";
import { type RowFilter, type Rows, readRows } from "./rows.ts";

/** Which predictions are measured against what came true, and what is asked of them. */
export interface PerformanceRequest {
  readonly current: TableRef;
  readonly reference?: TableRef | undefined;
  readonly currentWhere?: RowFilter | undefined;
  readonly referenceWhere?: RowFilter | undefined;
  readonly task: "classification" | "regression";
  readonly target: string;
  readonly prediction?: string | undefined;
  readonly probability?: string | undefined;
  readonly positiveLabel: string | number | boolean;
  readonly probabilityThreshold: number;
  readonly atLeast: Readonly<Record<string, number>>;
  readonly atMost: Readonly<Record<string, number>>;
  /** By how much F1, of a regression R², may lie under the reference's. */
  readonly maxDrop?: number | undefined;
}

/** A bound that is broken. */
interface Failure {
  readonly metric: string;
  readonly value: number | null;
  readonly bound: number;
  readonly message: string;
}

type Metrics = Record<string, number | null>;

/** What a measurement found. */
export interface Performance {
  readonly degraded: boolean;
  readonly failures: Failure[];
  readonly metrics: Metrics;
  readonly referenceMetrics: Metrics | null;
  readonly rows: { current: number; reference: number | null };
}

/**
 * Measures predictions against what came true, with the metrics of Evidently's presets.
 * @throws ToolError INVALID_ARGUMENTS, UNKNOWN_METRIC, NO_ROWS, COLUMN_NOT_FOUND, INVALID_FILTER, EMPTY_COLUMN, UNKNOWN_LABEL,
 *   NOT_A_NUMBER, and the lake's own
 */
export async function measurePerformance(
  lake: Lake,
  request: PerformanceRequest,
  about: { readonly title: string; readonly timestamp: Date },
): Promise<{ readonly performance: Performance; readonly report: Report }> {
  const predicted = predictedColumn(request);
  if (request.maxDrop !== undefined && request.reference === undefined)
    throw new ToolError("INVALID_ARGUMENTS", "maxDrop has no reference to fall from: expected `reference`.", {
      field: "reference",
    });
  const names = [...new Set([request.target, predicted])];
  const fieldNaming = (column: string) => fieldOf(column, request, predicted);
  const current = await readRows(lake, request.current, names, request.currentWhere, "current", fieldNaming);
  const reference =
    request.reference === undefined
      ? undefined
      : await readRows(lake, request.reference, names, request.referenceWhere, "reference", fieldNaming);
  try {
    const report = runReport({
      ...about,
      presets: [presetOf(request, predicted, current.columns[request.target]?.type === "boolean")],
      current: tableOf(current),
      ...(reference === undefined ? {} : { reference: tableOf(reference) }),
    });
    return { report, performance: judge(request, report, current.count, reference?.count ?? null) };
  } catch (error) {
    if (!(error instanceof DriftError)) throw error;
    const message = error.message.replace(/^posLabel /, "positiveLabel ");
    throw new ToolError(error.code, message, { field: fieldOf(error.field, request, predicted), cause: error });
  }
}

/** The column of predictions: exactly one is named. */
function predictedColumn({ task, prediction, probability }: PerformanceRequest): string {
  if (task === "regression" && probability !== undefined)
    throw new ToolError("INVALID_ARGUMENTS", "probability is of no use to a regression: expected `prediction`.", {
      field: "probability",
    });
  const named = [prediction, probability].filter((name) => name !== undefined);
  const [only] = named;
  if (only !== undefined && named.length === 1) return only;
  throw new ToolError(
    "INVALID_ARGUMENTS",
    `${named.length === 0 ? "Neither prediction nor probability is" : "Both prediction and probability are"} given: expected one of them.`,
    { field: "prediction" },
  );
}

function presetOf(request: PerformanceRequest, predicted: string, isFlag: boolean): Preset {
  const { task, target, probability, positiveLabel, probabilityThreshold } = request;
  if (task === "regression") return { preset: "RegressionPreset", target, prediction: predicted };
  return {
    preset: "ClassificationPreset",
    target,
    // A boolean of the lake is 0 or 1.
    posLabel: isFlag && typeof positiveLabel === "boolean" ? Number(positiveLabel) : positiveLabel,
    threshold: probabilityThreshold,
    ...(probability === undefined ? { predictionLabels: predicted } : { predictionProbas: predicted }),
  };
}

/** Columns as the presets take them: a boolean of the lake is 0 or 1, and NaN where it is null. */
function tableOf({ columns }: Rows): Record<string, ColumnValues["values"]> {
  return Object.fromEntries(Object.entries(columns).map(([name, { values }]) => [name, values]));
}

/** The field of the request that names a column, or a field of the preset. */
function fieldOf(field: string, { target, probability }: PerformanceRequest, predicted: string): string {
  if (field === "posLabel") return "positiveLabel";
  if (field === target) return "target";
  if (field !== predicted) return field;
  return probability === undefined ? "prediction" : "probability";
}

function judge(
  { task, atLeast, atMost, maxDrop }: PerformanceRequest,
  report: Report,
  current: number,
  reference: number | null,
): Performance {
  const [section] = report.sections;
  const numbers = (metrics: NonNullable<typeof section>["metrics"]) =>
    snapshotOf({ ...report, sections: [{ preset: "Metrics", metrics: metrics ?? [] }] }).metrics;
  const metrics: Metrics = { ...numbers(section?.metrics) };
  const before: Metrics | null =
    section?.referenceMetrics === undefined ? null : { ...numbers(section.referenceMetrics) };
  const failures: Failure[] = [];
  const check = (field: string, metric: string, bound: number, broken: (value: number) => boolean, words: string) => {
    const value = metrics[metric];
    if (value === undefined)
      throw new ToolError("UNKNOWN_METRIC", `${field} names the metric "${metric}", which is not there.`, {
        field,
        hint: `There are: ${Object.keys(metrics).join(", ")}.`,
      });
    if (value === null || broken(value))
      failures.push({ metric, value, bound, message: `${metric} is ${value ?? "not defined"}: ${words} ${bound}` });
  };
  for (const [metric, bound] of Object.entries(atLeast))
    check("atLeast", metric, bound, (value) => value < bound, "expected at least");
  for (const [metric, bound] of Object.entries(atMost))
    check("atMost", metric, bound, (value) => value > bound, "expected at most");
  if (maxDrop !== undefined && before !== null) {
    const metric = task === "regression" ? "R2Score" : "F1Score";
    const bound = (before[metric] ?? Number.NaN) - maxDrop;
    check("maxDrop", metric, bound, (value) => value < bound, "under the reference's by more than allowed, at least");
  }
  return { degraded: failures.length > 0, failures, metrics, referenceMetrics: before, rows: { current, reference } };
}
