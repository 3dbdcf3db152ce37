/** What a layer does to its sums, but for the last one. */
export const ACTIVATIONS = ["relu", "tanh", "logistic", "identity"] as const;
export type Activation = (typeof ACTIVATIONS)[number];

/** A network of dense layers over standardised features. */
export interface DenseScores {
  /** 1 for two classes and numbers, else one a class. */
  readonly outputs: number;
  readonly activation: Activation;
  /** Units of each layer, features first, outputs last. */
  readonly sizes: Int32Array;
  readonly mean: Float64Array;
  readonly scale: Float64Array;
  /** Of one layer after the other: weights by unit before, then by unit; then biases. */
  readonly weights: Float64Array;
}

/** Where a layer's weights and biases lie. */
export function layersOf(sizes: Int32Array): { before: number; units: number; weights: number; biases: number }[] {
  let at = 0;
  return Array.from({ length: sizes.length - 1 }, (_, layer) => {
    const before = sizes[layer]!;
    const units = sizes[layer + 1]!;
    const place = { before, units, weights: at, biases: at + before * units };
    at += (before + 1) * units;
    return place;
  });
}

/** Scores of one row. A missing value counts as the column's mean. */
export function scoreDenseRow(dense: DenseScores, row: Float64Array): Float64Array {
  const { activation, sizes, mean, scale, weights } = dense;
  let values = row.map((value, at) => (Number.isNaN(value) ? 0 : (value - mean[at]!) / scale[at]!));
  const layers = layersOf(sizes);
  for (const [place, { before, units, weights: from, biases }] of layers.entries()) {
    const sums = weights.slice(biases, biases + units);
    for (let at = 0; at < before; at++) {
      const value = values[at]!;
      if (value === 0) continue;
      const own = from + at * units;
      for (let unit = 0; unit < units; unit++) sums[unit]! += value * weights[own + unit]!;
    }
    values = place === layers.length - 1 ? sums : sums.map(activationOf(activation));
  }
  return values;
}

/** Scores of every row, `outputs` a row. */
export function scoreDense(dense: DenseScores, columns: readonly Float64Array[], rowCount: number): Float64Array {
  const scores = new Float64Array(rowCount * dense.outputs);
  const row = new Float64Array(columns.length);
  for (let at = 0; at < rowCount; at++) {
    for (let column = 0; column < columns.length; column++) row[column] = columns[column]![at]!;
    scores.set(scoreDenseRow(dense, row), at * dense.outputs);
  }
  return scores;
}

function activationOf(activation: Activation): (value: number) => number {
  if (activation === "relu") return (value) => Math.max(0, value);
  if (activation === "tanh") return Math.tanh;
  if (activation === "logistic") return (value) => 1 / (1 + Math.exp(-value));
  return (value) => value;
}
