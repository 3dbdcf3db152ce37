import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as classification from "./classification-metrics.ts";
import { classificationMetrics } from "./model-metrics.ts";
import { regressionMetrics } from "./regression-metrics.ts";
import * as score from "./score-metrics.ts";

/** Recorded from scikit-learn 1.9.1. */
interface Case {
  readonly id: string;
  readonly op: string;
  // As the reference wrote them: one shape an operation.
  readonly input: {
    readonly yTrue: number[];
    readonly yPred: number[];
    readonly yScore: number[];
    readonly sampleWeight: number[] | null;
    readonly labels: number[] | null;
    readonly average: never;
    readonly multiClass: never;
    readonly normalize: never;
    readonly zeroDivision: 0 | 1 | "nan";
  };
  readonly expect: Readonly<Record<string, unknown>>;
}
const cases: Case[] = JSON.parse(readFileSync(new URL("fixtures/metrics.json", import.meta.url), "utf8"));

function compute({ op, input }: Case): Record<string, unknown> {
  const { yTrue, yPred, yScore, average, multiClass } = input;
  const options = {
    sampleWeight: input.sampleWeight ?? undefined,
    labels: input.labels ?? undefined,
    normalize: input.normalize ?? undefined,
    zeroDivision: input.zeroDivision === "nan" ? Number.NaN : input.zeroDivision,
  };
  switch (op) {
    case "metrics.precisionRecallF1":
      return { ...classification.precisionRecallF1(yTrue, yPred, { ...options, average }) };
    case "metrics.perClass":
      return classification.precisionRecallF1PerClass(yTrue, yPred, options);
    case "metrics.confusionMatrix":
      return classification.confusionMatrix(yTrue, yPred, options);
    case "metrics.accuracy":
      return {
        accuracy: classification.accuracy(yTrue, yPred, options),
        balancedAccuracy: classification.balancedAccuracy(yTrue, yPred, options),
        mcc: classification.matthewsCorrelation(yTrue, yPred, options),
        kappa: classification.cohenKappa(yTrue, yPred, options),
      };
    case "metrics.rocAuc":
      return { rocAuc: score.rocAuc(yTrue, yScore, options) };
    case "metrics.rocAucMulti":
      return { rocAuc: score.rocAucMulti(yTrue, yScore as unknown as number[][], { multiClass, average }) };
    case "metrics.rocCurve":
      return score.rocCurve(yTrue, yScore, options);
    case "metrics.prCurve":
      return score.precisionRecallCurve(yTrue, yScore, options);
    case "metrics.averagePrecision":
      return { ap: score.averagePrecision(yTrue, yScore, options) };
    case "metrics.logLoss":
    case "metrics.logLossMulti":
      return { logLoss: score.logLoss(yTrue, yScore, options) };
    case "metrics.brier":
      return { brier: score.brierScore(yTrue, yScore, options) };
    case "metrics.regression":
      return { ...regressionMetrics(yTrue, yPred, options) };
    default:
      throw new Error(`no metric for ${op}`);
  }
}

function expectClose(got: unknown, want: unknown): void {
  if (Array.isArray(want)) {
    expect(got).toHaveLength(want.length);
    for (const [at, one] of want.entries()) expectClose((got as unknown[])[at], one);
  } else if (want === null || want === "NaN") expect(got).toBeNaN();
  else if (want === "Infinity") expect(got).toBe(Number.POSITIVE_INFINITY);
  else if (typeof want === "number")
    expect(Math.abs(Number(got) - want)).toBeLessThanOrEqual(1e-9 * Math.max(1e-3, Math.abs(want)));
  else expect(got).toBe(want);
}

describe("as scikit-learn", () => {
  test.each(cases)("$id", (one) => {
    const got = compute(one);
    for (const [name, want] of Object.entries(one.expect)) expectClose(got[name], want);
  });
});

describe("metrics of a model", () => {
  test("two classes", () => {
    const probabilities = [0.9, 0.1, 0.4, 0.6, 0.7, 0.3, 0.2, 0.8];
    expect(classificationMetrics([3, 3, 5, 5], [3, 5, 3, 5], probabilities, [3, 5])).toEqual({
      accuracy: 0.5,
      precision: 0.5,
      recall: 0.5,
      f1: 0.5,
      roc_auc: 0.75,
    });
  });

  test("a class that is not there, or that the model does not know, is an error", () => {
    expect(() => classificationMetrics([3, 3], [3, 3], [1, 0, 1, 0], [3, 5])).toThrow(
      "No row is of class 5: ROC AUC is not defined.",
    );
    expect(() => classificationMetrics([3, 4], [3, 3], [1, 0, 1, 0], [3, 5])).toThrow(
      "yTrue is 4 in row 1: expected one of the model's classes 3, 5.",
    );
  });
});

test("a constant target that is no binary fraction: r2 is 0, not what rounding leaves", () => {
  const target = new Array<number>(40).fill(3.7);
  const { r2, explainedVariance } = regressionMetrics(
    target,
    target.map((value, row) => value + row),
  );
  expect({ r2, explainedVariance }).toEqual({ r2: 0, explainedVariance: 0 });
});

test("an error that is the same everywhere leaves no variance unexplained, whatever rounding leaves", () => {
  const rows = <T>(value: T) => new Array<T>(80).fill(value);
  const { explainedVariance } = regressionMetrics(rows(2), rows(2.2));
  expect(explainedVariance).toBe(1);
});

test("a weighted average over classes without rows counts them alike", () => {
  const { precision } = classification.precisionRecallF1([3], [0], { average: "weighted", zeroDivision: Number.NaN });
  expect(precision).toBe(0);
});

describe("bad input", () => {
  test.each([
    ["no rows", () => classification.accuracy([], []), /yTrue has no rows/],
    ["lengths", () => classification.accuracy([1, 0], [1]), /yPred has 1 rows and yTrue 2/],
    [
      "binary over three classes",
      () => classification.precisionRecallF1([0, 1, 2], [0, 1, 2], { average: "binary" }),
      /expected two/,
    ],
    ["a score that is none", () => score.rocAuc([0, 1], [0.5, Number.NaN]), /yScore is NaN in row 1/],
    ["a class that is not 0 or 1", () => score.rocAuc([0, 2], [0.5, 0.1]), /yTrue is 2 in row 1/],
    ["no probability", () => score.logLoss([0, 1], [0.5, 1.5]), /yScore is 1.5 in row 1/],
    [
      "no row that counts",
      () => classification.accuracy([0, 1], [0, 1], { sampleWeight: [0, 0] }),
      /sampleWeight is 0 in every row/,
    ],
    [
      "a weight that is none",
      () => score.brierScore([0, 1], [0, 1], { sampleWeight: [1, Number.NaN] }),
      /sampleWeight is NaN in row 1/,
    ],
    ["a class that is no whole number", () => classification.accuracy([0, 1.5], [0, 1]), /yTrue is 1.5 in row 1/],
    ["texts and numbers", () => classification.accuracy(["a"], [1]), /yPred is 1 in row 0: expected a text/],
    [
      "labels that no row is of",
      () => classification.confusionMatrix([1, 2], [1, 2], { labels: [7] }),
      /labels is \[7\]: expected a class/,
    ],
    [
      "a class without a row",
      () =>
        score.rocAucMulti(
          [0, 1],
          [
            [0.5, 0.3, 0.2],
            [0.2, 0.7, 0.1],
          ],
          { multiClass: "ovr", average: "macro" },
        ),
      /No row is of class 2/,
    ],
    [
      "scores that are no probabilities",
      () =>
        score.rocAucMulti(
          [0, 1],
          [
            [0.5, 0.3],
            [0.2, 0.8],
          ],
          { multiClass: "ovr", average: "macro" },
        ),
      /yScore adds up to 0.8 in row 0/,
    ],
    ["a number that is none", () => regressionMetrics([1, Number.NaN], [1, 2]), /yTrue is NaN in row 1/],
  ])("%s", (_name, compute, message) => {
    expect(compute).toThrow(message);
  });
});
