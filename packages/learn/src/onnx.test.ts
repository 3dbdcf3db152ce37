import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { CLASSIFIERS, puzzle, type Sample, wine } from "./fixtures/samples.ts";
import type { Model } from "./model.ts";
import { toOnnx } from "./onnx.ts";
import { train } from "./train.ts";

async function runOnnx(model: Model, { columns }: Sample) {
  const session = await InferenceSession.create(toOnnx(model), { logSeverityLevel: 3 });
  const width = columns.names.length;
  const rows = new Float32Array(columns.rowCount * width);
  for (const [column, values] of columns.values.entries())
    for (let row = 0; row < columns.rowCount; row++) rows[row * width + column] = Number(values[row]);
  return await session.run({ input: new Tensor("float32", rows, [columns.rowCount, width]) });
}

function greatestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let most = 0;
  for (let at = 0; at < a.length; at++) most = Math.max(most, Math.abs(a[at]! - b[at]!));
  return most;
}

describe("ONNX Runtime says what the model says", () => {
  const samples: [string, Sample, Sample][] = [
    ["three classes", wine(), wine()],
    ["two classes, missing values", puzzle(2000, 1), puzzle(3000, 2)],
  ];
  describe.each(samples)("%s", (_name, learnt, asked) => {
    test.each(CLASSIFIERS)("%s", async (algorithm) => {
      const { columns } = learnt;
      // Classes other than 0, 1, 2: labels are looked up, not counted.
      const model = await train({ algorithm, columns, target: learnt.target.map((value) => 10 - 4 * value) });
      const { label, probabilities } = await runOnnx(model, asked);
      const expected = model.predictProba(asked.columns);
      const classes = model.classes.length;
      expect(probabilities?.dims).toEqual([asked.columns.rowCount, classes]);
      expect(label?.type).toBe("int64");
      expect(label?.dims).toEqual([asked.columns.rowCount]);
      expect(probabilities?.data).toHaveLength(expected.length);
      expect(greatestDifference(probabilities?.data as Float32Array, expected)).toBeLessThan(1e-5);
      const predicted = model.predict(asked.columns);
      const labels = Array.from((label?.data ?? []) as BigInt64Array, Number);
      expect(labels).toHaveLength(asked.columns.rowCount);
      for (const [row, one] of labels.entries()) {
        const [first = 0, second = 0] = [...expected.subarray(row * classes, (row + 1) * classes)].sort(
          (a, b) => b - a,
        );
        // Float32 may order differently what is nearly equal.
        if (first - second > 1e-5) expect(one).toBe(predicted[row]);
      }
    });
  });

  test.each(["random_forest", "gradient_boosting", "ridge"] as const)("numbers, %s", async (algorithm) => {
    const asked = puzzle(1000, 2, "regression");
    const model = await train({ algorithm, task: "regression", ...puzzle(1000, 1, "regression") });
    const { prediction } = await runOnnx(model, asked);
    expect(prediction?.dims).toEqual([1000, 1]);
    const expected = model.predict(asked.columns);
    // Relative to numbers around 5000.
    expect(greatestDifference(prediction?.data as Float32Array, expected) / 5000).toBeLessThan(1e-5);
  });

  test.each(["ridge", "neural_network"] as const)(
    "a column far from zero that is scaled without being centred, %s",
    async (algorithm) => {
      const rowCount = 200;
      // Whole numbers, which float32 holds.
      const far = Float64Array.from({ length: rowCount }, (_, row) => 1e6 + ((row * 37) % 101));
      const columns = { names: ["far"], values: [far], rowCount };
      const target = far.map((value) => (value - 1e6) / 10);
      const params = algorithm === "neural_network" ? { max_iter: 5, hidden_layer_sizes: [4] } : {};
      const preprocessing = { far: { scale: "max_abs" } } as const;
      const model = await train({ algorithm, task: "regression", columns, target, preprocessing, params });
      const { prediction } = await runOnnx(model, { columns, target });
      expect(greatestDifference(prediction?.data as Float32Array, model.predict(columns))).toBeLessThan(1e-5);
    },
  );
});
