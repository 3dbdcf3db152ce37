import { i32At, u8At } from "./memory";

let rowCount: i32, bins: usize, rows: usize, spare: usize, goes: usize, isCategory: usize;

export function setPartition(at: usize): void {
  rowCount = i32At(at, 0); bins = i32At(at, 5); isCategory = i32At(at, 8); rows = i32At(at, 22); spare = i32At(at, 23);
  goes = i32At(at, 40);
}

/** Notes which bins of a column go left at the split that a leaf has found. */
export function fillGoes(entry: usize, column: i32): void {
  if (u8At(isCategory, column)) {
    for (let bin = 0; bin < 256; bin++) store<u8>(goes + <usize>bin, <u8>((u8At(entry + 96, bin >> 3) >> (bin & 7)) & 1));
    return;
  }
  const last = i32At(entry, 6);
  for (let bin = 0; bin < 255; bin++) store<u8>(goes + <usize>bin, bin <= last ? 1 : 0);
  store<u8>(goes + 255, <u8>i32At(entry, 8));
}

/** Moves the left rows to the front, each side in its former order; gives where the right ones begin. */
export function part(start: i32, end: i32, column: i32): i32 {
  const base = bins + ((<usize>(column >> 2) * <usize>rowCount) << 2) + <usize>(column & 3);
  let front = rows + (<usize>start << 2);
  let back = spare;
  const until = rows + (<usize>end << 2);
  for (let at = front; at < until; at += 4) {
    const row = load<i32>(at);
    const goesLeft = <usize>u8At(goes, <i32>load<u8>(base + (<usize>row << 2)));
    store<i32>(front, row);
    store<i32>(back, row);
    front += goesLeft << 2;
    back += (1 - goesLeft) << 2;
  }
  memory.copy(front, spare, back - spare);
  return <i32>((front - rows) >> 2);
}
