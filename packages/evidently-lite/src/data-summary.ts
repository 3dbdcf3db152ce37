import { DriftError } from "./errors.ts";
import { columnOf, type MetricResult, type Table } from "./metric.ts";
import { deviation, mean, quantile } from "./moments.ts";
import { type ColumnType, inferType, type Value } from "./values.ts";

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
 * Shape and quality of a data set: the metrics of Evidently 0.7.23's `DataSummaryPreset`. Infinities count as values here;
 * `DatasetMissingValueCount.share` is by rows, not by cells; `StdValue` has ddof 1.
 * @throws DriftError DIFFERENT_COLUMNS for no columns, an unknown one or columns of different length, NOT_A_NUMBER
 */
export function dataSummary({ data, types = {} }: DataSummaryRequest): MetricResult[] {
  const names = Object.keys({ ...data, ...types });
  const columns = names.map((name) => {
    const values = columnOf(data, name);
    return { name, values, type: types[name] ?? inferType(values) };
  });
  const rows = columns[0]?.values.length ?? 0;
  for (const { name, values } of columns)
    if (values.length !== rows)
      throw new DriftError(
        "DIFFERENT_COLUMNS",
        name,
        `column "${name}" has ${values.length} rows: expected ${rows}, as "${names[0]}" has`,
      );
  if (rows === 0) throw new DriftError("DIFFERENT_COLUMNS", "data", "there are no rows: expected at least one");
  const profiles = columns.map((column) => ({ ...column, ...profile(column.values) }));
  const count = (test: (column: (typeof profiles)[number]) => boolean) => profiles.filter(test).length;
  const missing = profiles.reduce((sum, column) => sum + column.missing, 0);
  const numeric = count(({ type }) => type === "num");
  const pairs = columnPairs(profiles, rows);
  const whole = (metric: string, value: MetricResult["value"], columnType?: string): MetricResult => ({
    metric,
    config: columnType === undefined ? {} : { column_type: `ColumnType.${columnType}` },
    value,
  });
  return [
    whole("RowCount", rows),
    whole("ColumnCount", columns.length),
    whole("ColumnCount", numeric, "Numerical"),
    whole("ColumnCount", columns.length - numeric, "Categorical"),
    whole("ColumnCount", 0, "Datetime"),
    whole("ColumnCount", 0, "Text"),
    whole("DuplicatedRowCount", duplicatedRows(columns, rows)),
    whole("DuplicatedColumnsCount", pairs.same),
    whole("AlmostDuplicatedColumnsCount", pairs.almost),
    whole(
      "AlmostConstantColumnsCount",
      count(({ most }) => most / rows >= ALMOST),
    ),
    whole("EmptyRowsCount", emptyRows(columns, rows)),
    whole(
      "EmptyColumnsCount",
      count((column) => column.missing === rows),
    ),
    whole(
      "ConstantColumnsCount",
      count(({ counts }) => counts.size <= 1),
    ),
    whole("DatasetMissingValueCount", { count: missing, share: missing / rows }),
    ...profiles.flatMap((column) => columnMetrics(column, rows)),
  ];
}

/** Null, undefined and NaN; not the infinities. */
function isMissing(value: Value): value is null | undefined {
  return value === null || value === undefined || Number.isNaN(value);
}

interface Profile {
  readonly counts: ReadonlyMap<Value, number>;
  readonly missing: number;
  /** How often the most frequent value occurs. */
  readonly most: number;
}

function profile(values: ArrayLike<Value>): Profile {
  const counts = new Map<Value, number>();
  let missing = 0;
  let most = 0;
  for (let row = 0; row < values.length; row++) {
    const value = values[row];
    if (isMissing(value)) missing += 1;
    else {
      const count = (counts.get(value) ?? 0) + 1;
      counts.set(value, count);
      if (count > most) most = count;
    }
  }
  return { counts, missing, most };
}

interface Column {
  readonly name: string;
  readonly values: ArrayLike<Value>;
  readonly type: ColumnType;
}

function columnMetrics(column: Column & Profile, rows: number): MetricResult[] {
  const config = { column: column.name };
  const missing = {
    metric: "MissingValueCount",
    config,
    value: { count: column.missing, share: column.missing / rows },
  };
  if (column.type === "cat") {
    const counts = Object.fromEntries([...column.counts].map(([label, count]) => [String(label), count]));
    if (column.missing > 0) counts["None"] ??= 0;
    const shares = Object.fromEntries(Object.entries(counts).map(([label, count]) => [label, count / rows]));
    return [missing, { metric: "UniqueValueCount", config, value: { counts, shares } }];
  }
  const sorted = presentNumbers(column).sort();
  const statistic = (metric: string, value: number) => ({ metric, config, value });
  return [
    missing,
    statistic("MinValue", sorted[0] ?? Number.NaN),
    statistic("MaxValue", sorted.at(-1) ?? Number.NaN),
    statistic("MeanValue", mean(sorted)),
    statistic("StdValue", deviation(sorted, 1)),
    ...QUANTILES.map((q) => ({
      metric: "QuantileValue",
      config: { ...config, quantile: q },
      value: quantile(sorted, q),
    })),
  ];
}

function presentNumbers({ name, values }: Column): Float64Array {
  const numbers = new Float64Array(values.length);
  let size = 0;
  for (let row = 0; row < values.length; row++) {
    const value = values[row];
    if (isMissing(value)) continue;
    if (typeof value === "string")
      throw new DriftError("NOT_A_NUMBER", name, `column "${name}" holds the text "${value}": expected numbers`);
    numbers[size++] = Number(value);
  }
  return numbers.subarray(0, size);
}

/** Pairs of columns of one type: equal throughout (missing equals missing), and equal in 95 % of the rows (it does not). */
function columnPairs(columns: readonly (Column & Profile)[], rows: number): { same: number; almost: number } {
  let same = 0;
  let almost = 0;
  for (const [at, one] of columns.entries())
    for (const two of columns.slice(at + 1)) {
      if (one.type !== two.type) continue;
      // More rows than these may not differ; beyond, the pair is neither.
      const allowed = rows * (1 - ALMOST) + 1;
      let equal = 0;
      let bothMissing = 0;
      for (let row = 0; row < rows && row - equal - bothMissing <= allowed; row++) {
        const [a, b] = [one.values[row], two.values[row]];
        if (isMissing(a) && isMissing(b)) bothMissing += 1;
        else if (a === b) equal += 1;
      }
      if (equal + bothMissing === rows) same += 1;
      if (equal / rows >= ALMOST) almost += 1;
    }
  return { same, almost };
}

/** Rows that were there before. */
function duplicatedRows(columns: readonly Column[], rows: number): number {
  const seen = new Set<string>();
  for (let row = 0; row < rows; row++) {
    let key = "";
    for (const { values } of columns) {
      const value = values[row];
      key += isMissing(value) ? "-" : typeof value === "string" ? JSON.stringify(value) : `${value}`;
      key += ",";
    }
    seen.add(key);
  }
  return rows - seen.size;
}

function emptyRows(columns: readonly Column[], rows: number): number {
  let empty = 0;
  for (let row = 0; row < rows; row++) if (columns.every(({ values }) => isMissing(values[row]))) empty += 1;
  return empty;
}
