import type { Json } from "./plan.ts";
import type { ExpectationResult } from "./validate.ts";

/** How much of a result is told, as in Great Expectations. */
export type ResultFormat = "BOOLEAN_ONLY" | "BASIC" | "SUMMARY" | "COMPLETE";

export interface ResultFormatOptions {
  /** @default "SUMMARY" */
  readonly format?: ResultFormat | undefined;
  /** Column that names a row; without it no index lists are told. */
  readonly indexColumn?: string | undefined;
  /** Columns of numbers: a missing one is counted alone, as pandas' NaN equals not even itself. @default none */
  readonly numberColumns?: readonly string[] | undefined;
}

/** Values of a partial list. */
const PARTIAL = 20;

/**
 * A result with the keys of Great Expectations 1.24: counts and percents, partial lists of at most 20 values, and for
 * `COMPLETE` every unexpected value. Lists hold what the validation sampled: set its `sampleSize` to as many rows.
 */
export function formatResult(result: ExpectationResult, options: ResultFormatOptions = {}): Record<string, Json> {
  const { format = "SUMMARY", indexColumn, numberColumns = [] } = options;
  if (format === "BOOLEAN_ONLY" || result.exception !== undefined) return {};
  const { elementCount, missingCount, unexpectedCount, unexpectedPercent, unexpectedValues, missingValues } = result;
  if (unexpectedValues !== undefined || missingValues !== undefined) {
    return {
      observed_value: result.observed,
      ...(unexpectedValues && { unexpected_count: unexpectedCount, partial_unexpected_list: unexpectedValues }),
      ...(missingValues && { missing_count: missingCount, partial_missing_list: missingValues }),
    };
  }
  if (elementCount === null || unexpectedCount === null) return { observed_value: result.observed };
  const columns = columnsOf(result.kwargs);
  const values = result.sample.map((row) => unexpectedOf(row, result.kwargs));
  const indices = result.sample.map((row) => (indexColumn === undefined ? null : (row[indexColumn] ?? null)));
  // As there: without all values the counts are those of the partial list.
  const counted = format === "COMPLETE" ? result.sample : result.sample.slice(0, PARTIAL);
  const percent = (count: number) => (elementCount === 0 ? null : (count / elementCount) * 100);
  return {
    element_count: elementCount,
    unexpected_count: unexpectedCount,
    unexpected_percent: unexpectedPercent,
    partial_unexpected_list: values.slice(0, PARTIAL),
    ...(missingCount !== null && {
      missing_count: missingCount,
      missing_percent: percent(missingCount),
      unexpected_percent_total: percent(unexpectedCount),
      unexpected_percent_nonmissing: unexpectedPercent,
    }),
    ...(format !== "BASIC" && {
      partial_unexpected_counts: countsOf(
        counted.map((row) => columns.map((column) => row[column] ?? null)),
        columns.map((column) => numberColumns.includes(column)),
      ),
      ...(indexColumn !== undefined && { partial_unexpected_index_list: indices.slice(0, PARTIAL) }),
    }),
    ...(format === "COMPLETE" && {
      unexpected_list: values,
      ...(indexColumn !== undefined && { unexpected_index_list: indices }),
    }),
  };
}

type Row = ExpectationResult["sample"][number];
type Kwargs = ExpectationResult["kwargs"];

function columnsOf(kwargs: Kwargs): readonly string[] {
  if ("column_list" in kwargs) return kwargs.column_list ?? [];
  if ("column_A" in kwargs) return [kwargs.column_A, kwargs.column_B];
  return "column" in kwargs ? [kwargs.column] : [];
}

/** One value, a pair, or an object of several columns: what the expectation is about. */
function unexpectedOf(row: Row, kwargs: Kwargs): Json {
  const columns = columnsOf(kwargs);
  if ("column_list" in kwargs) return Object.fromEntries(columns.map((column) => [column, row[column] ?? null]));
  const cells = columns.map((column) => row[column] ?? null);
  return "column_A" in kwargs ? cells : (cells[0] ?? null);
}

/** Values with their counts; several columns make a list. */
function countsOf(rows: readonly (readonly Json[])[], numeric: readonly boolean[]): { value: Json; count: number }[] {
  const counts = new Map<string, { value: Json; count: number }>();
  for (const [index, cells] of rows.entries()) {
    const lone = cells.some((cell, position) => cell === null && numeric[position] === true);
    const key = lone ? `missing ${index}` : JSON.stringify(cells);
    const value = cells.length === 1 ? (cells[0] ?? null) : cells;
    counts.set(key, { value, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  // The most frequent, of equally frequent ones those that came first.
  return [...counts.values()].toSorted((a, b) => b.count - a.count).slice(0, PARTIAL);
}
