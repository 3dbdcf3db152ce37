import { createHash } from "node:crypto";
import type { FeatureValue, FeatureView, ValueType } from "../definitions.ts";
import type { OnlineRow } from "./online-store.ts";

/**
 * How rows are packed; another number when that changes. Values packed otherwise are another space's: their view
 * counts as never materialised.
 */
const FORMAT = 2;

/**
 * Names and types of the values of one packed row, in order. Rows carry the layout's id instead; a view whose features
 * change gets another layout, and rows of the old one stay readable.
 */
export interface Layout {
  /** An unsigned integer of 32 bits. */
  readonly id: number;
  readonly columns: readonly (readonly [name: string, type: ValueType])[];
}

/*
 * A packed row, little endian: the layout's id (4 bytes); one bit a value that says whether it is null; 8 bytes a
 * value; then the texts in UTF-8. The 8 bytes hold a double, an integer of 64 bits, a byte that is 0 or 1, or where a
 * text begins and ends in the row (4 bytes each).
 */
const ID_BYTES = 4;
const VALUE_BYTES = 8;

const spaces = new WeakMap<FeatureView, string>();

/** Under which name a store keeps a view's values: its own, and a mark of what decides whose values they are. */
export function spaceOf(view: FeatureView): string {
  const known = spaces.get(view);
  if (known !== undefined) return known;
  const { name, entities, source } = view;
  const { table, timestampField, createdTimestampColumn = null } = source;
  const keys = entities.map(({ joinKey, type }) => [joinKey, type]);
  const digest = digestOf([FORMAT, keys, table, timestampField, createdTimestampColumn]);
  const space = `${name}@${digest.toString("hex", 0, ID_BYTES)}`;
  spaces.set(view, space);
  return space;
}

/** The layout in which a view's rows are written. */
export function layoutOf(view: FeatureView): Layout {
  const columns = Object.entries(view.features).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { id: digestOf(columns).readUInt32LE(), columns };
}

/** Packs a row's values. NaN and the infinities are null, and so is what is not there. */
export function pack({ id, columns }: Layout, values: OnlineRow["values"]): Buffer {
  const valuesAt = ID_BYTES + Math.ceil(columns.length / 8);
  const textsAt = valuesAt + columns.length * VALUE_BYTES;
  const texts: Buffer[] = [];
  const row = Buffer.alloc(textsAt);
  row.writeUInt32LE(id);
  let end = textsAt;
  for (const [place, [name, type]] of columns.entries()) {
    const value = values[name] ?? null;
    const at = valuesAt + place * VALUE_BYTES;
    if (value === null || (typeof value === "number" && !Number.isFinite(value))) {
      const byte = ID_BYTES + (place >> 3);
      row.writeUInt8(row.readUInt8(byte) | (1 << (place & 7)), byte);
    } else if (type === "bigint") row.writeBigInt64LE(BigInt(value), at);
    else if (type === "boolean") row.writeUInt8(value === true ? 1 : 0, at);
    else if (type === "string" || type === "timestamp") {
      const text = Buffer.from(String(value));
      texts.push(text);
      row.writeUInt32LE(end, at);
      end += text.length;
      row.writeUInt32LE(end, at + 4);
    } else row.writeDoubleLE(Number(value), at);
  }
  return texts.length === 0 ? row : Buffer.concat([row, ...texts], end);
}

/** The id of the layout of the packed row that begins there. */
export function layoutIdOf(bytes: Buffer, from: number): number {
  return bytes.readUInt32LE(from);
}

/** Reads the values of some of a view's features from packed rows of one layout. */
export class RowReader {
  readonly layoutId: number;
  readonly #valuesAt: number;
  readonly #wanted: readonly { readonly type: ValueType; readonly place: number }[];

  constructor(layout: Layout, view: FeatureView, features: readonly string[]) {
    this.layoutId = layout.id;
    this.#valuesAt = ID_BYTES + Math.ceil(layout.columns.length / 8);
    this.#wanted = features.map((feature) => {
      const type = view.features[feature] ?? "double";
      return { type, place: layout.columns.findIndex(([name, stored]) => name === feature && stored === type) };
    });
  }

  /** The values in the features' order; undefined for those that the layout does not have in the view's type. */
  read(bytes: Buffer, from: number): (FeatureValue | undefined)[] {
    const values: (FeatureValue | undefined)[] = [];
    for (const { type, place } of this.#wanted) values.push(this.#value(bytes, from, type, place));
    return values;
  }

  #value(bytes: Buffer, from: number, type: ValueType, place: number): FeatureValue | undefined {
    if (place < 0) return undefined;
    if (((bytes[from + ID_BYTES + (place >> 3)] ?? 0) >> (place & 7)) & 1) return null;
    const at = from + this.#valuesAt + place * VALUE_BYTES;
    switch (type) {
      case "double":
      case "int":
        return bytes.readDoubleLE(at);
      case "bigint": {
        const exact = bytes.readBigInt64LE(at);
        return Number.isSafeInteger(Number(exact)) ? Number(exact) : String(exact);
      }
      case "string":
      case "timestamp":
        return bytes.toString("utf8", from + bytes.readUInt32LE(at), from + bytes.readUInt32LE(at + 4));
      case "boolean":
        return bytes[at] === 1;
    }
  }
}

function digestOf(value: unknown): Buffer {
  return createHash("sha256").update(JSON.stringify(value)).digest();
}
