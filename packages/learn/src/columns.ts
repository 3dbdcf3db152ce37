import { LearnError } from "./errors.ts";

/** A column: numbers, of which NaN is missing, or texts, of which null and "" are. */
export type ColumnValues = Float64Array | readonly (string | null)[];

/** The largest number of float32, in which trees compare and ONNX takes values: as in scikit-learn, none is larger. */
export const LARGEST_VALUE = 3.4028234663852886e38;

/** Features, one array a column. */
export interface Columns {
  readonly names: readonly string[];
  /** One array of `rowCount` values for every name. */
  readonly values: readonly ColumnValues[];
  readonly rowCount: number;
}

/** A value of a single row; null is missing. */
export type FieldValue = number | string | boolean | null;

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
      { field: "columns.values" },
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
export function selectColumns(names: readonly string[], columns: Columns): ColumnValues[] {
  const at = new Map(columns.names.map((name, index) => [name, index]));
  const missing = names.filter((name) => !at.has(name));
  if (missing.length > 0) throw missingFeatures(missing, names, columns.names);
  return names.map((name) => {
    const values = columns.values[at.get(name)!] ?? new Float64Array();
    checkColumn(name, values, columns.rowCount);
    return values;
  });
}

/** Says which of the features a record lacks. */
export function missingFields(names: readonly string[], record: Readonly<Record<string, unknown>>): LearnError {
  const missing = names.filter((name) => !Object.hasOwn(record, name) || record[name] === undefined);
  return missingFeatures(missing, names, Object.keys(record));
}

function missingFeatures(missing: readonly string[], names: readonly string[], given: readonly string[]): LearnError {
  const list = (all: readonly string[]) => all.map((name) => `"${name}"`).join(", ") || "none";
  return new LearnError(
    "MISSING_FEATURE",
    `The model needs ${missing.length === 1 ? "the feature" : "the features"} ${list(missing)}; given: ${list(given)}.`,
    {
      field: missing[0] ?? "columns",
      hint: `The model's features are ${list(names)}; a value may be null where it is missing, but must be there.`,
    },
  );
}

function checkColumn(name: string, values: ColumnValues, rowCount: number): void {
  if (values.length !== rowCount)
    throw new LearnError(
      "LENGTH_MISMATCH",
      `Column "${name}" has ${values.length} values: expected ${rowCount}, one a row.`,
      { field: name },
    );
  if (!(values instanceof Float64Array)) {
    const row = values.findIndex((value) => value !== null && typeof value !== "string");
    if (row >= 0)
      throw new LearnError(
        "INVALID_VALUE",
        `Column "${name}" is ${values[row]} in row ${row}: expected a text or null.`,
        {
          field: name,
          hint: "Numbers come as a Float64Array.",
        },
      );
    return;
  }
  for (let row = 0; row < rowCount; row++)
    if (Math.abs(values[row]!) > LARGEST_VALUE)
      throw new LearnError(
        "INVALID_VALUE",
        `Column "${name}" is ${values[row]} in row ${row}: expected a finite number that float32 holds, from -3.4e38 to 3.4e38, or NaN where it is missing.`,
        { field: name },
      );
}
