/** The table and the 30 expectations of the benchmark: an ordinary suite about an ordinary table of orders. */
import { defineSuite } from "@dagwright/expectations";

/** DuckDB's SELECT of the table: texts of few and of many values, numbers, moments, one null in fifty. */
export function ordersSelect(rows: number): string {
  const some = (salt: number) => `hash(i * 31 + ${salt})`;
  return `SELECT i AS id,
    CASE WHEN ${some(1)} % 50 = 0 THEN NULL ELSE round(5 + (${some(2)} % 100000) / 500.0, 2) END AS price,
    CAST(${some(3)} % 12 AS INTEGER) AS qty,
    CAST(${some(4)} % 100 AS DOUBLE) AS discount,
    CASE WHEN ${some(5)} % 50 = 0 THEN NULL ELSE ['Oslo', 'Bergen', 'Narvik', 'Bodø', 'Tromsø', 'Molde'][1 + CAST(${some(6)} % 6 AS INTEGER)] END AS city,
    ['gold', 'silver'][1 + CAST(${some(7)} % 5 = 0 AS INTEGER)] AS tier,
    'user' || (i % 1000000) || '@example.org' AS email,
    'AB-' || lpad(CAST(i % 10000 AS VARCHAR), 4, '0') AS code,
    TIMESTAMP '2026-01-01' + INTERVAL (i % 8640000) SECOND AS ordered,
    ${some(8)} % 3 = 0 AS paid
  FROM range(${rows}) AS t(i)`;
}

const column = (name: string) => ({ column: name });

export const ordersSuite = (rows: number) =>
  defineSuite({
    name: "orders",
    expectations: [
      { type: "expect_table_row_count_to_be_between", kwargs: { min_value: 1, max_value: rows } },
      {
        type: "expect_table_columns_to_match_set",
        kwargs: { column_set: ["id", "price", "qty", "discount", "city", "tier", "email", "code", "ordered", "paid"] },
      },
      { type: "expect_column_to_exist", kwargs: column("price") },
      ...["id", "qty", "discount", "tier", "email", "code"].map((name) => ({
        type: "expect_column_values_to_not_be_null" as const,
        kwargs: column(name),
      })),
      { type: "expect_column_values_to_not_be_null", kwargs: { ...column("price"), mostly: 0.95 } },
      { type: "expect_column_values_to_be_unique", kwargs: column("id") },
      { type: "expect_column_values_to_be_between", kwargs: { ...column("price"), min_value: 0, max_value: 300 } },
      { type: "expect_column_values_to_be_between", kwargs: { ...column("qty"), min_value: 0, max_value: 11 } },
      {
        type: "expect_column_values_to_be_between",
        kwargs: { ...column("discount"), min_value: 0, max_value: 98, mostly: 0.9 },
      },
      {
        type: "expect_column_values_to_be_in_set",
        kwargs: { ...column("city"), value_set: ["Oslo", "Bergen", "Narvik", "Bodø", "Tromsø", "Molde"] },
      },
      { type: "expect_column_values_to_be_in_set", kwargs: { ...column("tier"), value_set: ["gold", "silver"] } },
      { type: "expect_column_values_to_match_regex", kwargs: { ...column("email"), regex: "^[^@]+@[^@]+\\.org$" } },
      { type: "expect_column_values_to_match_regex", kwargs: { ...column("code"), regex: "^[A-Z]{2}-\\d{4}$" } },
      { type: "expect_column_value_lengths_to_equal", kwargs: { ...column("code"), value: 7 } },
      { type: "expect_column_mean_to_be_between", kwargs: { ...column("price"), min_value: 90, max_value: 120 } },
      { type: "expect_column_median_to_be_between", kwargs: { ...column("price"), min_value: 90, max_value: 120 } },
      { type: "expect_column_stdev_to_be_between", kwargs: { ...column("price"), min_value: 10, max_value: 100 } },
      { type: "expect_column_sum_to_be_between", kwargs: { ...column("qty"), min_value: 1 } },
      { type: "expect_column_min_to_be_between", kwargs: { ...column("price"), min_value: 0, max_value: 10 } },
      { type: "expect_column_max_to_be_between", kwargs: { ...column("price"), min_value: 100, max_value: 300 } },
      {
        type: "expect_column_unique_value_count_to_be_between",
        kwargs: { ...column("code"), min_value: 1, max_value: 10_000 },
      },
      {
        type: "expect_column_distinct_values_to_be_in_set",
        kwargs: { ...column("tier"), value_set: ["gold", "silver", "bronze"] },
      },
      {
        type: "expect_column_quantile_values_to_be_between",
        kwargs: {
          ...column("discount"),
          quantile_ranges: {
            quantiles: [0.05, 0.5, 0.95],
            value_ranges: [
              [0, 10],
              [45, 55],
              [90, 99],
            ],
          },
        },
      },
      {
        type: "expect_column_pair_values_a_to_be_greater_than_b",
        kwargs: { column_A: "discount", column_B: "qty", or_equal: true, mostly: 0.9 },
      },
      {
        type: "expect_column_values_to_be_between",
        kwargs: { ...column("price"), min_value: 0, row_condition: { column: "tier", operator: "==", value: "gold" } },
      },
    ],
  });
