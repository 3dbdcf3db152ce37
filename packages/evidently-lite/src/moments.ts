/** Arithmetic mean. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += values[at]!;
  return sum / values.length;
}

/** Sum of squared distances from the mean; exactly 0 where all values are the same. */
export function squaredDeviations(values: ArrayLike<number>): number {
  const middle = mean(values);
  const first = values[0];
  let constant = true;
  let sum = 0;
  for (let at = 0; at < values.length; at++) {
    const value = values[at]!;
    if (value !== first) constant = false;
    sum += (value - middle) ** 2;
  }
  return constant && Number.isFinite(first) ? 0 : sum;
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
  const share = at - below;
  if (share === 0) return low;
  const high = sorted[below + 1]!;
  return low === high ? low : low + (high - low) * share;
}
