import type { Category } from "./values.ts";

/** Counts UTF-8 texts by their bytes; each different text is kept and decoded once. */
export class TextCounts {
  /** The different texts, one after the other, and where each begins. */
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #starts = new Int32Array(64);
  #counts = new Float64Array(64);
  #size = 0;
  /** Open addressing: 1 + the number of a text, 0 for a free place. */
  #places = new Uint32Array(256);

  /**
   * Counts the texts of the rows from `first` to before `last`, row r from `offsets[r]` to before `offsets[r + 1]`. As a
   * rule a text has been seen before, and the loop over them stands alone, which V8 compiles well.
   */
  addRows(bytes: DataView, offsets: Int32Array, first: number, last: number): void {
    for (let row = first; row < last; ) row = this.#addKnown(bytes, offsets, row, last);
  }

  /** Counts texts up to one that is new, and that one; returns the row after it. */
  #addKnown(bytes: DataView, offsets: Int32Array, first: number, last: number): number {
    const places = this.#places;
    const starts = this.#starts;
    const counts = this.#counts;
    const own = this.#view;
    const mask = places.length - 1;
    let from = offsets[first]!;
    for (let row = first; row < last; row++) {
      const to = offsets[row + 1]!;
      let at = hashOf(bytes, from, to) & mask;
      let number = places[at]!;
      while (number !== 0) {
        const start = starts[number - 1]!;
        if (starts[number]! - start === to - from && isText(own, start, bytes, from, to)) break;
        at = (at + 1) & mask;
        number = places[at]!;
      }
      if (number === 0) {
        this.#keep(bytes, from, to);
        places[at] = this.#size;
        if (this.#size * 2 > places.length) this.#grow();
        return row + 1;
      }
      counts[number - 1]! += 1;
      from = to;
    }
    return last;
  }

  /** Adds the counts to those of a map, and returns it. */
  into(counts: Map<Category, number>): Map<Category, number> {
    const decoder = new TextDecoder();
    for (let number = 0; number < this.#size; number++) {
      const count = this.#counts[number]!;
      const text = decoder.decode(this.#bytes.subarray(this.#starts[number], this.#starts[number + 1]));
      counts.set(text, (counts.get(text) ?? 0) + count);
    }
    return counts;
  }

  #keep(bytes: DataView, from: number, to: number): void {
    const end = this.#starts[this.#size]!;
    if (end + to - from > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#bytes.length * 2, end + to - from));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#bytes.set(new Uint8Array(bytes.buffer, bytes.byteOffset + from, to - from), end);
    if (this.#size + 2 > this.#starts.length) {
      const [starts, counts] = [new Int32Array(this.#size * 2 + 2), new Float64Array(this.#size * 2 + 2)];
      starts.set(this.#starts);
      counts.set(this.#counts);
      [this.#starts, this.#counts] = [starts, counts];
    }
    this.#counts[this.#size] = 1;
    this.#size += 1;
    this.#starts[this.#size] = end + to - from;
  }

  #grow(): void {
    const places = new Uint32Array(this.#places.length * 4);
    const mask = places.length - 1;
    for (let number = 0; number < this.#size; number++) {
      let at = hashOf(this.#view, this.#starts[number]!, this.#starts[number + 1]!) & mask;
      while (places[at] !== 0) at = (at + 1) & mask;
      places[at] = number + 1;
    }
    this.#places = places;
  }
}

/** Whether the text at `start` of `own` is the one of `bytes`, of the same length. */
function isText(own: DataView, start: number, bytes: DataView, from: number, to: number): boolean {
  const length = to - from;
  if (length >= 4) {
    // The last four bytes, which the steps of four before may leave out in part.
    if (own.getInt32(start + length - 4) !== bytes.getInt32(to - 4)) return false;
    for (let at = 0; at + 4 < length; at += 4) if (own.getInt32(start + at) !== bytes.getInt32(from + at)) return false;
    return true;
  }
  for (let at = 0; at < length; at++) if (own.getUint8(start + at) !== bytes.getUint8(from + at)) return false;
  return true;
}

/** FNV-1a over four bytes at a time, the last four overlapping those before, mixed at the end (murmur3's last steps). */
function hashOf(bytes: DataView, from: number, to: number): number {
  let hash = 0x811c9dc5 ^ (to - from);
  if (to - from >= 4) {
    for (let at = from; at + 4 < to; at += 4) {
      hash = Math.imul(hash ^ bytes.getInt32(at), 0x01000193);
      hash ^= hash >>> 15;
    }
    hash = Math.imul(hash ^ bytes.getInt32(to - 4), 0x01000193);
  } else for (let at = from; at < to; at++) hash = Math.imul(hash ^ bytes.getUint8(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
