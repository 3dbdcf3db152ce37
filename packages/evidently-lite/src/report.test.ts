import { describe, expect, test } from "vitest";
import { historyPage, readSnapshot, runReport, snapshotOf } from "./index.ts";

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
    expect(html.match(/<svg/g)).toHaveLength(10);
  });

  test("wants a reference for drift", () =>
    expect(() => runReport({ current: table(0), presets: [{ preset: "DataDriftPreset" }] })).toThrow(
      "DataDriftPreset has no reference: expected a data set",
    ));
});

describe("snapshots", () => {
  const at = (day: number, shift: number) =>
    snapshotOf(
      runReport({
        title: "churn <b>",
        timestamp: new Date(Date.UTC(2026, 0, day)),
        reference: table(0),
        current: table(shift),
        presets: [
          { preset: "DataDriftPreset", options: { columns: ["a<b", "kind"] } },
          { preset: "ClassificationPreset", target: "target", predictionProbas: "score" },
        ],
      }),
    );

  test("keep their numbers through JSON, and come in any order on the page", () => {
    const snapshots = [at(9, 4), at(2, 0)].map((one) => readSnapshot(JSON.stringify(one)));
    expect(snapshots[0]).toEqual(at(9, 4));
    expect(snapshots[0]).toMatchObject({ drift: { count: 1 }, metrics: { Accuracy: 1 } });
    const html = historyPage([...snapshots, at(9, 4)], { title: "<script>alert(1)</script>", notes: ["a & b"] });
    expect(html).toContain("2 snapshots, the last of 2026-01-09");
    expect(html).toContain("Drift of the data set now; 1 of 2 columns have drifted: a&#60;b");
    expect(html).not.toMatch(/<script|a<b|churn <b>/);
  });

  test("are shown as none where there is none", () => expect(historyPage([])).toContain("There is no snapshot yet."));

  test.each([
    ["{", 'snapshot is "{": expected JSON'],
    ["[]", "snapshot is []: expected an object"],
    ['{"timestamp":"soon"}', 'timestamp is "soon": expected an ISO 8601 moment'],
    [
      JSON.stringify({ ...at(1, 0), columns: [{ column: "a", method: "ks", score: "x" }] }),
      'columns[0].score is "x": expected a number',
    ],
  ])("say what is wrong: %s", (json, message) => expect(() => readSnapshot(json)).toThrow(message));
});

describe("other presets", () => {
  const presets = [
    { preset: "TargetDriftPreset", target: "target", prediction: "score" },
    { preset: "DataQualityPreset" },
    {
      preset: "Metrics",
      metrics: [
        { metric: "MeanValue", column: "score", test: { gte: 0.4, lte: 0.5 } },
        { metric: "MissingValueCount", column: "score", test: { lte: 0, of: "share" } },
        { metric: "ValueDrift", column: "a<b" },
        { metric: "DriftedColumnsCount", test: { lte: 0.1, of: "share" } },
        { metric: "RowCount" },
      ],
    },
  ] as const;
  const current = {
    ...table(5),
    kind: Array.from({ length: 40 }, (_, row) => (row < 10 ? "new" : row < 12 ? null : "y")),
  };
  const report = runReport({ presets, reference: table(0), current });

  test("drift of target and prediction alone", () =>
    expect(report.sections[0]?.drift?.columns.map(({ column, drifted }) => [column, drifted])).toEqual([
      ["target", false],
      ["score", false],
    ]));

  test("quality beside the reference's", () =>
    expect(report.sections[1]?.quality?.columns.find(({ column }) => column === "kind")).toMatchObject({
      missing: 2,
      missingShare: 0.05,
      referenceMissingShare: 0,
      unseenShare: 0.25,
      newCategories: ["new"],
      goneCategories: ["x"],
    }));

  test("metrics with tests", () => {
    expect(report.sections[2]?.tests?.map(({ metric, passed }) => [metric, passed])).toEqual([
      ["MeanValue", true],
      ["MissingValueCount", true],
      ["ValueDrift", false],
      ["DriftedColumnsCount", false],
      ["RowCount", null],
    ]);
    expect(report.html()).toContain("failed");
  });

  test("a metric that is not there is named", () =>
    expect(() =>
      runReport({ presets: [{ preset: "Metrics", metrics: [{ metric: "MeanValue", column: "kind" }] }], current }),
    ).toThrow('metric "MeanValue" of column "kind" is not there'));
});

describe("the page", () => {
  const rows = (kinds: number) => ({
    amount: Array.from({ length: 60 }, (_, at) => at * 1e9),
    kind: Array.from({ length: 60 }, (_, at) => `kind number ${at % kinds}`),
    guess: Array.from({ length: 60 }, (_, at) => `kind number ${(at * 7) % kinds}`),
  });

  test("names what each axis measures, and keeps numbers within the margin", () => {
    const html = runReport({
      reference: rows(3),
      current: rows(3),
      presets: [
        { preset: "DataDriftPreset", options: { columns: ["amount", "kind"] } },
        { preset: "RegressionPreset", target: "amount", prediction: "amount" },
      ],
    }).html();
    for (const title of ["share of values", ">value<", ">target<", "prediction − target", "score in thresholds"])
      expect(html).toContain(title);
    const numbers = [...html.matchAll(/text-anchor="end">([-\d.e]+)</g)].map(([, text = ""]) => text);
    expect(numbers).toContain("5.9e10");
    expect(numbers.filter((text) => text.length > 8)).toEqual([]);
    // Names too long to stand beside each other lie under each other, whole.
    expect(html).toContain(">kind number 2</text>");
  });

  test("lists metrics by label and by column, one a row, and gives a large matrix a row of its own", () => {
    const html = runReport({
      reference: rows(30),
      current: rows(30),
      presets: [
        { preset: "DataSummaryPreset" },
        { preset: "ClassificationPreset", target: "kind", predictionLabels: "guess", multiclass: true },
      ],
    }).html();
    expect(html.match(/<td class="short">kind number 29<\/td>/g)?.length).toBeGreaterThanOrEqual(2);
    expect(html).toContain('<figure class="wide"><figcaption>Confusion matrix');
    expect(html).toMatch(/<td class="short">amount<\/td><td class="short">current<\/td>/);
    expect(html).toMatch(/<td class="short"><\/td><td class="short">reference<\/td>/);
  });

  test("says how many features are not drawn", () => {
    const wide = Object.fromEntries(Array.from({ length: 45 }, (_, at) => [`x${at}`, [1, 2, 3, 4, 5, 6 + at]]));
    const presets = [{ preset: "DataDriftPreset" }] as const;
    expect(runReport({ reference: wide, current: wide, presets }).html()).toContain("5 calmer ones are not drawn");
  });
});
