import {
  type ClassificationRequest,
  classificationQuality,
  classificationRows,
  confusion,
  rocCurve,
} from "./classification.ts";
import { dataSummary } from "./data-summary.ts";
import { type DatasetDrift, type DatasetDriftOptions, datasetDrift } from "./dataset-drift.ts";
import { DriftError } from "./errors.ts";
import { columnOf, type MetricResult, type Table } from "./metric.ts";
import { curvePlot, distributionPlot, escapeHtml, scatterPlot, shortNumber } from "./plots.ts";
import { type RegressionRequest, regressionQuality, regressionRows } from "./regression.ts";
import { type ColumnType, inferType } from "./values.ts";

/** What a report holds, by Evidently's names of its presets. */
export type Preset =
  | { readonly preset: "DataDriftPreset"; readonly options?: DatasetDriftOptions | undefined }
  | { readonly preset: "DataSummaryPreset" }
  | ({ readonly preset: "ClassificationPreset" } & Omit<ClassificationRequest, "data">)
  | ({ readonly preset: "RegressionPreset" } & Omit<RegressionRequest, "data">);

export interface ReportRequest {
  /** In the order of the report. */
  readonly presets: readonly Preset[];
  readonly current: Table;
  /** What the current data are compared with; the drift preset needs it. */
  readonly reference?: Table | undefined;
  /** @default by the values: "num" for numbers, else "cat" */
  readonly types?: Readonly<Record<string, ColumnType>> | undefined;
  /** @default "Report" */
  readonly title?: string | undefined;
  /** When the current data were seen. @default now */
  readonly timestamp?: Date | undefined;
}

/** The result of a preset. */
export interface ReportSection {
  readonly preset: Preset["preset"];
  readonly drift?: DatasetDrift;
  /** Of the current data. */
  readonly metrics?: readonly MetricResult[];
  readonly referenceMetrics?: readonly MetricResult[];
}

/** A report that has run. */
export interface Report {
  readonly title: string;
  /** ISO 8601, UTC. */
  readonly timestamp: string;
  readonly sections: readonly ReportSection[];
  /** The report as JSON; a number that is not finite is the text "NaN", "Infinity" or "-Infinity". */
  json(): string;
  /** A page with tables and plots that needs nothing else: no script, no network. */
  html(): string;
}

/**
 * Runs presets over a data set and its reference.
 * @throws DriftError of the presets; DIFFERENT_COLUMNS for drift without a reference
 */
export function runReport(request: ReportRequest): Report {
  const title = request.title ?? "Report";
  const timestamp = (request.timestamp ?? new Date()).toISOString();
  const ran = request.presets.map((preset) => runPreset(preset, request));
  const sections = ran.map(({ section }) => section);
  return {
    title,
    timestamp,
    sections,
    json: () => JSON.stringify({ title, timestamp, sections }, (_, value: unknown) => writeNumber(value)),
    html: () => page(title, timestamp, ran.map(sectionHtml).join("")),
  };
}

function writeNumber(value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

interface Ran {
  readonly section: ReportSection;
  /** Plots with their captions, drawn when asked for. */
  plots(): readonly { readonly caption: string; readonly body: string }[];
}

function runPreset(preset: Preset, { current, reference, types = {} }: ReportRequest): Ran {
  const plotColumn = (name: string, type: ColumnType) => ({
    caption: name,
    body: distributionPlot(
      name,
      [
        ...(reference?.[name] === undefined ? [] : [{ side: "reference" as const, values: reference[name] }]),
        { side: "current" as const, values: columnOf(current, name) },
      ],
      type,
    ),
  });
  const both = (compute: (data: Table) => MetricResult[]): ReportSection => ({
    preset: preset.preset,
    metrics: compute(current),
    ...(reference === undefined ? {} : { referenceMetrics: compute(reference) }),
  });
  switch (preset.preset) {
    case "DataDriftPreset": {
      if (reference === undefined)
        throw new DriftError("DIFFERENT_COLUMNS", "reference", "DataDriftPreset has no reference: expected a data set");
      const drift = datasetDrift({ reference, current, types, options: preset.options });
      const plots = () => drift.columns.map(({ column, type }) => plotColumn(column, type));
      return { section: { preset: preset.preset, drift }, plots };
    }
    case "DataSummaryPreset":
      return {
        section: both((data) => dataSummary({ data, types })),
        plots: () =>
          Object.entries(current).map(([name, values]) => plotColumn(name, types[name] ?? inferType(values))),
      };
    case "ClassificationPreset": {
      const section = both((data) => classificationQuality({ ...preset, data }));
      return {
        section,
        plots: () => {
          const rows = classificationRows({ ...preset, data: current });
          const matrix = { caption: "Confusion matrix", body: matrixTable(rows.labels.map(String), confusion(rows)) };
          if (rows.probability === undefined) return [matrix];
          return [matrix, { caption: "ROC curve", body: curvePlot("ROC curve", rocCurve(rows)) }];
        },
      };
    }
    case "RegressionPreset": {
      const section = both((data) => regressionQuality({ ...preset, data }));
      return {
        section,
        plots: () => {
          const { target, prediction } = regressionRows({ ...preset, data: current });
          const residuals = Array.from(target, (value, row): [number, number] => [value, prediction[row]! - value]);
          const errors = residuals.map(([, error]) => error);
          return [
            { caption: "Residuals over target", body: scatterPlot("Residuals over target", residuals) },
            {
              caption: "Distribution of errors",
              body: distributionPlot("Distribution of errors", [{ side: "current", values: errors }], "num"),
            },
          ];
        },
      };
    }
  }
}

function sectionHtml({ section, plots }: Ran): string {
  const figures = plots().map(
    ({ caption, body }) => `<figure><figcaption>${escapeHtml(caption)}</figcaption>${body}</figure>`,
  );
  const tables = (section.drift === undefined ? "" : driftTable(section.drift)) + metricTable(section);
  return `<section><h2>${section.preset}</h2>${tables}<div class="plots">${figures.join("")}</div></section>`;
}

function driftTable({ columns, dataset }: DatasetDrift): string {
  const verdict = `Drift ${dataset.datasetDrift ? "detected" : "not detected"}: ${dataset.count} of ${columns.length} columns (${shortNumber(100 * dataset.share)} %)`;
  const rows = columns.map(({ column, type, method, score, threshold, drifted }) => [
    column,
    type,
    method,
    shortNumber(score),
    shortNumber(threshold),
    drifted ? "drifted" : "stable",
  ]);
  return `<p class="verdict">${verdict}</p>${table(["column", "type", "method", "score", "threshold", "result"], rows)}`;
}

function metricTable({ metrics = [], referenceMetrics = [] }: ReportSection): string {
  if (metrics.length === 0) return "";
  const key = ({ metric, config }: MetricResult) => [metric, ...Object.values(config)].join(" ");
  const before = new Map(referenceMetrics.map((result) => [key(result), showValue(result.value)]));
  const compared = referenceMetrics.length > 0;
  const rows = metrics.map((result) => [
    key(result),
    showValue(result.value),
    ...(compared ? [before.get(key(result)) ?? ""] : []),
  ]);
  return table(["metric", "current", ...(compared ? ["reference"] : [])], rows);
}

function showValue(value: MetricResult["value"]): string {
  if (typeof value === "number") return shortNumber(value);
  return Object.entries(value)
    .map(([name, part]) => `${name}: ${typeof part === "number" ? shortNumber(part) : `{${showValue(part)}}`}`)
    .join(", ");
}

function matrixTable(labels: readonly string[], counts: readonly (readonly number[])[]): string {
  return table(
    ["target \\ prediction", ...labels],
    counts.map((row, at) => [labels[at]!, ...row.map(String)]),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[], tag: "th" | "td") =>
    `<tr>${row.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join("")}</tr>`;
  return `<table><thead>${cells(head, "th")}</thead><tbody>${rows.map((row) => cells(row, "td")).join("")}</tbody></table>`;
}

const CSS = `body{font:14px system-ui,sans-serif;margin:2rem;color:#222;background:#fff}table{border-collapse:collapse;margin:.5rem 0}
th,td{border:1px solid #ccc;padding:.2rem .5rem;text-align:left}.plots{display:flex;flex-wrap:wrap;gap:1rem}figure{margin:0}
svg{width:360px;max-width:100%}text{font-size:10px;fill:#444}.reference{fill:#9aa5b1}.current{fill:#c8452c}
.curve,.guide{fill:none;stroke:#c8452c;stroke-width:2}.guide{stroke:#9aa5b1;stroke-width:1}.verdict{font-weight:600}`;

function page(title: string, timestamp: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title><style>${CSS}</style></head><body><h1>${escapeHtml(title)}</h1><p>${timestamp}. Grey is the reference, red the current data.</p>${body}</body></html>\n`;
}
