import type { Category } from "./values.ts";

/** Counts UTF-8 texts by their bytes; each different text is kept and decoded once. */
export class TextCounts {
  /** The different texts, one after the other, and where each begins. */
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #starts = [0];
  readonly #counts: number[] = [];
  /** Open addressing: 1 + the number of a text, 0 for a free place. */
  #places = new Uint32Array(256);

  /** Counts the text in the bytes from `from` to before `to`. */
  add(bytes: DataView, from: number, to: number): void {
    const places = this.#places;
    const mask = places.length - 1;
    let at = hashOf(bytes, from, to) & mask;
    for (let number = places[at]!; number !== 0; number = places[at]!) {
      if (this.#isText(number - 1, bytes, from, to)) {
        this.#counts[number - 1]! += 1;
        return;
      }
      at = (at + 1) & mask;
    }
    this.#keep(bytes, from, to);
    places[at] = this.#counts.length;
    if (this.#counts.length * 2 > places.length) this.#grow();
  }

  /** Adds the counts to those of a map, and returns it. */
  into(counts: Map<Category, number>): Map<Category, number> {
    const decoder = new TextDecoder();
    for (const [number, count] of this.#counts.entries()) {
      const text = decoder.decode(this.#bytes.subarray(this.#starts[number], this.#starts[number + 1]));
      counts.set(text, (counts.get(text) ?? 0) + count);
    }
    return counts;
  }

  #isText(number: number, bytes: DataView, from: number, to: number): boolean {
    let at = this.#starts[number]!;
    if (this.#starts[number + 1]! - at !== to - from) return false;
    const own = this.#view;
    let other = from;
    for (; other + 4 <= to; at += 4, other += 4)
      if (own.getInt32(at, true) !== bytes.getInt32(other, true)) return false;
    for (; other < to; at++, other++) if (own.getUint8(at) !== bytes.getUint8(other)) return false;
    return true;
  }

  #keep(bytes: DataView, from: number, to: number): void {
    const end = this.#starts[this.#counts.length]!;
    if (end + to - from > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#bytes.length * 2, end + to - from));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#bytes.set(new Uint8Array(bytes.buffer, bytes.byteOffset + from, to - from), end);
    this.#starts.push(end + to - from);
    this.#counts.push(1);
  }

  #grow(): void {
    const places = new Uint32Array(this.#places.length * 4);
    const mask = places.length - 1;
    for (const number of this.#counts.keys()) {
      let at = hashOf(this.#view, this.#starts[number]!, this.#starts[number + 1]!) & mask;
      while (places[at] !== 0) at = (at + 1) & mask;
      places[at] = number + 1;
    }
    this.#places = places;
  }
}

/** FNV-1a over four bytes at a time, mixed at the end (murmur3's last steps). */
function hashOf(bytes: DataView, from: number, to: number): number {
  let hash = 0x811c9dc5;
  let at = from;
  for (; at + 4 <= to; at += 4) {
    hash = Math.imul(hash ^ bytes.getInt32(at, true), 0x01000193);
    hash ^= hash >>> 15;
  }
  for (; at < to; at++) hash = Math.imul(hash ^ bytes.getUint8(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
