import type { Column, Table } from "./column.ts";
import { DriftError } from "./errors.ts";

/** A value of a metric: a number (NaN where it is not defined), named numbers, or numbers by label. */
export type MetricValue = number | Readonly<Record<string, number>> | LabelCounts;

/** How often each label occurs, and its share of all rows. */
interface LabelCounts {
  readonly counts: Readonly<Record<string, number>>;
  readonly shares: Readonly<Record<string, number>>;
}

/** A metric of a preset, named as in Evidently 0.7. */
export interface MetricResult {
  readonly metric: string;
  /** What tells metrics of the same name apart: `column`, `column_type`, `quantile`. */
  readonly config: Readonly<Record<string, string | number>>;
  readonly value: MetricValue;
}

/** @throws DriftError DIFFERENT_COLUMNS */
export function columnOf(data: Table, name: string): Column {
  const column = data[name];
  if (column !== undefined) return column;
  throw new DriftError(
    "DIFFERENT_COLUMNS",
    name,
    `column "${name}" is missing: expected one of ${Object.keys(data).join(", ")}`,
  );
}
