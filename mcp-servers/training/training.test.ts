import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadModel } from "@dagwright/learn";
import { createMcpPool } from "@dagwright/mcp-kit";
import type { Tracking } from "@dagwright/tracking";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { training } from "./contract.ts";
import { openPlace, type Place } from "./fixtures/place.ts";
import { createTrainingServer } from "./server.ts";
import { trainModel } from "./training.ts";

let place: Place;
let tracking: Tracking;
let pool: ReturnType<typeof createMcpPool>;

beforeAll(async () => {
  place = await openPlace("training");
  const { write, lake } = place;
  tracking = place.tracking;
  // One row in four is of class 1: those with a great `signal`, but for some by chance; `gap` is null in every fifth row.
  const rows = (from: number, to: number) => `
    SELECT i AS id, (hash(i) % 1000) / 10.0 AS signal, CASE WHEN i % 5 = 0 THEN NULL ELSE (hash(i + 7) % 50)::BIGINT END AS gap,
      i % 2 = 0 AS even, 'a' AS text, DATE '2026-01-01' AS day, CASE WHEN i > 0 THEN 1 END AS holes,
      CASE WHEN (hash(i) % 1000) / 10.0 + (hash(i + 3) % 40) > 95 THEN 1 ELSE 0 END AS label, 0 AS constant, i % 3 AS third
    FROM range(${from}, ${to}) t(i)`;
  await write("past", rows(0, 1200));
  await write("held_out", rows(5000, 5300));
  await write("nobody", `${rows(0, 10)} WHERE i < 0`);
  await write("ones", `${rows(5000, 5300)} WHERE (hash(i) % 1000) / 10.0 > 96`);
  pool = createMcpPool({ servers: { training: createTrainingServer({ lake, tracking }) } });
});
afterAll(async () => {
  await pool.close();
  await place.close();
});

const ask = {
  train: { table: "past" },
  validation: { table: "held_out" },
  label: "label",
  features: ["signal", "gap", "even"],
  params: { n_estimators: 10 },
  experiment: "signals",
};
const client = (idempotencyKey?: string) =>
  pool.client(training, idempotencyKey === undefined ? {} : { idempotencyKey });

describe("train_model", () => {
  test.each([
    ["random_forest", { n_estimators: 20 }],
    ["gradient_boosting", { n_estimators: 20 }],
    ["logistic_regression", {}],
  ] as const)("%s learns, and logs all there is to know", async (algorithm, params) => {
    const tags = { "dagwright.run": "daily/1", "dagwright.trigger": "manual" };
    const answer = await client().call("train_model", { ...ask, algorithm, params, tags, runName: "first" });
    expect(answer).toMatchObject({ algorithm, rows: { train: 1200, validation: 300 }, alreadyDone: false });
    expect(answer.metrics.val_roc_auc).toBeGreaterThan(0.9);
    expect(answer.metrics.val_f1).toBeGreaterThan(answer.metrics.baseline_f1 ?? 1);
    expect(answer.metrics.baseline_accuracy).toBeCloseTo(1 - answer.positives, 12);
    expect(answer.featureImportance[0]?.feature).toBe("signal");

    const run = await tracking.getRun(answer.runId);
    expect(run).toMatchObject({ experiment: "signals", name: "first", status: "FINISHED", metrics: answer.metrics });
    expect(run.tags).toMatchObject({
      ...tags,
      algorithm,
      "train.table": "past",
      "train.version": "0",
      "validation.table": "held_out",
    });
    expect(run.params).toMatchObject({ algorithm, seed: "42" });
    if (algorithm === "random_forest")
      expect(run.params).toMatchObject({ n_estimators: "20", min_samples_leaf: "5", max_depth: "null" });
    expect(await tracking.listArtifacts(answer.runId)).toEqual([
      "feature_importance.json",
      "metrics.json",
      "model/model.bin",
      "model/model.onnx",
      "model/signature.json",
    ]);
    expect(answer.modelUri).toBe(await tracking.artifactUri(answer.runId, "model/model.bin"));
    expect(fileURLToPath(answer.onnxUri)).toMatch(/model\.onnx$/);
    const signature: unknown = JSON.parse(
      new TextDecoder().decode(await tracking.readArtifact(answer.runId, "model/signature.json")),
    );
    expect(signature).toMatchObject({ features: ["signal", "gap", "even"], label: "label", classes: [0, 1] });
    const model = loadModel(await tracking.readArtifact(answer.runId, "model/model.bin"));
    expect(model.predictRow({ signal: 99, gap: null, even: 1 }).prediction).toBe(1);
  });

  test("three classes", async () => {
    const answer = await client().call("train_model", { ...ask, label: "third", features: ["id", "signal"] });
    expect(answer.positives).toBeCloseTo(1 / 3);
    expect(answer.metrics.val_roc_auc).toBeGreaterThan(0);
  });

  test("the same call again is the same run, not trained again", async () => {
    const first = await client("run-1/train").call("train_model", ask);
    const again = await client("run-1/train").call("train_model", ask);
    expect(again).toEqual({ ...first, alreadyDone: true });
    expect(
      (await tracking.searchRuns({ experiment: "signals" })).filter(({ key }) => key === "run-1/train"),
    ).toHaveLength(1);
  });

  test("a run that a crash left unfinished is taken up and completed", async () => {
    const key = "run-2/train";
    // As far as a killed attempt may have come: params and a metric logged, half of the files there.
    const { runId } = await tracking.startRun({ experiment: "signals", key });
    await tracking.logBatch(runId, { params: { algorithm: "random_forest", seed: 42 }, metrics: { val_f1: 0.1 } });
    await tracking.logArtifact(runId, "model/model.bin", Uint8Array.of(1, 2, 3));
    const answer = await client(key).call("train_model", ask);
    expect(answer).toMatchObject({ runId, alreadyDone: false });
    expect(await tracking.getRun(runId)).toMatchObject({ status: "FINISHED", metrics: answer.metrics });
    const other = await client("run-3/train").call("train_model", ask);
    expect(await tracking.readArtifact(runId, "model/model.bin")).toEqual(
      await tracking.readArtifact(other.runId, "model/model.bin"),
    );
  });

  test("a cancelled run is marked as killed; the next attempt completes it", async () => {
    const abort = new AbortController();
    const args = training.tools.train_model.input.parse({ ...ask, params: {} });
    const call = (signal: AbortSignal, progress: () => void) =>
      trainModel({ lake: place.lake, tracking }, args, { signal, progress, idempotencyKey: "run-4/train" });
    await expect(call(abort.signal, () => abort.abort(new Error("worker stops")))).rejects.toThrow("worker stops");
    const [run] = await tracking.searchRuns({ experiment: "signals", limit: 1 });
    expect(run).toMatchObject({ key: "run-4/train", status: "KILLED" });
    let steps = 0;
    const answer = await call(new AbortController().signal, () => steps++);
    expect(answer).toMatchObject({ runId: run?.runId, alreadyDone: false });
    expect(steps).toBe(100);
  });

  test.each([
    [{ label: "lable" }, { code: "COLUMN_NOT_FOUND", field: "label", hint: 'Did you mean "label"?' }],
    [{ features: ["signal", "gaap"] }, { code: "COLUMN_NOT_FOUND", field: "features", hint: 'Did you mean "gap"?' }],
    [{ features: ["signal", "label"] }, { code: "LABEL_IS_FEATURE", field: "features" }],
    [{ features: ["signal", "signal"] }, { code: "DUPLICATE_FEATURE", field: "features" }],
    [{ label: "text" }, { code: "COLUMN_NOT_NUMERIC", field: "label" }],
    [{ features: ["day"] }, { code: "COLUMN_NOT_NUMERIC", field: "features" }],
    [{ label: "holes" }, { code: "LABEL_MISSING", field: "label" }],
    [{ label: "constant" }, { code: "ONE_CLASS", field: "train" }],
    [{ train: { table: "nobody" } }, { code: "NO_ROWS", field: "train" }],
    [{ validation: { table: "ones" } }, { code: "CLASSES_DIFFER", field: "validation" }],
    [{ train: { table: "pasd" } }, { code: "TABLE_NOT_FOUND" }],
    [{ train: { table: "past", version: 9 } }, { code: "VERSION_NOT_FOUND" }],
  ])("refuses %j before a run is started", async (wrong, error) => {
    const call = client().call("train_model", { ...ask, experiment: "refused", ...wrong });
    await expect(call).rejects.toMatchObject({ ...error, retryable: false });
    expect(await tracking.searchRuns({ experiment: "refused" })).toEqual([]);
  });

  test("refuses an unknown hyper-parameter by naming the known ones", async () => {
    const call = client().call("train_model", { ...ask, experiment: "refused", params: { trees: 5 } });
    await expect(call).rejects.toMatchObject({
      code: "UNKNOWN_PARAM",
      field: "params.trees",
      message: expect.stringContaining("it has n_estimators, criterion, max_depth"),
    });
    expect(await tracking.searchRuns({ experiment: "refused" })).toEqual([]);
  });
});

describe("raw columns", () => {
  test("texts, preprocessing, weights and numbers to predict", async () => {
    const answer = await client().call("train_model", {
      ...ask,
      task: "regression",
      algorithm: "gradient_boosting",
      label: "signal",
      features: ["gap", "text", "label"],
      weight: "third",
      preprocessing: { gap: { impute: "median", indicator: true } },
    });
    expect(Object.keys(answer.metrics).sort()).toEqual(["baseline_rmse", "train_r2", "val_mae", "val_r2", "val_rmse"]);
    expect(answer.metrics.val_rmse).toBeLessThan(answer.metrics.baseline_rmse ?? 0);
    const loaded = await client().call("load_model", { runId: answer.runId });
    expect(loaded.features).toEqual([
      { name: "gap", type: "number" },
      { name: "text", type: "text" },
      { name: "label", type: "number" },
    ]);
    const preprocessing = { gap: { impute: "meen" } };
    const wrong = client().call("train_model", { ...ask, experiment: "refused", preprocessing });
    await expect(wrong).rejects.toMatchObject({ code: "INVALID_PREPROCESSING", field: "preprocessing.gap.impute" });
  });
});

describe("validate_model, save_model and load_model", () => {
  test("a model is measured, held to thresholds, written to a file and read from it", async () => {
    const { runId, metrics } = await client().call("train_model", ask);
    const data = { table: "held_out" };
    const thresholds = { f1: { min: 0.99 }, log_loss: { max: 5 } };
    const answer = await client().call("validate_model", {
      ...{ runId, data, label: "label", thresholds, permutationImportance: true },
    });
    expect(answer).toMatchObject({ task: "classification", rows: 300, passed: false, metrics: { f1: metrics.val_f1 } });
    expect(answer.failures).toEqual([{ score: "f1", value: metrics.val_f1, expected: "at least 0.99" }]);
    expect(answer.confusionMatrix?.counts.flat().reduce((sum, count) => sum + count)).toBe(300);
    expect(answer.importance[0]?.feature).toBe("signal");
    const unknown = client().call("validate_model", { runId, data, label: "label", thresholds: { f2: { min: 1 } } });
    await expect(unknown).rejects.toMatchObject({ code: "UNKNOWN_SCORE", field: "thresholds.f2" });

    const saved = await client().call("save_model", { runId, name: "champion" });
    const onnx = await client().call("save_model", { runId, name: "champion", format: "onnx" });
    expect(onnx.uri).toMatch(/saved\/champion\.onnx$/);
    const imported = await client().call("load_model", { source: fileURLToPath(saved.uri) });
    expect(imported).toMatchObject({ algorithm: "random_forest", classes: [0, 1], bytes: saved.bytes });
    expect((await client().call("load_model", { source: fileURLToPath(saved.uri) })).runId).toBe(imported.runId);
    const again = await client().call("validate_model", { runId: imported.runId, data, label: "label" });
    expect(again.metrics).toEqual(answer.metrics);
    await expect(client().call("load_model", {})).rejects.toMatchObject({ code: "ONE_SOURCE" });
    const nowhere = client().call("load_model", { source: join(place.home, "none.bin") });
    await expect(nowhere).rejects.toMatchObject({ code: "SOURCE_UNREADABLE", field: "source" });
  });
});

describe("compare_models", () => {
  test("measures on the same rows and names the best by ROC AUC", async () => {
    const good = await client().call("train_model", ask);
    const poor = await client().call("train_model", { ...ask, features: ["even"] });
    const answer = await client().call("compare_models", {
      runIds: [poor.runId, good.runId],
      validation: { table: "held_out" },
      label: "label",
    });
    expect(answer.best).toBe(good.runId);
    expect(answer.models.map(({ runId }) => runId)).toEqual([poor.runId, good.runId]);
    expect(answer.models[1]?.metrics).toEqual({
      accuracy: good.metrics.val_accuracy,
      precision: good.metrics.val_precision,
      recall: good.metrics.val_recall,
      f1: good.metrics.val_f1,
      roc_auc: good.metrics.val_roc_auc,
    });
  });

  test("refuses what it cannot compare", async () => {
    const compare = (runIds: string[]) =>
      client().call("compare_models", { runIds, validation: { table: "held_out" }, label: "label" });
    await expect(compare(["nope"])).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
    await expect(compare([])).rejects.toMatchObject({ code: "INVALID_ARGUMENTS", field: "runIds" });
    const { runId } = await tracking.startRun({ experiment: "empty" });
    await expect(compare([runId])).rejects.toMatchObject({ code: "ARTIFACT_NOT_FOUND" });
  });
});

describe("what was trained", () => {
  test("is listed, the newest first, unfinished runs left out", async () => {
    const runIds: string[] = [];
    for (const algorithm of ["logistic_regression", "random_forest"] as const) {
      const params = algorithm === "random_forest" ? { n_estimators: 3 } : {};
      runIds.unshift((await client().call("train_model", { ...ask, experiment: "listed", algorithm, params })).runId);
    }
    for (let nth = 0; nth < 3; nth++) await tracking.startRun({ experiment: "listed" });
    const { models } = await client().call("list_trained_models", { experiment: "listed", limit: 2 });
    expect(models.map(({ runId, algorithm }) => [runId, algorithm])).toEqual([
      [runIds[0], "random_forest"],
      [runIds[1], "logistic_regression"],
    ]);
    expect((await client().call("list_trained_models", { experiment: "nothing" })).models).toEqual([]);
  });

  test("has its metrics, params and tags", async () => {
    const { runId, metrics } = await client().call("train_model", ask);
    const answer = await client().call("get_model_metrics", { runId });
    expect(answer).toMatchObject({
      runId,
      status: "FINISHED",
      metrics,
      params: { n_estimators: "10" },
      tags: { algorithm: "random_forest" },
    });
    await expect(client().call("get_model_metrics", { runId: "nope" })).rejects.toMatchObject({
      code: "RUN_NOT_FOUND",
    });
  });
});
