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

/** Two columns of a data set, whose rows belong together. @throws DriftError DIFFERENT_COLUMNS */
export function pairOf(data: Table, one: string, two: string): readonly [Column, Column] {
  const [first, second] = [columnOf(data, one), columnOf(data, two)];
  if (first.length === second.length) return [first, second];
  throw new DriftError(
    "DIFFERENT_COLUMNS",
    two,
    `column "${two}" has ${second.length} rows: expected ${first.length}, as "${one}" has`,
  );
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
