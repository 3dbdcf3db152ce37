import { expect, it } from "vitest";
import { fromGreatExpectations } from "./great-expectations.ts";
import { defineSuite } from "./suite.ts";

const suiteOf = (expectation: object) => () => fromGreatExpectations({ name: "s", expectations: [expectation] });

it("a type that there is not is named, with those that are like it", () => {
  expect(suiteOf({ type: "expect_column_values_not_null", kwargs: { column: "a" } })).toThrow(
    'Expectation suite "s": expectations.0.type: there is no expectation "expect_column_values_not_null"; did you mean expect_column_values_to_not_be_null?',
  );
  expect(suiteOf({ type: "expect_foo", kwargs: {} })).toThrow(/there is no expectation "expect_foo"$/);
});

it("an argument that is wrong is named with its value and what was expected", () => {
  const type = "expect_column_values_to_be_unique" as const;
  expect(() => defineSuite({ name: "s", expectations: [{ type, kwargs: { column: "a", mostly: 2 } }] })).toThrow(
    'Expectation suite "s": expectations.0.kwargs.mostly: it is 2: expected number to be <=1',
  );
  expect(suiteOf({ type, kwargs: { columm: "a" } })).toThrow(
    "expectations.0.kwargs.column: expected string, received undefined",
  );
});

it("all that is wrong is told at once", () => {
  const between = "expect_column_values_to_be_between";
  const format = "expect_column_values_to_match_strftime_format";
  const suite = () =>
    fromGreatExpectations({
      name: "s",
      expectations: [
        { type: between, kwargs: { column: "a" } },
        { type: "expect_column_to_exist", kwargs: { columm: "a" } },
        { type: "expect_query_results_to_match_comparison", kwargs: {} },
        { type: format, kwargs: { column: "a", strftime_format: "%Y-%Q" } },
        { type: format, kwargs: { column: "a", strftime_format: "%Y-%V" } },
        { type: "expect_table_row_count_to_be_between", kwargs: { min_value: 3, max_value: 1 } },
      ],
    });
  expect(suite).toThrow(
    expect.objectContaining({
      code: "INVALID_SUITE",
      field: "expectations.0.kwargs",
      problems: [
        { field: "expectations.0.kwargs", problem: "min_value and max_value cannot both be missing" },
        { field: "expectations.1.kwargs.column", problem: "expected string, received undefined" },
        { field: "expectations.1.kwargs", problem: expect.stringContaining('"columm"') },
        { field: "expectations.2.type", problem: expect.stringContaining("compares queries over two data sources") },
        {
          field: "expectations.3.kwargs.strftime_format",
          problem: '"%Y-%Q" reads no date: %Q is no directive of strptime',
        },
        { field: "expectations.4.kwargs.strftime_format", problem: expect.stringContaining("%V needs the year %G") },
        { field: "expectations.5.kwargs", problem: "min_value cannot be greater than max_value" },
      ],
    }),
  );
});

it("what may be several kinds of value says which, and shows what it is", () => {
  expect(() =>
    fromGreatExpectations({
      name: "s",
      expectations: [
        { type: "expect_column_values_to_be_between", kwargs: { column: "a", min_value: { $PARAMETER: "low" } } },
        { type: "expect_column_max_to_be_recent", kwargs: { column: "a", maxAge: "-1d" } },
        { type: "ExpectColumnValuesToNotBeNull", kwargs: { column: "a" } },
        { type: "expect_column_to_exist", kwargs: { column: "a", row_condition: "(".repeat(20_000) } },
        { type: "expect_column_values_to_not_be_null", kwargs: { column: "a", row_condition: "(".repeat(20_000) } },
      ],
    }),
  ).toThrow(
    expect.objectContaining({
      problems: [
        {
          field: "expectations.0.kwargs.min_value",
          problem: 'it is {"$PARAMETER":"low"}: expected a number or a text',
        },
        { field: "expectations.1.kwargs.maxAge", problem: expect.stringContaining("expected a positive duration") },
        { field: "expectations.2.type", problem: expect.stringContaining("mean expect_column_values_to_not_be_null?") },
        { field: "expectations.3.kwargs", problem: expect.stringContaining('"row_condition"') },
        { field: "expectations.4.kwargs.row_condition", problem: expect.stringContaining("100 deep") },
      ],
    }),
  );
});
