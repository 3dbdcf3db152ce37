import type { Json } from "./graph.ts";

/** The one field of a value that is kept in the object store: no output of a task may have a field of this name. */
export const STORED = "$dagwright.stored";

/** Where a value is kept that is too large to travel with a run. */
export interface StoredValue {
  /** SHA-256 of the value's JSON text, in hexadecimal: its key in the object store. */
  readonly sha256: string;
  /** Length of that text. */
  readonly bytes: number;
  /** What of the value is meant. @default all of it */
  readonly path?: readonly (string | number)[];
}

/** The reference that stands in a value's place. */
export function referenceTo(stored: StoredValue): Json {
  const { sha256, bytes, path = [] } = stored;
  return { [STORED]: { sha256, bytes, ...(path.length === 0 ? {} : { path }) } };
}

/** What a reference points at; null when the value is not one. */
export function storedValueOf(value: Json | undefined): StoredValue | null {
  if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, STORED)) return null;
  // Only `referenceTo` makes values with this field.
  return (value as { readonly [STORED]: unknown })[STORED] as StoredValue;
}
