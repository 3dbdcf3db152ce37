import type { DataQuality } from "./data-quality.ts";
import type { DatasetDrift, NamedDrift } from "./dataset-drift.ts";
import { isDistance } from "./methods.ts";
import { metricTables, nameOf, showValue } from "./metric-tables.ts";
import { COLOUR_KEY, page, plots, table } from "./page.ts";
import { curvePlot, distributionPlot, driftBarsPlot, escapeHtml, scatterPlot, shortNumber } from "./plots.ts";
import type { ReportData, ReportSection } from "./report-data.ts";

/** More features than these are left out of the plot of drift over features, the calmest first. */
const MOST_BARS = 40;
/** A confusion matrix of more labels than these has a row of its own. */
const MOST_NARROW_LABELS = 3;
const RATES = { x: "false positive rate", y: "true positive rate" };
const RESIDUALS = { x: "target", y: "prediction − target" };

/** A report as a page. */
export function reportPage({ title, timestamp, sections }: ReportData): string {
  const head = `<h1>${escapeHtml(title)}</h1><p class="soft">${escapeHtml(timestamp)}</p>${COLOUR_KEY}`;
  return page(title, head + sections.map(sectionHtml).join(""));
}

function sectionHtml(section: ReportSection): string {
  const { preset, drift, quality, tests, confusion, roc, residuals, distributions = {} } = section;
  const tables = [
    drift === undefined ? "" : driftTable(drift),
    quality === undefined ? "" : qualityTable(quality),
    tests === undefined
      ? ""
      : table(
          ["metric", "value", "test"],
          tests.map((one) => [
            nameOf(one),
            showValue(one.value),
            one.passed === null ? "" : one.passed ? { text: "passed", kind: "good" } : { text: "failed", kind: "bad" },
          ]),
        ),
    metricTables(section),
  ];
  const figures = [
    ...(drift === undefined ? [] : [{ caption: "Drift over features", body: driftBars(drift.columns) }]),
    ...(confusion === undefined
      ? []
      : [
          {
            caption: "Confusion matrix",
            body: matrixTable(confusion.labels, confusion.counts),
            wide: confusion.labels.length > MOST_NARROW_LABELS,
          },
        ]),
    ...(roc === undefined ? [] : [{ caption: "ROC curve", body: curvePlot("ROC curve", RATES, roc) }]),
    ...(residuals === undefined
      ? []
      : [{ caption: "Residuals over target", body: scatterPlot("Residuals over target", RESIDUALS, residuals) }]),
    ...Object.entries(distributions).map(([name, one]) => ({ caption: name, body: distributionPlot(name, one) })),
  ];
  return `<section><h2>${escapeHtml(preset)}</h2>${tables.join("")}${plots(figures)}</section>`;
}

/** How far a score has come towards its threshold: 1 at the threshold, more beyond; p-values by their logarithms. */
export function driftStrength({ method, score, threshold }: NamedDrift): number {
  if (Number.isNaN(score)) return 0;
  if (isDistance(method)) return threshold === 0 ? (score > 0 ? 3 : 1) : score / threshold;
  if (score <= 0) return 3;
  return threshold > 0 && threshold < 1 ? Math.log(score) / Math.log(threshold) : Number(score <= threshold) * 3;
}

function driftBars(columns: readonly NamedDrift[]): string {
  const bars = columns
    .map((column) => ({ name: column.column, strength: driftStrength(column), drifted: column.drifted }))
    .sort((a, b) => b.strength - a.strength)
    .slice(0, MOST_BARS);
  return driftBarsPlot("Drift over features", bars, columns.length - bars.length);
}

function driftTable({ columns, dataset }: DatasetDrift): string {
  const verdict = `Drift ${dataset.datasetDrift ? "detected" : "not detected"}: ${dataset.count} of ${columns.length} columns (${shortNumber(100 * dataset.share)} %)`;
  const rows = columns.map(({ column, type, method, score, threshold, drifted }) => [
    column,
    type,
    method,
    shortNumber(score),
    shortNumber(threshold),
    drifted ? ({ text: "drifted", kind: "bad" } as const) : ({ text: "stable", kind: "good" } as const),
  ]);
  return `<p class="verdict ${dataset.datasetDrift ? "bad" : "good"}">${verdict}</p>${table(["column", "type", "method", "score", "threshold", "result"], rows)}`;
}

function qualityTable({ columns, missingColumns, newColumns, changedTypes }: DataQuality): string {
  const percent = (share: number | null) => (share === null ? "" : `${shortNumber(100 * share)} %`);
  const rows = columns.map((one) => [
    one.column,
    one.type,
    percent(one.missingShare),
    percent(one.referenceMissingShare),
    String(one.distinct),
    percent(one.mostFrequentShare),
    one.min === null || one.max === null ? "" : `${shortNumber(one.min)} … ${shortNumber(one.max)}`,
    String(one.infinite),
    percent(one.unseenShare),
    one.newCategories.join(", "),
    one.goneCategories.join(", "),
  ]);
  const head = ["column", "type", "missing", "missing before", "distinct", "most frequent", "range", "infinite"];
  const notes = [
    ["Columns that are gone", missingColumns],
    ["New columns", newColumns],
    ["Columns of another kind than before", changedTypes],
  ] as const;
  const said = notes.flatMap(([what, names]) =>
    names.length === 0 ? [] : [`<p class="bad">${what}: ${escapeHtml(names.join(", "))}</p>`],
  );
  return said.join("") + table([...head, "unseen", "new categories", "gone categories"], rows);
}

function matrixTable(labels: readonly string[], counts: readonly (readonly number[])[]): string {
  return table(
    ["target \\ prediction", ...labels],
    counts.map((row, at) => [
      labels[at] ?? "",
      ...row.map((count, column) => (column === at ? ({ text: String(count), kind: "hit" } as const) : String(count))),
    ]),
  );
}
