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
