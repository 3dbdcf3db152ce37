import fc from "fast-check";
import { expect, test } from "vitest";
import { puzzle } from "./fixtures/samples.ts";
import { loadModel, serializeModel } from "./model-file.ts";
import { train } from "./train.ts";

/** Standard deviation 1 (ddof 0) and mean 0, so that standardising changes nothing. */
const columns = { names: ["x"], values: [Float64Array.of(-1, 1, -1, 1)], rowCount: 4 };
const target = Float64Array.of(1, 5, 3, 7);

test.each([
  [1e-9, 2],
  [1, 8 / 5],
  [4, 1],
])("alpha %d gives Σxy / (Σx² + alpha) = %d", async (alpha, weight) => {
  const model = await train({ algorithm: "ridge", task: "regression", columns, target, params: { alpha } });
  expect(model.predictRow({ x: 1 }).prediction).toBeCloseTo(4 + weight, 8);
  expect(model.predictRow({ x: null }).prediction).toBeCloseTo(4, 12);
});

test("no small change of a weight makes the penalised error smaller", async () => {
  const numbers = fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 12, maxLength: 12 });
  await fc.assert(
    // With 1 feature the features are solved for, with 12 the rows.
    fc.asyncProperty(
      fc.constantFrom(1, 12),
      fc.array(numbers, { minLength: 13, maxLength: 13 }),
      async (width, all) => {
        const values = all.slice(0, width).map((column) => Float64Array.from(column.slice(0, 6)));
        // Never constant.
        for (const [at, column] of values.entries()) column.set([-7 - at, 7 + at]);
        const y = Float64Array.from(all[12]!.slice(0, 6));
        y.set([-6, 6]);
        const given = { names: values.map((_, at) => `f${at}`), values, rowCount: 6 };
        const model = await train({ algorithm: "ridge", task: "regression", columns: given, target: y });
        // The conditions of the least: the residuals sum to 0, and Xᵀ residual = alpha weight on standardised features.
        const rest = y.map((value, row) => value - model.predict(given)[row]!);
        expect(rest.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0, 8);
        for (const [at, column] of values.entries()) {
          const mean = column.reduce((sum, value) => sum + value / 6, 0);
          const scale = Math.sqrt(column.reduce((sum, value) => sum + (value - mean) ** 2 / 6, 0));
          const record = Object.fromEntries(given.names.map((name) => [name, null]));
          const moved = model.predictRow({ ...record, [`f${at}`]: mean + scale }).prediction;
          const weight = moved - model.predictRow(record).prediction;
          const pull = column.reduce((sum, value, row) => sum + ((value - mean) / scale) * rest[row]!, 0);
          expect(pull).toBeCloseTo(weight, 8);
        }
      },
    ),
    { numRuns: 50 },
  );
});

test("comes back from bytes the same", async () => {
  const sample = puzzle(200, 1, "regression");
  const model = await train({ algorithm: "ridge", task: "regression", ...sample });
  expect(loadModel(serializeModel(model)).predict(sample.columns)).toEqual(model.predict(sample.columns));
});

test("without an intercept, weighted or not, the prediction at the mean is 0", async () => {
  const sample = puzzle(50, 1, "regression");
  for (const sampleWeight of [undefined, sample.target.map((_, row) => 1 + (row % 3))]) {
    const weights = sampleWeight === undefined ? {} : { sampleWeight };
    const params = { fit_intercept: false };
    const model = await train({ algorithm: "ridge", task: "regression", ...sample, ...weights, params });
    const nothing = Object.fromEntries(sample.columns.names.map((name) => [name, null]));
    expect(model.predictRow(nothing).prediction).toBe(0);
  }
  // Σxy / (Σx² + alpha) as above: x sums to 0.
  const model = await train({
    algorithm: "ridge",
    task: "regression",
    columns,
    target,
    params: { fit_intercept: false },
  });
  expect(model.predictRow({ x: 1 }).prediction).toBeCloseTo(8 / 5, 8);
});
