import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { wine } from "./fixtures/samples.ts";
import { minimiseSparse } from "./owl-qn.ts";
import { train } from "./train.ts";

interface Recorded {
  readonly classes: number;
  readonly penalty: "l1" | "elasticnet";
  readonly l1_ratio: number | null;
  readonly C: number;
  readonly proba: readonly (readonly number[])[];
}
const read = (name: string) => JSON.parse(readFileSync(new URL(`fixtures/${name}.json`, import.meta.url), "utf8"));
const { cases }: { cases: Recorded[] } = read("sparse-logistic");
const rows: { train: number[]; test: number[] } = read("wine");

test.each(cases)("$penalty ($l1_ratio), C $C, $classes classes: scikit-learn's probabilities", async (recorded) => {
  const { classes, penalty, l1_ratio, C, proba } = recorded;
  const learnt = wine(rows.train);
  const target = classes === 3 ? learnt.target : learnt.target.map((value) => Number(value === 1));
  const params = { penalty, l1_ratio, C, tol: 1e-9, max_iter: 5000 };
  const model = await train({ algorithm: "logistic_regression", columns: learnt.columns, target, params });
  const said = model.predictProba(wine(rows.test).columns);
  for (const [row, expected] of proba.entries())
    for (const [k, value] of expected.entries()) expect(Math.abs(said[row * classes + k]! - value)).toBeLessThan(1e-5);
});

test("weights that the penalty outweighs are 0, and their features of no importance", async () => {
  const params = { penalty: "l1", C: 0.02 };
  const model = await train({ algorithm: "logistic_regression", ...wine(), params });
  const without = model.featureImportance.filter(({ importance }) => importance === 0);
  expect(without.length).toBeGreaterThan(2);
  expect(without.length).toBeLessThan(13);
});

test("finds what soft thresholding finds, where that is the answer", async () => {
  const part = fc.double({ min: -5, max: 5, noNaN: true });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(part, fc.double({ min: 0, max: 3, noNaN: true })), { minLength: 1 }),
      async (given) => {
        // Σ (x - a)² / 2 + weight × |x| is least at sign(a) × max(|a| - weight, 0).
        const x = new Float64Array(given.length);
        const objective = (at: Float64Array, gradient: Float64Array) =>
          given.reduce((sum, [a], place) => {
            gradient[place] = at[place]! - a;
            return sum + (at[place]! - a) ** 2 / 2;
          }, 0);
        const weights = Float64Array.from(given, ([, weight]) => weight);
        await minimiseSparse(objective, weights, x, { maxIter: 200, tol: 1e-10, onIteration: async () => {} });
        for (const [at, [a, weight]] of given.entries())
          expect(x[at]).toBeCloseTo(Math.sign(a) * Math.max(Math.abs(a) - weight, 0), 6);
      },
    ),
  );
});

test("l1_ratio goes with elasticnet, and with nothing else", async () => {
  const options = { algorithm: "logistic_regression" as const, ...wine() };
  await expect(train({ ...options, params: { penalty: "elasticnet" } })).rejects.toMatchObject({
    ...{ code: "INVALID_PARAM", field: "params.l1_ratio" },
  });
  await expect(train({ ...options, params: { penalty: "l1", l1_ratio: 0.5 } })).rejects.toThrow(
    'l1_ratio is 0.5: expected null unless penalty is "elasticnet"',
  );
});
