/** A part of an Apache Arrow vector, with the buffers of its type. */
export interface ArrowData {
  readonly length: number;
  /** First bit of `nullBitmap`, and of the values of booleans. */
  readonly offset: number;
  readonly nullCount: number;
  readonly nullBitmap?: Uint8Array | null | undefined;
  readonly values?: unknown;
  readonly valueOffsets?: ArrayLike<number | bigint> | null | undefined;
  readonly dictionary?: ArrowVector | null | undefined;
}

/** What is read of a vector of the package `apache-arrow`, whose types this package does not import. */
export interface ArrowVector {
  readonly length: number;
  readonly type: { readonly typeId: number };
  readonly data: readonly ArrowData[];
  get(row: number): unknown;
}

/** Arrow's `Type`, as far as columns of these types are read from their buffers. */
export const ARROW = { int: 2, float: 3, utf8: 5, bool: 6, dictionary: -1, largeUtf8: 20 } as const;

/** Whether a column is an Arrow vector. */
export function isArrowVector(column: unknown): column is ArrowVector {
  if (typeof column !== "object" || column === null || Array.isArray(column) || ArrayBuffer.isView(column))
    return false;
  if (!("data" in column && "type" in column && "get" in column)) return false;
  const { data, type, get } = column;
  return (
    Array.isArray(data) && typeof type === "object" && type !== null && "typeId" in type && typeof get === "function"
  );
}

/** Whether a row of a part has a value. */
export function isValid({ nullBitmap, offset, nullCount }: ArrowData, row: number): boolean {
  if (nullCount === 0 || nullBitmap === null || nullBitmap === undefined || nullBitmap.length === 0) return true;
  const bit = offset + row;
  return (nullBitmap[bit >> 3]! & (1 << (bit & 7))) !== 0;
}

/** Whether a row of a part of booleans is true; `isValid` says whether it is there. */
export function isTrue({ offset }: ArrowData, bits: Uint8Array, row: number): boolean {
  const bit = offset + row;
  return (bits[bit >> 3]! & (1 << (bit & 7))) !== 0;
}
