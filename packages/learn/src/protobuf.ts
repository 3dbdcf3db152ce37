/** Fields up to this size are copied; larger ones are kept as they are until `finish`. */
const COPIED_BYTES = 4096;
/** A buffer that is full at this size is put aside and a new one begun: nothing is copied twice. */
const BUFFER_BYTES = 2 ** 20;

/** Writes one message in protocol buffers' wire format: just what ONNX needs. */
export class ProtobufWriter {
  /** What stands before `#buffer`. */
  readonly #sealed: Uint8Array[] = [];
  #sealedBytes = 0;
  #buffer = new Uint8Array(64);
  #length = 0;

  /** Bytes of the message so far. */
  get size(): number {
    return this.#sealedBytes + this.#length;
  }

  /** An int32, int64 or enum field. Whole numbers of at most 53 bits. */
  int(field: number, value: number): this {
    return this.varint(field * 8).varint(value);
  }

  /** @param value must not change before `finish` */
  bytes(field: number, value: Uint8Array): this {
    this.varint(field * 8 + 2).varint(value.length);
    this.#append(value);
    return this;
  }

  /** A float field. */
  float(field: number, value: number): this {
    this.varint(field * 8 + 5);
    this.#reserve(4);
    new DataView(this.#buffer.buffer).setFloat32(this.#length, value, true);
    this.#length += 4;
    return this;
  }

  string(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  /** @param value must not be written to afterwards */
  message(field: number, value: ProtobufWriter): this {
    return this.varint(field * 8 + 2)
      .varint(value.size)
      .fields(value);
  }

  /** The fields of another message, or a part of what a packed field holds. @param value as for `message` */
  fields(value: ProtobufWriter): this {
    for (const part of value.#sealed) this.#append(part);
    this.#append(value.#buffer.subarray(0, value.#length));
    return this;
  }

  /** A repeated float field, packed; little-endian, as every machine that Node runs on. */
  floats(field: number, values: ArrayLike<number>): this {
    return this.bytes(field, new Uint8Array(new Float32Array(values).buffer));
  }

  /** A repeated int64 field, packed. */
  ints(field: number, values: ArrayLike<number>): this {
    const packed = new ProtobufWriter();
    for (let at = 0; at < values.length; at++) packed.varint(values[at]!);
    return this.message(field, packed);
  }

  /** A number alone, as it stands in a packed field: seven bits a byte, low ones first; a negative one as its 64-bit two's complement. */
  varint(value: number): this {
    this.#reserve(10);
    if (value < 0) {
      let rest = BigInt.asUintN(64, BigInt(value));
      for (; rest > 127n; rest >>= 7n) this.#buffer[this.#length++] = Number(rest & 127n) | 128;
      this.#buffer[this.#length++] = Number(rest);
      return this;
    }
    let rest = value;
    for (; rest >= 2 ** 31; rest = Math.floor(rest / 128)) this.#buffer[this.#length++] = (rest % 128) | 128;
    for (; rest > 127; rest >>= 7) this.#buffer[this.#length++] = (rest & 127) | 128;
    this.#buffer[this.#length++] = rest;
    return this;
  }

  /** The message, in memory of its own; yields after each part of a mebibyte. */
  *finish(): Generator<void, Uint8Array> {
    const whole = new Uint8Array(this.size);
    let at = 0;
    for (const part of [...this.#sealed, this.#buffer.subarray(0, this.#length)])
      for (let from = 0; from < part.length; from += BUFFER_BYTES) {
        const piece = part.subarray(from, from + BUFFER_BYTES);
        whole.set(piece, at);
        at += piece.length;
        yield;
      }
    return whole;
  }

  #append(value: Uint8Array): void {
    if (value.length <= COPIED_BYTES) {
      this.#reserve(value.length);
      this.#buffer.set(value, this.#length);
      this.#length += value.length;
      return;
    }
    this.#seal(64);
    this.#sealed.push(value);
    this.#sealedBytes += value.length;
  }

  /** Puts the buffer aside and begins another. */
  #seal(bytes: number): void {
    if (this.#length > 0) this.#sealed.push(this.#buffer.subarray(0, this.#length));
    this.#sealedBytes += this.#length;
    this.#buffer = new Uint8Array(bytes);
    this.#length = 0;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#buffer.length) return;
    if (this.#length + more > BUFFER_BYTES) {
      this.#seal(BUFFER_BYTES);
      return;
    }
    const grown = new Uint8Array(Math.min(BUFFER_BYTES, Math.max(2 * this.#buffer.length, this.#length + more)));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}
