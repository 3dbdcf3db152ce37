import { expect, test } from "vitest";
import { evaluate, permutationImportance, scoresOf } from "./evaluation.ts";
import { CLASSIFIERS, puzzle } from "./fixtures/samples.ts";
import { serializeModel, serializeModelInTurns } from "./model-file.ts";
import { toOnnx, toOnnxInTurns } from "./onnx.ts";
import { predictInTurns } from "./predictions.ts";
import { train } from "./train.ts";

test.each(CLASSIFIERS)("%s says, scores and writes the same whether or not others are let in", async (algorithm) => {
  const sample = puzzle(9000, 1);
  const model = await train({ algorithm, ...sample, ...(algorithm === "random_forest" && { params: FEW_TREES }) });
  expect(await predictInTurns(model, sample.columns)).toEqual(model.predict(sample.columns));
  expect(await evaluate(model, sample.columns, sample.target)).toEqual(scoresOf(model, sample.columns, sample.target));
  expect(await toOnnxInTurns(model)).toEqual(toOnnx(model));
  expect(await serializeModelInTurns(model)).toEqual(serializeModel(model));
});

test("an aborted signal ends what would take long, with its reason", async () => {
  const sample = puzzle(500, 1);
  const model = await train({ algorithm: "random_forest", ...sample, params: FEW_TREES });
  const signal = AbortSignal.abort(new Error("no more"));
  await expect(predictInTurns(model, sample.columns, signal)).rejects.toThrow("no more");
  await expect(evaluate(model, sample.columns, sample.target, { signal })).rejects.toThrow("no more");
  await expect(toOnnxInTurns(model, signal)).rejects.toThrow("no more");
  await expect(
    permutationImportance(model, sample.columns, sample.target, { score: "roc_auc", signal }),
  ).rejects.toThrow("no more");
});

test("a training is ended in the middle of a tree, and the next one is as ever", async () => {
  const sample = puzzle(300_000, 1, "regression");
  const options = { algorithm: "random_forest" as const, task: "regression" as const, ...sample, params: ONE_TREE };
  const controller = new AbortController();
  const reached = expect(train({ ...options, signal: controller.signal })).rejects.toThrow("no more");
  setTimeout(() => controller.abort(new Error("no more")), 20);
  await reached;
  const few = { ...options, ...puzzle(500, 1, "regression") };
  const model = await train(few);
  expect(model.predict(few.columns)).toEqual((await train(few)).predict(few.columns));
});

const FEW_TREES = { n_estimators: 5 };
const ONE_TREE = { n_estimators: 1, min_samples_leaf: 1 };
