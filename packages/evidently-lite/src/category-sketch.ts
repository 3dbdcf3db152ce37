import { countColumn } from "./category-sample.ts";
import type { Column } from "./column.ts";
import { type Category, emptyColumn } from "./values.ts";

/** Categories counted one by one unless asked otherwise. */
const DEFAULT_SIZE = 10_000;

/** A sketch as JSON. */
export interface CategorySketchState {
  readonly type: "cat";
  readonly size: number;
  readonly rows: number;
  readonly count: number;
  readonly left: number;
  readonly counts: readonly (readonly [Category, number])[];
}

/**
 * Counts of categories that come in parts: exact up to `size` categories; beyond, every count is too low by at most
 * `countError()`, at most the count of all over `size`, and rare categories are dropped (Misra and Gries 1982, merged as
 * Agarwal and others 2012).
 */
export class CategorySketch {
  readonly kind = "cat";
  readonly #size: number;
  #rows = 0;
  #count = 0;
  /** What was taken off every count. */
  #left = 0;
  #counts = new Map<Category, number>();

  /** @param size Categories kept, a whole number from 1 on. */
  constructor(size: number = DEFAULT_SIZE) {
    if (!(Number.isInteger(size) && size >= 1))
      throw new RangeError(`size is ${size}: expected a whole number, 1 or more`);
    this.#size = size;
  }

  /** Takes a further part of the column. */
  add(column: Column): this {
    this.#rows += column.length;
    return this.#addCounts(countColumn(column), true);
  }

  /** Takes in the values of another sketch, which stays as it is. */
  merge(other: CategorySketch): this {
    this.#rows += other.#rows;
    this.#left += other.#left;
    this.#count += other.#count;
    return this.#addCounts(other.#counts, false);
  }

  #addCounts(counts: ReadonlyMap<Category, number>, fresh: boolean): this {
    for (const [category, count] of counts) {
      this.#counts.set(category, (this.#counts.get(category) ?? 0) + count);
      if (fresh) this.#count += count;
    }
    if (this.#counts.size <= this.#size) return this;
    const ordered = [...this.#counts].sort((a, b) => b[1] - a[1]);
    const off = ordered[this.#size]?.[1] ?? 0;
    this.#left += off;
    this.#counts = new Map(ordered.flatMap(([category, count]) => (count > off ? [[category, count - off]] : [])));
    return this;
  }

  get count(): number {
    return this.#count;
  }

  get missing(): number {
    return this.#rows - this.#count;
  }

  /** By how much a count may be too low; 0 while all categories are counted. */
  countError(): number {
    return this.#left;
  }

  /** The counts of the categories that are kept. @throws DriftError EMPTY_COLUMN */
  counts(field = "column"): ReadonlyMap<Category, number> {
    if (this.#count === 0) throw emptyColumn(field, this.#rows);
    return this.#counts;
  }

  toJSON(): CategorySketchState {
    return {
      type: "cat",
      size: this.#size,
      rows: this.#rows,
      count: this.#count,
      left: this.#left,
      counts: [...this.#counts],
    };
  }

  /** A sketch from its JSON. */
  static from(state: CategorySketchState): CategorySketch {
    const sketch = new CategorySketch(state.size);
    sketch.#rows = state.rows;
    sketch.#count = state.count;
    sketch.#left = state.left;
    sketch.#counts = new Map(state.counts);
    return sketch;
  }
}
