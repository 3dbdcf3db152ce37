import { expect, test } from "vitest";
import { crossValidate, learningCurve } from "./evaluation.ts";
import { puzzle } from "./fixtures/samples.ts";
import { stratifiedKFold } from "./splits.ts";

test("weights go with their rows into folds and curves: equal ones change nothing, others do", async () => {
  const sample = puzzle(300, 1);
  const options = { algorithm: "logistic_regression" as const, ...sample };
  const folds = stratifiedKFold(sample.target, { folds: 3, seed: 1 });
  const measured = async (sampleWeight?: Float64Array) => {
    const weighed = { ...options, ...(sampleWeight !== undefined && { sampleWeight }) };
    const curve = await learningCurve(weighed, folds, "log_loss", [0.5, 1]);
    return { scores: await crossValidate(weighed, folds, "log_loss"), curve };
  };
  const plain = await measured();
  expect(await measured(new Float64Array(300).fill(1))).toEqual(plain);
  const skewed = await measured(sample.target.map((value) => 1 + 9 * value));
  expect(skewed.scores).not.toEqual(plain.scores);
  expect(skewed.curve.at(-1)?.testScores).toEqual(skewed.scores);
});
