import type { Column } from "./column.ts";
import { pairwiseSum } from "./moments.ts";
import { type NumberSource, numberSource } from "./number-source.ts";
import { emptyColumn } from "./values.ts";

/** Up to this many different values of a column are counted one by one: Evidently bins no finer. */
const MOST_COUNTED = 20;

/** What one pass over a column says. */
export interface Scan {
  /** Values that are finite. */
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** Σ (x − mean)², as good as two passes say it, or NaN where one pass cannot say. */
  readonly squares: number;
  /** How often each value occurs, in the order in which they appear; null where there are more than 20. */
  readonly counts: ReadonlyMap<number, number> | null;
}

/** What the methods ask of the numbers of a side, be they all at hand or sketched. */
export interface NumberView {
  readonly kind: "num";
  /** Whether the column is held as integers. */
  readonly integers: boolean;
  /** Count, range, mean and few values. @throws DriftError EMPTY_COLUMN, NOT_A_NUMBER */
  scan(): Scan;
  /** Sum of squared distances from the mean; exactly 0 where all values are the same. */
  spread(): number;
  /** How often each value occurs. */
  counts(): ReadonlyMap<number, number>;
  /** How many values lie in each bin between ascending equal-width edges; closed on the left, the last on both sides. */
  histogram(edges: Float64Array): Float64Array;
}

/** The present numbers of one side of a column; each thing about them is worked out when it is first asked for. */
export class NumberSample implements NumberView {
  readonly kind = "num";
  readonly source: NumberSource;
  readonly #field: string;
  #scan: Scan | undefined;
  #sorted: Float64Array | undefined;
  #spread: number | undefined;
  #kept: { readonly edges: Float64Array; readonly counts: Float64Array } | undefined;

  constructor(column: Column, field: string) {
    this.source = numberSource(column, field);
    this.#field = field;
  }

  get integers(): boolean {
    return this.source.integers;
  }

  scan(): Scan {
    this.#scan ??= scanned(this.source, this.#field);
    return this.#scan;
  }

  /** The present numbers, ascending: a copy. */
  sorted(): Float64Array {
    if (this.#sorted === undefined) {
      const { count } = this.scan();
      const sorted = new Float64Array(count);
      let size = 0;
      this.source.each((block, length) => {
        for (let at = 0; at < length; at++) {
          const value = block[at]!;
          if (value - value === 0) sorted[size++] = value;
        }
      });
      this.#sorted = sorted.sort();
    }
    return this.#sorted;
  }

  spread(): number {
    this.#spread ??= spreadOf(this.source, this.scan());
    return this.#spread;
  }

  counts(): ReadonlyMap<number, number> {
    const { counts } = this.scan();
    if (counts !== null) return counts;
    const all = new Map<number, number>();
    const sorted = this.sorted();
    for (let from = 0; from < sorted.length; ) {
      let to = from + 1;
      while (sorted[to] === sorted[from]) to += 1;
      all.set(sorted[from]! + 0, to - from);
      from = to;
    }
    return all;
  }

  /** Keeps counts that were found while something else was worked out. */
  keepHistogram(edges: Float64Array, counts: Float64Array): void {
    this.#kept = { edges, counts };
  }

  histogram(edges: Float64Array): Float64Array {
    const kept = this.#kept;
    if (kept !== undefined && kept.edges.length === edges.length && kept.edges.every((edge, at) => edge === edges[at]))
      return kept.counts;
    const bins = edges.length - 1;
    const counts = new Float64Array(bins);
    const first = edges[0]!;
    const last = edges[bins]!;
    const scale = bins / (last - first);
    this.source.each((block, length) => {
      for (let at = 0; at < length; at++) {
        const value = block[at]!;
        if (!(value >= first && value <= last)) continue;
        let bin = ((value - first) * scale) | 0;
        if (bin >= bins) bin = bins - 1;
        // What an index by division misses by rounding, the edges put right.
        if (value < edges[bin]!) bin -= 1;
        else if (bin < bins - 1 && value >= edges[bin + 1]!) bin += 1;
        counts[bin]! += 1;
      }
    });
    return counts;
  }
}

/** What a stretch of a block says: the loops over values stand in functions of their own, which V8 compiles well. */
const stretch = { min: 0, max: 0, count: 0, sum: 0, square: 0 };

/** Takes a stretch of a block into `stretch`; distances are from the origin. */
function scanStretch(block: Float64Array, from: number, to: number, origin: number): void {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let [sum1, sum2, square1, square2] = [0, 0, 0, 0];
  const even = to - ((to - from) & 1);
  for (let at = from; at < even; at += 2) {
    const one = block[at]!;
    const two = block[at + 1]!;
    sum1 += one;
    sum2 += two;
    square1 += (one - origin) * (one - origin);
    square2 += (two - origin) * (two - origin);
    if (one < min) min = one;
    if (one > max) max = one;
    if (two < min) min = two;
    if (two > max) max = two;
  }
  const sum = sum1 + sum2;
  // Infinities and NaN end up in the sum, and are left out one by one.
  if (even !== to || sum - sum !== 0) {
    scanPresent(block, from, to, origin);
    return;
  }
  stretch.min = min;
  stretch.max = max;
  stretch.count = to - from;
  stretch.sum = sum;
  stretch.square = square1 + square2;
}

function scanPresent(block: Float64Array, from: number, to: number, origin: number): void {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let [count, sum, square] = [0, 0, 0];
  for (let at = from; at < to; at++) {
    const value = block[at]!;
    // Infinities and NaN give NaN here.
    if (value - value !== 0) continue;
    count += 1;
    sum += value;
    square += (value - origin) * (value - origin);
    if (value < min) min = value;
    if (value > max) max = value;
  }
  stretch.min = min;
  stretch.max = max;
  stretch.count = count;
  stretch.sum = sum;
  stretch.square = square;
}

function scanned(source: NumberSource, field: string): Scan {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let count = 0;
  /** Distances are taken from the first value, which is as a rule not far from the mean. */
  let origin = Number.NaN;
  const sums: number[] = [];
  const squares: number[] = [];
  const few = new FewValues();
  source.each((block, length) => {
    for (let at = 0; at < length && Number.isNaN(origin); at++) if (block[at]! - block[at]! === 0) origin = block[at]!;
    // Sums of short stretches, added up pairwise, lose next to nothing.
    for (let from = 0; from < length; from += 1024) {
      const to = Math.min(length, from + 1024);
      scanStretch(block, from, to, origin);
      min = Math.min(min, stretch.min);
      max = Math.max(max, stretch.max);
      count += stretch.count;
      sums.push(stretch.sum);
      squares.push(stretch.square);
      if (few.open) few.add(block, from, to);
    }
  });
  if (count === 0) throw emptyColumn(field, source.length);
  const mean = pairwiseSum(sums) / count;
  const counts = few.open ? few.counts() : null;
  const around = pairwiseSum(squares);
  const about = around - count * (mean - origin) ** 2;
  // Where the first value lies far out, too many digits cancel.
  return { count, min, max, mean, counts, squares: about > 0.001 * around ? about : Number.NaN };
}

function spreadOf(source: NumberSource, { min, max, mean, squares }: Scan): number {
  if (min === max) return 0;
  return Number.isNaN(squares) ? squaredDistances(source, mean) : squares;
}

/** Counts different values as long as they are few. */
export class FewValues {
  /** Whether they are still few. */
  open = true;
  readonly #values = new Float64Array(MOST_COUNTED);
  readonly #counts = new Float64Array(MOST_COUNTED);
  #size = 0;

  add(block: Float64Array, from: number, to: number): void {
    for (let at = from; at < to; at++) {
      const value = block[at]!;
      if (value - value !== 0) continue;
      let known = 0;
      while (known < this.#size && this.#values[known] !== value) known += 1;
      if (known === MOST_COUNTED) {
        this.open = false;
        return;
      }
      if (known === this.#size) {
        this.#values[known] = value;
        this.#size += 1;
      }
      this.#counts[known]! += 1;
    }
  }

  /** Takes in what another has counted. */
  merge(other: FewValues): void {
    if (!other.open) this.open = false;
    for (let at = 0; at < other.#size && this.open; at++) this.#count(other.#values[at]!, other.#counts[at]!);
  }

  #count(value: number, times: number): void {
    let known = 0;
    while (known < this.#size && this.#values[known] !== value) known += 1;
    if (known === MOST_COUNTED) {
      this.open = false;
      return;
    }
    if (known === this.#size) {
      this.#values[known] = value;
      this.#size += 1;
    }
    this.#counts[known]! += times;
  }

  /** What was counted before; null where it was too much. */
  static from(counts: readonly (readonly [number, number])[] | null): FewValues {
    const few = new FewValues();
    few.open = counts !== null;
    for (const [value, count] of counts ?? []) few.#count(value, count);
    return few;
  }

  counts(): Map<number, number> {
    const counts = new Map<number, number>();
    // Adding 0 makes one zero of both.
    for (let at = 0; at < this.#size; at++) counts.set(this.#values[at]! + 0, this.#counts[at]!);
    return counts;
  }
}

function squaredDistances(source: NumberSource, mean: number): number {
  const sums: number[] = [];
  source.each((block, length) => {
    for (let from = 0; from < length; from += 1024) {
      const to = Math.min(length, from + 1024);
      let sum = 0;
      for (let at = from; at < to; at++) {
        const value = block[at]!;
        if (value - value === 0) sum += (value - mean) * (value - mean);
      }
      sums.push(sum);
    }
  });
  return pairwiseSum(sums);
}
