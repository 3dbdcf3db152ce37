import { expect, test } from "vitest";
import { BadRows } from "./bad-rows.ts";

/** The message after rows of which some are bad, and how many were looked at. */
function looked(rows: number, isBad: (row: number) => boolean): { message: string; at: number } {
  const bad = new BadRows();
  let at = 0;
  try {
    for (; at < rows; at++) {
      bad.goOn();
      if (isBad(at)) bad.add("a.csv", at + 1, "it is wrong.");
    }
    bad.throwIfAny();
  } catch (error) {
    return { message: error instanceof Error ? error.message : "", at };
  }
  return { message: "", at };
}

test("all bad rows of a file are counted, or those of the million rows after the first", () => {
  expect(looked(10, () => false)).toEqual({ message: "", at: 10 });
  expect(looked(1000, (row) => row === 7)).toEqual({
    ...{ message: "a.csv, line 8: it is wrong. It is the only bad row. Nothing was written.", at: 1000 },
  });
  expect(looked(1000, (row) => row % 2 === 1).message).toContain("line 2: it is wrong. 500 rows are bad in all.");
  const many = looked(5_000_000, (row) => row >= 3 && row % 2 === 1);
  expect(many.at).toBe(1_000_004);
  expect(many.message).toContain("line 4: it is wrong. 500001 rows are bad of the 1000001 from there on");
});
