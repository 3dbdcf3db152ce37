import type { Category } from "./values.ts";

/** Numbers that are kept of a text: its length, its four words and its hash. */
const KEPT = 6;
/** A text of more bytes has no four words that tell it from all others. */
const MOST_IN_WORDS = 16;

/** Counts UTF-8 texts by their bytes; each different text is kept and decoded once. */
export class TextCounts {
  /** The different texts, one after the other, and where each begins. */
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #starts = new Int32Array(64);
  #counts = new Float64Array(64);
  #known = new Int32Array(64 * KEPT);
  #size = 0;
  /** Open addressing: 1 + the number of a text, 0 for a free place. */
  #places = new Uint32Array(1024);

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
    const known = this.#known;
    const counts = this.#counts;
    const mask = places.length - 1;
    let from = offsets[first]!;
    for (let row = first; row < last; row++) {
      const to = offsets[row + 1]!;
      const length = to - from;
      let word1 = 0;
      let word2 = 0;
      let word3 = 0;
      let word4 = 0;
      let hash = 0;
      // With its length, the words of a short text are the text: they may overlap.
      if (length > 8 && length <= MOST_IN_WORDS) {
        word1 = bytes.getInt32(from, true);
        word2 = bytes.getInt32(from + 4, true);
        word3 = bytes.getInt32(to - 8, true);
        word4 = bytes.getInt32(to - 4, true);
      } else if (length > MOST_IN_WORDS) {
        hash = hashOfLong(bytes, from, to);
      } else if (length >= 4) {
        word1 = bytes.getInt32(from, true);
        word2 = bytes.getInt32(to - 4, true);
      } else {
        for (let at = from; at < to; at++) word1 = (word1 << 8) | bytes.getUint8(at);
      }
      // Four products side by side, mixed by murmur3's last steps.
      hash ^= Math.imul(word1, 0x9e3779b1) ^ Math.imul(word2, 0x85ebca77) ^ Math.imul(word3, 0xc2b2ae3d);
      hash ^= Math.imul(word4, 0x27d4eb2f) ^ length;
      hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
      hash ^= hash >>> 13;
      let at = hash & mask;
      let number = places[at]!;
      while (number !== 0) {
        const own = (number - 1) * KEPT;
        if (
          known[own] === length &&
          known[own + 1] === word1 &&
          known[own + 2] === word2 &&
          known[own + 3] === word3 &&
          known[own + 4] === word4 &&
          (length <= MOST_IN_WORDS || (known[own + 5] === hash && this.#isText(number - 1, bytes, from)))
        )
          break;
        at = (at + 1) & mask;
        number = places[at]!;
      }
      if (number === 0) {
        this.#keep(bytes, from, to, [length, word1, word2, word3, word4, hash]);
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

  /** Whether a text of more than four bytes is the one at `from`, of the same length. */
  #isText(number: number, bytes: DataView, from: number): boolean {
    const start = this.#starts[number]!;
    const last = this.#starts[number + 1]! - start - 4;
    const own = this.#view;
    // The last four bytes, which the steps of four before may leave out in part.
    if (own.getInt32(start + last) !== bytes.getInt32(from + last)) return false;
    for (let at = 0; at < last; at += 4) if (own.getInt32(start + at) !== bytes.getInt32(from + at)) return false;
    return true;
  }

  #keep(bytes: DataView, from: number, to: number, known: readonly number[]): void {
    const end = this.#starts[this.#size]!;
    if (end + to - from > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#bytes.length * 2, end + to - from));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#bytes.set(new Uint8Array(bytes.buffer, bytes.byteOffset + from, to - from), end);
    if (this.#size + 2 > this.#starts.length) {
      const size = this.#size * 2 + 2;
      const larger = {
        starts: new Int32Array(size),
        counts: new Float64Array(size),
        known: new Int32Array(size * KEPT),
      };
      larger.starts.set(this.#starts);
      larger.counts.set(this.#counts);
      larger.known.set(this.#known);
      this.#starts = larger.starts;
      this.#counts = larger.counts;
      this.#known = larger.known;
    }
    this.#known.set(known, this.#size * KEPT);
    this.#counts[this.#size] = 1;
    this.#size += 1;
    this.#starts[this.#size] = end + to - from;
  }

  #grow(): void {
    const places = new Uint32Array(this.#places.length * 4);
    const mask = places.length - 1;
    for (let number = 0; number < this.#size; number++) {
      let at = this.#known[number * KEPT + 5]! & mask;
      while (places[at] !== 0) at = (at + 1) & mask;
      places[at] = number + 1;
    }
    this.#places = places;
  }
}

/** FNV-1a over four bytes at a time, the last four overlapping those before. */
function hashOfLong(bytes: DataView, from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let at = from; at + 4 < to; at += 4) {
    hash = Math.imul(hash ^ bytes.getInt32(at), 0x01000193);
    hash ^= hash >>> 15;
  }
  return Math.imul(hash ^ bytes.getInt32(to - 4), 0x01000193);
}
