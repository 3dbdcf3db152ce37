import { type Table, valueReader } from "./column.ts";
import { DriftError } from "./errors.ts";
import { checkedNumber, invalid } from "./input-checks.ts";
import { type MetricResult, pairOf } from "./metric.ts";
import { type Category, categoryOf, type Value } from "./values.ts";

type Label = Category;

/** Which columns hold what; exactly one of the two predictions. */
export interface ClassificationRequest {
  readonly data: Table;
  readonly target: string;
  readonly predictionLabels?: string | undefined;
  /** Probability of the positive label, for two labels. */
  readonly predictionProbas?: string | undefined;
  /** @default 1 */
  readonly posLabel?: Label | undefined;
  /**
   * Averages over labels instead of the positive one, and has no rates of it (TPR, …). Of two labels of which `posLabel`
   * is one, precision, recall and F1 are that label's all the same, as in Evidently.
   * @default more than two labels
   */
  readonly multiclass?: boolean | undefined;
  /** Probability from which on the positive label is predicted. @default 0.5 */
  readonly threshold?: number | undefined;
}

/** Targets, predictions and, where given, probabilities of the rows that are complete. */
export interface ClassificationRows {
  readonly target: readonly Label[];
  readonly prediction: readonly Label[];
  /** Of the positive label. */
  readonly probability: Float64Array | undefined;
  /** Ascending. */
  readonly labels: readonly Label[];
  readonly posLabel: Label;
  readonly binary: boolean;
}

/**
 * Reads a data set for classification; rows with something missing are left out.
 * @throws DriftError INVALID_INPUT, DIFFERENT_COLUMNS, EMPTY_COLUMN, NOT_A_NUMBER, UNKNOWN_LABEL
 */
export function classificationRows(request: ClassificationRequest): ClassificationRows {
  const posLabel = request.posLabel ?? 1;
  const source = request.predictionProbas ?? request.predictionLabels;
  if (source === undefined)
    throw invalid("predictionLabels", source, "the name of a column, here or in predictionProbas");
  const threshold = checkedNumber("threshold", request.threshold ?? 0.5, 0, 1);
  const [targets, predictions] = pairOf(request.data, request.target, source);
  const target: Label[] = [];
  const given: Label[] = [];
  const [readTarget, readPrediction] = [valueReader(targets), valueReader(predictions)];
  for (let row = 0; row < targets.length; row++) {
    const [wanted, got] = [labelOf(readTarget(row)), labelOf(readPrediction(row))];
    if (wanted === null || got === null) continue;
    target.push(wanted);
    given.push(got);
  }
  if (target.length === 0)
    throw new DriftError("EMPTY_COLUMN", source, `"${source}" has no row with a target and a prediction: expected one`);
  if (request.predictionProbas === undefined) {
    const labels = ascending([...target, ...given]);
    const binary = !(request.multiclass ?? labels.length > 2);
    if (binary) checkLabel(posLabel, labels);
    return { target, prediction: given, probability: undefined, labels, posLabel, binary };
  }
  const labels = ascending(target);
  checkLabel(posLabel, labels);
  const negative = labels.find((label) => label !== posLabel);
  if (labels.length !== 2 || negative === undefined)
    throw new DriftError(
      "UNKNOWN_LABEL",
      request.target,
      `"${request.target}" has ${labels.length} labels: expected two where probabilities are given`,
    );
  const probability = Float64Array.from(given, (value) => {
    if (typeof value === "number" && value >= 0 && value <= 1) return value;
    throw new DriftError("NOT_A_NUMBER", source, `"${source}" holds ${String(value)}: expected probabilities, 0 to 1`);
  });
  const prediction = Array.from(probability, (p) => (p >= threshold ? posLabel : negative));
  return { target, prediction, probability, labels, posLabel, binary: true };
}

/** Infinity is not missing here: it is no probability, and says so. */
function labelOf(value: Value): Label | null {
  return typeof value === "number" ? (Number.isNaN(value) ? null : value) : categoryOf(value);
}

function checkLabel(label: Label, labels: readonly Label[]): void {
  if (!labels.includes(label))
    throw new DriftError(
      "UNKNOWN_LABEL",
      "posLabel",
      `posLabel ${JSON.stringify(label)} does not occur: expected one of ${labels.map(String).join(", ")}`,
    );
}

function ascending(labels: readonly Label[]): Label[] {
  const text = (label: Label) => typeof label === "string";
  return [...new Set(labels)].sort((a, b) => {
    if (text(a) || text(b)) return String(a) < String(b) ? -1 : 1;
    return Number(a) - Number(b);
  });
}

/** Rows of target `labels[i]` predicted as `labels[j]`. */
export function confusion({ target, prediction, labels }: ClassificationRows): number[][] {
  const index = new Map(labels.map((label, at) => [label, at]));
  const counts = labels.map(() => labels.map(() => 0));
  for (const [row, wanted] of target.entries()) counts[index.get(wanted)!]![index.get(prediction[row]!)!]! += 1;
  return counts;
}

/**
 * Quality of a classification: the metrics of Evidently 0.7.23's `ClassificationPreset`, with scikit-learn's definitions.
 * Precision, recall and F1 are those of the positive label, or macro averages; 0 where nothing is divided by.
 * @throws DriftError DIFFERENT_COLUMNS, EMPTY_COLUMN, NOT_A_NUMBER, UNKNOWN_LABEL
 */
export function classificationQuality(request: ClassificationRequest): MetricResult[] {
  const rows = classificationRows(request);
  const counts = confusion(rows);
  const size = rows.target.length;
  const perLabel = rows.labels.map((label, at) => {
    const hits = counts[at]![at]!;
    const actual = counts[at]!.reduce((sum, count) => sum + count, 0);
    const predicted = counts.reduce((sum, row) => sum + row[at]!, 0);
    return {
      label,
      hits,
      actual,
      predicted,
      precision: predicted === 0 ? 0 : hits / predicted,
      recall: actual === 0 ? 0 : hits / actual,
      f1: actual + predicted === 0 ? 0 : (2 * hits) / (actual + predicted),
    };
  });
  const positive = rows.binary ? perLabel.find(({ label }) => label === rows.posLabel) : undefined;
  // As Evidently: of two labels it is the positive one that counts, also where a multi-class problem was said.
  const judged = rows.labels.length === 2 ? perLabel.find(({ label }) => label === rows.posLabel) : positive;
  const score = (of: "precision" | "recall" | "f1") =>
    judged?.[of] ?? perLabel.reduce((sum, label) => sum + label[of], 0) / perLabel.length;
  const metric = (name: string, value: MetricResult["value"]): MetricResult => ({ metric: name, config: {}, value });
  const byLabel = (of: "precision" | "recall" | "f1") =>
    // As Evidently: a label that is predicted and never wanted counts in the averages, and has no entry of its own.
    Object.fromEntries(perLabel.filter(({ actual }) => actual > 0).map((label) => [String(label.label), label[of]]));
  const results = [
    metric("Accuracy", perLabel.reduce((sum, { hits }) => sum + hits, 0) / size),
    metric("Precision", score("precision")),
    metric("Recall", score("recall")),
    metric("F1Score", score("f1")),
  ];
  const area = rows.probability === undefined ? undefined : areaUnderCurve(rocCurve(rows));
  if (area !== undefined) results.push(metric("RocAuc", area), metric("LogLoss", logLoss(rows)));
  if (positive !== undefined) {
    const { hits, actual, predicted } = positive;
    const others = size - actual;
    const falsePositives = predicted - hits;
    results.push(
      metric("TPR", hits / actual),
      metric("TNR", (others - falsePositives) / others),
      metric("FPR", falsePositives / others),
      metric("FNR", (actual - hits) / actual),
    );
  }
  results.push(
    metric("F1ByLabel", byLabel("f1")),
    metric("PrecisionByLabel", byLabel("precision")),
    metric("RecallByLabel", byLabel("recall")),
  );
  if (area !== undefined)
    results.push(metric("RocAucByLabel", Object.fromEntries(rows.labels.map((label) => [String(label), area]))));
  return results;
}

/** The points (false positive rate, true positive rate) of every threshold, from (0, 0) to (1, 1). */
export function rocCurve({
  target,
  probability = new Float64Array(),
  posLabel,
}: ClassificationRows): [number, number][] {
  const order = Array.from(probability, (_, row) => row).sort((a, b) => probability[b]! - probability[a]!);
  const positives = target.filter((label) => label === posLabel).length;
  const negatives = target.length - positives;
  const points: [number, number][] = [[0, 0]];
  let hits = 0;
  for (const [at, row] of order.entries()) {
    if (target[row] === posLabel) hits += 1;
    if (probability[row] === probability[order[at + 1] ?? -1]) continue;
    points.push([(at + 1 - hits) / negatives, hits / positives]);
  }
  return points;
}

function areaUnderCurve(points: readonly [number, number][]): number {
  let area = 0;
  for (let at = 1; at < points.length; at++) {
    const [[x0, y0], [x1, y1]] = [points[at - 1]!, points[at]!];
    area += ((x1 - x0) * (y0 + y1)) / 2;
  }
  return area;
}

function logLoss({ target, probability = new Float64Array(), posLabel }: ClassificationRows): number {
  let sum = 0;
  for (const [row, p] of probability.entries()) {
    const right = target[row] === posLabel ? p : 1 - p;
    sum -= Math.log(Math.min(1 - Number.EPSILON, Math.max(Number.EPSILON, right)));
  }
  return sum / probability.length;
}
