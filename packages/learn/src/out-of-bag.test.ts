import { describe, expect, test } from "vitest";
import { accuracy } from "./classification-metrics.ts";
import { puzzle } from "./fixtures/samples.ts";
import { loadModel, serializeModel } from "./model-file.ts";
import { createRandom } from "./random.ts";
import { regressionMetrics } from "./regression-metrics.ts";
import { takeRows } from "./splits.ts";
import { train } from "./train.ts";

describe("the out-of-bag score", () => {
  test("of one tree is its score on the rows it has not drawn", async () => {
    for (const task of ["classification", "regression"] as const) {
      const { columns, target } = puzzle(400, 5, task);
      const params = { n_estimators: 1, oob_score: true, max_samples: 0.7 };
      const model = await train({ algorithm: "random_forest", task, columns, target, params, seed: 9 });
      const random = createRandom(9, 0);
      const drawn = new Set(Array.from({ length: 280 }, () => random.below(400)));
      const left = Int32Array.from(Array.from({ length: 400 }, (_, row) => row).filter((row) => !drawn.has(row)));
      const truth = Float64Array.from(left, (row) => target[row] ?? Number.NaN);
      const said = model.predict(takeRows(columns, left));
      const expected = task === "classification" ? accuracy(truth, said) : regressionMetrics(truth, said).r2;
      expect(model.oobScore).toBeCloseTo(expected, 12);
      expect(loadModel(serializeModel(model)).oobScore).toBe(model.oobScore);
    }
  });

  test("says what new rows will say, where the training rows flatter", async () => {
    const learnt = puzzle(3000, 1);
    const model = await train({ algorithm: "random_forest", ...learnt, params: { oob_score: true } });
    const asked = puzzle(3000, 2);
    expect(accuracy(learnt.target, model.predict(learnt.columns))).toBeGreaterThan(0.99);
    expect(model.oobScore).toBeCloseTo(accuracy(asked.target, model.predict(asked.columns)), 1.5);
  });

  test("is refused where no row is left out, and not there unless it is asked for", async () => {
    const options = { algorithm: "random_forest" as const, ...puzzle(60, 1) };
    expect((await train({ ...options, params: { n_estimators: 2 } })).oobScore).toBeUndefined();
    await expect(train({ ...options, params: { oob_score: true, bootstrap: false } })).rejects.toMatchObject({
      ...{ code: "INVALID_PARAM", field: "params.oob_score" },
    });
  });
});
