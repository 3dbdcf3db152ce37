import { type Part, partArea, partGap } from "./ecdf-part.ts";
import type { NumberSource } from "./number-source.ts";
import {
  cellOf,
  countBetween,
  countCells,
  type EdgeCounts,
  type Gathered,
  gather,
  gridOver,
  isFinestStretch,
  type Stretch,
  type Values,
} from "./value-grid.ts";
import { areaOfWhole, countWhole, gapOfWhole, wholeBetween } from "./whole-numbers.ts";

/*
 * The area between two empirical distribution functions, and their largest gap. A fine grid says both exactly but for the
 * cells in which the functions may cross, or may come apart further than anywhere on the grid: only the values of those
 * cells are gathered and sorted, so that two large columns are compared in linear time and without a copy.
 */

/** Fewer values than these are sorted at once. */
const FEW = 8192;
/** After so many grids within a cell of a grid, sorting is as good. */
const DEEPEST = 6;

/** One side: where its values come from, how many there are in all, and how many lie below this stretch. */
interface Side {
  readonly source: Values;
  readonly total: number;
  readonly below: number;
  readonly count: number;
}

/** Cells of which the values are looked at, with how many lie below each. */
interface OpenCells {
  readonly cells: number[];
  readonly below1: number[];
  readonly below2: number[];
}

/** No open cells, and the function that opens one. */
function openCells() {
  const open: OpenCells = { cells: [], below1: [], below2: [] };
  const openCell = (cell: number, below1: number, below2: number) => {
    open.cells.push(cell);
    open.below1.push(below1);
    open.below2.push(below2);
  };
  return { open, openCell };
}

/** A whole column, as a pass over it has found it. */
export interface GridColumn {
  readonly source: NumberSource;
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
}

/**
 * ∫ |F − G| dx between the empirical distribution functions of two columns, to at least 1e-7 of its value; NaN where it
 * is so small beside the range of the values that sorting has to say.
 * @param between Filled with the counts between edges over the whole range, which cost nothing more.
 */
export function areaBetweenColumns(one: GridColumn, two: GridColumn, between?: EdgeCounts): number {
  const stretch = stretchOver(one, two);
  if (stretch.from === stretch.to) return 0;
  const whole = countWhole(one, two);
  if (whole !== null) {
    between?.one.set(wholeBetween(whole.one, whole.from, between.edges));
    between?.two.set(wholeBetween(whole.two, whole.from, between.edges));
    return areaOfWhole(whole, one.count, two.count);
  }
  if (isFinestStretch(stretch)) return Number.NaN;
  const area = areaOver(wholeSide(one), wholeSide(two), stretch, { depth: 0, origin: one.mean, between });
  return area > 1e-8 * (stretch.to - stretch.from) || area === 0 ? area : Number.NaN;
}

/** The largest |i · n₂ − j · n₁| over all points, i and j the numbers of values up to the point: exact. */
export function largestGapOfColumns(one: GridColumn, two: GridColumn): number {
  const stretch = stretchOver(one, two);
  if (stretch.from === stretch.to) return 0;
  const whole = countWhole(one, two);
  if (whole !== null) return gapOfWhole(whole, one.count, two.count);
  const [side1, side2] = [wholeSide(one), wholeSide(two)];
  if (isFinestStretch(stretch)) return partGap(allOf(side1), allOf(side2));
  const grid = gridOver(stretch, [one.source, two.source]);
  const a = countCells(one.source, grid, { side: 0, origin: one.mean });
  const b = countCells(two.source, grid, { side: 1, origin: one.mean });
  let largest = 0;
  let [below1, below2] = [0, 0];
  for (let cell = 0; cell <= grid.size; cell++) {
    below1 += a.counts[cell]!;
    below2 += b.counts[cell]!;
    largest = Math.max(largest, Math.abs(below1 * two.count - below2 * one.count));
  }
  const { open, openCell } = openCells();
  [below1, below2] = [0, 0];
  for (let cell = 0; cell <= grid.size; cell++) {
    const gap = below1 * two.count - below2 * one.count;
    if (gap + a.counts[cell]! * two.count > largest || b.counts[cell]! * one.count - gap > largest) {
      openCell(cell, below1, below2);
    }
    below1 += a.counts[cell]!;
    below2 += b.counts[cell]!;
  }
  if (open.cells.length === 0) return largest;
  const found1 = gather(one.source, grid, a, open.cells);
  const found2 = gather(two.source, grid, b, open.cells);
  for (const [at, cell] of open.cells.entries())
    largest = Math.max(
      largest,
      partGap(
        partOf(found1, at, a.counts[cell]!, open.below1[at]!, one.count),
        partOf(found2, at, b.counts[cell]!, open.below2[at]!, two.count),
      ),
    );
  return largest;
}

/**
 * ∫ |F − G| dx over the stretch, which holds all values of both sides. Where F − G keeps its sign s over a cell [u, v], which
 * it enters as g and leaves as h, its area there is s · (h·(v − o) − g·(u − o) − Σ(x − o)/n₁ + Σ(y − o)/n₂), whatever the
 * origin o; one close to the values keeps the digits.
 */
function areaOver(
  one: Side,
  two: Side,
  stretch: Stretch,
  how: { readonly depth: number; readonly origin: number; readonly between?: EdgeCounts | undefined },
): number {
  const { depth, origin, between } = how;
  if (one.count + two.count <= FEW || depth === DEEPEST || isFinestStretch(stretch))
    return partArea(allOf(one), allOf(two), stretch);
  const grid = gridOver(stretch, [one.source, two.source]);
  const a = countCells(one.source, grid, { side: depth === 0 ? 0 : null, origin });
  const b = countCells(two.source, grid, { side: depth === 0 ? 1 : null, origin });
  const { starts } = grid;
  const { open, openCell } = openCells();
  const edgeCells = new Set(between === undefined ? [] : Array.from(between.edges, (edge) => cellOf(grid, edge)));
  let area = 0;
  let below1 = one.below;
  let below2 = two.below;
  let gap = below1 / one.total - below2 / two.total;
  for (let cell = 0; cell < grid.size; cell++) {
    const count1 = a.counts[cell]!;
    const count2 = b.counts[cell]!;
    const isAbove = gap - count2 / two.total >= 0;
    if ((isAbove || gap + count1 / one.total <= 0) && !edgeCells.has(cell)) {
      const sign = isAbove ? 1 : -1;
      const after = (below1 + count1) / one.total - (below2 + count2) / two.total;
      const edges = after * (starts[cell + 1]! - origin) - gap * (starts[cell]! - origin);
      area += sign * (edges - a.sums[cell]! / one.total + b.sums[cell]! / two.total);
      gap = after;
    } else {
      openCell(cell, below1, below2);
      gap = (below1 + count1) / one.total - (below2 + count2) / two.total;
    }
    below1 += count1;
    below2 += count2;
  }
  const found1 = gather(one.source, grid, a, open.cells);
  const found2 = gather(two.source, grid, b, open.cells);
  if (between !== undefined) {
    const valuesAt = (found: Gathered, counts: Uint32Array) =>
      new Map(
        open.cells.flatMap((cell, at) =>
          edgeCells.has(cell) ? [[cell, found.values.subarray(found.ends[at]! - counts[cell]!, found.ends[at]!)]] : [],
        ),
      );
    countBetween(between.edges, between.one, grid, a, valuesAt(found1, a.counts));
    countBetween(between.edges, between.two, grid, b, valuesAt(found2, b.counts));
  }
  for (const [at, cell] of open.cells.entries()) {
    const part1 = partOf(found1, at, a.counts[cell]!, open.below1[at]!, one.total);
    const part2 = partOf(found2, at, b.counts[cell]!, open.below2[at]!, two.total);
    const inner = { from: starts[cell]!, to: starts[cell + 1]! };
    const few = part1.to - part1.from + part2.to - part2.from <= FEW;
    area += few
      ? partArea(part1, part2, inner)
      : areaOver(sideOf(part1), sideOf(part2), inner, { depth: depth + 1, origin: inner.from });
  }
  return area;
}

function allOf({ source, count, below, total }: Side): Part {
  const values = new Float64Array(count);
  let size = 0;
  source.each((block, length) => {
    for (let at = 0; at < length; at++) if (block[at]! - block[at]! === 0) values[size++] = block[at]!;
  });
  return { values, from: 0, to: count, below, total };
}

function partOf(found: Gathered, at: number, count: number, below: number, total: number): Part {
  const to = found.ends[at]!;
  return { values: found.values, from: to - count, to, below, total };
}

function sideOf({ values, from, to, below, total }: Part): Side {
  const own = values.subarray(from, to);
  return { source: { length: own.length, each: (visit) => visit(own, own.length) }, total, below, count: own.length };
}

function wholeSide({ source, count }: GridColumn): Side {
  return { source, total: count, below: 0, count };
}

function stretchOver(one: GridColumn, two: GridColumn): Stretch {
  return { from: Math.min(one.min, two.min), to: Math.max(one.max, two.max) };
}
