import type { Value } from "./values.ts";

/**
 * How many rows were there before. Rows are told apart by a hash, and rows of the same hash by their values: twelve bytes a
 * row at the most, whatever the number of columns.
 */
export function duplicatedRows(readers: readonly ((row: number) => Value)[], rows: number): number {
  const hashes = new Int32Array(rows);
  for (const [column, read] of readers.entries())
    for (let row = 0; row < rows; row++) hashes[row] = Math.imul(hashes[row]! ^ hashOf(read(row)), 0x01000193) + column;
  let size = 16;
  while (size < rows * 2) size *= 2;
  // Open addressing: 1 + the row that holds a place.
  const places = new Int32Array(size);
  const mask = size - 1;
  let duplicates = 0;
  for (let row = 0; row < rows; row++) {
    let at = mixed(hashes[row]!) & mask;
    let known = false;
    for (; places[at] !== 0 && !known; at = (at + 1) & mask) {
      const other = places[at]! - 1;
      known = hashes[other] === hashes[row] && readers.every((read) => isSame(read(other), read(row)));
    }
    if (known) duplicates += 1;
    else places[at] = row + 1;
  }
  return duplicates;
}

const bits = new Float64Array(1);
const words = new Int32Array(bits.buffer);

function hashOf(value: Value): number {
  if (typeof value === "number") {
    if (Number.isNaN(value)) return 0;
    // One zero of both.
    bits[0] = value + 0;
    return mixed(words[0]! ^ Math.imul(words[1]!, 0x9e3779b1));
  }
  if (typeof value === "boolean") return value ? 1 : 2;
  if (value === null || value === undefined) return 0;
  const text = typeof value === "string" ? value : String(value);
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return mixed(hash);
}

/** The last steps of murmur3. */
function mixed(hash: number): number {
  let x = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}

/** Missing equals missing. */
function isSame(one: Value, two: Value): boolean {
  if (one === two) return true;
  if (one instanceof Date && two instanceof Date) return one.getTime() === two.getTime();
  const gone = (value: Value) =>
    value === null || value === undefined || (typeof value === "number" && Number.isNaN(value));
  return gone(one) && gone(two);
}
