export type { ArrowVector } from "./arrow.ts";
export { CategorySketch } from "./category-sketch.ts";
export { type ClassificationRequest, classificationQuality } from "./classification.ts";
export type { Column, Table } from "./column.ts";
export { type ColumnDrift, type ColumnDriftRequest, columnDrift, defaultMethod } from "./column-drift.ts";
export { type ColumnQuality, type DataQuality, dataQuality } from "./data-quality.ts";
export { type DataSummaryRequest, dataSummary } from "./data-summary.ts";
export {
  type DatasetDrift,
  type DatasetDriftOptions,
  type DatasetDriftRequest,
  datasetDrift,
} from "./dataset-drift.ts";
export type { ColumnDistribution } from "./distribution.ts";
export { DriftError, type DriftErrorCode } from "./errors.ts";
export { historyPage } from "./history-page.ts";
export { type KsResult, ks } from "./ks.ts";
export type { Method } from "./methods.ts";
export type { MetricResult, MetricValue } from "./metric.ts";
export type { MetricRequest, MetricTest, TestedMetric } from "./metric-request.ts";
export { NumberSketch } from "./number-sketch.ts";
export { Profile, type ProfileOptions, type ProfileState, profileDrift } from "./profile.ts";
export { type PsiOptions, psi } from "./psi.ts";
export { type RegressionRequest, regressionQuality } from "./regression.ts";
export { type Report, type ReportRequest, runReport } from "./report.ts";
export type { Preset, ReportData, ReportSection } from "./report-data.ts";
export { readSnapshot, type Snapshot, snapshotOf } from "./snapshot.ts";
export type { ColumnType, Value } from "./values.ts";
