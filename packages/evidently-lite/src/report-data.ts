import type { ClassificationRequest } from "./classification.ts";
import type { DataQuality } from "./data-quality.ts";
import type { DatasetDrift, DatasetDriftOptions } from "./dataset-drift.ts";
import type { ColumnDistribution } from "./distribution.ts";
import type { MetricResult } from "./metric.ts";
import type { MetricRequest, TestedMetric } from "./metric-request.ts";
import type { RegressionRequest } from "./regression.ts";

/** What a report holds, by Evidently's names of its presets. */
export type Preset =
  | { readonly preset: "DataDriftPreset"; readonly options?: DatasetDriftOptions | undefined }
  | { readonly preset: "DataSummaryPreset" }
  | { readonly preset: "DataQualityPreset" }
  | ({ readonly preset: "ClassificationPreset" } & Omit<ClassificationRequest, "data">)
  | ({ readonly preset: "RegressionPreset" } & Omit<RegressionRequest, "data">)
  | {
      readonly preset: "TargetDriftPreset";
      readonly target?: string | undefined;
      readonly prediction?: string | undefined;
      /** For both. @default Evidently's choice */
      readonly method?: string | undefined;
      readonly threshold?: number | undefined;
    }
  | { readonly preset: "Metrics"; readonly metrics: readonly MetricRequest[] };

/** The result of a preset. */
export interface ReportSection {
  readonly preset: Preset["preset"];
  readonly drift?: DatasetDrift;
  /** Of the current data. */
  readonly metrics?: readonly MetricResult[];
  readonly referenceMetrics?: readonly MetricResult[];
  readonly quality?: DataQuality;
  readonly tests?: readonly TestedMetric[];
  /** Shares by column. */
  readonly distributions?: Readonly<Record<string, ColumnDistribution>>;
  /** Rows of target `labels[i]` predicted as `labels[j]`. */
  readonly confusion?: { readonly labels: readonly string[]; readonly counts: readonly (readonly number[])[] };
  /** Points (false positive rate, true positive rate). */
  readonly roc?: readonly (readonly [number, number])[];
  /** Points (target, prediction − target), at most 1000 of them, evenly spaced over the rows. */
  readonly residuals?: readonly (readonly [number, number])[];
}

/** What a report found: plain data, which JSON keeps whole. */
export interface ReportData {
  readonly title: string;
  /** ISO 8601, UTC. */
  readonly timestamp: string;
  readonly sections: readonly ReportSection[];
}

/** A report as JSON; a number that is not finite is the text "NaN", "Infinity" or "-Infinity". */
export function writeReport({ title, timestamp, sections }: ReportData): string {
  return JSON.stringify({ title, timestamp, sections }, (_, value: unknown) =>
    typeof value === "number" && !Number.isFinite(value) ? String(value) : value,
  );
}
