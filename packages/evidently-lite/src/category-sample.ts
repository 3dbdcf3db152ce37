import { ARROW, type ArrowData, type ArrowVector, isArrowVector, isTrue, isValid } from "./arrow.ts";
import type { Column } from "./column.ts";
import { TextCounts } from "./text-counts.ts";
import { type Category, categoryOf, emptyColumn } from "./values.ts";

/** Texts that are counted at a time. */
const STRIDE = 2048;

/** The categories of one side of a column. */
export class CategorySample {
  readonly kind = "cat";
  readonly #column: Column;
  readonly #field: string;
  #counts: ReadonlyMap<Category, number> | undefined;

  constructor(column: Column, field: string) {
    this.#column = column;
    this.#field = field;
  }

  /** How often each category occurs, in the order in which they appear. @throws DriftError EMPTY_COLUMN */
  counts(): ReadonlyMap<Category, number> {
    if (this.#counts === undefined) {
      this.#counts = countColumn(this.#column);
      if (this.#counts.size === 0) throw emptyColumn(this.#field, this.#column.length);
    }
    return this.#counts;
  }
}

/** Counts the present values of a column by category, in one pass. */
export function countColumn(column: Column): Map<Category, number> {
  const counts = new Map<Category, number>();
  if (isArrowVector(column)) {
    const texts = new TextCounts();
    for (const part of column.data) countPart(part, column, counts, texts);
    return texts.into(counts);
  }
  for (let row = 0; row < column.length; row++) {
    const value = categoryOf(column[row]);
    if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return counts;
}

function countPart(part: ArrowData, vector: ArrowVector, counts: Map<Category, number>, texts: TextCounts): void {
  const { typeId } = vector.type;
  const { values, valueOffsets, dictionary, length } = part;
  const add = (value: unknown, times: number) => {
    const category = categoryOf(value);
    if (category !== null && times > 0) counts.set(category, (counts.get(category) ?? 0) + times);
  };
  if (typeId === ARROW.dictionary && dictionary && isCodes(values)) {
    const times = new Float64Array(dictionary.length);
    for (let row = 0; row < length; row++) if (isValid(part, row)) times[values[row]!]! += 1;
    for (let code = 0; code < times.length; code++) if (times[code]! > 0) add(dictionary.get(code), times[code]!);
    return;
  }
  if (typeId === ARROW.bool && values instanceof Uint8Array) {
    let [yes, no] = [0, 0];
    for (let row = 0; row < length; row++)
      if (isValid(part, row)) {
        if (isTrue(part, values, row)) yes += 1;
        else no += 1;
      }
    add(false, no);
    add(true, yes);
    return;
  }
  if ((typeId === ARROW.utf8 || typeId === ARROW.largeUtf8) && values instanceof Uint8Array && valueOffsets) {
    countTexts(part, values, valueOffsets, texts);
    return;
  }
  let before = 0;
  for (const other of vector.data) {
    if (other === part) break;
    before += other.length;
  }
  for (let row = 0; row < length; row++) add(vector.get(before + row), 1);
}

function countTexts(part: ArrowData, bytes: Uint8Array, offsets: ArrayLike<number | bigint>, texts: TextCounts): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (offsets instanceof Int32Array && part.nullCount === 0) {
    for (let row = 0; row < part.length; row += STRIDE)
      texts.addRows(view, offsets, row, Math.min(part.length, row + STRIDE));
    return;
  }
  for (let row = 0; row < part.length; row++)
    if (isValid(part, row)) {
      if (offsets instanceof Int32Array) texts.addRows(view, offsets, row, row + 1);
      else {
        const text = bytes.subarray(Number(offsets[row]), Number(offsets[row + 1]));
        const own = new DataView(text.buffer, text.byteOffset, text.byteLength);
        texts.addRows(own, Int32Array.of(0, text.length), 0, 1);
      }
    }
}

function isCodes(
  values: unknown,
): values is Int8Array | Int16Array | Int32Array | Uint8Array | Uint16Array | Uint32Array {
  return (
    values instanceof Int32Array ||
    values instanceof Int8Array ||
    values instanceof Int16Array ||
    values instanceof Uint8Array ||
    values instanceof Uint16Array ||
    values instanceof Uint32Array
  );
}
