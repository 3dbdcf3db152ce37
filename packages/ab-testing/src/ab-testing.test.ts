import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  chiSquaredTest,
  differenceInterval,
  fisherExactTest,
  kolmogorovSmirnovTest,
  mannWhitneyTest,
  normalCdf,
  normalPpf,
  normalSf,
  proportionInterval,
  proportionsZTest,
  sampleSize,
  tSf,
  tTest,
} from "./index.ts";

const counts = fc.integer({ min: 1, max: 400 }).chain((n) => fc.tuple(fc.integer({ min: 0, max: n }), fc.constant(n)));

describe("the statistics of scipy 1.17 and statsmodels 0.15", () => {
  test("two proportions", () => {
    expect(proportionsZTest([45, 60], [500, 510]).pValue).toBeCloseTo(0.1500566742481263, 12);
    expect(proportionsZTest([45, 60], [500, 510], "smaller").pValue).toBeCloseTo(0.07502833712406315, 12);
    expect(differenceInterval([45, 60], [500, 510]).low).toBeCloseTo(-0.06558147941693743, 12);
    expect(proportionInterval(5, 40, { method: "beta" }).high).toBeCloseTo(0.26803291736172047, 12);
    expect(sampleSize({ p1: 0.5, p2: 0.55, alpha: 0.01, power: 0.9 }).n).toBeCloseTo(2965.9379044400143, 6);
  });

  test("tables", () => {
    const table = [
      [45, 455],
      [60, 450],
    ];
    expect(chiSquaredTest(table).pValue).toBeCloseTo(0.18147401732079105, 12);
    expect(fisherExactTest(table).pValue).toBeCloseTo(0.17992899304902094, 10);
  });

  test("means, with ties", () => {
    const [a, b] = [
      [1, 2, 3],
      [2, 2, 5],
    ];
    expect(tTest(a, b).pValue).toBeCloseTo(0.4465390233346132, 12);
    expect(tTest(a, b, { equalVariance: true }).pValue).toBeCloseTo(0.4353309425143758, 12);
    expect(mannWhitneyTest(a, b)).toEqual({ u: 3, pValue: expect.closeTo(0.6428348264908044, 12) });
    expect(kolmogorovSmirnovTest(a, b)).toEqual({ d: 1 / 3, pValue: 1 });
  });

  test("small samples without ties are counted: 1 of 20 orders at each end", () => {
    expect(mannWhitneyTest([1, 2, 3], [4, 5, 6])).toEqual({ u: 0, pValue: expect.closeTo(0.1, 14) });
    expect(kolmogorovSmirnovTest([1, 2, 3], [4, 5, 6])).toEqual({ d: 1, pValue: expect.closeTo(0.1, 14) });
  });
});

describe("laws", () => {
  test("the normal's share and its inverse agree", () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-12, max: 1 - 1e-12, noNaN: true }), (p) => {
        expect(normalCdf(normalPpf(p))).toBeCloseTo(p, 12);
      }),
    );
    expect(normalSf(30) / 4.906713927148187e-198).toBeCloseTo(1, 9);
    expect(tSf(0.3, 7) + tSf(-0.3, 7)).toBe(1);
  });

  test.each(["normal", "wilson", "agresti_coull", "beta"] as const)("%s holds the proportion", (method) => {
    fc.assert(
      fc.property(counts, ([count, n]) => {
        const { low, high } = proportionInterval(count, n, { method });
        expect(low).toBeLessThanOrEqual(count / n + 1e-12);
        expect(high).toBeGreaterThanOrEqual(count / n - 1e-12);
      }),
    );
  });

  test("groups changed over change the sign, and no p-value", () => {
    fc.assert(
      fc.property(counts, counts, ([c1, n1], [c2, n2]) => {
        const { low, high } = differenceInterval([c1, c2], [n1, n2]);
        const other = differenceInterval([c2, c1], [n2, n1]);
        expect(low).toBeCloseTo(-other.high, 12);
        expect(high).toBeCloseTo(-other.low, 12);
        const rows = [
          [c1, n1 - c1],
          [c2, n2 - c2],
        ];
        const { pValue } = fisherExactTest(rows);
        expect(pValue).toBeCloseTo(fisherExactTest(rows.toReversed()).pValue, 9);
        expect(pValue).toBeGreaterThan(0);
      }),
    );
  });
});

test.each([
  ["INVALID_COUNT", () => proportionInterval(5, 4)],
  ["INVALID_COUNT", () => proportionsZTest([0, 0], [0, 1])],
  ["INVALID_RATE", () => proportionInterval(1, 4, { alpha: 1 })],
  ["INVALID_RATE", () => sampleSize({ p1: 0, p2: 0.1 })],
  [
    "INVALID_TABLE",
    () =>
      chiSquaredTest([
        [0, 0],
        [1, 2],
      ]),
  ],
  ["INVALID_TABLE", () => fisherExactTest([[1, 2, 3]])],
  ["INVALID_SAMPLE", () => tTest([1], [1, 2])],
  ["INVALID_SAMPLE", () => kolmogorovSmirnovTest([], [1])],
])("%s names the field", (code, act) => {
  expect(act).toThrow(expect.objectContaining({ code, message: expect.stringMatching(/: expected|expected|is not/) }));
});
