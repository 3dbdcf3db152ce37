import { describe, expect, test } from "vitest";
import { CLASSIFIERS } from "./fixtures/samples.ts";
import { train } from "./train.ts";

const quick = (algorithm: (typeof CLASSIFIERS)[number]) =>
  algorithm === "logistic_regression" ? {} : { n_estimators: 5 };

describe.each(CLASSIFIERS)("%s", (algorithm) => {
  test("a column that is missing in every row has no part in the model", async () => {
    const x = Float64Array.from({ length: 40 }, (_, row) => row);
    const nothing = new Float64Array(40).fill(Number.NaN);
    const columns = { names: ["x", "nothing"], values: [x, nothing], rowCount: 40 };
    const model = await train({
      algorithm,
      columns,
      target: x.map((value) => Number(value > 19)),
      params: quick(algorithm),
    });
    expect(model.featureImportance).toEqual([
      { feature: "x", importance: 1 },
      { feature: "nothing", importance: 0 },
    ]);
    expect(model.predictRow({ x: 39, nothing: 5 })).toEqual(model.predictRow({ x: 39, nothing: null }));
  });

  test("10,000 columns and few rows", async () => {
    const rowCount = 24;
    const width = 10_000;
    const values = Array.from({ length: width }, (_, at) =>
      Float64Array.from({ length: rowCount }, (_, row) => ((row + 1) * (at + 7)) % 31),
    );
    const columns = { names: values.map((_, at) => `f${at}`), values, rowCount };
    const target = Float64Array.from({ length: rowCount }, (_, row) => row % 2);
    const model = await train({ algorithm, columns, target, params: quick(algorithm) });
    expect(model.predict(columns)).toHaveLength(rowCount);
    expect(model.featureImportance).toHaveLength(width);
  });

  test("a row of each class is enough, one row is not", async () => {
    const at = (rows: number) => ({
      columns: { names: ["x"], values: [Float64Array.of(1, 2).slice(0, rows)], rowCount: rows },
      target: Float64Array.of(0, 1).slice(0, rows),
    });
    const model = await train({ algorithm, ...at(2), params: quick(algorithm) });
    expect(model.predict(at(2).columns)).toHaveLength(2);
    await expect(train({ algorithm, ...at(1) })).rejects.toMatchObject({ code: "ONE_CLASS", field: "target" });
  });
});

/** Those that learn numbers, each with few rounds. */
const REGRESSIONS = [
  ["random_forest", { n_estimators: 20, min_samples_leaf: 1 }],
  ["gradient_boosting", { n_estimators: 50, min_samples_leaf: 1 }],
  ["ridge", {}],
  ["neural_network", { max_iter: 300, batch_size: 8, learning_rate_init: 0.01 }],
] as const;

describe.each(REGRESSIONS)("%s of numbers", (algorithm, params) => {
  const x = Float64Array.from({ length: 40 }, (_, row) => row);
  const columns = { names: ["x"], values: [x], rowCount: 40 };
  const learn = (target: Float64Array) => train({ algorithm, task: "regression", columns, target, params });

  test.each([1e100, 1e40, 1, 1e-40, 1e-98])("learns a target of the size %d", async (size) => {
    const target = x.map((value) => (value * size) / 40);
    const said = (await learn(target)).predict(columns);
    const off = said.reduce((sum, value, row) => sum + Math.abs(value - target[row]!) / size, 0) / 40;
    expect(off).toBeLessThan(0.1);
  });

  test("learns small differences of numbers far from zero", async () => {
    const said = (await learn(x.map((value) => 1e12 + value))).predict(columns);
    expect(said.reduce((sum, value, row) => sum + Math.abs(value - 1e12 - row), 0) / 40).toBeLessThan(4);
  });

  test("refuses a target whose squares doubles do not hold", async () => {
    const refused = { code: "INVALID_TARGET", field: "target", retryable: false };
    await expect(learn(x.map((value) => value * 1e300))).rejects.toMatchObject(refused);
    await expect(learn(x.map((value) => value * 5e-324))).rejects.toMatchObject(refused);
  });
});

test("a value that float32 does not hold is refused in training and when asked", async () => {
  const x = Float64Array.from({ length: 40 }, (_, row) => row);
  const columns = { names: ["x"], values: [x], rowCount: 40 };
  const options = { algorithm: "ridge" as const, task: "regression" as const, target: x };
  const beyond = { ...columns, values: [x.with(3, -1e39)] };
  const refused = { code: "INVALID_VALUE", field: "x" };
  await expect(train({ ...options, columns: beyond })).rejects.toMatchObject(refused);
  const model = await train({ ...options, columns });
  expect(() => model.predict(beyond)).toThrow(expect.objectContaining(refused));
  expect(() => model.predictRow({ x: 1e39 })).toThrow(expect.objectContaining(refused));
  expect(model.predictRow({ x: 3e38 }).prediction).toBeGreaterThan(1e38);
});
