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

/** The values of a side per cell, until the next grid over whole columns. */
export interface CellCounts {
  readonly side: SideNumber;
  readonly counts: Uint32Array;
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

/** Counts the values of a side per cell. */
export function countCells({ each, length: rows }: Values, grid: Grid, side: SideNumber): CellCounts {
  const counts = countsFor(grid.size + 1, side);
  const noted = rows <= MOST_NOTED;
  const byRow = notesFor(noted ? rows : 0, side);
  let row = 0;
  each((block, length) => {
    for (let start = 0; start < length; start += STRIDE) {
      const end = Math.min(length, start + STRIDE);
      if (noted) noteCells(block, start, end, grid, counts, byRow, row + start);
      else countStretch(block, start, end, grid, counts);
    }
    row += length;
  });
  return { side, counts, byRow: noted ? byRow : null };
}

/** Counts the values of a stretch per cell and notes the cell of each, from `row` on. */
function noteCells(
  block: Float64Array,
  start: number,
  end: number,
  { from, scale, cells, shift }: Grid,
  counts: Uint32Array,
  byRow: Uint16Array,
  row: number,
): void {
  const ahead = row - start;
  for (let at = start; at < end; at++) {
    const place = (block[at]! - from) * scale;
    // The infinities and NaN.
    if (place - place !== 0) {
      byRow[at + ahead] = NO_CELL;
      continue;
    }
    const zone = place | 0;
    const cell = (place * cells[zone]! + shift[zone]!) | 0;
    byRow[at + ahead] = cell;
    counts[cell]! += 1;
  }
}

function countStretch(block: Float64Array, start: number, end: number, grid: Grid, counts: Uint32Array): void {
  for (let at = start; at < end; at++) {
    const cell = cellOf(grid, block[at]!);
    if (cell !== NO_CELL) counts[cell]! += 1;
  }
}

/** What is asked of a cell: its values (`OPEN`), or their distances from the origin, added up with this sign, or nothing. */
export type CellRoles = Int8Array;
export const OPEN = 2;
const NONE = 3;

/** Roles for the cells of any grid, each a sum with sign 0 at first. */
export function cellRoles(): CellRoles {
  const roles = new Int8Array(NO_CELL + 1);
  roles[NO_CELL] = NONE;
  return roles;
}

/** What was asked of the cells of a side, until the next grid over whole columns. */
export interface Gathered {
  /** The values of the open cells, cell after cell, each in the column's order. */
  readonly values: Float64Array;
  /** Where the values of each open cell end. */
  readonly ends: readonly number[];
  /** Σ sign · (value − origin) over all others. */
  readonly sum: number;
}

/** Goes through a side once more for what is asked of its cells; `open` lists the open ones. */
export function gather(
  { each }: Values,
  grid: Grid,
  { side, counts, byRow }: CellCounts,
  { roles, open, origin }: { readonly roles: CellRoles; readonly open: readonly number[]; readonly origin: number },
): Gathered {
  const places = placesFor(grid.size + 1, side);
  let size = 0;
  for (const cell of open) {
    places[cell] = size;
    size += counts[cell]!;
  }
  const values = valuesFor(size, side);
  const gatherStretch = (block: Float64Array, start: number, end: number, cells: Uint16Array, row: number) =>
    gatherNoted(block, start, end, { cells, row, roles, origin, places, values });
  const noted = new Uint16Array(byRow === null ? STRIDE : 0);
  let row = 0;
  let sum = 0;
  each((block, length) => {
    // Sums of short stretches lose next to nothing.
    for (let start = 0; start < length; start += STRIDE) {
      const end = Math.min(length, start + STRIDE);
      if (byRow !== null) sum += gatherStretch(block, start, end, byRow, row + start);
      else {
        for (let at = start; at < end; at++) noted[at - start] = cellOf(grid, block[at]!);
        sum += gatherStretch(block, start, end, noted, 0);
      }
    }
    row += length;
  });
  return { values, ends: open.map((cell) => places[cell]!), sum };
}

/** Moves the values of open cells to their places; returns the sum over the others. */
function gatherNoted(
  block: Float64Array,
  start: number,
  end: number,
  asked: {
    /** The cell of each value, from `row` on. */
    readonly cells: Uint16Array;
    readonly row: number;
    readonly roles: CellRoles;
    readonly origin: number;
    /** Where the next value of each open cell goes. */
    readonly places: Int32Array;
    readonly values: Float64Array;
  },
): number {
  const { cells, row, roles, origin, places, values } = asked;
  const ahead = row - start;
  let sum = 0;
  for (let at = start; at < end; at++) {
    const cell = cells[at + ahead]!;
    const role = roles[cell]!;
    if (role < OPEN) sum += role * (block[at]! - origin);
    else if (role === OPEN) {
      const free = places[cell]!;
      values[free] = block[at]!;
      places[cell] = free + 1;
    }
  }
  return sum;
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
