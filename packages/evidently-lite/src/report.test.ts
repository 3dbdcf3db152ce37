import { describe, expect, test } from "vitest";
import { runReport } from "./index.ts";

const sine = (size: number, shift: number) => Array.from({ length: size }, (_, at) => Math.sin(at) + shift);
const table = (shift: number) => ({
  "a<b": sine(40, shift),
  kind: Array.from({ length: 40 }, (_, at) => (at % 3 === 0 ? "x" : "y")),
  target: Array.from({ length: 40 }, (_, at) => at % 2),
  score: Array.from({ length: 40 }, (_, at) => (at % 2 === 0 ? 0.2 : 0.7) + (at % 5) / 50),
});

describe("a report", () => {
  const report = runReport({
    title: "Weekly & checked",
    timestamp: new Date("2026-01-02T03:04:05Z"),
    reference: table(0),
    current: table(5),
    presets: [
      { preset: "DataDriftPreset", options: { columns: ["a<b", "kind"] } },
      { preset: "DataSummaryPreset" },
      { preset: "ClassificationPreset", target: "target", predictionProbas: "score" },
      { preset: "RegressionPreset", target: "target", prediction: "score" },
    ],
  });

  test("holds each preset's results", () => {
    expect(report.sections.map(({ preset }) => preset)).toEqual([
      "DataDriftPreset",
      "DataSummaryPreset",
      "ClassificationPreset",
      "RegressionPreset",
    ]);
    expect(report.sections[0]?.drift?.dataset).toEqual({ count: 1, share: 0.5, datasetDrift: true });
  });

  test("is valid JSON", () => {
    const parsed: unknown = JSON.parse(report.json());
    expect(parsed).toMatchObject({ title: "Weekly & checked", timestamp: "2026-01-02T03:04:05.000Z" });
  });

  test("is a page that opens offline, with plots and escaped names", () => {
    const html = report.html();
    expect(html).toContain("Drift detected: 1 of 2 columns (50 %)");
    expect(html).toContain("ROC curve");
    expect(html).toContain("Confusion matrix");
    expect(html).toContain("Residuals over target");
    expect(html).not.toMatch(/a<b|<script|https?:|NaN,/);
    expect(html.match(/<svg/g)).toHaveLength(9);
  });

  test("wants a reference for drift", () =>
    expect(() => runReport({ current: table(0), presets: [{ preset: "DataDriftPreset" }] })).toThrow(
      "DataDriftPreset has no reference: expected a data set",
    ));
});
