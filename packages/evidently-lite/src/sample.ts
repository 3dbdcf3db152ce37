import { CategorySample } from "./category-sample.ts";
import type { Column } from "./column.ts";
import { checkedType, invalid, isColumn } from "./input-checks.ts";
import { NumberSample, type NumberView } from "./number-sample.ts";
import type { Category, ColumnType } from "./values.ts";

/** One side of a column, read as its type says. */
export type Sample = NumberSample | CategorySample;

/** What the methods ask of the categories of a side. */
export interface CategoryView {
  readonly kind: "cat";
  counts(): ReadonlyMap<Category, number>;
}

/** One side of a column, at hand or sketched. */
export type SampleView = NumberView | CategoryView;

/**
 * A column as a sample; `field` is what errors call it. Nothing is read yet.
 * @throws DriftError INVALID_INPUT
 */
export function sampleOf(column: Column, field: string, type: ColumnType): Sample {
  if (!isColumn(column)) throw invalid(field, column, "an array, a typed array or an Arrow vector");
  return checkedType("type", type) === "num" ? new NumberSample(column, field) : new CategorySample(column, field);
}
