import { CategorySketch, type CategorySketchState } from "./category-sketch.ts";
import { inferType, type Table } from "./column.ts";
import { chosenMethod, judged, thresholdOf } from "./column-drift.ts";
import {
  askedOf,
  checkOptions,
  type DatasetDrift,
  type DatasetDriftOptions,
  type NamedDrift,
  ofColumn,
  verdictOf,
} from "./dataset-drift.ts";
import { DriftError } from "./errors.ts";
import { NumberSketch, type NumberSketchState } from "./number-sketch.ts";
import { sketchScore } from "./sketch-methods.ts";
import type { ColumnType } from "./values.ts";

/** The sketch of a column. */
export type ColumnSketch = NumberSketch | CategorySketch;

/** A profile as JSON. */
export interface ProfileState {
  readonly columns: Readonly<Record<string, NumberSketchState | CategorySketchState>>;
}

/** How a profile is kept. */
export interface ProfileOptions {
  /** @default by the values of the first part that has any: "num" for numbers, else "cat" */
  readonly types?: Readonly<Record<string, ColumnType>> | undefined;
  /** Values kept of each level of a sketch of numbers; more is more exact. @default 4096 */
  readonly size?: number | undefined;
  /** Categories counted one by one. @default 10000 */
  readonly categories?: number | undefined;
}

/**
 * What drift needs to know of a table that comes in parts, or that is kept to compare later tables with: a sketch of each
 * column. A hundred million rows take a megabyte a column at the most.
 */
export class Profile {
  readonly #options: ProfileOptions;
  readonly #columns = new Map<string, ColumnSketch>();

  constructor(options: ProfileOptions = {}) {
    this.#options = options;
  }

  /** The sketches by column. */
  get columns(): ReadonlyMap<string, ColumnSketch> {
    return this.#columns;
  }

  /**
   * Takes a further part of the table, with the columns of the parts before.
   * @throws DriftError DIFFERENT_COLUMNS, NOT_A_NUMBER; the profile is then as it was for the columns before the one named
   */
  add(part: Table): this {
    const names = Object.keys(part);
    if (this.#columns.size > 0)
      for (const name of new Set([...names, ...this.#columns.keys()]))
        if (!(name in part && this.#columns.has(name)))
          throw new DriftError(
            "DIFFERENT_COLUMNS",
            name,
            `column "${name}" is ${name in part ? "new in this part" : "missing in this part"}: expected the columns of the parts before`,
          );
    for (const name of names) {
      const column = part[name];
      if (column === undefined) continue;
      let sketch = this.#columns.get(name);
      if (sketch === undefined) {
        const { types, size, categories } = this.#options;
        sketch =
          (types?.[name] ?? inferType(column)) === "num" ? new NumberSketch(size) : new CategorySketch(categories);
        this.#columns.set(name, sketch);
      }
      const known = sketch;
      ofColumn(name, () => (known.kind === "num" ? known.add(column, name) : known.add(column)));
    }
    return this;
  }

  /** Takes in the rows of another profile of the same columns. @throws DriftError DIFFERENT_COLUMNS */
  merge(other: Profile): this {
    for (const [name, theirs] of other.#columns) {
      const own = this.#columns.get(name);
      if (own === undefined) this.#columns.set(name, copyOf(theirs));
      else if (own.kind === "num" && theirs.kind === "num") own.merge(theirs);
      else if (own.kind === "cat" && theirs.kind === "cat") own.merge(theirs);
      else
        throw new DriftError(
          "DIFFERENT_COLUMNS",
          name,
          `column "${name}" is of type "${own.kind}" here and "${theirs.kind}" there: expected one type`,
        );
    }
    return this;
  }

  toJSON(): ProfileState {
    return { columns: Object.fromEntries([...this.#columns].map(([name, sketch]) => [name, sketch.toJSON()])) };
  }

  /** A profile from its JSON. */
  static from(state: ProfileState): Profile {
    const profile = new Profile();
    for (const [name, sketch] of Object.entries(state.columns)) profile.#columns.set(name, sketchFrom(sketch));
    return profile;
  }
}

function sketchFrom(state: NumberSketchState | CategorySketchState): ColumnSketch {
  return state.type === "num" ? NumberSketch.from(state) : CategorySketch.from(state);
}

function copyOf(sketch: ColumnSketch): ColumnSketch {
  return sketchFrom(sketch.toJSON());
}

/**
 * Compares two profiles column by column, as `datasetDrift` compares tables: the same choice of method and the same
 * thresholds. What hangs on ranks is as exact as `rankError()` says, all else is exact.
 * @throws DriftError DIFFERENT_COLUMNS, METHOD_NOT_APPLICABLE for a method that takes every value, and those of `columnDrift`
 */
export function profileDrift({
  reference,
  current,
  options = {},
}: {
  readonly reference: Profile;
  readonly current: Profile;
  readonly options?: DatasetDriftOptions | undefined;
}): DatasetDrift {
  checkOptions(options, [...reference.columns.keys()]);
  const names = options.columns ?? [...new Set([...reference.columns.keys(), ...current.columns.keys()])];
  if (names.length === 0)
    throw new DriftError("DIFFERENT_COLUMNS", "columns", "there are no columns: expected at least one");
  const columns = names.map((column): NamedDrift => {
    const [one, two] = [reference.columns.get(column), current.columns.get(column)];
    if (one === undefined || two === undefined || one.kind !== two.kind)
      throw new DriftError(
        "DIFFERENT_COLUMNS",
        column,
        one === undefined || two === undefined
          ? `column "${column}" is missing in ${one === undefined ? "reference" : "current"}: expected the same columns on both sides`
          : `column "${column}" is of type "${one.kind}" in reference and "${two.kind}" in current: expected one type`,
      );
    return ofColumn(column, () => {
      const asked = askedOf(options, column, one.kind);
      const method = chosenMethod(asked.method, one, two);
      const threshold = thresholdOf(method, asked);
      return { column, type: one.kind, ...judged(method, sketchScore(method, one, two), threshold) };
    });
  });
  return { columns, dataset: verdictOf(columns, options.driftShare) };
}
