/** Writes one message in protocol buffers' wire format: just what ONNX needs. */
export class ProtobufWriter {
  #buffer = new Uint8Array(64);
  #length = 0;

  /** An int32, int64 or enum field. Whole numbers of at most 53 bits. */
  int(field: number, value: number): this {
    this.#varint(field * 8);
    this.#varint(value);
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.#varint(field * 8 + 2);
    this.#varint(value.length);
    this.#reserve(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  /** A float field. */
  float(field: number, value: number): this {
    this.#varint(field * 8 + 5);
    this.#reserve(4);
    new DataView(this.#buffer.buffer).setFloat32(this.#length, value, true);
    this.#length += 4;
    return this;
  }

  string(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  message(field: number, value: ProtobufWriter): this {
    return this.bytes(field, value.finish());
  }

  /** A repeated float field, packed; little-endian, as every machine that Node runs on. */
  floats(field: number, values: ArrayLike<number>): this {
    return this.bytes(field, new Uint8Array(Float32Array.from(values).buffer));
  }

  /** A repeated int64 field, packed. */
  ints(field: number, values: ArrayLike<number>): this {
    const packed = new ProtobufWriter();
    for (let at = 0; at < values.length; at++) packed.#varint(values[at]!);
    return this.message(field, packed);
  }

  /** The message; a view that later writes may overwrite. */
  finish(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Seven bits a byte, low ones first; a negative number as its 64-bit two's complement. */
  #varint(value: number): void {
    this.#reserve(10);
    if (value < 0) {
      let rest = BigInt.asUintN(64, BigInt(value));
      for (; rest > 127n; rest >>= 7n) this.#buffer[this.#length++] = Number(rest & 127n) | 128;
      this.#buffer[this.#length++] = Number(rest);
      return;
    }
    let rest = value;
    for (; rest > 127; rest = Math.floor(rest / 128)) this.#buffer[this.#length++] = (rest % 128) | 128;
    this.#buffer[this.#length++] = rest;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(2 * this.#buffer.length, this.#length + more));
    grown.set(this.finish());
    this.#buffer = grown;
  }
}
