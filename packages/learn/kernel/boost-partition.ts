import { columnAt, columnStride } from "./binned";
import { ENTRY } from "./boost-split";
import { i32At, setI32, u8At } from "./memory";
import { nextShare, threads } from "./team";

/** Fewer rows are parted sooner than others are asked to help. */
const FEW: i32 = 16384;

let shared: usize, rows: usize, spare: usize, goes: usize, isCategory: usize, counts: usize;

export function setPartition(at: usize): void {
  shared = at;
  isCategory = i32At(at, 8); rows = i32At(at, 22); spare = i32At(at, 23); counts = i32At(at, 27); goes = i32At(at, 40);
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

/** Tells all threads of a leaf's rows, where these are worth their help; gives whether they are. */
export function shareOut(start: i32, end: i32, column: i32): bool {
  if (threads == 1 || end - start < FEW) return false;
  setI32(shared, 58, start); setI32(shared, 59, end); setI32(shared, 62, column);
  return true;
}

// Each thread's count of left rows, in its place among the candidates, which are free meanwhile.
// @ts-ignore: decorator
@inline function countAt(part: i32): usize { return counts + <usize>(2 * part) * ENTRY; }

/** A part of the rows begins here. */
function startOf(part: i32): i32 {
  const start = i32At(shared, 58);
  return start + <i32>((<i64>(i32At(shared, 59) - start) * part) / threads);
}

/** A thread's part of the rows: the left ones to the front of the part, the right ones into the spare room. */
export function partShares(): void {
  for (let part = nextShare(); part < threads; part = nextShare())
    setI32(countAt(part), 0, partRows(startOf(part), startOf(part + 1), i32At(shared, 62)));
}

/** Puts together what the threads have parted, each side in its former order; gives where the right ones begin. */
export function joinShares(): i32 {
  const start = i32At(shared, 58);
  let front = start;
  for (let part = 0; part < threads; part++) {
    const count = i32At(countAt(part), 0);
    if (part > 0) memory.copy(rows + (<usize>front << 2), rows + (<usize>startOf(part) << 2), <usize>count << 2);
    front += count;
  }
  let back = front;
  for (let part = 0; part < threads; part++) {
    const from = startOf(part);
    const count = startOf(part + 1) - from - i32At(countAt(part), 0);
    memory.copy(rows + (<usize>back << 2), spare + (<usize>from << 2), <usize>count << 2);
    back += count;
  }
  return front;
}

/** Moves the left rows to the front, each side in its former order; gives where the right ones begin. */
export function part(start: i32, end: i32, column: i32): i32 {
  const middle = start + partRows(start, end, column);
  memory.copy(rows + (<usize>middle << 2), spare + (<usize>start << 2), <usize>(end - middle) << 2);
  return middle;
}

/** Moves left rows to the front and copies right ones to the spare room; gives the number of the left. */
function partRows(start: i32, end: i32, column: i32): i32 {
  const base = columnAt(column);
  const stride = columnStride(column);
  const first = rows + (<usize>start << 2);
  let front = first;
  let back = spare + (<usize>start << 2);
  const until = rows + (<usize>end << 2);
  for (let at = front; at < until; at += 4) {
    const row = load<i32>(at);
    const goesLeft = <usize>u8At(goes, <i32>load<u8>(base + <usize>row * stride));
    store<i32>(front, row);
    store<i32>(back, row);
    front += goesLeft << 2;
    back += (1 - goesLeft) << 2;
  }
  return <i32>((front - first) >> 2);
}
