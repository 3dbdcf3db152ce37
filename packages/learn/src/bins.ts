/** The bin of missing values; the others are 0 to 254. */
export const MISSING_BIN = 255;
const MOST_BINS = 255;

/** A column as the trees see it: the bin of every row, and the least and greatest value of every bin. */
export interface BinnedColumn {
  readonly bins: Uint8Array;
  readonly least: Float32Array;
  readonly greatest: Float32Array;
}

/**
 * Puts values into at most 255 bins, one a distinct value where there are few, else with about as many rows each; missing
 * values into bin 255. Values are rounded to float32 first, as scikit-learn's trees and ONNX take them: values that differ
 * only beyond it are one value.
 */
export function binColumn(values: Float64Array): BinnedColumn {
  const sorted = Float32Array.from(values.filter((value) => !Number.isNaN(value))).sort();
  const greatest = distinctValues(sorted, MOST_BINS) ?? quantiles(sorted);
  const least = new Float32Array(greatest.length);
  for (let bin = 0, at = 0; bin < greatest.length; bin++) {
    least[bin] = sorted[at]!;
    while (at < sorted.length && sorted[at]! <= greatest[bin]!) at++;
  }
  const bins = new Uint8Array(values.length);
  for (let row = 0; row < values.length; row++) bins[row] = binOf(greatest, values[row]!);
  return { bins, least, greatest };
}

/** The distinct values, or undefined when there are more than `most`. */
function distinctValues(sorted: Float32Array, most: number): Float32Array | undefined {
  const distinct: number[] = [];
  for (const value of sorted) {
    if (distinct.length > 0 && value === distinct[distinct.length - 1]) continue;
    if (distinct.length === most) return undefined;
    distinct.push(value);
  }
  return Float32Array.from(distinct);
}

/** The upper ends of 255 bins with as many rows each; fewer where one value fills several. */
function quantiles(sorted: Float32Array): Float32Array {
  const ends: number[] = [];
  for (let bin = 1; bin <= MOST_BINS; bin++) {
    const end = sorted[Math.ceil((bin * sorted.length) / MOST_BINS) - 1]!;
    if (ends.length === 0 || end > ends[ends.length - 1]!) ends.push(end);
  }
  return Float32Array.from(ends);
}

function binOf(greatest: Float32Array, value: number): number {
  if (Number.isNaN(value)) return MISSING_BIN;
  const rounded = Math.fround(value);
  let low = 0;
  let high = greatest.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rounded <= greatest[middle]!) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** A float32 that parts two neighbours: at least `below`, less than `above`. */
export function thresholdBetween(below: number, above: number): number {
  const middle = Math.fround(below / 2 + above / 2);
  return middle >= below && middle < above ? middle : below;
}
