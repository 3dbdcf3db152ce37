import type { MetricResult } from "./metric.ts";
import { type Cell, table } from "./page.ts";
import { shortNumber } from "./plots.ts";
import type { ReportSection } from "./report-data.ts";

/** More labels than these are not listed one by one. */
const MOST_LABELS = 12;

/** A metric's name with what tells it from others of the same name. */
export function nameOf({ metric, config }: MetricResult): string {
  return [metric, ...Object.values(config)].join(" ");
}

/** A metric's value in words: of labels the most frequent, or the first, ones. */
export function showValue(value: MetricResult["value"]): string {
  if (typeof value === "number") return shortNumber(value);
  if (isCounts(value)) {
    const counts = Object.entries(value.counts).sort((a, b) => b[1] - a[1]);
    return listed(counts.map(([label, count]) => `${label}: ${count}`));
  }
  return listed(Object.entries(value).map(([name, part]) => `${name}: ${shortNumber(Number(part))}`));
}

function isCounts(
  value: MetricResult["value"],
): value is { counts: Record<string, number>; shares: Record<string, number> } {
  return typeof value === "object" && typeof value["counts"] === "object";
}

function listed(parts: readonly string[]): string {
  const rest = parts.length - MOST_LABELS;
  return parts.slice(0, MOST_LABELS).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

/** The metrics of a section: those of the whole, those by label, and those by column, each in a table of its own. */
export function metricTables({ metrics = [], referenceMetrics = [] }: ReportSection): string {
  const isOfColumn = ({ config }: MetricResult) => config["column"] !== undefined;
  const isByLabel = ({ metric }: MetricResult) => metric.endsWith("ByLabel");
  const whole = (one: MetricResult) => !isOfColumn(one) && !isByLabel(one);
  return [
    wholeTable(metrics.filter(whole), referenceMetrics.filter(whole)),
    labelTable(metrics.filter(isByLabel), referenceMetrics.filter(isByLabel)),
    columnTable(metrics.filter(isOfColumn), referenceMetrics.filter(isOfColumn)),
  ].join("");
}

function wholeTable(metrics: readonly MetricResult[], before: readonly MetricResult[]): string {
  if (metrics.length === 0) return "";
  const known = new Map(before.map((result) => [nameOf(result), showValue(result.value)]));
  const compared = before.length > 0;
  const rows = metrics.map((result) => [
    nameOf(result),
    showValue(result.value),
    ...(compared ? [known.get(nameOf(result)) ?? ""] : []),
  ]);
  return table(["metric", "current", ...(compared ? ["reference"] : [])], rows);
}

/** A label a row, a metric a column; beside each the reference's. */
function labelTable(metrics: readonly MetricResult[], before: readonly MetricResult[]): string {
  if (metrics.length === 0) return "";
  const sides = metrics.flatMap((now) => {
    const name = now.metric.replace(/ByLabel$/, "");
    const then = before.find(({ metric }) => metric === now.metric);
    const own = { head: name, values: byLabel(now) };
    return then === undefined ? [own] : [own, { head: `${name}, reference`, values: byLabel(then) }];
  });
  const labels = [...new Set(sides.flatMap(({ values }) => [...values.keys()]))];
  const rows = labels.map((label) => [label, ...sides.map(({ values }) => values.get(label) ?? "")]);
  return table(["label", ...sides.map(({ head }) => head)], rows);
}

function byLabel({ value }: MetricResult): Map<string, string> {
  if (typeof value === "number") return new Map();
  return new Map(Object.entries(value).map(([label, part]) => [label, shortNumber(Number(part))]));
}

/** A column and side a row, a metric a column. */
function columnTable(metrics: readonly MetricResult[], before: readonly MetricResult[]): string {
  if (metrics.length === 0) return "";
  const headOf = ({ metric, config: { quantile } }: MetricResult) =>
    quantile === undefined ? metric.replace(/(?:Value|Count)+$/, "") : `${100 * Number(quantile)} %`;
  const heads = [...new Set(metrics.map(headOf))];
  const sidesOf = (all: readonly MetricResult[]) => {
    const byColumn = new Map<string, Map<string, string>>();
    for (const one of all) {
      const column = String(one.config["column"]);
      const values = byColumn.get(column) ?? new Map<string, string>();
      byColumn.set(column, values.set(headOf(one), showValue(one.value)));
    }
    return byColumn;
  };
  const [now, then] = [sidesOf(metrics), sidesOf(before)];
  const compared = before.length > 0;
  const row = (first: string, side: string, values: ReadonlyMap<string, string>): Cell[] => [
    first,
    ...(compared ? [side] : []),
    ...heads.map((head) => values.get(head) ?? ""),
  ];
  const rows = [...now].flatMap(([column, values]) => {
    const reference = then.get(column);
    const own = row(column, "current", values);
    return reference === undefined ? [own] : [own, row("", "reference", reference)];
  });
  return table(["column", ...(compared ? [""] : []), ...heads], rows);
}
