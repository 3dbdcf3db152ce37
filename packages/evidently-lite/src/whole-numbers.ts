import type { NumberSource } from "./number-source.ts";

/** Whole numbers that lie no further apart are counted one by one. */
const MOST_APART = 65_536;

/** How often each whole number occurs on either side: that of `from + i` at i. */
export interface WholeCounts {
  readonly from: number;
  readonly one: Uint32Array;
  readonly two: Uint32Array;
}

interface WholeColumn {
  readonly source: Pick<NumberSource, "each">;
  readonly min: number;
  readonly max: number;
}

/** The counts of two columns of whole numbers close to each other; null for all other columns. */
export function countWhole(one: WholeColumn, two: WholeColumn): WholeCounts | null {
  if (![one.min, one.max, two.min, two.max].every(Number.isInteger)) return null;
  const from = Math.min(one.min, two.min);
  const size = Math.max(one.max, two.max) - from + 1;
  if (size > MOST_APART) return null;
  const [counts1, counts2] = [new Uint32Array(size), new Uint32Array(size)];
  return countSide(one, from, counts1) && countSide(two, from, counts2) ? { from, one: counts1, two: counts2 } : null;
}

function countSide({ source }: WholeColumn, from: number, counts: Uint32Array): boolean {
  let whole = true;
  source.each((block, length) => {
    if (whole) whole = countBlock(block, length, from, counts);
  });
  return whole;
}

/** Counts the values of a block; false as soon as one is not whole. */
function countBlock(block: Float64Array, length: number, from: number, counts: Uint32Array): boolean {
  const fours = length - (length & 3);
  // Four at a time, as V8 has it fastest.
  for (let at = 0; at < fours; at += 4) {
    const apart1 = block[at]! - from;
    const apart2 = block[at + 1]! - from;
    const apart3 = block[at + 2]! - from;
    const apart4 = block[at + 3]! - from;
    const place1 = apart1 | 0;
    const place2 = apart2 | 0;
    const place3 = apart3 | 0;
    const place4 = apart4 | 0;
    if (place1 === apart1 && place2 === apart2 && place3 === apart3 && place4 === apart4) {
      counts[place1]! += 1;
      counts[place2]! += 1;
      counts[place3]! += 1;
      counts[place4]! += 1;
    } else if (!countOneByOne(block, at, at + 4, from, counts)) return false;
  }
  return countOneByOne(block, fours, length, from, counts);
}

function countOneByOne(block: Float64Array, start: number, end: number, from: number, counts: Uint32Array): boolean {
  for (let at = start; at < end; at++) {
    const apart = block[at]! - from;
    // The infinities and NaN are missing.
    if (apart - apart !== 0) continue;
    const place = apart | 0;
    if (place !== apart) return false;
    counts[place]! += 1;
  }
  return true;
}

/** ∫ |F − G| dx of whole numbers. */
export function areaOfWhole({ one, two }: WholeCounts, total1: number, total2: number): number {
  let [below1, below2, area] = [0, 0, 0];
  for (let at = 0; at < one.length; at++) {
    below1 += one[at]!;
    below2 += two[at]!;
    area += Math.abs(below1 / total1 - below2 / total2);
  }
  return area;
}

/** The largest |i · n₂ − j · n₁|, i and j the numbers of values up to a point. */
export function gapOfWhole({ one, two }: WholeCounts, total1: number, total2: number): number {
  let [below1, below2, largest] = [0, 0, 0];
  for (let at = 0; at < one.length; at++) {
    below1 += one[at]!;
    below2 += two[at]!;
    largest = Math.max(largest, Math.abs(below1 * total2 - below2 * total1));
  }
  return largest;
}

/** How many whole numbers lie in each bin between ascending edges; closed on the left, the last on both sides. */
export function wholeBetween(counts: Uint32Array, from: number, edges: Float64Array): Float64Array {
  const between = new Float64Array(edges.length - 1);
  let bin = 0;
  for (let at = 0; at < counts.length; at++) {
    while (bin < between.length - 1 && from + at >= edges[bin + 1]!) bin += 1;
    between[bin]! += counts[at]!;
  }
  return between;
}
