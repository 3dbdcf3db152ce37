import { type ColumnDrift, columnDrift } from "./column-drift.ts";
import { DriftError } from "./errors.ts";
import { type ColumnType, inferType, type Value } from "./values.ts";

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
  readonly reference: Readonly<Record<string, ArrayLike<Value>>>;
  readonly current: Readonly<Record<string, ArrayLike<Value>>>;
  /** @default by the values: "num" for numbers, else "cat" */
  readonly types?: Readonly<Record<string, ColumnType>> | undefined;
  readonly options?: DatasetDriftOptions | undefined;
}

export interface DatasetDrift {
  readonly columns: readonly (ColumnDrift & { readonly column: string; readonly type: ColumnType })[];
  /** Drifted columns: how many, which share, and whether that reaches `driftShare`. */
  readonly dataset: { readonly count: number; readonly share: number; readonly datasetDrift: boolean };
}

/**
 * Compares two data sets column by column.
 * @throws DriftError DIFFERENT_COLUMNS, and those of `columnDrift` with the column's name as `field`
 */
export function datasetDrift({ reference, current, types = {}, options = {} }: DatasetDriftRequest): DatasetDrift {
  const names = options.columns ?? Object.keys(reference);
  const strangers = options.columns === undefined ? Object.keys(current) : [];
  for (const name of [...names, ...strangers])
    for (const [side, data] of Object.entries({ reference, current }))
      if (data[name] === undefined)
        throw new DriftError(
          "DIFFERENT_COLUMNS",
          name,
          `column "${name}" is missing in ${side}: expected the same columns on both sides`,
        );
  if (names.length === 0)
    throw new DriftError("DIFFERENT_COLUMNS", "columns", "there are no columns: expected at least one");
  const columns = names.map((column) => {
    const before = reference[column]!;
    const type = types[column] ?? inferType(before);
    const [method, threshold] =
      type === "num" ? [options.numMethod, options.numThreshold] : [options.catMethod, options.catThreshold];
    try {
      const drift = columnDrift({
        reference: before,
        current: current[column]!,
        columnType: type,
        method: options.perColumnMethod?.[column] ?? method ?? options.method,
        threshold: options.perColumnThreshold?.[column] ?? threshold ?? options.threshold,
      });
      return { column, type, ...drift };
    } catch (error) {
      if (error instanceof DriftError) throw new DriftError(error.code, column, `column "${column}": ${error.message}`);
      throw error;
    }
  });
  const count = columns.filter(({ drifted }) => drifted).length;
  const share = count / columns.length;
  return { columns, dataset: { count, share, datasetDrift: share >= (options.driftShare ?? 0.5) } };
}
