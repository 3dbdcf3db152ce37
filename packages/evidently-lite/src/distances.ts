import { type BinnedShares, edgesOver, fillZeros } from "./bins.ts";
import { areaBetweenColumns } from "./ecdf-distance.ts";
import type { NumberSample } from "./number-sample.ts";

/** Area between the empirical distribution functions, each height raised to `power`; both samples ascending. */
function areaBetween(one: Float64Array, two: Float64Array, power: 1 | 2): number {
  let i = 0;
  let j = 0;
  let last = Math.min(one[0]!, two[0]!);
  let area = 0;
  while (i < one.length || j < two.length) {
    const value = Math.min(one[i] ?? Number.POSITIVE_INFINITY, two[j] ?? Number.POSITIVE_INFINITY);
    const height = Math.abs(i / one.length - j / two.length);
    area += (value - last) * (power === 1 ? height : height * height);
    last = value;
    while (one[i] === value) i += 1;
    while (two[j] === value) j += 1;
  }
  return area;
}

/** Up to this many values on both sides the area is that of the sorted samples, to the last bit. */
const MOST_SORTED = 20_000;

/** Wasserstein distance in standard deviations (ddof 0, at least 0.001) of the reference (Evidently 0.7 `wasserstein`). */
export function wasserstein(reference: NumberSample, current: NumberSample): number {
  const [one, two] = [reference.scan(), current.scan()];
  const size = one.count + two.count;
  const fast = size > MOST_SORTED ? fastArea(reference, current, edgesOver(reference, current, size)) : Number.NaN;
  const area = Number.isNaN(fast) ? areaBetween(reference.sorted(), current.sorted(), 1) : fast;
  return area / Math.max(Math.sqrt(reference.spread() / one.count), 0.001);
}

/** The area without sorting, and on the way the histograms, which a report shows. */
function fastArea(reference: NumberSample, current: NumberSample, edges: Float64Array): number {
  const between = { edges, one: new Float64Array(edges.length - 1), two: new Float64Array(edges.length - 1) };
  const area = areaBetweenColumns(
    { ...reference.scan(), source: reference.source },
    { ...current.scan(), source: current.source },
    between,
  );
  const all = (counts: Float64Array) => counts.reduce((sum, count) => sum + count, 0);
  // Columns of one value have an area without a grid.
  if (all(between.one) === reference.scan().count && all(between.two) === current.scan().count) {
    reference.keepHistogram(edges, between.one);
    current.keepHistogram(edges, between.two);
  }
  return area;
}

/** Energy distance √(2 ∫ (F − G)²) as scipy 1.17 `energy_distance`. */
export function energyDistance(reference: NumberSample, current: NumberSample): number {
  const [one, two] = [reference.sorted(), current.sorted()];
  return Math.SQRT2 * Math.sqrt(areaBetween(one, two, 2));
}

/** Kullback–Leibler divergence of the reference from the current shares, zeros filled, natural logarithm. */
export function kullbackLeibler(shares: BinnedShares): number {
  return relativeEntropy(toUnitSum(fillZeros(shares.reference)), toUnitSum(fillZeros(shares.current)));
}

/** Jensen–Shannon distance: the root of the divergence, natural logarithm, at most √ln 2. */
export function jensenShannon(shares: BinnedShares): number {
  const one = toUnitSum(shares.reference);
  const two = toUnitSum(shares.current);
  const middle = one.map((share, bin) => (share + two[bin]!) / 2);
  return Math.sqrt(Math.max(0, (relativeEntropy(one, middle) + relativeEntropy(two, middle)) / 2));
}

/** Hellinger distance of shares. */
export function hellinger({ reference, current }: BinnedShares): number {
  let overlap = 0;
  for (const [bin, share] of reference.entries()) overlap += Math.sqrt(share * current[bin]!);
  return Math.sqrt(1 - Math.min(1, overlap));
}

/**
 * Hellinger distance of numbers: Sturges' bins over the different values of both samples, densities times the mean width
 * of a bin (Evidently 0.7).
 */
export function hellingerOfNumbers(reference: NumberSample, current: NumberSample): number {
  const edges = edgesOver(reference, current, differentValues(reference, current));
  return hellingerOfHistograms(reference.histogram(edges), current.histogram(edges), edges);
}

/** Hellinger distance of counts in bins, with the order of numpy's operations: the result hangs on it where it is near 0. */
export function hellingerOfHistograms(one: Float64Array, two: Float64Array, edges: Float64Array): number {
  const bins = edges.length - 1;
  const width = (edges[bins]! - edges[0]!) / bins;
  const total = (counts: Float64Array) => counts.reduce((sum, count) => sum + count, 0);
  const [n1, n2] = [total(one), total(two)];
  let overlap = 0;
  for (let bin = 0; bin < bins; bin++) {
    const size = edges[bin + 1]! - edges[bin]!;
    overlap += Math.sqrt((one[bin]! / size / n1) * (two[bin]! / size / n2)) * width;
  }
  return Math.sqrt(1 - Math.min(1, overlap));
}

function differentValues(reference: NumberSample, current: NumberSample): number {
  const [few1, few2] = [reference.scan().counts, current.scan().counts];
  if (few1 !== null && few2 !== null) return new Set([...few1.keys(), ...few2.keys()]).size;
  const [one, two] = [reference.sorted(), current.sorted()];
  let different = 0;
  let [i, j] = [0, 0];
  while (i < one.length || j < two.length) {
    const value = Math.min(one[i] ?? Number.POSITIVE_INFINITY, two[j] ?? Number.POSITIVE_INFINITY);
    while (one[i] === value) i += 1;
    while (two[j] === value) j += 1;
    different += 1;
  }
  return different;
}

function relativeEntropy(one: Float64Array, two: Float64Array): number {
  let sum = 0;
  for (const [bin, share] of one.entries()) if (share > 0) sum += share * Math.log(share / two[bin]!);
  return sum;
}

function toUnitSum(shares: Float64Array): Float64Array {
  const sum = shares.reduce((total, share) => total + share, 0);
  return shares.map((share) => share / sum);
}
