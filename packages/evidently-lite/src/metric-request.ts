import { inferType, type Table } from "./column.ts";
import { type ColumnDriftRequest, columnDrift } from "./column-drift.ts";
import { dataSummary } from "./data-summary.ts";
import { type DatasetDriftOptions, datasetDrift } from "./dataset-drift.ts";
import { DriftError } from "./errors.ts";
import { columnOf, type MetricResult, type MetricValue } from "./metric.ts";
import type { ColumnType } from "./values.ts";

/** Bounds that a metric must keep; of a metric of several numbers `of` says which ("share", "mean" …). */
export interface MetricTest {
  readonly gte?: number | undefined;
  readonly lte?: number | undefined;
  /** Which number of a metric of several. */
  readonly of?: string | undefined;
}

/** One metric, by Evidently's name. */
export type MetricRequest = (
  | {
      readonly metric: "ValueDrift";
      readonly column: string;
      readonly method?: ColumnDriftRequest["method"];
      readonly threshold?: number | undefined;
    }
  | { readonly metric: "DriftedColumnsCount"; readonly options?: DatasetDriftOptions | undefined }
  | {
      /** A metric of the data summary. */
      readonly metric:
        | "RowCount"
        | "ColumnCount"
        | "DuplicatedRowCount"
        | "DuplicatedColumnsCount"
        | "AlmostDuplicatedColumnsCount"
        | "AlmostConstantColumnsCount"
        | "EmptyRowsCount"
        | "EmptyColumnsCount"
        | "ConstantColumnsCount"
        | "DatasetMissingValueCount"
        | "MissingValueCount"
        | "MinValue"
        | "MaxValue"
        | "MeanValue"
        | "StdValue"
        | "QuantileValue"
        | "UniqueValueCount";
      /** For a metric of a column. */
      readonly column?: string | undefined;
      /** For `QuantileValue`: 0.25, 0.5 or 0.75. */
      readonly quantile?: number | undefined;
    }
) & { readonly test?: MetricTest | undefined };

/** A metric with the verdict of its test. `ValueDrift` without a test fails where the column has drifted. */
export interface TestedMetric extends MetricResult {
  readonly passed: boolean | null;
}

interface Sides {
  readonly current: Table;
  readonly reference?: Table | undefined;
  readonly types: Readonly<Record<string, ColumnType>>;
}

/** @throws DriftError DIFFERENT_COLUMNS, UNKNOWN_METRIC, and those of the metrics */
export function requestedMetrics(requests: readonly MetricRequest[], sides: Sides): TestedMetric[] {
  let whole: MetricResult[] | undefined;
  return requests.map((request) => {
    if (request.metric === "ValueDrift") {
      const { column, method, threshold } = request;
      const reference = columnOf(needReference(sides), column);
      const type = sides.types[column] ?? inferType(reference);
      const drift = columnDrift({
        reference,
        current: columnOf(sides.current, column),
        columnType: type,
        method,
        threshold,
      });
      const config = { column, method: drift.method, threshold: drift.threshold };
      const passed = request.test === undefined ? !drift.drifted : keeps(drift.score, request.test);
      return { metric: request.metric, config, value: drift.score, passed };
    }
    if (request.metric === "DriftedColumnsCount") {
      const { current, types } = sides;
      const {
        count,
        share,
        datasetDrift: drifted,
      } = datasetDrift({
        current,
        reference: needReference(sides),
        types,
        options: request.options,
      }).dataset;
      const passed = request.test === undefined ? !drifted : keeps({ count, share }, request.test);
      return { metric: request.metric, config: {}, value: { count, share }, passed };
    }
    whole ??= dataSummary({ data: sides.current, types: sides.types });
    const { metric, column, quantile } = request;
    const found = whole.find(
      (one) =>
        one.metric === metric &&
        one.config["column"] === column &&
        (quantile === undefined || one.config["quantile"] === quantile) &&
        one.config["column_type"] === undefined,
    );
    if (found === undefined)
      throw new DriftError(
        "UNKNOWN_METRIC",
        column ?? metric,
        `metric "${metric}"${column === undefined ? "" : ` of column "${column}"`} is not there: expected a column of the right type for a metric of columns, and none for a metric of the data set`,
      );
    return { ...found, passed: request.test === undefined ? null : keeps(found.value, request.test) };
  });
}

function needReference({ reference }: Sides): Table {
  if (reference !== undefined) return reference;
  throw new DriftError("DIFFERENT_COLUMNS", "reference", "a metric of drift has no reference: expected a data set");
}

function keeps(value: MetricValue, { gte, lte, of }: MetricTest): boolean {
  const number = numberIn(value, of);
  return (gte === undefined || number >= gte) && (lte === undefined || number <= lte);
}

function numberIn(value: MetricValue, of: string | undefined): number {
  if (typeof value === "number") return value;
  const name = of ?? Object.keys(value)[0] ?? "";
  const part: unknown = Object.entries(value).find(([key]) => key === name)?.[1];
  if (typeof part === "number") return part;
  throw new DriftError(
    "UNKNOWN_METRIC",
    "of",
    `test.of is ${JSON.stringify(of)}: expected one of ${Object.keys(value).join(", ")}`,
  );
}
