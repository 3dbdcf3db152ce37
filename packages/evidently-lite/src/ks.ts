import type { Column } from "./column.ts";
import { largestGapOfColumns } from "./ecdf-distance.ts";
import { kolmogorovSurvival } from "./kolmogorov.ts";
import { NumberSample } from "./number-sample.ts";

/** Result of the two-sample Kolmogorov–Smirnov test. */
export interface KsResult {
  /** Largest distance of the two empirical distribution functions, 0 to 1. */
  readonly statistic: number;
  /** Two-sided. */
  readonly pValue: number;
}

/** Beyond this sample size p is asymptotic (scipy 1.17 `ks_2samp`, method "auto"). */
const LARGEST_EXACT = 10_000;

/**
 * Two-sample, two-sided Kolmogorov–Smirnov test, as scipy 1.17.1 `ks_2samp`: exact while neither sample has more than
 * 10,000 values, else by the one-sample distribution at the effective size n₁n₂/(n₁+n₂). Ties are allowed.
 * @throws DriftError EMPTY_COLUMN, NOT_A_NUMBER
 */
export function ks(reference: Column, current: Column): KsResult {
  return ksOfSamples(new NumberSample(reference, "reference"), new NumberSample(current, "current"));
}

/** The test of samples; large ones are not sorted. */
export function ksOfSamples(reference: NumberSample, current: NumberSample): KsResult {
  const [one, two] = [reference.scan(), current.scan()];
  const sorted = Math.max(one.count, two.count) <= LARGEST_EXACT;
  const gap = sorted
    ? largestGap(reference.sorted(), current.sorted())
    : largestGapOfColumns({ ...one, source: reference.source }, { ...two, source: current.source });
  const divisor = greatestCommonDivisor(one.count, two.count);
  return ksOfGap(Math.round(gap / divisor), one.count, two.count);
}

/** p of a largest gap of `steps` = max |i·n₂ − j·n₁| / gcd(n₁, n₂). */
export function ksOfGap(steps: number, n1: number, n2: number): KsResult {
  if (steps === 0) return { statistic: 0, pValue: 1 };
  const divisor = greatestCommonDivisor(n1, n2);
  const statistic = steps / ((n1 / divisor) * n2);
  const exact = Math.max(n1, n2) <= LARGEST_EXACT ? exactProbability(n1, n2, divisor, steps) : Number.NaN;
  // Rounding may carry the exact sum out of [0, 1]; scipy then takes the asymptotic one.
  if (exact >= 0 && exact <= 1) return { statistic, pValue: exact };
  const effective = roundHalfEven((n1 * n2) / (n1 + n2));
  return { statistic, pValue: kolmogorovSurvival(effective, statistic) };
}

/** max |i·n₂ − j·n₁| over the merged samples: the statistic in whole numbers, times n₁·n₂. */
function largestGap(one: Float64Array, two: Float64Array): number {
  let i = 0;
  let j = 0;
  let largest = 0;
  while (i < one.length && j < two.length) {
    const value = Math.min(one[i]!, two[j]!);
    while (i < one.length && one[i] === value) i += 1;
    while (j < two.length && two[j] === value) j += 1;
    largest = Math.max(largest, Math.abs(i * two.length - j * one.length));
  }
  return largest;
}

function exactProbability(n1: number, n2: number, divisor: number, steps: number): number {
  return n1 === n2 ? outsideSquare(n1, steps) : outsideBand(Math.max(n1, n2), Math.min(n1, n2), divisor, steps);
}

/** Share of the lattice paths (0,0)→(n,n) that leave the band |x − y| < h (Hodges 1958, eq. 2.1). */
function outsideSquare(n: number, h: number): number {
  let sum = 0;
  for (let k = Math.floor(n / h); k >= 0; k--) {
    let term = 1;
    for (let j = 0; j < h; j++) term = ((n - k * h - j) * term) / (n + k * h + j + 1);
    sum = term * (1 - sum);
  }
  return 2 * sum;
}

/** Share of the lattice paths (0,0)→(m,n), m > n, that leave |n·x − m·y| / gcd < h; a column of the lattice at a time. */
function outsideBand(m: number, n: number, divisor: number, h: number): number {
  const mg = m / divisor;
  const ng = n / divisor;
  let low = 0;
  let high = Math.min(Math.ceil(h / mg), n + 1);
  let length = high - low;
  const outside = new Float64Array(Math.min(2 * high + 2, n + 1) + 1);
  // The first column lies inside; beyond the band every path is outside.
  outside.fill(1, length);
  for (let i = 1; i <= m; i++) {
    const lastLow = low;
    const lastLength = length;
    low = Math.min(Math.max(Math.floor((ng * i - h) / mg) + 1, 0), n);
    high = Math.min(Math.ceil((ng * i + h) / mg), n + 1);
    if (high <= low) return 1;
    let value = low === 0 ? 0 : 1;
    for (let j = low; j < high; j++) {
      value = (outside[j - lastLow]! * i + value * j) / (i + j);
      outside[j - low] = value;
    }
    length = high - low;
    if (lastLength > length) outside.fill(1, length, lastLength);
  }
  return outside[length - 1]!;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** numpy's `round`. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
