import { defineSuite } from "@dagwright/expectations";

const COLUMN_TYPES = {
  customer_id: "bigint",
  date: "date",
  number_of_cds: "int",
  dollar_value: "double",
  month: "string",
} as const;

/** What must hold of the purchases before anything is learned from them. */
export const purchasesSuite = defineSuite({
  name: "purchases",
  table: "purchases",
  timestampColumn: "date",
  expectations: [
    ...Object.entries(COLUMN_TYPES).map(([column, type_]) => ({
      type: "expect_column_values_to_be_of_type" as const,
      kwargs: { column, type_ },
    })),
    ...Object.keys(COLUMN_TYPES).map((column) => ({
      type: "expect_column_values_to_not_be_null" as const,
      kwargs: { column },
    })),
    { type: "expect_column_values_to_be_between", kwargs: { column: "number_of_cds", min_value: 1 } },
    { type: "expect_column_values_to_be_between", kwargs: { column: "dollar_value", min_value: 0 } },
    // Some purchases cost nothing (80 of the 69,659 of the shipped sample); more than one in a hundred is suspicious.
    {
      type: "expect_column_values_to_be_between",
      kwargs: { column: "dollar_value", min_value: 0, strict_min: true, mostly: 0.99 },
      severity: "warning",
    },
    { type: "expect_column_max_to_be_within_interval", kwargs: { column: "date" } },
    {
      type: "expect_interval_row_count_to_be_near_trailing_mean",
      kwargs: { column: "date", trailingDays: 28, minFactor: 0.2, maxFactor: 3 },
      severity: "warning",
    },
  ],
});
