import { countColumn } from "./category-sample.ts";
import { type Column, inferType, type Table } from "./column.ts";
import { DriftError } from "./errors.ts";
import { columnOf } from "./metric.ts";
import { numberSource } from "./number-source.ts";
import type { ColumnType } from "./values.ts";

/** The quality of a column, beside that of the reference where there is one. Shares are of all rows, 0 to 1. */
export interface ColumnQuality {
  readonly column: string;
  readonly type: ColumnType;
  readonly rows: number;
  readonly missing: number;
  readonly missingShare: number;
  /** Infinities of a quantity. */
  readonly infinite: number;
  readonly distinct: number;
  /** Share of the most frequent value. */
  readonly mostFrequentShare: number;
  readonly min: number | null;
  readonly max: number | null;
  /** Of the reference. */
  readonly referenceMissingShare: number | null;
  /** Share of the rows that lie outside the reference's range, or whose category the reference does not know. */
  readonly unseenShare: number | null;
  /** Categories that the reference does not know, at most 10. */
  readonly newCategories: readonly string[];
  /** Categories of the reference that are gone, at most 10. */
  readonly goneCategories: readonly string[];
}

/** The quality of a data set, column by column. */
export interface DataQuality {
  readonly columns: readonly ColumnQuality[];
  /** Columns of the reference that are missing now, and columns that it does not know. */
  readonly missingColumns: readonly string[];
  readonly newColumns: readonly string[];
  /** Columns whose values were of the other kind in the reference. */
  readonly changedTypes: readonly string[];
}

interface Side {
  readonly rows: number;
  readonly missing: number;
  readonly infinite: number;
  readonly distinct: number;
  readonly most: number;
  readonly min: number | null;
  readonly max: number | null;
  readonly categories: ReadonlyMap<number | string | boolean, number> | null;
}

const MOST_NAMED = 10;

/**
 * What is missing, constant, out of range or unknown in a data set, by column, and against a reference where there is one.
 * Columns that only one side has are named, not refused.
 * @throws DriftError DIFFERENT_COLUMNS for no columns, NOT_A_NUMBER
 */
export function dataQuality({
  current,
  reference,
  types = {},
}: {
  readonly current: Table;
  readonly reference?: Table | undefined;
  readonly types?: Readonly<Record<string, ColumnType>> | undefined;
}): DataQuality {
  const names = Object.keys(current);
  if (names.length === 0)
    throw new DriftError("DIFFERENT_COLUMNS", "current", "there are no columns: expected at least one");
  const changedTypes: string[] = [];
  const columns = names.map((name) => {
    const values = columnOf(current, name);
    const type = types[name] ?? inferType(values);
    const before = reference?.[name];
    const changed = before !== undefined && types[name] === undefined && inferType(before) !== type;
    if (changed) changedTypes.push(name);
    return columnQuality(name, type, values, changed ? undefined : before);
  });
  const known = Object.keys(reference ?? current);
  return {
    columns,
    missingColumns: known.filter((name) => !names.includes(name)),
    newColumns: names.filter((name) => !known.includes(name)),
    changedTypes,
  };
}

function columnQuality(column: string, type: ColumnType, values: Column, before: Column | undefined): ColumnQuality {
  const now = type === "num" ? quantity(values, column) : categories(values);
  const then = before === undefined ? undefined : type === "num" ? quantity(before, column) : categories(before);
  const [own, other] = [now.categories, then?.categories ?? null];
  const share = (count: number) => (now.rows === 0 ? 0 : count / now.rows);
  return {
    column,
    type,
    rows: now.rows,
    missing: now.missing,
    missingShare: share(now.missing),
    infinite: now.infinite,
    distinct: now.distinct,
    mostFrequentShare: share(now.most),
    min: now.min,
    max: now.max,
    referenceMissingShare: then === undefined || then.rows === 0 ? null : then.missing / then.rows,
    unseenShare: then === undefined ? null : share(unseen(values, column, now, then)),
    newCategories: own !== null && other !== null ? without(own, other) : [],
    goneCategories: own !== null && other !== null ? without(other, own) : [],
  };
}

function without(one: ReadonlyMap<unknown, number>, two: ReadonlyMap<unknown, number>): string[] {
  return [...one.keys()]
    .filter((name) => !two.has(name))
    .slice(0, MOST_NAMED)
    .map(String);
}

function unseen(values: Column, field: string, now: Side, then: Side): number {
  let rows = 0;
  if (now.categories !== null) {
    for (const [name, count] of now.categories) if (then.categories?.has(name) === false) rows += count;
    return rows;
  }
  const [min, max] = [then.min ?? Number.POSITIVE_INFINITY, then.max ?? Number.NEGATIVE_INFINITY];
  numberSource(values, field).each((block, length) => {
    for (let at = 0; at < length; at++) if (block[at]! < min || block[at]! > max) rows += 1;
  });
  return rows;
}

function categories(values: Column): Side {
  const counted = countColumn(values);
  let [present, most] = [0, 0];
  for (const count of counted.values()) {
    present += count;
    most = Math.max(most, count);
  }
  const missing = values.length - present;
  return {
    rows: values.length,
    missing,
    infinite: 0,
    distinct: counted.size,
    most,
    min: null,
    max: null,
    categories: counted,
  };
}

function quantity(values: Column, field: string): Side {
  const numbers = new Float64Array(values.length);
  let [size, infinite] = [0, 0];
  numberSource(values, field).each((block, length) => {
    for (let at = 0; at < length; at++) {
      const value = block[at]!;
      if (value - value === 0) numbers[size++] = value;
      else if (!Number.isNaN(value)) infinite += 1;
    }
  });
  const sorted = numbers.subarray(0, size).sort();
  let [distinct, most] = [0, 0];
  for (let from = 0; from < size; ) {
    let to = from + 1;
    while (sorted[to] === sorted[from]) to += 1;
    distinct += 1;
    most = Math.max(most, to - from);
    from = to;
  }
  const missing = values.length - size - infinite;
  const [min, max] = [sorted[0] ?? null, sorted.at(-1) ?? null];
  return { rows: values.length, missing, infinite, distinct, most, min, max, categories: null };
}
