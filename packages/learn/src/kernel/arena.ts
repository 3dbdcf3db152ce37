/** Parts of a crew's memory, given out one after another, each at a multiple of 64 bytes. */
export class Arena {
  #at: number;

  constructor(from: number) {
    this.#at = from;
  }

  /** Bytes given out so far, and what lay before. */
  get end(): number {
    return this.#at;
  }

  take(bytes: number): number {
    const at = this.#at;
    this.#at = Math.ceil((at + bytes) / 64) * 64;
    return at;
  }
}
