/** Turns each row of `width` scores into probabilities, in place. */
export function softmaxRows(scores: Float64Array, width: number): void {
  for (let start = 0; start < scores.length; start += width) {
    let greatest = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < width; k++) greatest = Math.max(greatest, scores[start + k]!);
    let sum = 0;
    for (let k = 0; k < width; k++) {
      const power = Math.exp(scores[start + k]! - greatest);
      scores[start + k] = power;
      sum += power;
    }
    for (let k = 0; k < width; k++) scores[start + k]! /= sum;
  }
}

/** Both classes' probabilities from each row's probability of the second. */
export function bothClasses(second: Float64Array): Float64Array {
  const both = new Float64Array(second.length * 2);
  for (let row = 0; row < second.length; row++) {
    both[2 * row] = 1 - second[row]!;
    both[2 * row + 1] = second[row]!;
  }
  return both;
}

/** The probability of log-odds. */
export function logistic(score: number): number {
  return 1 / (1 + Math.exp(-score));
}

export function sigmoid(scores: Float64Array): Float64Array {
  return scores.map(logistic);
}

/** The place of the greatest of a row's `width` values, the first of equals. */
export function likeliest(values: Float64Array, row: number, width: number): number {
  let best = 0;
  for (let k = 1; k < width; k++) if (values[row * width + k]! > values[row * width + best]!) best = k;
  return best;
}
