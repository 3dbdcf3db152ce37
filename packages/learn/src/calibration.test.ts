import { readFileSync } from "node:fs";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { calibrate, fitCalibration } from "./calibration.ts";
import { CLASSIFIERS, puzzle, type Sample, wine } from "./fixtures/samples.ts";
import { loadModel, serializeModel } from "./model-file.ts";
import { toOnnx } from "./onnx.ts";
import { train } from "./train.ts";

const METHODS = ["sigmoid", "isotonic"] as const;

interface Recorded {
  readonly x: number[];
  readonly y: number[];
  readonly weights: number[] | null;
  readonly at: number[];
  readonly sigmoid: number[];
  readonly isotonic: number[];
}
const { cases }: { cases: Recorded[] } = JSON.parse(
  readFileSync(new URL("fixtures/calibration.json", import.meta.url), "utf8"),
);

describe.each(METHODS)("%s", (method) => {
  test("gives scikit-learn's curve: few rows, large scores, ties, weights, one score only", () => {
    for (const { x, y, weights, at, [method]: expected } of cases) {
      const own = weights === null ? undefined : Float64Array.from(weights);
      const said = calibrate(fitCalibration(method, Float64Array.from(x), 1, y, own), Float64Array.from(at));
      for (const [place, value] of said.entries()) expect(value).toBeCloseTo(expected[place] ?? Number.NaN, 5);
    }
  });

  test("of several classes: a curve each, shares of 1, equal ones where nothing speaks for any", () => {
    const classes = [0, 1, 2, 0, 1, 2, 2, 1, 0];
    const scores = Float64Array.from(classes.flatMap((own) => [0, 1, 2].map((k) => (k === own ? 2 : -1))));
    const calibration = fitCalibration(method, scores, 3, classes);
    const said = calibrate(calibration, Float64Array.of(5, -9, -9, -9, -9, -9));
    expect(said.subarray(0, 3).reduce((sum, one) => sum + one)).toBeCloseTo(1, 12);
    expect(said[0]).toBeGreaterThan(0.5);
    for (const share of said.subarray(3)) expect(share).toBeCloseTo(1 / 3, 12);
  });
});

describe("a calibrated model", () => {
  const samples: [string, Sample][] = [
    ["three classes", wine()],
    ["two classes, missing values", puzzle(600, 1)],
  ];
  for (const [name, sample] of samples)
    for (const method of METHODS)
      test.each(CLASSIFIERS)(
        `${name}, ${method}: %s is saved, asked by the row and written to ONNX`,
        async (algorithm) => {
          const options = {
            algorithm,
            columns: sample.columns,
            target: sample.target.map((value) => 10 - 4 * value),
            params: { calibration: method, calibration_folds: 3 },
          };
          const model = await train({ ...options, threads: 2 });
          expect(serializeModel(await train({ ...options, threads: 1 }))).toEqual(serializeModel(model));
          const said = model.predictProba(sample.columns);
          const width = model.classes.length;
          const again = loadModel(serializeModel(model));
          expect(again.predictProba(sample.columns)).toEqual(said);
          for (let row = 0; row < sample.columns.rowCount; row += 41) {
            const record = Object.fromEntries(
              sample.columns.names.map((feature, at) => {
                const value = Number(sample.columns.values[at]?.[row]);
                return [feature, Number.isNaN(value) ? null : value];
              }),
            );
            const { probabilities } = again.predictRow(record);
            expect(model.classes.map((one) => probabilities[String(one)])).toEqual([
              ...said.subarray(row * width, (row + 1) * width),
            ]);
          }
          const session = await InferenceSession.create(toOnnx(model), { logSeverityLevel: 3 });
          const { names, values, rowCount } = sample.columns;
          const rows = new Float32Array(rowCount * names.length);
          for (const [at, column] of values.entries())
            for (let row = 0; row < rowCount; row++) rows[row * names.length + at] = Number(column[row]);
          const run = await session.run({ input: new Tensor("float32", rows, [rowCount, names.length]) });
          const data = run["probabilities"]?.data as Float32Array;
          const differences = said.map((value, at) => Math.abs(value - (data[at] ?? Number.NaN)));
          // A steep piece of an isotonic curve magnifies what float32 leaves out.
          const close = differences.filter((difference) => difference < 1e-5).length;
          expect(close / said.length).toBeGreaterThan(method === "sigmoid" ? 0.9999 : 0.99);
          expect(Math.max(...differences)).toBeLessThan(method === "sigmoid" ? 1e-5 : 0.05);
        },
      );

  test("says what comes true, where the model alone was too sure", async () => {
    // Overfitted on purpose: leaves of a row, all of them grown.
    const noisy = (seed: number): Sample => {
      const { columns, target } = puzzle(1500, seed);
      return { columns, target: target.map((value, row) => ((row * 7919) % 10 < 3 ? 1 - value : value)) };
    };
    const asked = noisy(2);
    const lossOf = async (calibration: (typeof METHODS)[number] | null) => {
      const params = { calibration, n_estimators: 60, max_leaf_nodes: 64, max_depth: null, learning_rate: 0.3 };
      const model = await train({ algorithm: "gradient_boosting", ...noisy(1), params });
      const said = model.predictProba(asked.columns);
      return asked.target.reduce((sum, one, row) => sum - Math.log(Math.max(1e-9, said[2 * row + one] ?? 0)), 0) / 1500;
    };
    const alone = await lossOf(null);
    expect(await lossOf("sigmoid")).toBeLessThan(alone * 0.8);
    expect(await lossOf("isotonic")).toBeLessThan(alone * 0.8);
  });

  test("reports how far the whole has come, folds and all", async () => {
    const seen: number[] = [];
    await train({
      algorithm: "random_forest",
      ...puzzle(200, 1),
      params: { n_estimators: 4, calibration: "sigmoid", calibration_folds: 2 },
      onProgress: ({ done, total }) => {
        expect(total).toBe(12);
        seen.push(done);
      },
    });
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.at(-1)).toBe(12);
  });

  test("is refused for numbers, and with more folds than rows of a class", async () => {
    const refused = (field: string, message: string) =>
      expect.objectContaining({ code: "INVALID_PARAM", field, message: expect.stringContaining(message) });
    await expect(
      train({
        algorithm: "random_forest",
        task: "regression",
        ...puzzle(50, 1, "regression"),
        params: { calibration: "sigmoid" },
      }),
    ).rejects.toEqual(refused("params.calibration", "expected null for regression"));
    const { columns } = puzzle(20, 1);
    const target = new Float64Array(20).fill(0, 4).fill(7, 0, 4);
    await expect(
      train({ algorithm: "random_forest", columns, target, params: { calibration: "isotonic" } }),
    ).rejects.toEqual(refused("params.calibration_folds", "at most 4, the rows of the class 7"));
    await expect(
      train({ algorithm: "random_forest", columns, target, params: { calibration: "platt" } }),
    ).rejects.toMatchObject({ code: "INVALID_PARAM", field: "params.calibration" });
  });

  test("whose file is damaged is refused", async () => {
    const bytes = serializeModel(
      await train({
        algorithm: "logistic_regression",
        ...wine(),
        params: { calibration: "isotonic", calibration_folds: 2 },
      }),
    );
    expect(bytes[7]).toBe(3);
    const older = bytes.slice();
    older[7] = 2;
    expect(() => loadModel(older)).toThrow("version 2, which does not go with the header");
    const text = Buffer.from(bytes).toString("latin1");
    const at = text.indexOf('"y":[');
    const fallen = bytes.slice();
    // The first level above the others.
    fallen[at + 5] = "9".charCodeAt(0);
    expect(() => loadModel(fallen)).toThrow("knots do not rise");
  });
});
