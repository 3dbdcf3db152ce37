import { createHash } from "node:crypto";
import type { FeatureValue, FeatureView, ValueType } from "../definitions.ts";
import type { OnlineRow, OnlineValues } from "./online-store.ts";

/**
 * The names of the values of one packed row, in order. Rows carry the layout's id instead of the names; a view whose
 * features change gets another layout, and rows of the old one stay readable.
 */
export interface Layout {
  /** 8 hexadecimal digits. */
  readonly id: string;
  readonly names: readonly string[];
}

const ID_LENGTH = 8;

const spaces = new WeakMap<FeatureView, string>();

/** Under which name a store keeps a view's values: its own, and a mark of what decides whose values they are. */
export function spaceOf(view: FeatureView): string {
  const known = spaces.get(view);
  if (known !== undefined) return known;
  const { name, entities, source } = view;
  const { table, timestampField, createdTimestampColumn = null } = source;
  const keys = entities.map(({ joinKey, type }) => [joinKey, type]);
  const space = `${name}@${hash([keys, table, timestampField, createdTimestampColumn])}`;
  spaces.set(view, space);
  return space;
}

/** The layout in which a view's rows are written. */
export function layoutOf(view: FeatureView): Layout {
  const names = Object.keys(view.features).toSorted();
  return { id: hash(names), names };
}

/** A row's values as text: the layout's id, then an array of JSON. */
export function pack(layout: Layout, values: OnlineRow["values"]): string {
  return layout.id + JSON.stringify(layout.names.map((name) => (values[name] === undefined ? null : values[name])));
}

/** The id of the layout in which a row was packed. */
export function layoutIdOf(packed: string): string {
  return packed.slice(0, ID_LENGTH);
}

/** The features of a view, by the places of their values in rows of one layout. */
export class Unpacker {
  readonly #places: readonly (readonly [name: string, type: ValueType, place: number])[];

  constructor(view: FeatureView, layout: Layout) {
    this.#places = Object.entries(view.features).flatMap(([name, type]) => {
      const place = layout.names.indexOf(name);
      return place < 0 ? [] : [[name, type, place] as const];
    });
  }

  unpack(packed: string): OnlineValues["values"] {
    const stored: FeatureValue[] = JSON.parse(packed.slice(ID_LENGTH));
    const values: Record<string, FeatureValue> = {};
    for (const [name, type, place] of this.#places) values[name] = typed(stored[place] ?? null, type);
    return values;
  }
}

/** The unpackers of a store's rows, by view and layout; a layout that is not known yet is looked up in the store. */
export class Unpackers {
  readonly #known = new WeakMap<FeatureView, Map<string, Unpacker>>();

  get(view: FeatureView, layoutId: string): Unpacker | undefined {
    return this.#known.get(view)?.get(layoutId);
  }

  learn(view: FeatureView, layout: Layout): Unpacker {
    const unpacker = new Unpacker(view, layout);
    const ofView = this.#known.get(view) ?? new Map<string, Unpacker>();
    this.#known.set(view, ofView.set(layout.id, unpacker));
    return unpacker;
  }
}

function typed(value: FeatureValue, type: ValueType): FeatureValue {
  if (value === null) return null;
  switch (type) {
    case "double":
    case "int":
      return Number(value);
    case "bigint":
      return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    case "string":
    case "timestamp":
      return String(value);
    case "boolean":
      return value === true;
  }
}

function hash(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, ID_LENGTH);
}
