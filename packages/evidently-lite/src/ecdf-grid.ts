import type { NumberSource } from "./number-source.ts";

/*
 * What the area between two empirical distribution functions, and their largest gap, need of the values: a fine grid
 * says both exactly but for the cells in which the functions may cross, or may come apart further than anywhere on the
 * grid. Only the values of those cells are gathered and sorted, so that two large columns are compared in linear time and
 * without a copy.
 */
const CELLS = 32_768;
/** Equal stretches among which the cells are shared out by how many values each seems to hold. */
const ZONES = 256;
/** Values of each side that are looked at for that. */
const LOOKED_AT = 8192;
/** Fewer values than these are sorted at once. */
const FEW = 8192;
/** After so many grids within a cell of a grid, sorting is as good. */
const DEEPEST = 6;

/** One side: where its values come from, how many there are in all, and how many lie below this stretch. */
interface Side {
  readonly source: Pick<NumberSource, "each" | "length">;
  readonly total: number;
  readonly below: number;
  readonly count: number;
}

/** The values of a side per cell: how many, and how far into their cells they lie, added up in cells. */
interface Cells {
  readonly counts: Uint32Array;
  readonly depths: Float64Array;
  /** The cell of each value by row, `NO_CELL` where it is missing; null for a side that is too large for it. */
  readonly byRow: Uint16Array | null;
}

const NO_CELL = 0xffff;
/** Up to so many rows the cell of each is noted: two bytes a row, and less work the second time. */
const MOST_NOTED = 8_000_000;

/** The stretch of values that is compared. */
interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** Where the cells lie: equally wide within a zone, narrow where there are many values. */
interface Grid {
  readonly from: number;
  /** Zones per unit. */
  readonly scale: number;
  readonly zoneWidth: number;
  /** First cell of each zone, and one more: the cell of the end point alone. */
  readonly first: Int32Array;
  /** Cells of each zone. */
  readonly cells: Float64Array;
  readonly size: number;
}

/** Cells of which the values are looked at, with how many lie below each. */
interface OpenCells {
  readonly cells: number[];
  readonly below1: number[];
  readonly below2: number[];
}

function isFinestStretch({ from, to }: Stretch): boolean {
  const scale = ZONES / (to - from);
  return !(scale > 0 && Number.isFinite(scale * CELLS) && Number.isFinite(to - from));
}

function gridOver({ from, to }: Stretch, sides: readonly Side[]): Grid {
  const scale = ZONES / (to - from);
  const seen = new Float64Array(ZONES + 1);
  let looked = 0;
  for (const { source, count } of sides) {
    const step = Math.max(1, Math.floor(count / LOOKED_AT));
    source.each((block, length) => {
      for (let at = 0; at < length; at += step) {
        const place = (block[at]! - from) * scale;
        if (place - place !== 0) continue;
        seen[place | 0]! += 1;
        looked += 1;
      }
    });
  }
  const cells = new Float64Array(ZONES + 1);
  const first = new Int32Array(ZONES + 1);
  let size = 0;
  for (let zone = 0; zone < ZONES; zone++) {
    first[zone] = size;
    cells[zone] = 1 + Math.floor(((CELLS - ZONES) * seen[zone]!) / Math.max(1, looked));
    size += cells[zone]!;
  }
  first[ZONES] = size;
  return { from, scale, zoneWidth: (to - from) / ZONES, first, cells, size };
}

/** Memory for the noted cells of either side of whole columns, used again: it would be most of what a comparison takes. */
const notes = [new Uint16Array(0), new Uint16Array(0)];
/** Notes of more rows are let go. */
const MOST_KEPT = 2_000_000;

function notesFor(rows: number, side: 0 | 1 | null): Uint16Array {
  if (side === null || rows > MOST_KEPT) return new Uint16Array(rows);
  if (notes[side]!.length < rows) notes[side] = new Uint16Array(rows);
  return notes[side]!;
}

/** @param side whose notes are used: none within a cell of a grid, where those of the grid are still needed */
function fill({ source }: Side, { from, scale, first, cells, size }: Grid, side: 0 | 1 | null): Cells {
  const counts = new Uint32Array(size + 1);
  const depths = new Float64Array(size + 1);
  const noted = source.length <= MOST_NOTED;
  const byRow = notesFor(noted ? source.length : 0, side);
  let row = 0;
  source.each((block, length) => {
    for (let at = 0; at < length; at++) {
      const place = (block[at]! - from) * scale;
      // The infinities and NaN.
      if (place - place !== 0) {
        if (noted) byRow[row + at] = NO_CELL;
        continue;
      }
      // Rounding may put a value a hair's breadth before its stretch: cutting off takes it back.
      const zone = place | 0;
      const within = (place - zone) * cells[zone]!;
      const cell = first[zone]! + (within | 0);
      if (noted) byRow[row + at] = cell;
      counts[cell]! += 1;
      depths[cell]! += within - (within | 0);
    }
    row += length;
  });
  return { counts, depths, byRow: noted ? byRow : null };
}

/** The cell of a value, `NO_CELL` where it is missing. It grows with the value, and is the same each time. */
function cellOf({ from, scale, first, cells }: Grid, value: number): number {
  const place = (value - from) * scale;
  if (place - place !== 0) return NO_CELL;
  const zone = place | 0;
  return first[zone]! + (((place - zone) * cells[zone]!) | 0);
}

/** The values of the open cells, cell after cell, each in the column's order; `ends` says where each cell's end. */
function gather({ source }: Side, grid: Grid, { counts, byRow }: Cells, open: OpenCells) {
  // One more for the rows without a cell.
  const isOpen = new Uint8Array(NO_CELL + 1);
  const places = new Int32Array(grid.size + 1);
  let size = 0;
  for (const cell of open.cells) {
    isOpen[cell] = 1;
    places[cell] = size;
    size += counts[cell]!;
  }
  const values = new Float64Array(size);
  let row = 0;
  if (size > 0)
    source.each((block, length) => {
      for (let at = 0; at < length; at++) {
        const cell = byRow === null ? cellOf(grid, block[at]!) : byRow[row + at]!;
        if (isOpen[cell] === 0) continue;
        const free = places[cell]!;
        values[free] = block[at]!;
        places[cell] = free + 1;
      }
      row += length;
    });
  return { values, ends: open.cells.map((cell) => places[cell]!) };
}

/** Sorts part of a list in place. */
function sortPart(values: Float64Array, from: number, to: number): void {
  let ordered = from + 1;
  while (ordered < to && values[ordered - 1]! <= values[ordered]!) ordered += 1;
  if (ordered >= to) return;
  if (to - from > 24) {
    values.subarray(from, to).sort();
    return;
  }
  for (let at = from + 1; at < to; at++) {
    const value = values[at]!;
    let place = at - 1;
    while (place >= from && values[place]! > value) {
      values[place + 1] = values[place]!;
      place -= 1;
    }
    values[place + 1] = value;
  }
}

/** A part of an ascending list, how many values lie below it, and how many there are in all. */
interface Part {
  readonly values: Float64Array;
  readonly from: number;
  readonly to: number;
  readonly below: number;
  readonly total: number;
}

/** ∫ |F − G| over the stretch, from the values in it, which are sorted on the way. */
function partArea(one: Part, two: Part, { from, to }: Stretch): number {
  sortPart(one.values, one.from, one.to);
  sortPart(two.values, two.from, two.to);
  const [a, b] = [one.values, two.values];
  let i = one.from;
  let j = two.from;
  let last = from;
  let area = 0;
  while (i < one.to || j < two.to) {
    const first = i < one.to ? a[i]! : Number.POSITIVE_INFINITY;
    const second = j < two.to ? b[j]! : Number.POSITIVE_INFINITY;
    const value = first < second ? first : second;
    const gap = (one.below + i - one.from) / one.total - (two.below + j - two.from) / two.total;
    area += (value - last) * Math.abs(gap);
    last = value;
    while (i < one.to && a[i] === value) i += 1;
    while (j < two.to && b[j] === value) j += 1;
  }
  const gap = (one.below + i - one.from) / one.total - (two.below + j - two.from) / two.total;
  return area + (to - last) * Math.abs(gap);
}

/** The largest |i · n₂ − j · n₁| up to a value of the parts, i and j the numbers of values up to it. */
function partGap(one: Part, two: Part): number {
  sortPart(one.values, one.from, one.to);
  sortPart(two.values, two.from, two.to);
  let i = one.from;
  let j = two.from;
  let largest = 0;
  while (i < one.to || j < two.to) {
    const first = i < one.to ? one.values[i]! : Number.POSITIVE_INFINITY;
    const second = j < two.to ? two.values[j]! : Number.POSITIVE_INFINITY;
    const value = first < second ? first : second;
    while (i < one.to && one.values[i] === value) i += 1;
    while (j < two.to && two.values[j] === value) j += 1;
    const gap = (one.below + i - one.from) * two.total - (two.below + j - two.from) * one.total;
    largest = Math.max(largest, Math.abs(gap));
  }
  return largest;
}

function allOf({ source, count, below, total }: Side): Part {
  const values = new Float64Array(count);
  let size = 0;
  source.each((block, length) => {
    for (let at = 0; at < length; at++) if (block[at]! - block[at]! === 0) values[size++] = block[at]!;
  });
  return { values, from: 0, to: count, below, total };
}

/** How many values of each side lie between edges, filled on the way. */
export interface EdgeCounts {
  readonly edges: Float64Array;
  readonly one: Float64Array;
  readonly two: Float64Array;
}

/** Counts the values of a side between edges: whole cells, and the values of the cells in which an edge lies. */
function countBetween(
  { edges }: EdgeCounts,
  counts: Float64Array,
  grid: Grid,
  cells: Cells,
  edgeCells: ReadonlyMap<number, Float64Array>,
): void {
  const bins = edges.length - 1;
  let bin = 0;
  let next = cellOf(grid, edges[1]!);
  for (let cell = 0; cell <= grid.size; cell++) {
    const values = edgeCells.get(cell);
    if (values === undefined) {
      while (bin < bins - 1 && next < cell) {
        bin += 1;
        next = cellOf(grid, edges[bin + 1]!);
      }
      counts[bin]! += cells.counts[cell]!;
      continue;
    }
    for (const value of values) {
      let at = bin;
      while (at < bins - 1 && value >= edges[at + 1]!) at += 1;
      counts[at]! += 1;
    }
  }
}

/** ∫ |F − G| dx over the stretch, which holds all values of both sides. */
function areaOver(one: Side, two: Side, stretch: Stretch, depth: number, between?: EdgeCounts): number {
  const { from } = stretch;
  if (one.count + two.count <= FEW || depth === DEEPEST || isFinestStretch(stretch))
    return partArea(allOf(one), allOf(two), stretch);
  const grid = gridOver(stretch, [one, two]);
  const a = fill(one, grid, depth === 0 ? 0 : null);
  const b = fill(two, grid, depth === 0 ? 1 : null);
  const open: OpenCells = { cells: [], below1: [], below2: [] };
  const inner: Stretch[] = [];
  const edgeCells = new Set(between === undefined ? [] : Array.from(between.edges, (edge) => cellOf(grid, edge)));
  let area = 0;
  let below1 = one.below;
  let below2 = two.below;
  for (let zone = 0; zone < ZONES; zone++) {
    const width = grid.zoneWidth / grid.cells[zone]!;
    for (let cell = grid.first[zone]!; cell < grid.first[zone + 1]!; cell++) {
      const count1 = a.counts[cell]!;
      const count2 = b.counts[cell]!;
      const gap = below1 / one.total - below2 / two.total;
      if (count1 + count2 === 0) area += Math.abs(gap) * width;
      else if ((gap - count2 / two.total >= 0 || gap + count1 / one.total <= 0) && !edgeCells.has(cell))
        area += width * Math.abs(gap + (count1 - a.depths[cell]!) / one.total - (count2 - b.depths[cell]!) / two.total);
      else {
        const start = from + zone * grid.zoneWidth + (cell - grid.first[zone]!) * width;
        inner.push({ from: start, to: start + width });
        open.cells.push(cell);
        open.below1.push(below1);
        open.below2.push(below2);
      }
      below1 += count1;
      below2 += count2;
    }
  }
  const found1 = gather(one, grid, a, open);
  const found2 = gather(two, grid, b, open);
  if (between !== undefined) {
    const valuesAt = (found: typeof found1, { counts }: Cells) =>
      new Map(
        open.cells.flatMap((cell, at) =>
          edgeCells.has(cell) ? [[cell, found.values.subarray(found.ends[at]! - counts[cell]!, found.ends[at]!)]] : [],
        ),
      );
    countBetween(between, between.one, grid, a, valuesAt(found1, a));
    countBetween(between, between.two, grid, b, valuesAt(found2, b));
  }
  for (const [at, cell] of open.cells.entries()) {
    const part1 = partOf(found1, at, a.counts[cell]!, open.below1[at]!, one.total);
    const part2 = partOf(found2, at, b.counts[cell]!, open.below2[at]!, two.total);
    const few = part1.to - part1.from + part2.to - part2.from <= FEW;
    area += few ? partArea(part1, part2, inner[at]!) : areaOver(sideOf(part1), sideOf(part2), inner[at]!, depth + 1);
  }
  return area;
}

function partOf(
  found: { readonly values: Float64Array; readonly ends: readonly number[] },
  at: number,
  count: number,
  below: number,
  total: number,
): Part {
  const to = found.ends[at]!;
  return { values: found.values, from: to - count, to, below, total };
}

function sideOf({ values, from, to, below, total }: Part): Side {
  const own = values.subarray(from, to);
  return { source: { length: own.length, each: (visit) => visit(own, own.length) }, total, below, count: own.length };
}

/** A whole column, as a pass over it has found it. */
export interface GridColumn {
  readonly source: NumberSource;
  readonly count: number;
  readonly min: number;
  readonly max: number;
}

function wholeSide({ source, count }: GridColumn): Side {
  return { source, total: count, below: 0, count };
}

function stretchOver(one: GridColumn, two: GridColumn): Stretch {
  return { from: Math.min(one.min, two.min), to: Math.max(one.max, two.max) };
}

/**
 * ∫ |F − G| dx between the empirical distribution functions of two columns, to at least 1e-7 of its value; NaN where it
 * is so small beside the range of the values that sorting has to say.
 * @param between Filled with the counts between edges over the whole range, which cost nothing more.
 */
export function areaBetweenColumns(one: GridColumn, two: GridColumn, between?: EdgeCounts): number {
  const stretch = stretchOver(one, two);
  if (stretch.from === stretch.to) return 0;
  if (isFinestStretch(stretch)) return Number.NaN;
  const area = areaOver(wholeSide(one), wholeSide(two), stretch, 0, between);
  return area > 1e-8 * (stretch.to - stretch.from) || area === 0 ? area : Number.NaN;
}

/** The largest |i · n₂ − j · n₁| over all points, i and j the numbers of values up to the point: exact. */
export function largestGapOfColumns(one: GridColumn, two: GridColumn): number {
  const stretch = stretchOver(one, two);
  if (stretch.from === stretch.to) return 0;
  const [side1, side2] = [wholeSide(one), wholeSide(two)];
  if (isFinestStretch(stretch)) return partGap(allOf(side1), allOf(side2));
  const grid = gridOver(stretch, [side1, side2]);
  const a = fill(side1, grid, 0);
  const b = fill(side2, grid, 1);
  let largest = 0;
  let [below1, below2] = [0, 0];
  for (let cell = 0; cell <= grid.size; cell++) {
    below1 += a.counts[cell]!;
    below2 += b.counts[cell]!;
    largest = Math.max(largest, Math.abs(below1 * two.count - below2 * one.count));
  }
  const open: OpenCells = { cells: [], below1: [], below2: [] };
  [below1, below2] = [0, 0];
  for (let cell = 0; cell <= grid.size; cell++) {
    const gap = below1 * two.count - below2 * one.count;
    if (gap + a.counts[cell]! * two.count > largest || b.counts[cell]! * one.count - gap > largest) {
      open.cells.push(cell);
      open.below1.push(below1);
      open.below2.push(below2);
    }
    below1 += a.counts[cell]!;
    below2 += b.counts[cell]!;
  }
  const found1 = gather(side1, grid, a, open);
  const found2 = gather(side2, grid, b, open);
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
