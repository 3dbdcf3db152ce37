import { countColumn } from "./category-sample.ts";
import { type Column, inferType, type Table, valueReader } from "./column.ts";
import { duplicatedRows } from "./duplicates.ts";
import { DriftError } from "./errors.ts";
import { columnOf, type MetricResult } from "./metric.ts";
import { deviation, mean, quantile } from "./moments.ts";
import { numberSource } from "./number-source.ts";
import type { Category, ColumnType, Value } from "./values.ts";

/** A share of equal values from which on columns are almost constant, or almost the same (Evidently 0.7). */
const ALMOST = 0.95;
const QUANTILES = [0.25, 0.5, 0.75];

/** What is summarised. */
export interface DataSummaryRequest {
  readonly data: Table;
  /** @default by the values: "num" for numbers, else "cat" */
  readonly types?: Readonly<Record<string, ColumnType>> | undefined;
}

/**
 * Shape and quality of a data set: the metrics of Evidently 0.7.23's `DataSummaryPreset`. Infinities of a quantity count as
 * values here; `DatasetMissingValueCount.share` is by rows, not by cells; `StdValue` has ddof 1.
 * @throws DriftError DIFFERENT_COLUMNS for no columns, an unknown one or columns of different length, NOT_A_NUMBER
 */
export function dataSummary({ data, types = {} }: DataSummaryRequest): MetricResult[] {
  const columns = summarisedColumns(data, types);
  const rows = columns[0]?.values.length ?? 0;
  for (const { name, values } of columns)
    if (values.length !== rows)
      throw new DriftError(
        "DIFFERENT_COLUMNS",
        name,
        `column "${name}" has ${values.length} rows: expected ${rows}, as "${columns[0]?.name}" has`,
      );
  if (rows === 0) throw new DriftError("DIFFERENT_COLUMNS", "data", "there are no rows: expected at least one");
  const profiles = columns.map((column) => ({ ...column, ...profile(column) }));
  const count = (test: (column: (typeof profiles)[number]) => boolean) => profiles.filter(test).length;
  const missing = profiles.reduce((sum, column) => sum + column.missing, 0);
  const numeric = count(({ type }) => type === "num");
  const pairs = columnPairs(profiles, rows);
  const whole = (metric: string, value: MetricResult["value"], columnType?: string): MetricResult => ({
    metric,
    config: columnType === undefined ? {} : { column_type: `ColumnType.${columnType}` },
    value,
  });
  const readers = columns.map(({ read }) => read);
  return [
    whole("RowCount", rows),
    whole("ColumnCount", columns.length),
    whole("ColumnCount", numeric, "Numerical"),
    whole("ColumnCount", columns.length - numeric, "Categorical"),
    whole("ColumnCount", 0, "Datetime"),
    whole("ColumnCount", 0, "Text"),
    whole("DuplicatedRowCount", duplicatedRows(readers, rows)),
    whole("DuplicatedColumnsCount", pairs.same),
    whole("AlmostDuplicatedColumnsCount", pairs.almost),
    whole(
      "AlmostConstantColumnsCount",
      count(({ most }) => most / rows >= ALMOST),
    ),
    whole("EmptyRowsCount", emptyRows(readers, rows)),
    whole(
      "EmptyColumnsCount",
      count((column) => column.missing === rows),
    ),
    whole(
      "ConstantColumnsCount",
      count(({ distinct }) => distinct <= 1),
    ),
    whole("DatasetMissingValueCount", { count: missing, share: missing / rows }),
    ...profiles.flatMap(({ metrics }) => metrics),
  ];
}

interface SummarisedColumn {
  readonly name: string;
  readonly values: Column;
  readonly type: ColumnType;
  readonly read: (row: number) => Value;
}

function summarisedColumns(data: Table, types: Readonly<Record<string, ColumnType>>): SummarisedColumn[] {
  return Object.keys({ ...data, ...types }).map((name) => {
    const values = columnOf(data, name);
    return { name, values, type: types[name] ?? inferType(values), read: valueReader(values) };
  });
}

/** Null, undefined and NaN; not the infinities. */
function isMissing(value: Value): value is null | undefined {
  return value === null || value === undefined || (typeof value === "number" && Number.isNaN(value));
}

interface Profile {
  readonly missing: number;
  readonly distinct: number;
  /** How often the most frequent value occurs. */
  readonly most: number;
  readonly metrics: readonly MetricResult[];
}

function profile(column: SummarisedColumn): Profile {
  return column.type === "num" ? profileNumbers(column) : profileCategories(column);
}

function profileCategories({ name, values }: SummarisedColumn): Profile {
  const rows = values.length;
  const counted = countColumn(values);
  let present = 0;
  let most = 0;
  for (const count of counted.values()) {
    present += count;
    if (count > most) most = count;
  }
  const missing = rows - present;
  return { missing, distinct: counted.size, most, metrics: [missingCount(name, missing, rows), uniqueCounts()] };

  function uniqueCounts(): MetricResult {
    const counts = Object.fromEntries([...counted].map(([label, count]: [Category, number]) => [String(label), count]));
    if (missing > 0) counts["None"] ??= 0;
    const shares = Object.fromEntries(Object.entries(counts).map(([label, count]) => [label, count / rows]));
    return { metric: "UniqueValueCount", config: { column: name }, value: { counts, shares } };
  }
}

function missingCount(column: string, missing: number, rows: number): MetricResult {
  return { metric: "MissingValueCount", config: { column }, value: { count: missing, share: missing / rows } };
}

function profileNumbers({ name, values }: SummarisedColumn): Profile {
  const rows = values.length;
  const numbers = new Float64Array(rows);
  let size = 0;
  numberSource(values, name).each((block, length) => {
    for (let at = 0; at < length; at++) if (!Number.isNaN(block[at]!)) numbers[size++] = block[at]!;
  });
  const sorted = numbers.subarray(0, size).sort();
  let distinct = 0;
  let most = 0;
  for (let from = 0; from < size; ) {
    let to = from + 1;
    while (sorted[to] === sorted[from]) to += 1;
    distinct += 1;
    if (to - from > most) most = to - from;
    from = to;
  }
  const statistic = (metric: string, value: number, quantileOf?: number): MetricResult => ({
    metric,
    config: { column: name, ...(quantileOf === undefined ? {} : { quantile: quantileOf }) },
    value,
  });
  return {
    missing: rows - size,
    distinct,
    most,
    metrics: [
      missingCount(name, rows - size, rows),
      statistic("MinValue", sorted[0] ?? Number.NaN),
      statistic("MaxValue", sorted.at(-1) ?? Number.NaN),
      statistic("MeanValue", mean(sorted)),
      statistic("StdValue", deviation(sorted, 1)),
      ...QUANTILES.map((q) => statistic("QuantileValue", quantile(sorted, q), q)),
    ],
  };
}

/**
 * Pairs of columns of one type: equal throughout, where missing equals missing, and equal in 95 % of the rows, where it
 * does among texts and booleans alone: pandas holds them as objects, `None` among them, and missing numbers as NaN.
 */
function columnPairs(columns: readonly SummarisedColumn[], rows: number): { same: number; almost: number } {
  let same = 0;
  let almost = 0;
  // More rows than these may not differ; beyond, the pair is neither.
  const allowed = rows * (1 - ALMOST) + 1;
  for (const [at, one] of columns.entries())
    for (const two of columns.slice(at + 1)) {
      if (one.type !== two.type) continue;
      let equal = 0;
      let bothMissing = 0;
      for (let row = 0; row < rows && row - equal - bothMissing <= allowed; row++) {
        const [a, b] = [one.read(row), two.read(row)];
        if (isMissing(a) && isMissing(b)) bothMissing += 1;
        else if (a === b) equal += 1;
      }
      if (equal + bothMissing === rows) same += 1;
      if ((holdsNumbers(one) ? equal : equal + bothMissing) / rows >= ALMOST) almost += 1;
    }
  return { same, almost };
}

/** Whether a column is one of numbers, or of categories that are numbers. */
function holdsNumbers({ type, read, values }: SummarisedColumn): boolean {
  if (type === "num") return true;
  for (let row = 0; row < values.length; row++) {
    const value = read(row);
    if (!isMissing(value)) return typeof value === "number" || typeof value === "bigint";
  }
  return false;
}

function emptyRows(readers: readonly ((row: number) => Value)[], rows: number): number {
  let empty = 0;
  for (let row = 0; row < rows; row++) if (readers.every((read) => isMissing(read(row)))) empty += 1;
  return empty;
}
