import { LearnError } from "../errors.ts";

/** A field of a message: its number, and its value by wire type. */
export interface Field {
  readonly number: number;
  /** Of a varint; whole numbers beyond 2^53 lose digits. */
  readonly int: number;
  /** Of a fixed or length-delimited field. */
  readonly bytes: Uint8Array;
}

/** Reads the fields of one message in protocol buffers' wire format. @throws LearnError INVALID_MODEL */
export function readFields(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined || shift > 63n) throw cutOff();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return Number(BigInt.asIntN(64, value));
    }
  };
  const take = (length: number): Uint8Array => {
    if (length < 0 || at + length > bytes.length) throw cutOff();
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const key = varint();
    const number = key >>> 3;
    switch (key & 7) {
      case 0:
        fields.push({ number, int: varint(), bytes: NONE });
        break;
      case 1:
        fields.push({ number, int: 0, bytes: take(8) });
        break;
      case 2:
        fields.push({ number, int: 0, bytes: take(varint()) });
        break;
      case 5:
        fields.push({ number, int: 0, bytes: take(4) });
        break;
      default:
        throw cutOff();
    }
  }
  return fields;
}

const NONE = new Uint8Array();

function cutOff(): LearnError {
  return new LearnError("INVALID_MODEL", "The bytes are no ONNX file: a message is cut off or damaged.", {
    field: "bytes",
  });
}

/** Whole numbers of a repeated field, packed or one by one. */
export function intsOf(fields: readonly Field[], number: number): number[] {
  return fields
    .filter((field) => field.number === number)
    .flatMap(({ int, bytes }) => (bytes.length === 0 ? [int] : packedInts(bytes)));
}

function packedInts(bytes: Uint8Array): number[] {
  const values: number[] = [];
  let value = 0n;
  let shift = 0n;
  for (const byte of bytes) {
    value |= BigInt(byte & 127) << shift;
    shift += 7n;
    if (byte >= 128) continue;
    values.push(Number(BigInt.asIntN(64, value)));
    value = 0n;
    shift = 0n;
  }
  return values;
}

/** Floats of a repeated field, packed or one by one. */
export function floatsOf(fields: readonly Field[], number: number): number[] {
  return fields.filter((field) => field.number === number).flatMap(({ bytes }) => [...floats32(bytes)]);
}

export function floats32(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.slice().buffer, 0, Math.floor(bytes.length / 4));
}

export function floats64(bytes: Uint8Array): Float64Array {
  return new Float64Array(bytes.slice().buffer, 0, Math.floor(bytes.length / 8));
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** Texts of a repeated field. */
export function textsOf(fields: readonly Field[], number: number): string[] {
  return fields.filter((field) => field.number === number).map(({ bytes }) => textOf(bytes));
}
