import { expect, test } from "vitest";
import { formatResult } from "./result-format.ts";
import type { ExpectationResult } from "./validate.ts";

const pair: ExpectationResult = {
  type: "expect_column_pair_values_to_be_equal",
  kwargs: { column_A: "a", column_B: "b", ignore_row_if: "both_values_are_missing" },
  severity: "critical",
  success: false,
  observed: null,
  elementCount: 10,
  missingCount: 2,
  unexpectedCount: 4,
  unexpectedPercent: 50,
  sample: [
    { row: 1, a: 1, b: "x" },
    { row: 3, a: 1, b: "x" },
    { row: 4, a: null, b: "x" },
    { row: 7, a: null, b: "x" },
  ],
};

test("each format tells more than the one before", () => {
  const told = (format: "BOOLEAN_ONLY" | "BASIC" | "SUMMARY" | "COMPLETE") =>
    formatResult(pair, { format, indexColumn: "row", numberColumns: ["a"] });
  const list = [
    [1, "x"],
    [1, "x"],
    [null, "x"],
    [null, "x"],
  ];
  expect(told("BOOLEAN_ONLY")).toEqual({});
  const basic = {
    element_count: 10,
    unexpected_count: 4,
    unexpected_percent: 50,
    partial_unexpected_list: list,
    missing_count: 2,
    missing_percent: 20,
    unexpected_percent_total: 40,
    unexpected_percent_nonmissing: 50,
  };
  expect(told("BASIC")).toEqual(basic);
  const summary = {
    ...basic,
    partial_unexpected_counts: [
      { value: [1, "x"], count: 2 },
      { value: [null, "x"], count: 1 },
      { value: [null, "x"], count: 1 },
    ],
    partial_unexpected_index_list: [1, 3, 4, 7],
  };
  expect(told("SUMMARY")).toEqual(summary);
  expect(told("COMPLETE")).toEqual({ ...summary, unexpected_list: list, unexpected_index_list: [1, 3, 4, 7] });
});
