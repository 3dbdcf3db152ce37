import fc from "fast-check";
import { expect, test } from "vitest";
import { searchLine } from "./line-search.ts";

test("the step lowers the value enough", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.double({ min: 0.01, max: 100, noNaN: true }),
      fc.double({ min: 0.01, max: 100, noNaN: true }),
      async (least, first) => {
        // Convex, least at `least`, flat far from it.
        const valueAt = (step: number) => Math.sqrt(1 + (step - least) ** 2);
        const slopeAt = (step: number) => (step - least) / valueAt(step);
        const evaluate = async (step: number) => ({ value: valueAt(step), slope: slopeAt(step) });
        const step = await searchLine(evaluate, valueAt(0), slopeAt(0), first);
        expect(step).toBeGreaterThan(0);
        expect(valueAt(step!)).toBeLessThanOrEqual(valueAt(0) + 1e-3 * step! * slopeAt(0));
      },
    ),
  );
});
