import { f32At, i32At, MISSING, setF32, setI32 } from "./memory";

const MOST_BINS: i32 = 255;
/** Beyond so many rows the ends of the bins are taken from a sample of so many. */
const SAMPLE: i32 = 200_000;

// @ts-ignore: decorator
@inline function hash(value: u32): u32 {
  let z = value * 0x9e3779b9;
  z = (z ^ (z >> 16)) * 0x85ebca6b;
  z = (z ^ (z >> 13)) * 0xc2b2ae35;
  return z ^ (z >> 16);
}

/** Keys that sort as whole numbers the way their floats sort. */
// @ts-ignore: decorator
@inline function keyOf(value: f32): u32 {
  const bits = reinterpret<u32>(value + 0.0);
  return bits & 0x80000000 ? ~bits : bits | 0x80000000;
}
// @ts-ignore: decorator
@inline function floatOf(key: u32): f32 {
  return reinterpret<f32>(key & 0x80000000 ? key & 0x7fffffff : ~key);
}

/** Sorts `count` keys by three passes of 11 bits; gives where they lie then. `scratch` has room for them and 8 KiB. */
function sortKeys(keys: usize, scratch: usize, counts: usize, count: i32): usize {
  let from = keys;
  let to = scratch;
  for (let shift = 0; shift < 33; shift += 11) {
    memory.fill(counts, 0, 8192);
    for (let at = 0; at < count; at++) {
      const digit = <i32>((load<u32>(from + ((<usize>at) << 2)) >> shift) & 2047);
      setI32(counts, digit, i32At(counts, digit) + 1);
    }
    let sum = 0;
    for (let digit = 0; digit < 2048; digit++) {
      const own = i32At(counts, digit);
      setI32(counts, digit, sum);
      sum += own;
    }
    for (let at = 0; at < count; at++) {
      const key = load<u32>(from + ((<usize>at) << 2));
      const digit = <i32>((key >> shift) & 2047);
      const place = i32At(counts, digit);
      setI32(counts, digit, place + 1);
      store<u32>(to + ((<usize>place) << 2), key);
    }
    const swap = from;
    from = to;
    to = swap;
  }
  return from;
}

/**
 * Puts a column into at most 255 bins, one a distinct value where there are few, else with about as many rows each. Writes
 * the bins, each `stride` bytes after the one before, and the least and greatest value of every bin; gives their number. `keys` and `spare` have room for
 * min(rows, 200,000) keys, `counts` for 8 KiB, `ends` for 256 floats.
 */
export function binColumn(
  column: usize, rows: i32, bins: usize, stride: i32,
  least: usize, greatest: usize, most: i32, keys: usize, spare: usize, counts: usize, ends: usize,
): i32 {
  const limit = most < MOST_BINS ? most : MOST_BINS;
  const isSampled = rows > SAMPLE;
  const take = isSampled ? SAMPLE : rows;
  let known = 0;
  for (let at = 0; at < take; at++) {
    let row = at;
    if (isSampled) {
      const from = <i32>((<i64>at * rows) / take);
      const until = <i32>((<i64>(at + 1) * rows) / take);
      row = from + <i32>(hash(<u32>at) % <u32>(until - from));
    }
    const value = f32At(column, row);
    if (value != value) continue;
    store<u32>(keys + ((<usize>known) << 2), keyOf(value));
    known++;
  }
  const sorted = sortKeys(keys, spare, counts, known);
  // Distinct values where there are at most `limit`, else quantiles.
  let size = 0;
  let last: u32 = 0;
  for (let at = 0; at < known && size <= limit; at++) {
    const key = load<u32>(sorted + ((<usize>at) << 2));
    if (at > 0 && key == last) continue;
    last = key;
    if (size < limit) setF32(ends, size, floatOf(key));
    size++;
  }
  if (size > limit) {
    size = 0;
    for (let bin = 1; bin <= limit; bin++) {
      const at = <i32>((<i64>bin * known + limit - 1) / limit) - 1;
      const end = floatOf(load<u32>(sorted + ((<usize>at) << 2)));
      if (size == 0 || end > f32At(ends, size - 1)) setF32(ends, size++, end);
    }
  }
  if (size == 0) {
    // Only missing values (in the sample).
    setF32(ends, 0, Infinity);
    size = 1;
  }
  for (let bin = size; bin < 256; bin++) setF32(ends, bin, Infinity);
  for (let bin = 0; bin < size; bin++) {
    setF32(least, bin, Infinity);
    setF32(greatest, bin, -Infinity);
  }
  for (let row = 0; row < rows; row++) {
    const value = f32At(column, row);
    let bin = MISSING;
    if (value == value) {
      bin = 0;
      for (let step = 128; step > 0; step >>= 1)
        bin += select<i32>(step, 0, f32At(ends, bin + step - 1) < value);
      // A value past the greatest of the sample.
      if (bin >= size) bin = size - 1;
      if (value < f32At(least, bin)) setF32(least, bin, value);
      if (value > f32At(greatest, bin)) setF32(greatest, bin, value);
    }
    store<u8>(bins + <usize>(row * stride), <u8>bin);
  }
  return size;
}

/** A column of category codes, 0 to 254; anything else is missing. */
export function binCategories(column: usize, rows: i32, bins: usize, stride: i32): i32 {
  let size = 1;
  for (let row = 0; row < rows; row++) {
    const value = f32At(column, row);
    const isCode = value >= 0 && value < 255;
    const bin = isCode ? <i32>value : MISSING;
    if (isCode && bin >= size) size = bin + 1;
    store<u8>(bins + <usize>(row * stride), <u8>bin);
  }
  return size;
}

/** A float32 between a bin and the next one met: at least the first's greatest value, less than the next's least. */
export function thresholdOf(least: usize, greatest: usize, feature: i32, bin: i32, next: i32): f32 {
  if (next < 0) return Infinity;
  const low = f32At(greatest, (feature << 8) + bin);
  const high = f32At(least, (feature << 8) + next);
  const middle = low / 2 + high / 2;
  return middle >= low && middle < high ? middle : low;
}
