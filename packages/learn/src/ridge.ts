import { type LinearScores, standardise } from "./linear.ts";
import type { Pace } from "./pace.ts";
import type { RidgeParams } from "./params.ts";
import type { TrainingTarget } from "./target.ts";

/**
 * Ridge regression as in scikit-learn: Σ (y − prediction)² + alpha Σ weight², the intercept not penalised, on features
 * standardised to mean 0 and standard deviation 1 (ddof 0). A missing value counts as the column's mean. Solved exactly
 * by Cholesky, over the features or, where these are more, over the rows.
 */
export async function fitRidge(
  columns: readonly Float64Array[],
  { values: target, weights: sampleWeight }: TrainingTarget,
  { alpha, fit_intercept: centres }: RidgeParams,
  pace: Pace,
): Promise<{ scores: LinearScores; importance: Float64Array }> {
  const rowCount = target.length;
  // As if each row were there as often as it weighs: rows and target are multiplied by the root of the weight.
  const root = sampleWeight?.map(Math.sqrt);
  const features = columns.length;
  const { mean, scale, rows } = standardise(columns, rowCount);
  const weightOf = (row: number) => sampleWeight?.[row] ?? 1;
  const total = sampleWeight?.reduce((sum, weight) => sum + weight, 0) ?? rowCount;
  const centre = centres ? target.reduce((sum, value, row) => sum + (value * weightOf(row)) / total, 0) : 0;
  const shift = new Float64Array(features);
  const rest = target.map((value) => value - centre);
  if (root !== undefined) {
    for (let row = 0; centres && row < rowCount; row++)
      for (let j = 0; j < features; j++) shift[j]! += (rows[row * features + j]! * weightOf(row)) / total;
    for (let row = 0; row < rowCount; row++) {
      for (let j = 0; j < features; j++)
        rows[row * features + j] = (rows[row * features + j]! - shift[j]!) * root[row]!;
      rest[row]! *= root[row]!;
    }
  }
  const overRows = features > rowCount;
  const size = overRows ? rowCount : features;
  const depth = overRows ? features : rowCount;
  // X Xᵀ or Xᵀ X, plus alpha on the diagonal; the lower half, which is all that Cholesky reads.
  const [stepOut, stepIn] = overRows ? [features, 1] : [1, features];
  const gram = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = i === j ? alpha : 0;
      for (let k = 0; k < depth; k++) sum += rows[i * stepOut + k * stepIn]! * rows[j * stepOut + k * stepIn]!;
      gram[i * size + j] = sum;
    }
    await pace.step(i + 1, size);
  }
  const weights = overRows
    ? transposedTimes(rows, features, solvePositive(gram, rest))
    : solvePositive(gram, transposedTimes(rows, features, rest));
  const importance = weights.map(Math.abs);
  const intercept = weights.reduce((sum, weight, j) => sum - weight * shift[j]!, centre);
  return { scores: { outputs: 1, mean, scale, weights, intercept: Float64Array.of(intercept) }, importance };
}

/** Xᵀ v. */
function transposedTimes(rows: Float64Array, features: number, vector: Float64Array): Float64Array {
  const product = new Float64Array(features);
  for (let row = 0; row < vector.length; row++)
    for (let feature = 0; feature < features; feature++)
      product[feature]! += rows[row * features + feature]! * vector[row]!;
  return product;
}

/** Solves A x = b for a symmetric positive definite A by Cholesky; writes the factor over A's lower half. */
function solvePositive(matrix: Float64Array, right: Float64Array): Float64Array {
  const size = right.length;
  const x = right.slice();
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * size + j]!;
      for (let k = 0; k < j; k++) sum -= matrix[i * size + k]! * matrix[j * size + k]!;
      matrix[i * size + j] = i === j ? Math.sqrt(sum) : sum / matrix[j * size + j]!;
    }
    for (let k = 0; k < i; k++) x[i]! -= matrix[i * size + k]! * x[k]!;
    x[i]! /= matrix[i * size + i]!;
  }
  for (let i = size - 1; i >= 0; i--) {
    for (let k = i + 1; k < size; k++) x[i]! -= matrix[k * size + i]! * x[k]!;
    x[i]! /= matrix[i * size + i]!;
  }
  return x;
}
