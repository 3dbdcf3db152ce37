import { expect, test } from "vitest";
import { NotEvaluableError } from "./errors.ts";
import { inTime } from "./in-time.ts";
import { pythonRegex } from "./python-regex.ts";

test("a regular expression that does not come to an end is stopped", () => {
  const { test: matches } = pythonRegex("(?!x)(a+)+$");
  expect(() => inTime(() => matches(`${"a".repeat(40)}!`), 50)).toThrow(NotEvaluableError);
  expect(inTime(() => matches("aaa"), 60_000)).toBe(true);
  const broken = new Error("broken");
  expect(() =>
    inTime(() => {
      throw broken;
    }),
  ).toThrow(broken);
});
