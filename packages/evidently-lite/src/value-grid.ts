import type { NumberSource } from "./number-source.ts";

/** Cells of a grid; with the one of the end point they are fewer than `NO_CELL`. */
const CELLS = 32_768;
/** Equal stretches among which the cells are shared out by how many values each seems to hold. */
const ZONES = 256;
/** Values of each side that are looked at for that. */
const LOOKED_AT = 8192;
/** The cell of a missing value. */
const NO_CELL = 0xffff;
/** Up to so many rows the cell of each is noted: two bytes a row, and less work the second time. */
const MOST_NOTED = 8_000_000;
/** Notes of more rows are let go, and half as many values. */
const MOST_KEPT = 2_000_000;
/** Values that a loop takes at a time: loops over values stand in functions of their own, which V8 compiles well. */
const STRIDE = 2048;

/** Values of a column or of a part of one; `length` counts the missing ones too. */
export type Values = Pick<NumberSource, "each" | "length">;

/** A stretch of values, which holds all that are looked at. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/**
 * Where the cells lie: equally wide within a zone, narrow where there are many values. The cell of a value grows with the
 * value, and is the same each time.
 */
export interface Grid {
  readonly from: number;
  /** Zones per unit. */
  readonly scale: number;
  /** First cell of each zone, and one more: the cell of the end point alone. */
  readonly first: Int32Array;
  /** Cells of each zone. */
  readonly cells: Float64Array;
  /** What is added to the number of cells up to a value, were all zones as its own: the cell's number then. */
  readonly shift: Float64Array;
  /** How many cells there are, the one of the end point not counted. */
  readonly size: number;
  /** Where each cell begins; the last one ends at the end point. */
  readonly starts: Float64Array;
}

/** Whether a stretch is too short, or too long, for a grid in double precision. */
export function isFinestStretch({ from, to }: Stretch): boolean {
  const scale = ZONES / (to - from);
  return !(scale > 0 && Number.isFinite(scale * CELLS) && Number.isFinite(to - from));
}

/** A grid over the values of both sides. */
export function gridOver({ from, to }: Stretch, sides: readonly Values[]): Grid {
  const scale = ZONES / (to - from);
  const seen = new Float64Array(ZONES + 1);
  let looked = 0;
  for (const { each, length: rows } of sides) {
    const step = Math.max(1, Math.floor(rows / LOOKED_AT));
    each((block, length) => {
      for (let at = 0; at < length; at += step) {
        const place = (block[at]! - from) * scale;
        if (place - place !== 0) continue;
        seen[place | 0]! += 1;
        looked += 1;
      }
    });
  }
  const cells = new Float64Array(ZONES + 1);
  const shift = new Float64Array(ZONES + 1);
  const first = new Int32Array(ZONES + 1);
  let size = 0;
  for (let zone = 0; zone < ZONES; zone++) {
    first[zone] = size;
    cells[zone] = 1 + Math.floor(((CELLS - ZONES) * seen[zone]!) / Math.max(1, looked));
    shift[zone] = size - zone * cells[zone]!;
    size += cells[zone]!;
  }
  first[ZONES] = size;
  shift[ZONES] = size;
  const starts = new Float64Array(size + 1);
  const zoneWidth = (to - from) / ZONES;
  for (let zone = 0; zone < ZONES; zone++)
    for (let cell = first[zone]!; cell < first[zone + 1]!; cell++)
      starts[cell] = from + (zone + (cell - first[zone]!) / cells[zone]!) * zoneWidth;
  starts[size] = to;
  return { from, scale, first, cells, shift, size, starts };
}

/** The cell of a value, `NO_CELL` where it is missing. */
export function cellOf({ from, scale, cells, shift }: Grid, value: number): number {
  const place = (value - from) * scale;
  if (place - place !== 0) return NO_CELL;
  const zone = place | 0;
  return (place * cells[zone]! + shift[zone]!) | 0;
}

/** Which side of whole columns, whose memory may be used; null within a cell of a grid, where that of the grid is in use. */
export type SideNumber = 0 | 1 | null;

/** What lies in each cell of a side, until the next grid over whole columns. */
export interface CellCounts {
  readonly side: SideNumber;
  readonly counts: Uint32Array;
  /** Σ (value − origin) per cell. */
  readonly sums: Float64Array;
  /** The cell of each value by row, `NO_CELL` where it is missing; null for a side that is too large for it. */
  readonly byRow: Uint16Array | null;
}

/**
 * Memory for either side of whole columns, used again for the next ones: to take it anew would be most of what a comparison
 * costs.
 */
const kept = [0, 1].map(() => ({
  notes: new Uint16Array(0),
  counts: new Uint32Array(0),
  sums: new Float64Array(0),
  places: new Int32Array(0),
  values: new Float64Array(0),
}));

/** Memory of at least a size, that of the side where it may be kept. Its content is of no use. */
function notesFor(rows: number, side: SideNumber): Uint16Array {
  const own = side === null || rows > MOST_KEPT ? undefined : kept[side];
  if (own === undefined) return new Uint16Array(rows);
  if (own.notes.length < rows) own.notes = new Uint16Array(rows);
  return own.notes;
}

function countsFor(size: number, side: SideNumber): Uint32Array {
  const own = side === null ? undefined : kept[side];
  if (own === undefined) return new Uint32Array(size);
  if (own.counts.length < size) own.counts = new Uint32Array(NO_CELL);
  return own.counts.fill(0);
}

function sumsFor(size: number, side: SideNumber): Float64Array {
  const own = side === null ? undefined : kept[side];
  if (own === undefined) return new Float64Array(size);
  if (own.sums.length < size) own.sums = new Float64Array(NO_CELL);
  return own.sums.fill(0);
}

function placesFor(size: number, side: SideNumber): Int32Array {
  const own = side === null ? undefined : kept[side];
  if (own === undefined) return new Int32Array(size);
  if (own.places.length < size) own.places = new Int32Array(NO_CELL);
  return own.places;
}

function valuesFor(size: number, side: SideNumber): Float64Array {
  const own = side === null || size > MOST_KEPT / 2 ? undefined : kept[side];
  if (own === undefined) return new Float64Array(size);
  if (own.values.length < size) own.values = new Float64Array(Math.min(MOST_KEPT / 2, size * 2));
  return own.values;
}

/** Counts the values of a side per cell, and adds up their distances from the origin. */
export function countCells(
  { each, length: rows }: Values,
  grid: Grid,
  { side, origin }: { readonly side: SideNumber; readonly origin: number },
): CellCounts {
  const counts = countsFor(grid.size + 1, side);
  const sums = sumsFor(grid.size + 1, side);
  const noted = rows <= MOST_NOTED;
  const byRow = notesFor(noted ? rows : STRIDE, side);
  const found = { grid, counts, sums, origin, byRow };
  let row = 0;
  each((block, length) => {
    for (let start = 0; start < length; start += STRIDE)
      noteCells(block, start, Math.min(length, start + STRIDE), noted ? row + start : 0, found);
    row += length;
  });
  return { side, counts, sums, byRow: noted ? byRow : null };
}

/** What is noted of the values of a side. */
interface Noted {
  readonly grid: Grid;
  readonly counts: Uint32Array;
  readonly sums: Float64Array;
  readonly origin: number;
  readonly byRow: Uint16Array;
}

/** Counts the values of a stretch per cell, adds them up, and notes the cell of each, from `row` on. */
function noteCells(block: Float64Array, start: number, end: number, row: number, found: Noted): void {
  const { grid, counts, sums, origin, byRow } = found;
  const { from, scale, cells, shift } = grid;
  const ahead = row - start;
  const fours = end - ((end - start) & 3);
  // Four at a time take half of the time that they take one by one: V8 has more to put side by side.
  for (let at = start; at < fours; at += 4) {
    const one = block[at]!;
    const two = block[at + 1]!;
    const three = block[at + 2]!;
    const four = block[at + 3]!;
    const place1 = (one - from) * scale;
    const place2 = (two - from) * scale;
    const place3 = (three - from) * scale;
    const place4 = (four - from) * scale;
    const all = place1 + place2 + place3 + place4;
    // An infinity or NaN is among them.
    if (all - all !== 0) {
      noteOneByOne(block, at, at + 4, row + at - start, found);
      continue;
    }
    const zone1 = place1 | 0;
    const zone2 = place2 | 0;
    const zone3 = place3 | 0;
    const zone4 = place4 | 0;
    const cell1 = (place1 * cells[zone1]! + shift[zone1]!) | 0;
    const cell2 = (place2 * cells[zone2]! + shift[zone2]!) | 0;
    const cell3 = (place3 * cells[zone3]! + shift[zone3]!) | 0;
    const cell4 = (place4 * cells[zone4]! + shift[zone4]!) | 0;
    byRow[at + ahead] = cell1;
    byRow[at + ahead + 1] = cell2;
    byRow[at + ahead + 2] = cell3;
    byRow[at + ahead + 3] = cell4;
    counts[cell1]! += 1;
    counts[cell2]! += 1;
    counts[cell3]! += 1;
    counts[cell4]! += 1;
    sums[cell1]! += one - origin;
    sums[cell2]! += two - origin;
    sums[cell3]! += three - origin;
    sums[cell4]! += four - origin;
  }
  noteOneByOne(block, fours, end, row + fours - start, found);
}

function noteOneByOne(block: Float64Array, start: number, end: number, row: number, found: Noted): void {
  const { grid, counts, sums, origin, byRow } = found;
  for (let at = start; at < end; at++) {
    const cell = cellOf(grid, block[at]!);
    byRow[row + at - start] = cell;
    if (cell === NO_CELL) continue;
    counts[cell]! += 1;
    sums[cell]! += block[at]! - origin;
  }
}

/** 1 for the cells whose values are asked for; used again for each grid. */
const isOpen = new Uint8Array(NO_CELL + 1);

/** Where the open values of a stretch stand. */
const positions = new Uint32Array(STRIDE + 1);

/** The values of the open cells of a side, until the next grid over whole columns. */
export interface Gathered {
  /** Cell after cell, each in the column's order. */
  readonly values: Float64Array;
  /** Where the values of each open cell end. */
  readonly ends: readonly number[];
}

/** Goes through a side once more for the values of the open cells. */
export function gather(
  { each }: Values,
  grid: Grid,
  { side, counts, byRow }: CellCounts,
  open: readonly number[],
): Gathered {
  const places = placesFor(grid.size + 1, side);
  let size = 0;
  isOpen.fill(0);
  for (const cell of open) {
    isOpen[cell] = 1;
    places[cell] = size;
    size += counts[cell]!;
  }
  const values = valuesFor(size, side);
  const noted = new Uint16Array(byRow === null ? STRIDE : 0);
  let row = 0;
  each((block, length) => {
    for (let start = 0; start < length; start += STRIDE) {
      const end = Math.min(length, start + STRIDE);
      if (byRow !== null) gatherNoted(block, start, end, { cells: byRow, row: row + start, places, values });
      else {
        for (let at = start; at < end; at++) noted[at - start] = cellOf(grid, block[at]!);
        gatherNoted(block, start, end, { cells: noted, row: 0, places, values });
      }
    }
    row += length;
  });
  return { values, ends: open.map((cell) => places[cell]!) };
}

/** Moves the values of open cells to their places. */
function gatherNoted(
  block: Float64Array,
  start: number,
  end: number,
  asked: {
    /** The cell of each value, from `row` on. */
    readonly cells: Uint16Array;
    readonly row: number;
    /** Where the next value of each open cell goes. */
    readonly places: Int32Array;
    readonly values: Float64Array;
  },
): void {
  const { cells, row, places, values } = asked;
  const ahead = start - row;
  const last = row + end - start;
  const fours = last - ((end - start) & 3);
  // Listed without a branch, which would be foretold wrongly: few cells are open, here and there.
  let size = 0;
  for (let at = row; at < fours; at += 4) {
    positions[size] = at;
    size += isOpen[cells[at]!]!;
    positions[size] = at + 1;
    size += isOpen[cells[at + 1]!]!;
    positions[size] = at + 2;
    size += isOpen[cells[at + 2]!]!;
    positions[size] = at + 3;
    size += isOpen[cells[at + 3]!]!;
  }
  for (let at = fours; at < last; at++) {
    positions[size] = at;
    size += isOpen[cells[at]!]!;
  }
  for (let listed = 0; listed < size; listed++) {
    const at = positions[listed]!;
    const cell = cells[at]!;
    const free = places[cell]!;
    values[free] = block[at + ahead]!;
    places[cell] = free + 1;
  }
}

/** How many values of each side lie between edges, filled on the way. */
export interface EdgeCounts {
  readonly edges: Float64Array;
  readonly one: Float64Array;
  readonly two: Float64Array;
}

/** Counts the values of a side between edges: whole cells, and the values of the cells in which an edge lies. */
export function countBetween(
  edges: Float64Array,
  counts: Float64Array,
  grid: Grid,
  cells: CellCounts,
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
