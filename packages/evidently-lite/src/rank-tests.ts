import { DriftError } from "./errors.ts";
import { mean, squaredDeviations } from "./moments.ts";
import { logGamma, normalSurvival, scaledBesselQuarter, studentTwoSided } from "./special.ts";

/** A run of equal values in both samples: how often in each. */
interface Tie {
  readonly one: number;
  readonly two: number;
}

/** The distinct values of two ascending samples, in order, with their counts. */
function ties(one: Float64Array, two: Float64Array): Tie[] {
  const runs: Tie[] = [];
  let i = 0;
  let j = 0;
  while (i < one.length || j < two.length) {
    const value = Math.min(one[i] ?? Number.POSITIVE_INFINITY, two[j] ?? Number.POSITIVE_INFINITY);
    const [fromOne, fromTwo] = [i, j];
    while (one[i] === value) i += 1;
    while (two[j] === value) j += 1;
    runs.push({ one: i - fromOne, two: j - fromTwo });
  }
  return runs;
}

/** p of Student's two-sided t test with equal variances (scipy 1.17 `ttest_ind`); NaN where all values are the same. */
export function studentTTest(one: Float64Array, two: Float64Array): number {
  return studentTTestOf(momentsOf(one), momentsOf(two));
}

/** Count, mean and sum of squared distances from it. */
interface Moments {
  readonly count: number;
  readonly mean: number;
  readonly squares: number;
}

function momentsOf(values: Float64Array): Moments {
  return { count: values.length, mean: mean(values), squares: squaredDeviations(values) };
}

/** The test from the moments of the samples. */
export function studentTTestOf(one: Moments, two: Moments): number {
  const degrees = one.count + two.count - 2;
  const pooled = (one.squares + two.squares) / degrees;
  const t = (one.mean - two.mean) / Math.sqrt(pooled * (1 / one.count + 1 / two.count));
  return studentTwoSided(t, degrees);
}

/** Up to this size of a sample without ties p is exact. */
const LARGEST_EXACT_MANN_WHITNEY = 8;

/** p of the Mann–Whitney test that the reference lies below the current (scipy 1.17 `mannwhitneyu`, "less", "auto"). */
export function mannWhitneyLess(one: Float64Array, two: Float64Array): number {
  const [n1, n2] = [one.length, two.length];
  const n = n1 + n2;
  let above = 0;
  let seen = 0;
  let tieTerm = 0;
  for (const run of ties(one, two)) {
    above += run.two * (seen + run.one / 2);
    seen += run.one;
    const size = run.one + run.two;
    tieTerm += size ** 3 - size;
  }
  if (Math.min(n1, n2) <= LARGEST_EXACT_MANN_WHITNEY && tieTerm === 0) return exactMannWhitney(above, n1, n2);
  const spread = Math.sqrt(((n1 * n2) / 12) * (n + 1 - tieTerm / (n * (n - 1))));
  return normalSurvival((above - (n1 * n2) / 2 - 0.5) / spread);
}

/** P(U ≥ u): the coefficients of Gauss' binomial, by multiplying and dividing polynomials. */
function exactMannWhitney(u: number, n1: number, n2: number): number {
  const small = Math.min(n1, n2);
  const large = Math.max(n1, n2);
  const size = n1 * n2 + 1;
  let counts = new Float64Array(size);
  counts[0] = 1;
  for (let k = 1; k <= small; k++) {
    const next = Float64Array.from(counts);
    for (let at = size - 1; at >= large + k; at--) next[at]! -= counts[at - large - k]!;
    for (let at = k; at < size; at++) next[at]! += next[at - k]!;
    counts = next;
  }
  let total = 0;
  for (const count of counts) total += count;
  let tail = 0;
  for (let at = u; at < size; at++) tail += counts[at]!;
  return tail / total;
}

/** Significance levels of Scholz and Stephens (1987) and the critical values for two samples, table 2. */
const LEVELS = [0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.001];
const CRITICAL = [
  0.675 - 0.245 - 0.105,
  1.281 + 0.25 - 0.305,
  1.645 + 0.678 - 0.362,
  1.96 + 1.149 - 0.391,
  2.326 + 1.822 - 0.396,
  2.573 + 2.364 - 0.345,
  3.085 + 3.615 - 0.154,
];

/**
 * p of the Anderson–Darling test of two samples, midranks, kept within [0.001, 0.25] (scipy 1.17 `anderson_ksamp`).
 * @throws DriftError METHOD_NOT_APPLICABLE where all values are the same
 */
export function andersonDarling(one: Float64Array, two: Float64Array): number {
  const runs = ties(one, two);
  if (runs.length < 2)
    throw new DriftError(
      "METHOD_NOT_APPLICABLE",
      "method",
      'method "anderson" needs more than one distinct value: expected a column that is not constant',
    );
  const n = one.length + two.length;
  if (n < 4)
    throw new DriftError(
      "METHOD_NOT_APPLICABLE",
      "method",
      `method "anderson" got ${n} values on both sides together: expected at least four`,
    );
  const statistics = [one.length, two.length].map((size, sample) => {
    let below = 0;
    let belowBoth = 0;
    let sum = 0;
    for (const run of runs) {
      const own = sample === 0 ? run.one : run.two;
      const both = run.one + run.two;
      const middle = below + own / 2;
      const middleBoth = belowBoth + both / 2;
      sum += ((both / n) * (n * middle - middleBoth * size) ** 2) / (middleBoth * (n - middleBoth) - (n * both) / 4);
      below += own;
      belowBoth += both;
    }
    return sum / size;
  });
  const a2 = ((statistics[0]! + statistics[1]!) * (n - 1)) / n;
  const standard = (a2 - 1) / Math.sqrt(andersonVariance(one.length, two.length));
  if (standard < CRITICAL[0]!) return LEVELS[0]!;
  if (standard > CRITICAL.at(-1)!) return LEVELS.at(-1)!;
  const [c0, c1, c2] = LEVEL_CURVE;
  return Math.exp(c0 + c1 * standard + c2 * standard ** 2);
}

/** Variance of the statistic for two samples under the null hypothesis (Scholz and Stephens 1987, eq. 4). */
function andersonVariance(n1: number, n2: number): number {
  const n = n1 + n2;
  const k = 2;
  const inverse = 1 / n1 + 1 / n2;
  let h = 0;
  let g = 0;
  for (let i = n - 1; i >= 2; i--) {
    h += 1 / i;
    g += h / (n + 1 - i);
  }
  h += 1;
  const a = (4 * g - 6) * (k - 1) + (10 - 6 * g) * inverse;
  const b = (2 * g - 4) * k ** 2 + 8 * h * k + (2 * g - 14 * h - 4) * inverse - 8 * h + 4 * g - 6;
  const c = (6 * h + 2 * g - 2) * k ** 2 + (4 * h - 4 * g + 6) * k + (2 * h - 6) * inverse + 4 * h;
  const d = (2 * h + 6) * k ** 2 - 4 * h * k;
  return (a * n ** 3 + b * n ** 2 + c * n + d) / ((n - 1) * (n - 2) * (n - 3));
}

/** Least-squares parabola of ln(level) over the critical values, lowest power first. */
const LEVEL_CURVE = parabola(
  CRITICAL,
  LEVELS.map((level) => Math.log(level)),
);

function parabola(x: readonly number[], y: readonly number[]): [number, number, number] {
  const power = (p: number) => x.reduce((sum, value) => sum + value ** p, 0);
  const moment = (p: number) => x.reduce((sum, value, at) => sum + value ** p * y[at]!, 0);
  const [s0, s1, s2, s3, s4] = [power(0), power(1), power(2), power(3), power(4)];
  const [t0, t1, t2] = [moment(0), moment(1), moment(2)];
  const determinant = s0 * (s2 * s4 - s3 * s3) - s1 * (s1 * s4 - s3 * s2) + s2 * (s1 * s3 - s2 * s2);
  return [
    (t0 * (s2 * s4 - s3 * s3) - s1 * (t1 * s4 - s3 * t2) + s2 * (t1 * s3 - s2 * t2)) / determinant,
    (s0 * (t1 * s4 - t2 * s3) - t0 * (s1 * s4 - s3 * s2) + s2 * (s1 * t2 - t1 * s2)) / determinant,
    (s0 * (s2 * t2 - s3 * t1) - s1 * (s1 * t2 - t1 * s2) + t0 * (s1 * s3 - s2 * s2)) / determinant,
  ];
}

/** Up to this size of both samples p is exact. */
const LARGEST_EXACT_CRAMER = 20;

/**
 * p of the two-sample Cramér–von Mises test, midranks (scipy 1.17 `cramervonmises_2samp`).
 * @throws DriftError METHOD_NOT_APPLICABLE below two values in a sample
 */
export function cramerVonMises(one: Float64Array, two: Float64Array): number {
  const [n1, n2] = [one.length, two.length];
  if (Math.min(n1, n2) < 2)
    throw new DriftError(
      "METHOD_NOT_APPLICABLE",
      "method",
      `method "cramer_von_mises" got samples of ${n1} and ${n2} values: expected at least two in each`,
    );
  const n = n1 + n2;
  const product = n1 * n2;
  let ranks = 0;
  let [i, j] = [0, 0];
  for (const run of ties(one, two)) {
    const rank = i + j + (run.one + run.two + 1) / 2;
    for (let k = 0; k < run.one; k++) ranks += n1 * (rank - ++i) ** 2;
    for (let k = 0; k < run.two; k++) ranks += n2 * (rank - ++j) ** 2;
  }
  if (Math.max(n1, n2) <= LARGEST_EXACT_CRAMER) return exactCramer(ranks, n1, n2);
  const t = ranks / (product * n) - (4 * product - 1) / (6 * n);
  const expected = (1 + 1 / n) / 6;
  const variance = ((n + 1) * (4 * product * n - 3 * (n1 ** 2 + n2 ** 2) - 2 * product)) / (45 * n ** 2 * 4 * product);
  const standard = 1 / 6 + (t - expected) / Math.sqrt(45 * variance);
  return standard < 0.003 ? 1 : Math.max(0, 1 - cramerLimit(standard));
}

/** Limiting distribution function of the one-sample statistic (Csörgő and Faraway 1996, eq. 1.3), terms down to 1e-7. */
function cramerLimit(x: number): number {
  let sum = 0;
  for (let k = 0; ; k++) {
    const y = 4 * k + 1;
    const weight = Math.exp(logGamma(k + 0.5) - logGamma(k + 1)) / (Math.PI ** 1.5 * Math.sqrt(x));
    const term = weight * Math.sqrt(y) * scaledBesselQuarter(y ** 2 / (16 * x));
    sum += term;
    if (Math.abs(term) < 1e-7) return sum;
  }
}

/** Share of the orders of both samples with at least this statistic (Xiao, Gordon and Yakovlev 2006, algorithm 1). */
function exactCramer(ranks: number, m: number, n: number): number {
  const multiple = (m * n) / greatestCommonDivisor(m, n);
  const [a, b] = [multiple / m, multiple / n];
  const product = m * n;
  const least = Math.floor((multiple ** 2 * (m + n) * (6 * ranks - product * (4 * product - 1))) / (6 * product ** 2));
  let row: Map<number, number>[] = Array.from({ length: m + 1 }, () => new Map());
  row[0]!.set(0, 1);
  for (let u = 0; u <= n; u++) {
    const next: Map<number, number>[] = [];
    let before = new Map<number, number>();
    for (const [v, below] of row.entries()) {
      const merged = new Map<number, number>();
      const step = (a * v - b * u) ** 2;
      for (const paths of [before, below])
        for (const [value, count] of paths) merged.set(value + step, (merged.get(value + step) ?? 0) + count);
      next.push(merged);
      before = merged;
    }
    row = next;
  }
  let total = 0;
  let tail = 0;
  for (const [value, count] of row[m]!) {
    total += count;
    if (value >= least) tail += count;
  }
  return tail / total;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
