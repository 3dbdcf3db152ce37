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
