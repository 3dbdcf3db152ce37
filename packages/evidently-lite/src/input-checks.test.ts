import { describe, expect, test } from "vitest";
import {
  type Column,
  classificationQuality,
  columnDrift,
  type DatasetDriftOptions,
  DriftError,
  datasetDrift,
  type Preset,
  regressionQuality,
  runReport,
} from "./index.ts";

const [a, b] = [
  [1, 2, 3, 4, 5, 6, 7, 8],
  [2, 3, 4, 5, 6, 7, 8, 9],
];
/** What plain JavaScript hands over, in spite of the types. */
const anything = <T>(value: unknown): T => JSON.parse(JSON.stringify({ value }))["value"];

function failure(compute: () => unknown): string {
  try {
    compute();
  } catch (error) {
    if (error instanceof DriftError) return `${error.code} ${error.field}: ${error.message}`;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("a mistake is refused, not computed with", () => {
  const column = (options: { method?: string; threshold?: number }) =>
    failure(() => columnDrift({ reference: a, current: b, columnType: "num", ...options }));
  const dataset = (options: DatasetDriftOptions, current: Record<string, Column> = { a, b }) =>
    failure(() => datasetDrift({ reference: { a, b }, current, options }));
  const report = (...presets: Preset[]) =>
    failure(() => runReport({ presets, reference: { a, b }, current: { a, b } }));

  test.each([
    ["wassertein", "wasserstein"],
    ["KS", "ks"],
    ["kl", "kl_div"],
    ["chi2", undefined],
    ["toString", undefined],
  ])("method %s", (method, meant) => {
    const message = column({ method });
    expect(message).toContain(`UNKNOWN_METHOD method: method "${method}" is not there`);
    if (meant === undefined) expect(message).not.toContain("did you mean");
    else expect(message).toContain(`, did you mean "${meant}"?`);
  });

  test("thresholds and shares", () => {
    expect(column({ method: "ks", threshold: 7 })).toBe(
      "INVALID_INPUT threshold of ks: threshold of ks is 7: expected a number, 0 to 1",
    );
    expect(column({ method: "psi", threshold: -1 })).toContain("is -1: expected a number, 0 or more");
    expect(column({ threshold: Number.NaN })).toContain("is NaN: expected a number, 0 or more");
    expect(column({ threshold: anything("0.1") })).toContain('is "0.1": expected a number, 0 or more');
    expect(columnDrift({ reference: a, current: b, columnType: "num", threshold: 2 })).toMatchObject({
      ...{ method: "ks", threshold: 2, drifted: true },
    });
    expect(dataset({ driftShare: 2 })).toBe("INVALID_INPUT driftShare: driftShare is 2: expected a number, 0 to 1");
    expect(dataset({ numThreshold: -0.1 })).toBe(
      'INVALID_INPUT a: column "a": threshold of ks is -0.1: expected a number, 0 or more',
    );
    expect(columnDrift({ reference: a, current: b, columnType: "num", method: "psi", threshold: 7 }).drifted).toBe(
      false,
    );
  });

  test("types and columns", () => {
    const typed = (columnType: unknown) =>
      failure(() => columnDrift({ reference: a, current: b, columnType: anything(columnType) }));
    expect(typed("number")).toBe('INVALID_INPUT type: type is "number": expected "num" or "cat"');
    expect(failure(() => datasetDrift({ reference: { a }, current: { a }, types: anything({ a: "numeric" }) }))).toBe(
      'INVALID_INPUT types.a: types.a is "numeric": expected "num" or "cat"',
    );
    expect(failure(() => columnDrift({ reference: a, current: anything(null), columnType: "num" }))).toBe(
      "INVALID_INPUT current: current is null: expected an array, a typed array or an Arrow vector",
    );
    expect(failure(() => datasetDrift({ reference: anything([{ a: 1 }]), current: { a } }))).toBe(
      "INVALID_INPUT reference: reference is an array: expected an object with an array for each column",
    );
    expect(dataset({}, { a, b: [1, 2] })).toBe(
      'DIFFERENT_COLUMNS b: column "b" has 2 rows in current: expected 8, as "a" has',
    );
    expect(dataset({}, { a, b: anything(null) })).toContain('column "b" is missing in current');
    expect(dataset({ perColumnMethod: { A: "ks" } })).toBe(
      'DIFFERENT_COLUMNS A: perColumnMethod names column "A", did you mean "a"?: expected one of a, b',
    );
  });

  test("presets and what belongs to them", () => {
    expect(report(anything({ preset: "DataDrift" }))).toContain(
      'preset is "DataDrift": expected { preset } with one of DataDriftPreset, ',
    );
    expect(report(anything("DataDriftPreset"))).toContain('preset is "DataDriftPreset": expected { preset }');
    expect(report({ preset: "ClassificationPreset", target: "a" })).toContain("predictionLabels is undefined");
    expect(failure(() => runReport({ presets: [], current: { a }, timestamp: new Date(Number.NaN) }))).toContain(
      "expected a valid Date",
    );
    const data = { t: [0, 1, 0], p: [0.1, 0.9] };
    expect(failure(() => classificationQuality({ data, target: "t", predictionProbas: "p" }))).toBe(
      'DIFFERENT_COLUMNS p: column "p" has 2 rows: expected 3, as "t" has',
    );
    expect(failure(() => regressionQuality({ data, target: "t", prediction: "p" }))).toContain("has 2 rows");
    expect(
      failure(() => classificationQuality({ data: { t: [0, 1] }, target: "t", predictionProbas: "t", threshold: 5 })),
    ).toBe("INVALID_INPUT threshold: threshold is 5: expected a number, 0 to 1");
  });
});
