import { normalSf, tSf } from "./distributions.ts";
import { AbTestError } from "./errors.ts";

type Sample = readonly number[];

function check(a: Sample, b: Sample, least: number): void {
  for (const [field, values] of Object.entries({ a, b }))
    if (values.length < least || !values.every(Number.isFinite))
      throw new AbTestError(
        "INVALID_SAMPLE",
        field,
        `has ${values.length} values: expected at least ${least}, all finite`,
      );
}

/**
 * The two-sided t-test of two means (scipy 1.17 `ttest_ind`).
 * @param equalVariance Student's test; else Welch's, the default
 * @throws AbTestError INVALID_SAMPLE for fewer than 2 values or a value that is not finite
 */
export function tTest(a: Sample, b: Sample, { equalVariance = false } = {}): { t: number; pValue: number } {
  check(a, b, 2);
  const [one, two] = [momentsOf(a), momentsOf(b)];
  const [n1, n2] = [a.length, b.length];
  const [v1, v2] = [one.variance / n1, two.variance / n2];
  const pooled = ((n1 - 1) * one.variance + (n2 - 1) * two.variance) / (n1 + n2 - 2);
  const error = Math.sqrt(equalVariance ? pooled * (1 / n1 + 1 / n2) : v1 + v2);
  const df = equalVariance ? n1 + n2 - 2 : (v1 + v2) ** 2 / (v1 ** 2 / (n1 - 1) + v2 ** 2 / (n2 - 1));
  const t = (one.mean - two.mean) / error;
  return { t, pValue: Number.isFinite(t) ? 2 * tSf(Math.abs(t), df) : Number.isNaN(t) ? t : 0 };
}

function momentsOf(values: Sample): { mean: number; variance: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1) };
}

/**
 * The two-sided Mann–Whitney test (scipy 1.17 `mannwhitneyu`): exact without ties where a sample has at most 8 values,
 * else the normal approximation with corrections for ties and continuity.
 * @returns u of the first sample
 * @throws AbTestError INVALID_SAMPLE for an empty sample or a value that is not finite
 */
export function mannWhitneyTest(a: Sample, b: Sample): { u: number; pValue: number } {
  check(a, b, 1);
  const [n1, n2, n] = [a.length, b.length, a.length + b.length];
  const all = [...a.map((value) => ({ value, first: true })), ...b.map((value) => ({ value, first: false }))];
  all.sort((x, y) => x.value - y.value);
  let rankSum = 0;
  let ties = 0;
  for (let from = 0, to = 0; from < n; from = to) {
    while (to < n && all[to]!.value === all[from]!.value) to++;
    const size = to - from;
    ties += size ** 3 - size;
    for (let at = from; at < to; at++) if (all[at]!.first) rankSum += (from + 1 + to) / 2;
  }
  const u = rankSum - (n1 * (n1 + 1)) / 2;
  const greater = Math.max(u, n1 * n2 - u);
  if (ties === 0 && Math.min(n1, n2) <= 8) return { u, pValue: Math.min(1, 2 * exactUpperShare(greater, n1, n2)) };
  const deviation = Math.sqrt(((n1 * n2) / 12) * (n + 1 - ties / (n * (n - 1))));
  return { u, pValue: Math.min(1, 2 * normalSf((greater - (n1 * n2) / 2 - 0.5) / deviation)) };
}

/** Share of the orders of n1 + n2 values in which u is at least `least`: the Gaussian binomial's coefficients. */
function exactUpperShare(least: number, n1: number, n2: number): number {
  const small = Math.min(n1, n2);
  const large = Math.max(n1, n2);
  const shares = new Float64Array(n1 * n2 + 1);
  shares[0] = 1;
  // Multiplied by (1 - q^(large + k)) / (1 - q^k), and by k / (large + k) so that the shares sum to 1.
  for (let k = 1; k <= small; k++) {
    for (let at = shares.length - 1; at >= large + k; at--) shares[at]! -= shares[at - large - k]!;
    for (let at = k; at < shares.length; at++) shares[at]! += shares[at - k]!;
    for (let at = 0; at < shares.length; at++) shares[at]! *= k / (large + k);
  }
  // By symmetry the lower end, whose few terms keep their digits.
  return shares.subarray(0, n1 * n2 - least + 1).reduce((sum, share) => sum + share, 0);
}

/**
 * The two-sided Kolmogorov–Smirnov test of two samples, exact (scipy 1.17 `ks_2samp`, method "exact"); takes
 * a.length × b.length steps.
 * @throws AbTestError INVALID_SAMPLE for an empty sample or a value that is not finite
 */
export function kolmogorovSmirnovTest(a: Sample, b: Sample): { d: number; pValue: number } {
  check(a, b, 1);
  const [n1, n2] = [a.length, b.length];
  const [x, y] = [a.toSorted((p, q) => p - q), b.toSorted((p, q) => p - q)];
  // The distance times n1 × n2, a whole number.
  let most = 0;
  for (let i = 0, j = 0; i < n1 && j < n2; ) {
    const value = Math.min(x[i]!, y[j]!);
    while (i < n1 && x[i] === value) i++;
    while (j < n2 && y[j] === value) j++;
    most = Math.max(most, Math.abs(i * n2 - j * n1));
  }
  // Share of the orders whose distance gets as far: over the last value of the first i and j ones.
  const outside = new Float64Array(n2 + 1);
  for (let i = 0; i <= n1; i++)
    for (let j = 0; j <= n2; j++) {
      if (Math.abs(i * n2 - j * n1) >= most) outside[j] = 1;
      else if (i + j === 0) outside[j] = 0;
      else outside[j] = ((i > 0 ? outside[j]! * i : 0) + (j > 0 ? outside[j - 1]! * j : 0)) / (i + j);
    }
  return { d: most / (n1 * n2), pValue: outside[n2]! };
}
