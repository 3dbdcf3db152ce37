import { LearnError } from "./errors.ts";
import { checkClasses, checkRows, invalid } from "./metric-checks.ts";

/** Classes as numbers or texts, one a row. */
export type Labels = ArrayLike<number> | ArrayLike<string>;
type Label = number | string;

/** What every metric of predicted classes takes. */
export interface WeightOptions {
  /** How much each row counts. @default 1 for every row */
  readonly sampleWeight?: ArrayLike<number> | undefined;
}

export interface LabelOptions extends WeightOptions {
  /** The classes to look at, in this order. @default all that are met, sorted */
  readonly labels?: readonly Label[] | undefined;
}

/** What a ratio with nothing below the line is: 0, 1 or NaN; NaN is left out of averages. */
export type ZeroDivision = 0 | 1 | typeof Number.NaN;

export interface PrecisionRecallF1 {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

/** Share of rows predicted right. scikit-learn's accuracy_score. */
export function accuracy(yTrue: Labels, yPred: Labels, o: WeightOptions = {}): number {
  const weight = checkedWeights(yTrue, yPred, o.sampleWeight);
  let right = 0;
  let all = 0;
  for (let row = 0; row < yTrue.length; row++) {
    all += weight(row);
    if (yTrue[row] === yPred[row]) right += weight(row);
  }
  return right / all;
}

/** Mean recall over the classes that are there. scikit-learn's balanced_accuracy_score. */
export function balancedAccuracy(yTrue: Labels, yPred: Labels, o: WeightOptions = {}): number {
  const { matrix } = confusionMatrix(yTrue, yPred, o);
  const recalls = matrix.flatMap((row, k) => (sum(row) === 0 ? [] : [row[k]! / sum(row)]));
  return sum(recalls) / recalls.length;
}

/** Matthews' correlation; 0 where it is not defined. scikit-learn's matthews_corrcoef. */
export function matthewsCorrelation(yTrue: Labels, yPred: Labels, o: WeightOptions = {}): number {
  const { matrix } = confusionMatrix(yTrue, yPred, o);
  const real = matrix.map(sum);
  const said = matrix.map((_, k) => sum(matrix.map((row) => row[k]!)));
  const all = sum(real);
  const right = sum(matrix.map((row, k) => row[k]!));
  const overlap = (a: readonly number[], b: readonly number[]) => all * all - sum(a.map((value, k) => value * b[k]!));
  const covariance = right * all - sum(real.map((value, k) => value * said[k]!));
  const scale = overlap(said, said) * overlap(real, real);
  return scale === 0 ? 0 : covariance / Math.sqrt(scale);
}

/** Agreement beyond chance (Cohen 1960); NaN where there is one class only. scikit-learn's cohen_kappa_score. */
export function cohenKappa(yTrue: Labels, yPred: Labels, o: WeightOptions = {}): number {
  const { matrix } = confusionMatrix(yTrue, yPred, o);
  const real = matrix.map(sum);
  const said = matrix.map((_, k) => sum(matrix.map((row) => row[k]!)));
  const all = sum(real);
  let apart = 0;
  let byChance = 0;
  for (const [i, row] of matrix.entries())
    for (const [j, count] of row.entries()) {
      if (i === j) continue;
      apart += count;
      byChance += (real[i]! * said[j]!) / all;
    }
  return 1 - apart / byChance;
}

/**
 * Rows of class `labels[i]` that were called `labels[j]`, in `matrix[i][j]`. scikit-learn's confusion_matrix; with
 * `normalize` as shares of the true class, of the predicted class or of all (0 where there is none).
 * @throws LearnError INVALID_METRIC_INPUT when no row is of one of the `labels`
 */
export function confusionMatrix<L extends Labels>(
  yTrue: L,
  yPred: L,
  o: LabelOptions & { readonly normalize?: "true" | "pred" | "all" | undefined } = {},
): { labels: Label[]; matrix: number[][] } {
  const weight = checkedWeights(yTrue, yPred, o.sampleWeight);
  const labels = [...(o.labels ?? labelsMet(yTrue, yPred))];
  const place = new Map(labels.map((label, k) => [label, k]));
  if (!Array.from<Label>(yTrue).some((label) => place.has(label)))
    throw invalid("labels", `labels is ${JSON.stringify(labels)}: expected a class that a row of yTrue is of.`);
  const matrix = labels.map(() => labels.map(() => 0));
  for (let row = 0; row < yTrue.length; row++) {
    const i = place.get(yTrue[row]!);
    const j = place.get(yPred[row]!);
    if (i !== undefined && j !== undefined) matrix[i]![j]! += weight(row);
  }
  if (o.normalize === undefined) return { labels, matrix };
  const real = matrix.map(sum);
  const said = matrix.map((_, k) => sum(matrix.map((row) => row[k]!)));
  const divisor = { true: (i: number) => real[i]!, pred: (_: number, j: number) => said[j]!, all: () => sum(real) }[
    o.normalize
  ];
  return {
    labels,
    matrix: matrix.map((row, i) => row.map((count, j) => (divisor(i, j) === 0 ? 0 : count / divisor(i, j)))),
  };
}

/** Precision, recall, F1 and rows of each class. scikit-learn's precision_recall_fscore_support with average None. */
export function precisionRecallF1PerClass(
  yTrue: Labels,
  yPred: Labels,
  o: LabelOptions & { readonly zeroDivision?: ZeroDivision | undefined } = {},
): { labels: Label[]; precision: number[]; recall: number[]; f1: number[]; support: number[] } {
  const { labels, counts } = countByClass(yTrue, yPred, o);
  const ratios = counts.map((one) => ratiosOf(one, o.zeroDivision ?? 0));
  return {
    labels,
    precision: ratios.map(({ precision }) => precision),
    recall: ratios.map(({ recall }) => recall),
    f1: ratios.map(({ f1 }) => f1),
    support: counts.map(({ real }) => real),
  };
}

/**
 * Precision, recall and F1 averaged over classes. scikit-learn's precision_recall_fscore_support: `macro` all classes
 * alike, `weighted` by their rows, `micro` over all rows, `binary` of the class `posLabel` (default 1) alone.
 * @throws LearnError INVALID_METRIC_INPUT when `binary` meets more than two classes or not the class `posLabel`
 */
export function precisionRecallF1(
  yTrue: Labels,
  yPred: Labels,
  o: LabelOptions & {
    readonly average: "binary" | "macro" | "micro" | "weighted";
    readonly zeroDivision?: ZeroDivision | undefined;
    readonly posLabel?: Label | undefined;
  },
): PrecisionRecallF1 {
  const zeroDivision = o.zeroDivision ?? 0;
  if (o.average === "binary") {
    const met = labelsMet(yTrue, yPred);
    const posLabel = o.posLabel ?? 1;
    if (met.length > 2)
      throw new LearnError(
        "INVALID_METRIC_INPUT",
        `average is "binary" over the classes ${met.join(", ")}: expected two.`,
        {
          field: "average",
          hint: 'Use "macro", "micro" or "weighted".',
        },
      );
    if (!met.includes(posLabel) && met.length === 2)
      throw new LearnError(
        "INVALID_METRIC_INPUT",
        `posLabel is ${posLabel}: expected one of the classes ${met.join(", ")}.`,
        { field: "posLabel" },
      );
    const [counts] = countByClass(yTrue, yPred, { labels: [posLabel], sampleWeight: o.sampleWeight }).counts;
    return ratiosOf(counts!, zeroDivision);
  }
  const { counts } = countByClass(yTrue, yPred, o);
  if (o.average === "micro")
    return ratiosOf(
      {
        hit: sum(counts.map(({ hit }) => hit)),
        said: sum(counts.map(({ said }) => said)),
        real: sum(counts.map(({ real }) => real)),
      },
      zeroDivision,
    );
  const weights = counts.map(({ real }) => (o.average === "weighted" ? real : 1));
  const ratios = counts.map((one) => ratiosOf(one, zeroDivision));
  const mean = (name: keyof PrecisionRecallF1) => {
    const known = ratios.flatMap((one, k) =>
      Number.isNaN(one[name]) ? [] : [{ value: one[name], weight: weights[k]! }],
    );
    if (known.length === 0) return Number.NaN;
    const all = sum(known.map(({ weight }) => weight));
    // Where none of them has rows, all count alike, as in scikit-learn.
    if (all === 0) return sum(known.map(({ value }) => value)) / known.length;
    return sum(known.map(({ value, weight }) => value * weight)) / all;
  };
  return { precision: mean("precision"), recall: mean("recall"), f1: mean("f1") };
}

/** Rows of one class: predicted so and right, predicted so, really so. */
interface ClassCounts {
  readonly hit: number;
  readonly said: number;
  readonly real: number;
}

function countByClass(yTrue: Labels, yPred: Labels, o: LabelOptions): { labels: Label[]; counts: ClassCounts[] } {
  const weight = checkedWeights(yTrue, yPred, o.sampleWeight);
  const labels = [...(o.labels ?? labelsMet(yTrue, yPred))];
  const counts = labels.map(() => ({ hit: 0, said: 0, real: 0 }));
  const byLabel = new Map(labels.map((label, k) => [label, counts[k]!]));
  for (let row = 0; row < yTrue.length; row++) {
    const real = byLabel.get(yTrue[row]!);
    const said = byLabel.get(yPred[row]!);
    if (real !== undefined) real.real += weight(row);
    if (said !== undefined) said.said += weight(row);
    if (real !== undefined && real === said) real.hit += weight(row);
  }
  return { labels, counts };
}

function ratiosOf({ hit, said, real }: ClassCounts, zeroDivision: number): PrecisionRecallF1 {
  const ratio = (over: number, under: number) => (under === 0 ? zeroDivision : over / under);
  return { precision: ratio(hit, said), recall: ratio(hit, real), f1: ratio(2 * hit, said + real) };
}

/** All classes met, numbers by value, texts by code unit. */
function labelsMet(yTrue: Labels, yPred: Labels): Label[] {
  const met = new Set<Label>([...Array.from<Label>(yTrue), ...Array.from<Label>(yPred)]);
  return [...met].sort((a, b) => (typeof a === "number" && typeof b === "number" ? a - b : a < b ? -1 : 1));
}

function checkedWeights(
  yTrue: Labels,
  yPred: Labels,
  sampleWeight: ArrayLike<number> | undefined,
): (row: number) => number {
  checkRows({ yTrue, yPred }, sampleWeight);
  checkClasses({ yTrue, yPred });
  return (row) => (sampleWeight === undefined ? 1 : sampleWeight[row]!);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
