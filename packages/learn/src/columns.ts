import { LearnError } from "./errors.ts";

/** Features, one array a column; NaN is a missing value. */
export interface Columns {
  readonly names: readonly string[];
  /** One array of `rowCount` values for every name. */
  readonly values: readonly Float64Array[];
  readonly rowCount: number;
}

/**
 * Checks what a model is to be trained on: at least one row and one column, names once each, lengths that agree, and no
 * infinite value.
 * @throws LearnError EMPTY_DATA, LENGTH_MISMATCH, DUPLICATE_FEATURE, INVALID_VALUE
 */
export function checkColumns({ names, values, rowCount }: Columns): void {
  if (names.length === 0)
    throw new LearnError("EMPTY_DATA", "columns has no column: expected at least one feature.", {
      field: "columns.names",
    });
  if (rowCount === 0)
    throw new LearnError("EMPTY_DATA", "columns has no rows: expected at least one.", { field: "columns.rowCount" });
  if (names.length !== values.length)
    throw new LearnError(
      "LENGTH_MISMATCH",
      `columns has ${names.length} names and ${values.length} arrays of values: expected as many of both.`,
      {
        field: "columns.values",
      },
    );
  const seen = new Set<string>();
  for (const [at, name] of names.entries()) {
    if (seen.has(name))
      throw new LearnError("DUPLICATE_FEATURE", `columns names the feature "${name}" twice.`, {
        field: "columns.names",
      });
    seen.add(name);
    checkColumn(name, values[at]!, rowCount);
  }
}

/**
 * The columns of the given names, in their order; other columns are left aside.
 * @throws LearnError MISSING_FEATURE that names all that lack, LENGTH_MISMATCH, INVALID_VALUE
 */
export function selectColumns(names: readonly string[], columns: Columns): Float64Array[] {
  const at = new Map(columns.names.map((name, index) => [name, index]));
  const missing = names.filter((name) => !at.has(name));
  if (missing.length > 0) throw missingFeatures(missing, names, columns.names);
  return names.map((name) => {
    const values = columns.values[at.get(name)!] ?? new Float64Array();
    checkColumn(name, values, columns.rowCount);
    return values;
  });
}

/** One record as a row of the given features; null is a missing value, other keys are left aside. */
export function selectRow(names: readonly string[], record: Readonly<Record<string, number | null>>): Float64Array {
  const missing = names.filter((name) => !Object.hasOwn(record, name) || record[name] === undefined);
  if (missing.length > 0) throw missingFeatures(missing, names, Object.keys(record));
  return Float64Array.from(names, (name) => {
    const value = record[name] ?? Number.NaN;
    if (typeof value !== "number" || Math.abs(value) === Number.POSITIVE_INFINITY)
      throw new LearnError(
        "INVALID_VALUE",
        `Feature "${name}" is ${JSON.stringify(record[name]) ?? value}: expected a finite number, or null where it is missing.`,
        {
          field: name,
        },
      );
    return value;
  });
}

function missingFeatures(missing: readonly string[], names: readonly string[], given: readonly string[]): LearnError {
  const list = (all: readonly string[]) => all.map((name) => `"${name}"`).join(", ") || "none";
  return new LearnError(
    "MISSING_FEATURE",
    `The model needs ${missing.length === 1 ? "the feature" : "the features"} ${list(missing)}; given: ${list(given)}.`,
    {
      field: missing[0] ?? "columns",
      hint: `The model's features are ${list(names)}; a value may be ${"null"} where it is missing, but must be there.`,
    },
  );
}

function checkColumn(name: string, values: Float64Array, rowCount: number): void {
  if (values.length !== rowCount)
    throw new LearnError(
      "LENGTH_MISMATCH",
      `Column "${name}" has ${values.length} values: expected ${rowCount}, one a row.`,
      { field: name },
    );
  for (let row = 0; row < rowCount; row++)
    if (Math.abs(values[row]!) === Number.POSITIVE_INFINITY)
      throw new LearnError(
        "INVALID_VALUE",
        `Column "${name}" is ${values[row]} in row ${row}: expected a finite number, or NaN where it is missing.`,
        {
          field: name,
        },
      );
}
