import { expect, test } from "vitest";
import { fromGreatExpectations } from "./great-expectations.ts";

const between = { column: "price", min_value: 0, max_value: null };

test("a suite exported by Great Expectations 1.x is read, its run settings left out", () => {
  const suite = fromGreatExpectations({
    name: "orders",
    id: "d3b0",
    meta: { great_expectations_version: "1.24.1" },
    notes: null,
    expectations: [
      {
        id: "1",
        type: "expect_column_values_to_be_between",
        kwargs: {
          ...between,
          batch_id: "x",
          row_condition: { type: "comparison", column: { name: "tier" }, operator: "==", parameter: "gold" },
        },
        meta: {},
        severity: "warning",
      },
      { type: "expect_column_values_to_be_unique", kwargs: { column: "id", row_condition: 'col("id").notNull()' } },
      { type: "expect_column_mean_to_be_between", kwargs: { ...between, row_condition: 'col("qty") >= 2.5' } },
    ],
  });
  expect(suite.name).toBe("orders");
  expect(suite.expectations).toMatchObject([
    { severity: "warning", kwargs: { min_value: 0, row_condition: { column: "tier", operator: "==", value: "gold" } } },
    { severity: "critical", kwargs: { row_condition: { column: "id", operator: "is_not_null" } } },
    { kwargs: { row_condition: { column: "qty", operator: ">=", value: 2.5 } } },
  ]);
});

test("the keys of 0.18 are read", () => {
  const suite = fromGreatExpectations({
    expectation_suite_name: "old",
    expectations: [{ expectation_type: "expect_table_row_count_to_equal", kwargs: { value: 3 }, meta: {} }],
  });
  expect(suite).toEqual({
    name: "old",
    expectations: [{ type: "expect_table_row_count_to_equal", kwargs: { value: 3 }, severity: "critical" }],
  });
});

test("what cannot be honoured is refused by name", () => {
  const read = (type: string, kwargs: object) => () =>
    fromGreatExpectations({ name: "orders", expectations: [{ type, kwargs }] });
  expect(read("expect_moon", {})).toThrow("expectations.0.type");
  expect(read("expect_query_results_to_match_comparison", {})).toThrow(
    'expectations.0.type: "expect_query_results_to_match_comparison" compares queries over two data sources, and a suite sees one table',
  );
  expect(read("expect_table_row_count_to_equal", { value: 1, row_condition: "a + b > 2" })).toThrow(
    'Expectation suite "orders": expectations.0.kwargs.row_condition: "a + b > 2" is not understood from "+ b > 2"; expected comparisons of columns with values, in, is null, and, or, not',
  );
  expect(() => fromGreatExpectations([])).toThrow('Expectation suite "Great Expectations"');
});
