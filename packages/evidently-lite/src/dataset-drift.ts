import { inferType, type Table } from "./column.ts";
import { type ColumnDrift, sampleDrift } from "./column-drift.ts";
import { DriftError } from "./errors.ts";
import { checkedNumber, checkedType, invalid, isTable, suggestion } from "./input-checks.ts";
import { type Sample, sampleOf } from "./sample.ts";
import type { ColumnType } from "./values.ts";

/** Evidently's options of a data drift report; the narrower one wins: column over type over all. */
export interface DatasetDriftOptions {
  /** Share of drifted columns, 0 to 1, from which on the data set has drifted. @default 0.5 */
  readonly driftShare?: number | undefined;
  /** Only these columns. @default all */
  readonly columns?: readonly string[] | undefined;
  readonly method?: string | undefined;
  readonly numMethod?: string | undefined;
  readonly catMethod?: string | undefined;
  readonly perColumnMethod?: Readonly<Record<string, string>> | undefined;
  readonly threshold?: number | undefined;
  readonly numThreshold?: number | undefined;
  readonly catThreshold?: number | undefined;
  readonly perColumnThreshold?: Readonly<Record<string, number>> | undefined;
}

export interface DatasetDriftRequest {
  readonly reference: Table;
  readonly current: Table;
  /** @default by the values: "num" for numbers, else "cat" */
  readonly types?: Readonly<Record<string, ColumnType>> | undefined;
  readonly options?: DatasetDriftOptions | undefined;
}

/** The drift of a column of a data set. */
export type NamedDrift = ColumnDrift & { readonly column: string; readonly type: ColumnType };

export interface DatasetDrift {
  readonly columns: readonly NamedDrift[];
  /** Drifted columns: how many, which share, and whether that reaches `driftShare`. */
  readonly dataset: { readonly count: number; readonly share: number; readonly datasetDrift: boolean };
}

/**
 * Compares two data sets column by column.
 * @throws DriftError INVALID_INPUT, DIFFERENT_COLUMNS, and those of `columnDrift` with the column's name as `field`
 */
export function datasetDrift(request: DatasetDriftRequest): DatasetDrift {
  const compare = columnComparer(request);
  const columns = comparedNames(request).map((column) => compare(column).drift);
  return { columns, dataset: verdictOf(columns, request.options?.driftShare) };
}

/** The columns to compare, each of which both sides have. @throws DriftError INVALID_INPUT, DIFFERENT_COLUMNS */
export function comparedNames({
  reference,
  current,
  types = {},
  options = {},
}: DatasetDriftRequest): readonly string[] {
  for (const [side, data] of Object.entries({ reference, current }))
    if (!isTable(data)) throw invalid(side, data, "an object with an array for each column");
  for (const [name, type] of Object.entries(types)) checkedType(`types.${name}`, type);
  checkOptions(options, Object.keys(reference));
  const names = options.columns ?? Object.keys(reference);
  const strangers = options.columns === undefined ? Object.keys(current) : [];
  for (const name of [...names, ...strangers])
    for (const [side, data] of Object.entries({ reference, current })) if (!(name in data)) throw isMissing(name, side);
  if (names.length === 0)
    throw new DriftError("DIFFERENT_COLUMNS", "columns", "there are no columns: expected at least one");
  return names;
}

/** @throws DriftError INVALID_INPUT for a share that is none; DIFFERENT_COLUMNS for an option of a column that is not there */
export function checkOptions(options: DatasetDriftOptions, known: readonly string[]): void {
  const { driftShare, perColumnMethod = {}, perColumnThreshold = {} } = options;
  if (driftShare !== undefined) checkedNumber("driftShare", driftShare, 0, 1);
  for (const [field, byColumn] of Object.entries({ perColumnMethod, perColumnThreshold }))
    for (const name of Object.keys(byColumn))
      if (!known.includes(name))
        throw new DriftError(
          "DIFFERENT_COLUMNS",
          name,
          `${field} names column "${name}"${suggestion(name, known)}: expected one of ${known.join(", ")}`,
        );
}

function isMissing(name: string, side: string): DriftError {
  return new DriftError(
    "DIFFERENT_COLUMNS",
    name,
    `column "${name}" is missing in ${side}: expected the same columns on both sides`,
  );
}

/** Method and threshold that the options give a column; undefined for Evidently's choice. */
export function askedOf(options: DatasetDriftOptions, column: string, type: ColumnType) {
  const [method, threshold] =
    type === "num" ? [options.numMethod, options.numThreshold] : [options.catMethod, options.catThreshold];
  return {
    method: options.perColumnMethod?.[column] ?? method ?? options.method,
    threshold: options.perColumnThreshold?.[column] ?? threshold ?? options.threshold,
  };
}

/** The comparison of a column: its drift, and its samples for whoever wants to know more of them. */
export interface ComparedColumn {
  readonly drift: NamedDrift;
  readonly reference: Sample;
  readonly current: Sample;
}

/**
 * Compares one column after the other; each is asked for when its turn comes.
 * @returns a function, whose error is DIFFERENT_COLUMNS for a column that is longer or shorter than the first of its side
 */
export function columnComparer(request: DatasetDriftRequest): (column: string) => ComparedColumn {
  const first = new Map<string, { readonly column: string; readonly rows: number }>();
  const checkRows = (side: string, column: string, rows: number) => {
    const known = first.get(side);
    if (known === undefined) first.set(side, { column, rows });
    else if (known.rows !== rows)
      throw new DriftError(
        "DIFFERENT_COLUMNS",
        column,
        `column "${column}" has ${rows} rows in ${side}: expected ${known.rows}, as "${known.column}" has`,
      );
  };
  return (column) => compareColumn(request, column, checkRows);
}

function compareColumn(
  { reference, current, types = {}, options = {} }: DatasetDriftRequest,
  column: string,
  checkRows: (side: string, column: string, rows: number) => void,
): ComparedColumn {
  const [before, now] = [reference[column], current[column]];
  if (before === undefined || before === null) throw isMissing(column, "reference");
  if (now === undefined || now === null) throw isMissing(column, "current");
  const type = types[column] ?? inferType(before);
  checkRows("reference", column, before.length);
  checkRows("current", column, now.length);
  return ofColumn(column, () => {
    const one = sampleOf(before, "reference", type);
    const two = sampleOf(now, "current", type);
    return {
      drift: { column, type, ...sampleDrift(one, two, askedOf(options, column, type)) },
      reference: one,
      current: two,
    };
  });
}

/** Runs `compute`, and names the column in its errors. */
export function ofColumn<T>(column: string, compute: () => T): T {
  try {
    return compute();
  } catch (error) {
    if (error instanceof DriftError) throw new DriftError(error.code, column, `column "${column}": ${error.message}`);
    throw error;
  }
}

/** Whether so many drifted columns are drift of the data set. */
export function verdictOf(columns: readonly ColumnDrift[], driftShare = 0.5): DatasetDrift["dataset"] {
  const count = columns.filter(({ drifted }) => drifted).length;
  const share = count / columns.length;
  return { count, share, datasetDrift: share >= driftShare };
}
