import type { NumberView } from "./number-sample.ts";
import type { SampleView } from "./sample.ts";
import type { Category } from "./values.ts";

/** The shares of both samples in the same bins. */
export interface BinnedShares {
  readonly reference: Float64Array;
  readonly current: Float64Array;
}

/**
 * Bins two samples as Evidently 0.7's `get_binned_data` does: numbers with more than 20 different reference values into
 * equal bins over both samples (Sturges' rule), all else by value.
 */
export function binShares(reference: SampleView, current: SampleView): BinnedShares {
  if (reference.kind === "num" && current.kind === "num" && reference.scan().counts === null) {
    const [one, two] = [reference.scan(), current.scan()];
    const edges = edgesOver(reference, current, one.count + two.count);
    return {
      reference: reference.histogram(edges).map((count) => count / one.count),
      current: current.histogram(edges).map((count) => count / two.count),
    };
  }
  const counts = countCategories(reference, current);
  return { reference: toShares(counts.reference), current: toShares(counts.current) };
}

/** Sturges' edges over both samples, the number of bins by `size`. */
export function edgesOver(reference: NumberView, current: NumberView, size: number): Float64Array {
  const [one, two] = [reference.scan(), current.scan()];
  const integers = reference.integers && current.integers;
  return sturgesEdges(Math.min(one.min, two.min), Math.max(one.max, two.max), size, integers);
}

/** Zeros become 0.0001, or a millionth of the least share where that is not above 0.0001; nothing is scaled back to sum 1. */
export function fillZeros(shares: Float64Array): Float64Array {
  let least = Number.POSITIVE_INFINITY;
  for (const share of shares) if (share !== 0 && share < least) least = share;
  const fill = least > 0.0001 ? 0.0001 : least / 1e6;
  return shares.map((share) => (share === 0 ? fill : share));
}

/** Edges of equal bins over [first, last], as `numpy.histogram_bin_edges(…, bins="sturges")` (numpy 2) gives them for `size` values. */
export function sturgesEdges(first: number, last: number, size: number, integers: boolean): Float64Array {
  if (first === last) return Float64Array.of(first - 0.5, last + 0.5);
  let width = (last - first) / (Math.log2(size) + 1);
  // numpy 2 does not cut integers finer than 1.
  if (integers && width < 1) width = 1;
  const bins = Math.ceil((last - first) / width);
  const step = (last - first) / bins;
  const edges = Float64Array.from({ length: bins + 1 }, (_, bin) => first + bin * step);
  edges[bins] = last;
  return edges;
}

/** How often each category of both samples occurs in each. */
export interface CategoryCounts {
  readonly categories: readonly Category[];
  readonly reference: Float64Array;
  readonly current: Float64Array;
}

/** Counts of both samples over the categories of either, those of the reference first. */
export function countCategories(reference: SampleView, current: SampleView): CategoryCounts {
  return alignCounts(reference.counts(), current.counts());
}

/** Counts over the categories of either, those of the reference first. */
export function alignCounts(one: ReadonlyMap<Category, number>, two: ReadonlyMap<Category, number>): CategoryCounts {
  const categories = [...one.keys()];
  for (const category of two.keys()) if (!one.has(category)) categories.push(category);
  return {
    categories,
    reference: Float64Array.from(categories, (category) => one.get(category) ?? 0),
    current: Float64Array.from(categories, (category) => two.get(category) ?? 0),
  };
}

/** Counts over their sum. */
export function toShares(counts: Float64Array): Float64Array {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => count / total);
}
