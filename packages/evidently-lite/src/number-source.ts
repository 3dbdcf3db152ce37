import { ARROW, type ArrowData, type ArrowVector, isArrowVector, isTrue, isValid } from "./arrow.ts";
import type { Column } from "./column.ts";
import { numberOf } from "./values.ts";

/** Values are handed on in blocks of this many, so that a column of another type is never copied as a whole. */
const BLOCK = 16_384;

/** The numbers of a column, block by block; missing ones are NaN. May be read more than once. */
export interface NumberSource {
  readonly length: number;
  /** Whether the column is held as integers: typed arrays and Arrow columns of them; a plain array holds doubles. */
  readonly integers: boolean;
  /** Calls `visit` with each block and the number of values in it; the block is overwritten afterwards. */
  each(visit: (block: Float64Array, length: number) => void): void;
}

/** Reads a column as numbers. Text in it is an error of `each`. */
export function numberSource(column: Column, field: string): NumberSource {
  if (column instanceof Float64Array)
    return { length: column.length, integers: false, each: (visit) => visit(column, column.length) };
  if (isArrowVector(column)) return arrowSource(column, field);
  return {
    length: column.length,
    integers: ArrayBuffer.isView(column) && !(column instanceof Float32Array),
    each: (visit) => inBlocks(column, column.length, visit, field),
  };
}

/** Numbers of a typed array or a plain one, a block at a time. */
function inBlocks(
  column: ArrayLike<unknown>,
  length: number,
  visit: (block: Float64Array, length: number) => void,
  field: string,
): void {
  const block = new Float64Array(Math.min(BLOCK, length));
  for (let from = 0; from < length; from += BLOCK) {
    const size = Math.min(BLOCK, length - from);
    if (ArrayBuffer.isView(column) && isNumberArray(column)) block.set(column.subarray(from, from + size));
    else for (let at = 0; at < size; at++) block[at] = numberOf(column[from + at], field);
    visit(block, size);
  }
}

type NumberArray =
  | Float64Array
  | Float32Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray;

function isNumberArray(view: object): view is NumberArray {
  return !(view instanceof BigInt64Array || view instanceof BigUint64Array || view instanceof DataView);
}

function arrowSource(vector: ArrowVector, field: string): NumberSource {
  const { typeId } = vector.type;
  const plain = vector.data.every(({ values }) => ArrayBuffer.isView(values));
  const nulls = vector.data.some(({ nullCount }) => nullCount > 0);
  const integers = typeId === ARROW.int && !nulls;
  // Of a half float, `values` are bits.
  const half = vector.data.some(({ values }) => typeId === ARROW.float && values instanceof Uint16Array);
  if (!plain || half || (typeId !== ARROW.int && typeId !== ARROW.float && typeId !== ARROW.bool))
    return { length: vector.length, integers, each: (visit) => byRow(vector, visit, field) };
  return {
    length: vector.length,
    integers,
    each: (visit) => {
      for (const part of vector.data) eachOfPart(part, typeId, visit, field);
    },
  };
}

/** The types whose numbers depend on more than their buffer: dates, timestamps, decimals, dictionaries. */
function byRow(vector: ArrowVector, visit: (block: Float64Array, length: number) => void, field: string): void {
  const block = new Float64Array(Math.min(BLOCK, vector.length));
  for (let from = 0; from < vector.length; from += BLOCK) {
    const size = Math.min(BLOCK, vector.length - from);
    for (let at = 0; at < size; at++) block[at] = numberOf(vector.get(from + at), field);
    visit(block, size);
  }
}

function eachOfPart(
  part: ArrowData,
  typeId: number,
  visit: (block: Float64Array, length: number) => void,
  field: string,
): void {
  const { values, length, nullCount } = part;
  if (values instanceof Float64Array && nullCount === 0) {
    visit(values.length === length ? values : values.subarray(0, length), length);
    return;
  }
  if (typeId === ARROW.bool && values instanceof Uint8Array) {
    const bits = Array.from({ length }, (_, row) => (isValid(part, row) ? isTrue(part, values, row) : null));
    inBlocks(bits, length, visit, field);
    return;
  }
  let from = 0;
  if (!isIndexed(values)) return;
  inBlocks(
    values,
    length,
    (block, size) => {
      if (nullCount > 0) for (let at = 0; at < size; at++) if (!isValid(part, from + at)) block[at] = Number.NaN;
      from += size;
      visit(block, size);
    },
    field,
  );
}

function isIndexed(values: unknown): values is ArrayLike<unknown> & ArrayBufferView {
  return ArrayBuffer.isView(values) && !(values instanceof DataView);
}
