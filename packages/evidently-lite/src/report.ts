import { classificationQuality, classificationRows, confusion, rocCurve } from "./classification.ts";
import { inferType, type Table } from "./column.ts";
import { dataQuality } from "./data-quality.ts";
import { dataSummary } from "./data-summary.ts";
import {
  columnComparer,
  comparedNames,
  type DatasetDriftRequest,
  type NamedDrift,
  verdictOf,
} from "./dataset-drift.ts";
import { type ColumnDistribution, distributionOf } from "./distribution.ts";
import { DriftError } from "./errors.ts";
import { checkedType, invalid, isTable, suggestion } from "./input-checks.ts";
import { columnOf, type MetricResult } from "./metric.ts";
import { requestedMetrics } from "./metric-request.ts";
import { regressionQuality, regressionRows } from "./regression.ts";
import { type Preset, type ReportData, type ReportSection, writeReport } from "./report-data.ts";
import { reportPage } from "./report-page.ts";
import { sampleOf } from "./sample.ts";
import type { ColumnType } from "./values.ts";

/** What a report is made of. */
export interface ReportRequest {
  /** In the order of the report. */
  readonly presets: readonly Preset[];
  readonly current: Table;
  /** What the current data are compared with; the drift presets need it. */
  readonly reference?: Table | undefined;
  /** @default by the values: "num" for numbers, else "cat" */
  readonly types?: Readonly<Record<string, ColumnType>> | undefined;
  /** @default "Report" */
  readonly title?: string | undefined;
  /** When the current data were seen. @default now */
  readonly timestamp?: Date | undefined;
}

/** A report that has run. */
export interface Report extends ReportData {
  /** The report as JSON; a number that is not finite is the text "NaN", "Infinity" or "-Infinity". */
  json(): string;
  /** A page with tables and plots that needs nothing else: no script, no network. */
  html(): string;
}

/**
 * Runs presets over a data set and its reference.
 * @throws DriftError of the presets; INVALID_INPUT for a preset that is not there; DIFFERENT_COLUMNS for drift without a reference
 */
export function runReport(request: ReportRequest): Report {
  const { presets, current, timestamp = new Date() } = request;
  if (!Array.isArray(presets)) throw invalid("presets", presets, "an array of presets");
  for (const [name, type] of Object.entries(request.types ?? {})) checkedType(`types.${name}`, type);
  if (!isTable(current)) throw invalid("current", current, "an object with an array for each column");
  if (!(timestamp instanceof Date) || Number.isNaN(timestamp.getTime()))
    throw invalid("timestamp", timestamp, "a valid Date");
  const data: ReportData = {
    title: request.title ?? "Report",
    timestamp: timestamp.toISOString(),
    sections: request.presets.map((preset) => runPreset(preset, request)),
  };
  return { ...data, json: () => writeReport(data), html: () => reportPage(data) };
}

function runPreset(preset: Preset, request: ReportRequest): ReportSection {
  const { current, reference, types = {} } = request;
  const both = (compute: (data: Table) => MetricResult[]) => ({
    preset: preset.preset,
    metrics: compute(current),
    ...(reference === undefined ? {} : { referenceMetrics: compute(reference) }),
  });
  switch (preset.preset) {
    case "DataDriftPreset": {
      const options = preset.options;
      return driftSection(preset.preset, { ...needReference(preset.preset, request), types, options });
    }
    case "TargetDriftPreset": {
      const { target, prediction, method, threshold } = preset;
      const columns = [target, prediction].filter((name) => name !== undefined);
      if (columns.length === 0)
        throw new DriftError(
          "DIFFERENT_COLUMNS",
          "target",
          "TargetDriftPreset names no target and no prediction: expected one",
        );
      const options = { columns, method, threshold };
      return driftSection(preset.preset, { ...needReference(preset.preset, request), types, options });
    }
    case "DataSummaryPreset":
      return { ...both((data) => dataSummary({ data, types })), distributions: distributionsOf(request) };
    case "DataQualityPreset":
      return { preset: preset.preset, quality: dataQuality({ current, reference, types }) };
    case "ClassificationPreset": {
      const rows = classificationRows({ ...preset, data: current });
      return {
        ...both((data) => classificationQuality({ ...preset, data })),
        confusion: { labels: rows.labels.map(String), counts: confusion(rows) },
        ...(rows.probability === undefined ? {} : { roc: thin(rocCurve(rows), 400) }),
      };
    }
    case "RegressionPreset": {
      const { target, prediction } = regressionRows({ ...preset, data: current });
      const errors = prediction.map((value, row) => value - target[row]!);
      const rows = thin(
        Array.from(target, (_, row) => row),
        1000,
      );
      return {
        ...both((data) => regressionQuality({ ...preset, data })),
        distributions: { "prediction − target": distributionOf(sampleOf(errors, "error", "num")) },
        residuals: rows.map((row) => [target[row]!, errors[row]!]),
      };
    }
    case "Metrics":
      return { preset: preset.preset, tests: requestedMetrics(preset.metrics, { current, reference, types }) };
    default:
      throw unknownPreset(preset);
  }
}

const PRESETS: readonly Preset["preset"][] = [
  "DataDriftPreset",
  "DataSummaryPreset",
  "DataQualityPreset",
  "TargetDriftPreset",
  "ClassificationPreset",
  "RegressionPreset",
  "Metrics",
];

function unknownPreset(preset: unknown): DriftError {
  const name = typeof preset === "object" && preset !== null && "preset" in preset ? preset.preset : preset;
  const near = typeof name === "string" ? suggestion(name, PRESETS) : "";
  return invalid("preset", name, `{ preset } with one of ${PRESETS.join(", ")}${near}`);
}

function needReference(preset: string, { current, reference }: ReportRequest) {
  if (reference !== undefined) return { current, reference };
  throw new DriftError("DIFFERENT_COLUMNS", "reference", `${preset} has no reference: expected a data set`);
}

/** Each column is read when its turn comes, for its drift and its distribution, and let go. */
function driftSection(preset: Preset["preset"], request: DatasetDriftRequest): ReportSection {
  const compare = columnComparer(request);
  const distributions: Record<string, ColumnDistribution> = {};
  const columns: NamedDrift[] = comparedNames(request).map((column) => {
    const { drift, reference, current } = compare(column);
    distributions[column] = distributionOf(current, reference);
    return drift;
  });
  return { preset, drift: { columns, dataset: verdictOf(columns, request.options?.driftShare) }, distributions };
}

function distributionsOf({ current, reference, types = {} }: ReportRequest): Record<string, ColumnDistribution> {
  return Object.fromEntries(
    Object.keys(current).map((name) => {
      const column = columnOf(current, name);
      const type = types[name] ?? inferType(column);
      const before = reference?.[name];
      const samples = [
        sampleOf(column, name, type),
        ...(before === undefined ? [] : [sampleOf(before, name, type)]),
      ] as const;
      return [name, distributionOf(samples[0], samples[1])];
    }),
  );
}

/** At most `most` of the items, evenly spaced, the first and the last among them. */
function thin<T>(items: readonly T[], most: number): readonly T[] {
  if (items.length <= most) return items;
  const step = (items.length - 1) / (most - 1);
  return Array.from({ length: most }, (_, at) => items[Math.round(at * step)]!);
}
