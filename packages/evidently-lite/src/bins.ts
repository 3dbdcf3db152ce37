import { type ColumnType, distinctSorted, presentValues, sortedNumbers, type Value } from "./values.ts";

/** The shares of both samples in the same bins. */
export interface BinnedShares {
  readonly reference: Float64Array;
  readonly current: Float64Array;
}

/** A numeric column with at most this many different reference values is binned by value (Evidently 0.7 `get_binned_data`). */
const MOST_VALUES_AS_CATEGORIES = 20;

/**
 * Bins two samples as Evidently 0.7's `get_binned_data` does: numbers with more than 20 different reference values into
 * equal bins over both samples (Sturges' rule), all else by value.
 */
export function binShares(reference: ArrayLike<Value>, current: ArrayLike<Value>, type: ColumnType): BinnedShares {
  if (type === "num") {
    const one = sortedNumbers(reference, "reference");
    const two = sortedNumbers(current, "current");
    if (distinctSorted(one) > MOST_VALUES_AS_CATEGORIES) {
      const first = Math.min(one[0]!, two[0]!);
      const last = Math.max(one.at(-1)!, two.at(-1)!);
      const integers = holdsIntegers(reference) && holdsIntegers(current);
      const edges = sturgesEdges(first, last, one.length + two.length, integers);
      return { reference: histogramShares(one, edges), current: histogramShares(two, edges) };
    }
    return categoryShares([...one], [...two]);
  }
  return categoryShares(presentValues(reference, "reference"), presentValues(current, "current"));
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

/** Whether the column is held as integers: typed arrays of them; the numbers of a plain array are doubles. */
export function holdsIntegers(column: ArrayLike<Value>): boolean {
  return ArrayBuffer.isView(column) && !(column instanceof Float64Array || column instanceof Float32Array);
}

/** Bins are closed on the left; the last on both sides. */
export function histogramShares(sorted: Float64Array, edges: Float64Array): Float64Array {
  const shares = new Float64Array(edges.length - 1);
  let bin = 0;
  for (const value of sorted) {
    while (bin < shares.length - 1 && value >= edges[bin + 1]!) bin += 1;
    shares[bin]! += 1;
  }
  return shares.map((count) => count / sorted.length);
}

function categoryShares(one: readonly Category[], two: readonly Category[]): BinnedShares {
  const { reference, current } = countCategories(one, two);
  return {
    reference: reference.map((count) => count / one.length),
    current: current.map((count) => count / two.length),
  };
}

/** A value that is present. */
type Category = number | string | boolean;

/** How often each category of both samples occurs in each. */
export interface CategoryCounts {
  readonly categories: readonly Category[];
  readonly reference: Float64Array;
  readonly current: Float64Array;
}

/** Counts present values by category, in the order in which they first appear. */
export function countCategories(one: readonly Category[], two: readonly Category[]): CategoryCounts {
  const index = new Map<Category, number>();
  for (const value of one) if (!index.has(value)) index.set(value, index.size);
  for (const value of two) if (!index.has(value)) index.set(value, index.size);
  const counts = (values: readonly Category[]) => {
    const found = new Float64Array(index.size);
    for (const value of values) found[index.get(value)!]! += 1;
    return found;
  };
  return { categories: [...index.keys()], reference: counts(one), current: counts(two) };
}
