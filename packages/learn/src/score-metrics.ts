import type { WeightOptions } from "./classification-metrics.ts";
import { checkFinite, checkProbability, checkRows, checkZeroOrOne, invalid } from "./metric-checks.ts";

/** numpy's isclose, by which scikit-learn judges the sum of probabilities. */
const SUM_TOLERANCE = 1e-5 + 1e-8;

/** Rows above each threshold that are of the class (hits) and that are not (misses), thresholds falling. */
interface ThresholdCounts {
  readonly thresholds: number[];
  readonly hits: number[];
  readonly misses: number[];
}

/** scikit-learn's _binary_clf_curve: one entry for every distinct score; rows without weight are left out. */
function countByThreshold(
  yTrue: ArrayLike<number>,
  yScore: ArrayLike<number>,
  sampleWeight?: ArrayLike<number>,
): ThresholdCounts {
  checkRows({ yTrue, yScore }, sampleWeight);
  checkZeroOrOne(yTrue);
  checkFinite("yScore", yScore);
  const rows: number[] = [];
  for (let row = 0; row < yTrue.length; row++) if (sampleWeight?.[row] !== 0) rows.push(row);
  rows.sort((a, b) => yScore[b]! - yScore[a]!);
  const counts: ThresholdCounts = { thresholds: [], hits: [], misses: [] };
  let hits = 0;
  let misses = 0;
  for (const [at, row] of rows.entries()) {
    const weight = sampleWeight?.[row] ?? 1;
    if (yTrue[row] === 1) hits += weight;
    else misses += weight;
    const next = rows[at + 1];
    if (next !== undefined && yScore[next] === yScore[row]) continue;
    counts.thresholds.push(yScore[row]!);
    counts.hits.push(hits);
    counts.misses.push(misses);
  }
  return counts;
}

/**
 * Receiver operating characteristic: thresholds fall from Infinity; points on a straight line between others are left out.
 * Rates are NaN where there is no row of their kind. scikit-learn's roc_curve; `yTrue` is 0 or 1.
 */
export function rocCurve(yTrue: ArrayLike<number>, yScore: ArrayLike<number>, o: WeightOptions = {}) {
  const { thresholds, hits, misses } = countByThreshold(yTrue, yScore, o.sampleWeight);
  const corners = thresholds
    .map((_, at) => at)
    .filter(
      (at) =>
        at === 0 ||
        at === thresholds.length - 1 ||
        hits[at + 1]! - 2 * hits[at]! + hits[at - 1]! !== 0 ||
        misses[at + 1]! - 2 * misses[at]! + misses[at - 1]! !== 0,
    );
  const rates = (counts: readonly number[]) => {
    const all = counts[counts.length - 1] ?? 0;
    return [0, ...corners.map((at) => counts[at]!)].map((count) => (all > 0 ? count / all : Number.NaN));
  };
  return {
    fpr: rates(misses),
    tpr: rates(hits),
    thresholds: [Number.POSITIVE_INFINITY, ...corners.map((at) => thresholds[at]!)],
  };
}

/**
 * Area under the ROC curve: the chance that a row of class 1 scores above one of class 0, ties counting half. NaN when one
 * of the classes is not there. scikit-learn's roc_auc_score; `yTrue` is 0 or 1.
 */
export function rocAuc(yTrue: ArrayLike<number>, yScore: ArrayLike<number>, o: WeightOptions = {}): number {
  const { fpr, tpr } = rocCurve(yTrue, yScore, o);
  let area = 0;
  for (let at = 1; at < fpr.length; at++) area += ((fpr[at]! - fpr[at - 1]!) * (tpr[at]! + tpr[at - 1]!)) / 2;
  return area;
}

/**
 * ROC AUC over more than two classes, numbered 0 to C - 1. `ovr`: each class against all others; `ovo`: each pair (Hand and
 * Till 2001); `weighted` by rows. scikit-learn's roc_auc_score with multi_class.
 * @param yScore one row of C probabilities for every row
 * @throws LearnError INVALID_METRIC_INPUT when a class has no row, or probabilities that do not add up to 1
 */
export function rocAucMulti(
  yTrue: ArrayLike<number>,
  yScore: readonly ArrayLike<number>[],
  o: { readonly multiClass: "ovr" | "ovo"; readonly average: "macro" | "weighted" },
): number {
  checkRows({ yTrue, yScore });
  checkShares(yTrue, yScore);
  const classes = Array.from({ length: yScore[0]!.length }, (_, k) => k);
  const rows = Array.from(yTrue, (_, row) => row);
  const areaOf = (own: number, among: readonly number[]) =>
    rocAuc(
      among.map((row) => (yTrue[row] === own ? 1 : 0)),
      among.map((row) => yScore[row]![own]!),
    );
  const parts: { area: number; weight: number }[] = [];
  if (o.multiClass === "ovr")
    for (const own of classes)
      parts.push({ area: areaOf(own, rows), weight: rows.filter((row) => yTrue[row] === own).length });
  else
    for (const a of classes)
      for (const b of classes.slice(a + 1)) {
        const among = rows.filter((row) => yTrue[row] === a || yTrue[row] === b);
        parts.push({ area: (areaOf(a, among) + areaOf(b, among)) / 2, weight: among.length });
      }
  const weightOf = (part: { weight: number }) => (o.average === "weighted" ? part.weight : 1);
  let area = 0;
  let weight = 0;
  for (const part of parts) {
    area += part.area * weightOf(part);
    weight += weightOf(part);
  }
  return area / weight;
}

/** Precision and recall by rising threshold, ended with precision 1 and recall 0. scikit-learn's precision_recall_curve. */
export function precisionRecallCurve(yTrue: ArrayLike<number>, yScore: ArrayLike<number>, o: WeightOptions = {}) {
  const { thresholds, hits, misses } = countByThreshold(yTrue, yScore, o.sampleWeight);
  const all = hits[hits.length - 1] ?? 0;
  const precision = hits.map((hit, at) => (hit + misses[at]! === 0 ? 0 : hit / (hit + misses[at]!)));
  const recall = hits.map((hit) => (all === 0 ? 1 : hit / all));
  return { precision: [...precision.reverse(), 1], recall: [...recall.reverse(), 0], thresholds: thresholds.reverse() };
}

/** Σ (recall step × precision); 0 without a row of class 1. scikit-learn's average_precision_score. */
export function averagePrecision(yTrue: ArrayLike<number>, yScore: ArrayLike<number>, o: WeightOptions = {}): number {
  const { precision, recall } = precisionRecallCurve(yTrue, yScore, o);
  if (!Array.from(yTrue).includes(1)) return 0;
  let area = 0;
  for (let at = 0; at + 1 < recall.length; at++) area += (recall[at]! - recall[at + 1]!) * precision[at]!;
  return area;
}

/**
 * Mean of −log of the probability given to what came, probabilities kept 2^-52 away from 0 and 1. scikit-learn's log_loss.
 * @param yTrue class numbers 0 to C - 1
 * @param yScore one row of C probabilities for every row, or each row's probability of class 1
 */
export function logLoss(
  yTrue: ArrayLike<number>,
  yScore: ArrayLike<number> | readonly ArrayLike<number>[],
  o: WeightOptions = {},
): number {
  checkRows({ yTrue, yScore }, o.sampleWeight);
  let loss = 0;
  let all = 0;
  for (let row = 0; row < yTrue.length; row++) {
    const given = yScore[row]!;
    const said = typeof given === "number" ? [given] : Array.from(given);
    for (const share of said) checkProbability(share, row);
    const shares = typeof given === "number" ? [1 - given, given] : said;
    const own = shares[yTrue[row]!];
    if (own === undefined)
      throw invalid("yTrue", `yTrue is ${yTrue[row]} in row ${row}: expected 0 to ${shares.length - 1}.`);
    const weight = o.sampleWeight?.[row] ?? 1;
    loss -= weight * Math.log(Math.min(Math.max(own, Number.EPSILON), 1 - Number.EPSILON));
    all += weight;
  }
  return loss / all;
}

/** Mean squared difference of probability and what came (Brier 1950). scikit-learn's brier_score_loss; `yTrue` is 0 or 1. */
export function brierScore(yTrue: ArrayLike<number>, yScore: ArrayLike<number>, o: WeightOptions = {}): number {
  checkRows({ yTrue, yScore }, o.sampleWeight);
  checkZeroOrOne(yTrue);
  let squares = 0;
  let all = 0;
  for (let row = 0; row < yTrue.length; row++) {
    const share = yScore[row]!;
    checkProbability(share, row);
    const weight = o.sampleWeight?.[row] ?? 1;
    squares += weight * (yTrue[row]! - share) ** 2;
    all += weight;
  }
  return squares / all;
}

/** Rows of probabilities that add up to 1, with a row of each of their classes. */
function checkShares(yTrue: ArrayLike<number>, yScore: readonly ArrayLike<number>[]): void {
  const classes = yScore[0]!.length;
  const met = new Set<number>();
  for (const [row, shares] of yScore.entries()) {
    const own = yTrue[row]!;
    if (!Number.isInteger(own) || own < 0 || own >= classes)
      throw invalid("yTrue", `yTrue is ${own} in row ${row}: expected a whole number from 0 to ${classes - 1}.`);
    met.add(own);
    if (shares.length !== classes)
      throw invalid("yScore", `yScore has ${shares.length} values in row ${row} and ${classes} in row 0.`);
    const sum = Array.from(shares).reduce((total, share) => total + share, 0);
    if (!(Math.abs(sum - 1) <= SUM_TOLERANCE))
      throw invalid("yScore", `yScore adds up to ${sum} in row ${row}: expected probabilities that add up to 1.`);
  }
  const absent = Array.from({ length: classes }, (_, k) => k).filter((k) => !met.has(k));
  if (absent.length > 0)
    throw invalid(
      "yTrue",
      `No row is of class ${absent.join(" or ")}: expected one of each of the ${classes} classes.`,
    );
}
