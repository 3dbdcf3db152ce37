import { describe, expect, test } from "vitest";
import { classificationQuality, dataSummary, type MetricResult, regressionQuality } from "./index.ts";

const find = (metrics: readonly MetricResult[], name: string, column?: string) =>
  metrics.find(({ metric, config }) => metric === name && (column === undefined || config["column"] === column))?.value;

describe("data summary", () => {
  const data = {
    x: [1, 2, null, 4, 1],
    same: [1, 2, null, 4, 1],
    k: ["a", null, "b", "a", "a"],
    empty: [null, null, null, null, null],
  };
  const metrics = dataSummary({ data, types: { x: "num", same: "num", k: "cat", empty: "num" } });

  test("counts rows, columns, duplicates and what is missing", () => {
    expect(find(metrics, "RowCount")).toBe(5);
    expect(find(metrics, "DuplicatedRowCount")).toBe(1);
    expect(find(metrics, "DuplicatedColumnsCount")).toBe(1);
    expect(find(metrics, "AlmostDuplicatedColumnsCount")).toBe(0);
    expect(find(metrics, "EmptyColumnsCount")).toBe(1);
    expect(find(metrics, "ConstantColumnsCount")).toBe(1);
    expect(find(metrics, "DatasetMissingValueCount")).toEqual({ count: 8, share: 1.6 });
    expect(find(metrics, "UniqueValueCount", "k")).toEqual({
      counts: { a: 3, b: 1, None: 0 },
      shares: { a: 0.6, b: 0.2, None: 0 },
    });
  });

  test("missing texts of two columns are almost the same, missing numbers are not, as pandas compares them", () => {
    const k = ["a", null, "b", null];
    const x = [1, null, 2, null];
    const almost = (data: Record<string, (string | number | null)[]>, type: "num" | "cat") =>
      find(dataSummary({ data, types: { a: type, b: type } }), "AlmostDuplicatedColumnsCount");
    expect(almost({ a: k, b: k }, "cat")).toBe(1);
    expect(almost({ a: x, b: x }, "num")).toBe(0);
    expect(almost({ a: x, b: x }, "cat")).toBe(0);
  });

  test("has statistics of numbers, NaN for none", () => {
    expect(find(metrics, "MeanValue", "x")).toBe(2);
    expect(find(metrics, "StdValue", "x")).toBeCloseTo(Math.SQRT2, 12);
    expect(find(metrics, "StdValue", "empty")).toBeNaN();
  });

  test("names what does not fit", () => {
    expect(() => dataSummary({ data: { a: [1], b: [1, 2] } })).toThrow('column "b" has 2 rows: expected 1, as "a" has');
    expect(() => dataSummary({ data: { a: [] } })).toThrow("there are no rows: expected at least one");
  });
});

describe("classification", () => {
  test("of two labels the positive one is judged, also where more were said to be; averages where there is none", () => {
    const recallOf = (t: (number | string)[], p: (number | string)[]) =>
      find(classificationQuality({ data: { t, p }, target: "t", predictionLabels: "p", multiclass: true }), "Recall");
    // As Evidently 0.7.23, which fails where 1 is no label.
    expect(recallOf([1, 2, 1, 2], [1, 1, 1, 2])).toBe(1);
    expect(recallOf(["a", "b", "a", "b"], ["a", "a", "a", "b"])).toBe(0.75);
  });

  test("a label that is predicted and never wanted counts in the averages, and has no entry of its own", () => {
    const metrics = classificationQuality({
      data: { t: ["a", "b", "a", "b"], p: ["a", "b", "c", "b"] },
      target: "t",
      predictionLabels: "p",
    });
    // As Evidently 0.7.23.
    expect(find(metrics, "Recall")).toBe(0.5);
    expect(find(metrics, "RecallByLabel")).toEqual({ a: 0.5, b: 1 });
    expect(find(metrics, "PrecisionByLabel")).toEqual({ a: 1, b: 1 });
    expect(find(metrics, "F1ByLabel")).toEqual({ a: 2 / 3, b: 1 });
  });

  test("reads probabilities of the positive label", () => {
    const data = { t: [1, 0, 1, 0], p: [0.9, 0.4, 0.35, 0.1] };
    const metrics = classificationQuality({ data, target: "t", predictionProbas: "p" });
    expect(find(metrics, "Accuracy")).toBe(0.75);
    expect(find(metrics, "Recall")).toBe(0.5);
    expect(find(metrics, "RocAuc")).toBe(0.75);
    expect(find(metrics, "FNR")).toBe(0.5);
    expect(find(metrics, "PrecisionByLabel")).toEqual({ "0": 2 / 3, "1": 1 });
  });

  test("averages over more than two labels", () => {
    const data = { t: ["a", "b", "c"], p: ["a", "b", "b"] };
    const metrics = classificationQuality({ data, target: "t", predictionLabels: "p" });
    expect(find(metrics, "Precision")).toBe(0.5);
    expect(find(metrics, "TPR")).toBeUndefined();
  });

  test("names a positive label that does not occur", () =>
    expect(() =>
      classificationQuality({ data: { t: ["a", "b"], p: ["a", "b"] }, target: "t", predictionLabels: "p" }),
    ).toThrow("posLabel 1 does not occur: expected one of a, b"));
});

describe("regression", () => {
  test("leaves incomplete rows out and takes 1 as the relative error of a zero target", () => {
    const data = { t: [2, 4, null, 0], p: [3, 4, 1, 1] };
    const metrics = regressionQuality({ data, target: "t", prediction: "p" });
    expect(find(metrics, "MeanError")).toEqual({ mean: 2 / 3, std: expect.closeTo(0.5773502691896257, 12) });
    expect(find(metrics, "MAPE")).toEqual({ mean: 50, std: 0.5 });
    expect(find(metrics, "R2Score")).toBe(0.75);
    expect(find(metrics, "AbsMaxError")).toBe(1);
  });
});
