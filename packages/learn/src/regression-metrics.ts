import type { WeightOptions } from "./classification-metrics.ts";
import { checkFinite, checkRows } from "./metric-checks.ts";

/** How far predicted numbers are from the real ones; scikit-learn's names and definitions. */
export interface RegressionMetrics {
  readonly mae: number;
  readonly mse: number;
  readonly rmse: number;
  /** NaN for a single row; for a constant target 1 when it was met, else 0. */
  readonly r2: number;
  /** A fraction, not percent; a target of 0 counts as 2^-52. */
  readonly mape: number;
  readonly medae: number;
  readonly maxError: number;
  readonly explainedVariance: number;
}

/** @throws LearnError INVALID_METRIC_INPUT for arrays of other lengths, and what is no finite number */
export function regressionMetrics(
  yTrue: ArrayLike<number>,
  yPred: ArrayLike<number>,
  o: WeightOptions = {},
): RegressionMetrics {
  checkRows({ yTrue, yPred }, o.sampleWeight);
  checkFinite("yTrue", yTrue);
  checkFinite("yPred", yPred);
  const rows = Array.from({ length: yTrue.length }, (_, row) => ({
    real: yTrue[row]!,
    error: yTrue[row]! - yPred[row]!,
    weight: o.sampleWeight?.[row] ?? 1,
  }));
  type Row = (typeof rows)[number];
  const all = rows.reduce((sum, { weight }) => sum + weight, 0);
  const mean = (of: (row: Row) => number) => rows.reduce((sum, row) => sum + row.weight * of(row), 0) / all;
  const meanReal = mean(({ real }) => real);
  const meanError = mean(({ error }) => error);
  const weighed = rows.filter(({ weight }) => weight !== 0);
  const isSame = (of: (row: Row) => number) => weighed.every((row) => of(row) === of(weighed[0] ?? row));
  // A constant's mean may differ from it in the last bit, which would make r2 anything.
  const isConstant = isSame(({ real }) => real);
  const sameError = isSame(({ error }) => error);
  const variance = isConstant ? 0 : mean(({ real }) => (real - meanReal) ** 2);
  const mse = mean(({ error }) => error ** 2);
  const explained = (unexplained: number) =>
    variance === 0 ? (unexplained === 0 ? 1 : 0) : 1 - unexplained / variance;
  return {
    mae: mean(({ error }) => Math.abs(error)),
    mse,
    rmse: Math.sqrt(mse),
    r2: rows.length < 2 ? Number.NaN : explained(mse),
    mape: mean(({ real, error }) => Math.abs(error) / Math.max(Math.abs(real), Number.EPSILON)),
    medae: median(rows.map(({ error, weight }) => ({ value: Math.abs(error), weight }))),
    maxError: rows.reduce((most, { error }) => Math.max(most, Math.abs(error)), 0),
    explainedVariance: explained(sameError ? 0 : mean(({ error }) => (error - meanError) ** 2)),
  };
}

/** Where half of the weight lies below; the middle of two where it falls between them. */
function median(values: { value: number; weight: number }[]): number {
  const sorted = values.filter(({ weight }) => weight > 0).sort((a, b) => a.value - b.value);
  const half = sorted.reduce((sum, { weight }) => sum + weight, 0) / 2;
  let below = 0;
  for (const [at, { value, weight }] of sorted.entries()) {
    below += weight;
    if (below === half) return (value + (sorted[at + 1]?.value ?? value)) / 2;
    if (below > half) return value;
  }
  return Number.NaN;
}
