/** Scores that are linear in standardised features: Σ weight × (value − mean) / scale + intercept. */
export interface LinearScores {
  /** 1 for two classes, else one a class. */
  readonly outputs: number;
  readonly mean: Float64Array;
  readonly scale: Float64Array;
  /** By output, then by feature. */
  readonly weights: Float64Array;
  readonly intercept: Float64Array;
}

/** Features standardised to mean 0 and standard deviation 1 (ddof 0), a missing value as the mean. */
export function standardise(columns: readonly Float64Array[], rowCount: number) {
  const features = columns.length;
  const moments = columns.map(momentsOf);
  const mean = Float64Array.from(moments, (one) => one.mean);
  const scale = Float64Array.from(moments, (one) => one.scale);
  /** Rows one after another. */
  const rows = new Float64Array(rowCount * features);
  for (const [feature, values] of columns.entries())
    for (let row = 0; row < rowCount; row++)
      rows[row * features + feature] = standardised(values[row]!, mean[feature]!, scale[feature]!);
  return { mean, scale, rows };
}

function standardised(value: number, mean: number, scale: number): number {
  return Number.isNaN(value) ? 0 : (value - mean) / scale;
}

/** Mean and standard deviation of what is not missing; scale 1 for a constant column. */
function momentsOf(values: Float64Array): { mean: number; scale: number } {
  let count = 0;
  let mean = 0;
  let squares = 0;
  // Welford's update: no loss of digits for values far from zero.
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    count++;
    const before = value - mean;
    mean += before / count;
    squares += before * (value - mean);
  }
  const deviation = count === 0 ? 0 : Math.sqrt(squares / count);
  return { mean, scale: deviation > 10 * Number.EPSILON * Math.abs(mean) ? deviation : 1 };
}

/** Scores of every row, `outputs` a row. */
export function scoreLinear(linear: LinearScores, columns: readonly Float64Array[], rowCount: number): Float64Array {
  const { outputs, mean, scale, weights, intercept } = linear;
  const features = columns.length;
  const scores = new Float64Array(rowCount * outputs);
  for (let row = 0; row < rowCount; row++) for (let k = 0; k < outputs; k++) scores[row * outputs + k] = intercept[k]!;
  for (let feature = 0; feature < features; feature++) {
    const values = columns[feature]!;
    const middle = mean[feature]!;
    const inverse = 1 / scale[feature]!;
    if (outputs === 1) {
      const weight = weights[feature]!;
      for (let row = 0; row < rowCount; row++) {
        const value = (values[row]! - middle) * inverse;
        // NaN, a missing value, counts as the mean.
        if (!Number.isNaN(value)) scores[row]! += weight * value;
      }
      continue;
    }
    for (let row = 0; row < rowCount; row++) {
      const value = (values[row]! - middle) * inverse;
      if (Number.isNaN(value)) continue;
      for (let k = 0; k < outputs; k++) scores[row * outputs + k]! += weights[k * features + feature]! * value;
    }
  }
  return scores;
}

/** Scores of one row. */
export function scoreLinearRow(linear: LinearScores, row: Float64Array): Float64Array {
  const { outputs, mean, scale, weights, intercept } = linear;
  const features = row.length;
  const scores = new Float64Array(outputs);
  for (let k = 0; k < outputs; k++) scores[k] = intercept[k]!;
  for (let feature = 0; feature < features; feature++) {
    const value = (row[feature]! - mean[feature]!) * (1 / scale[feature]!);
    if (Number.isNaN(value)) continue;
    for (let k = 0; k < outputs; k++) scores[k]! += weights[k * features + feature]! * value;
  }
  return scores;
}
