import { expect, test } from "vitest";
import { kFold, stratifiedKFold, timeSeriesSplit } from "./splits.ts";
import { train } from "./train.ts";

const rows = (parts: readonly Int32Array[]) => parts.map((part) => [...part]);

test("without shuffle, and in the order of time, folds are scikit-learn's", () => {
  const classes = [1, 1, 0, 2, 0, 1, 2, 0, 0, 1, 2, 1, 0];
  expect(rows(stratifiedKFold(classes, { folds: 3, shuffle: false }).map(({ test: part }) => part))).toEqual([
    [0, 1, 2, 3, 4],
    [5, 6, 7, 9],
    [8, 10, 11, 12],
  ]);
  expect(rows(kFold(13, { folds: 4, shuffle: false }).map(({ test: part }) => part))).toEqual([
    [0, 1, 2, 3],
    [4, 5, 6],
    [7, 8, 9],
    [10, 11, 12],
  ]);
  const splits = timeSeriesSplit(13, { folds: 3, gap: 1, maxTrainSize: 4, testSize: 2 });
  expect(splits.map((fold) => rows([fold.train, fold.test]))).toEqual([
    [
      [2, 3, 4, 5],
      [7, 8],
    ],
    [
      [4, 5, 6, 7],
      [9, 10],
    ],
    [
      [6, 7, 8, 9],
      [11, 12],
    ],
  ]);
});

test("balanced classes of weighed rows: logistic regression counts weights, as scikit-learn's", async () => {
  const model = await train({
    algorithm: "logistic_regression",
    columns: { names: ["x"], values: [Float64Array.of(0, 1, 2, 3, 4, 5, 6, 7)], rowCount: 8 },
    target: Float64Array.of(0, 0, 1, 0, 1, 0, 1, 1),
    sampleWeight: Float64Array.of(4, 1, 1, 1, 0.5, 1, 1, 2),
    params: { class_weight: "balanced", tol: 1e-9, max_iter: 1000 },
  });
  // Recorded from scikit-learn 1.9.1 behind a StandardScaler.
  expect(model.predictRow({ x: 0 }).probabilities["1"]).toBeCloseTo(0.16823651803987497, 6);
  expect(model.predictRow({ x: 7 }).probabilities["1"]).toBeCloseTo(0.8610661545203844, 6);
});

test("a constant that is no binary fraction, imputed by its mean, stays a constant", async () => {
  const constant = Float64Array.from({ length: 40 }, (_, row) => (row % 3 === 0 ? Number.NaN : 2.7));
  const values = [constant, Float64Array.from({ length: 40 }, (_, row) => (row * 7) % 11)];
  const model = await train({
    algorithm: "ridge",
    task: "regression",
    columns: { names: ["same", "x"], values, rowCount: 40 },
    target: Float64Array.from({ length: 40 }, (_, row) => ((row * 7) % 11) + (row % 3)),
    preprocessing: { same: { impute: "mean", scale: "robust" } },
  });
  expect(model.featureImportance.find(({ feature }) => feature === "same")?.importance).toBe(0);
});
