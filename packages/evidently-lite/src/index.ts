export { type ClassificationRequest, classificationQuality } from "./classification.ts";
export { type ColumnDrift, type ColumnDriftRequest, columnDrift, defaultMethod } from "./column-drift.ts";
export { type DataSummaryRequest, dataSummary } from "./data-summary.ts";
export {
  type DatasetDrift,
  type DatasetDriftOptions,
  type DatasetDriftRequest,
  datasetDrift,
} from "./dataset-drift.ts";
export { DriftError, type DriftErrorCode } from "./errors.ts";
export { type KsResult, ks } from "./ks.ts";
export type { Method } from "./methods.ts";
export type { MetricResult, MetricValue, Table } from "./metric.ts";
export { type PsiOptions, psi } from "./psi.ts";
export { type RegressionRequest, regressionQuality } from "./regression.ts";
export { type Preset, type Report, type ReportRequest, type ReportSection, runReport } from "./report.ts";
export type { ColumnType, Value } from "./values.ts";
