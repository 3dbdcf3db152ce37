/** The sum as numpy adds up: halves down to blocks of 128, eight sums side by side in each; the error grows with log n. */
export function pairwiseSum(values: ArrayLike<number>, from = 0, to = values.length): number {
  const size = to - from;
  if (size < 8) {
    let sum = 0;
    for (let at = from; at < to; at++) sum += values[at]!;
    return sum;
  }
  if (size > 128) {
    let half = Math.floor(size / 2);
    half -= half % 8;
    return pairwiseSum(values, from, from + half) + pairwiseSum(values, from + half, to);
  }
  const part = [0, 1, 2, 3, 4, 5, 6, 7].map((at) => values[from + at]!);
  let at = from + 8;
  for (; at + 8 <= to; at += 8) for (let lane = 0; lane < 8; lane++) part[lane]! += values[at + lane]!;
  let sum = part[0]! + part[1]! + (part[2]! + part[3]!) + (part[4]! + part[5]! + (part[6]! + part[7]!));
  for (; at < to; at++) sum += values[at]!;
  return sum;
}

/** Arithmetic mean. */
export function mean(values: ArrayLike<number>): number {
  return pairwiseSum(values) / values.length;
}

/** Sum of squared distances from the mean; exactly 0 where all values are the same. */
export function squaredDeviations(values: ArrayLike<number>): number {
  const middle = mean(values);
  const first = values[0];
  let constant = true;
  const squares = new Float64Array(values.length);
  for (let at = 0; at < values.length; at++) {
    const value = values[at]!;
    if (value !== first) constant = false;
    squares[at] = (value - middle) ** 2;
  }
  return constant && Number.isFinite(first) ? 0 : pairwiseSum(squares);
}

/** Standard deviation, the sum of squares divided by n − `ddof`; NaN where that is not positive. */
export function deviation(values: ArrayLike<number>, ddof: 0 | 1): number {
  return values.length > ddof ? Math.sqrt(squaredDeviations(values) / (values.length - ddof)) : Number.NaN;
}

/** Quantile `q` (0 to 1) of an ascending list, linear between neighbours (numpy's and pandas' default); NaN for none. */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  if (sorted.length === 0) return Number.NaN;
  const at = (sorted.length - 1) * q;
  const below = Math.floor(at);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  const share = at - below;
  // As numpy has it, NaN beside an infinity.
  const distance = high - low;
  return share >= 0.5 ? high - distance * (1 - share) : low + distance * share;
}
