/**
 * Where boosting's bins lie: columns in groups of four, groups in blocks of 1, 2, 4 or 8, a block's rows side by side (the
 * last block is as wide as it needs); and once more column by column, if there was room.
 */
import { i32At } from "./memory";

export let blockWidth: i32 = 1;
let bins: usize, rowCount: i32, shift: i32, stride: usize, lastBlock: i32, lastStride: usize, byColumn: usize;

export function setBinned(at: usize): void {
  rowCount = i32At(at, 0); bins = i32At(at, 5);
  stride = i32At(at, 51); lastBlock = i32At(at, 52); lastStride = i32At(at, 53);
  byColumn = i32At(at, 54);
  blockWidth = <i32>(stride >> 2);
  shift = <i32>ctz(stride);
}

/** Bytes from a row of a block to the next one. */
// @ts-ignore: decorator
@inline export function strideOf(block: i32): usize { return block == lastBlock ? lastStride : stride; }

/** Where a column's first row lies. */
export function columnAt(column: i32): usize {
  if (byColumn) return byColumn + <usize>column * <usize>rowCount;
  return bins + <usize>(column >> shift) * <usize>rowCount * stride + (<usize>column & (stride - 1));
}

/** Bytes from a row of a column to the next one. */
export function columnStride(column: i32): usize { return byColumn ? 1 : strideOf(column >> shift); }

/** Writes a block's columns one after another: a row of many columns at a time is far apart, so some rows at a time. */
export function spreadBlock(from: usize, rows: i32, width: i32, count: i32, to: usize): void {
  const near = 256;
  for (let start = 0; start < rows; start += near) {
    const end = min(rows, start + near);
    for (let column = 0; column < count; column++) {
      const own = to + <usize>column * <usize>rows;
      for (let row = start; row < end; row++)
        store<u8>(own + <usize>row, load<u8>(from + <usize>row * <usize>width + <usize>column));
    }
  }
}
