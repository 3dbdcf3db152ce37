import type { Lake, TableRef } from "@dagwright/lake";
import { accuracy, checkTraining, classificationMetrics, type Model, precisionRecallF1, train } from "@dagwright/learn";
import { type ToolArguments, type ToolContext, ToolError, type ToolOutput } from "@dagwright/mcp-kit";
import type { Tracking } from "@dagwright/tracking";
import type { training } from "./contract.ts";
import { type LabelledRows, readLabelledRows } from "./labelled-rows.ts";
import { logModel, type Measured, MODEL_PATH, ONNX_PATH, readMeasured, readModel } from "./run-artifacts.ts";

type TrainArguments = ToolArguments<typeof training, "train_model">;
type TrainOutput = ToolOutput<typeof training, "train_model">;

/** What the tools of the training server stand on. */
export interface TrainingServices {
  readonly lake: Lake;
  readonly tracking: Tracking;
}

/**
 * Trains and logs a model. A call with a known idempotency key gives back the finished run, or takes up the run that a
 * crash, a failure or a cancellation left unfinished and completes it. Tables and arguments are read before the run is
 * started.
 */
export async function trainModel(
  { lake, tracking }: TrainingServices,
  args: TrainArguments,
  ctx: Pick<ToolContext, "signal" | "progress" | "idempotencyKey">,
): Promise<TrainOutput> {
  checkFeatures(args);
  const training = await readLabelledRows(lake, args.train, args.features, args.label, "train");
  const validation = await readLabelledRows(lake, args.validation, args.features, args.label, "validation");
  checkValidation(training, validation, args.label);
  const learning = {
    algorithm: args.algorithm,
    columns: training.columns,
    target: training.label,
    params: { ...SERVER_DEFAULTS[args.algorithm], ...args.params },
    seed: args.seed,
  };
  checkTraining(learning);
  const run = await tracking.startRun({
    experiment: args.experiment,
    name: args.runName,
    key: ctx.idempotencyKey,
    tags: {
      ...args.tags,
      algorithm: args.algorithm,
      "train.table": training.table,
      "train.version": String(training.version),
      "validation.table": validation.table,
      "validation.version": String(validation.version),
      label: args.label,
    },
    lineage: {
      tables: [
        { table: training.table, version: training.version, context: "training" },
        { table: validation.table, version: validation.version, context: "validation" },
      ],
    },
  });
  const { runId } = run;
  const uris = {
    modelUri: await tracking.artifactUri(runId, MODEL_PATH),
    onnxUri: await tracking.artifactUri(runId, ONNX_PATH),
  };
  if (run.status === "FINISHED")
    return {
      runId,
      algorithm: args.algorithm,
      ...(await readMeasured(tracking, runId)),
      ...uris,
      alreadyDone: true,
    };
  try {
    const model = await train({
      ...learning,
      signal: ctx.signal,
      onProgress: ({ done, total }) => ctx.progress({ done, total, note: NOTES[args.algorithm] }),
    });
    const measured = measure(model, training, validation);
    const params = Object.entries(model.params).map(([name, value]) => [name, String(value)]);
    await tracking.logBatch(runId, {
      params: { algorithm: args.algorithm, seed: args.seed, ...Object.fromEntries(params) },
      metrics: measured.metrics,
    });
    await logModel(tracking, runId, model, args.label, measured);
    await tracking.finishRun(runId, "FINISHED");
    return {
      runId,
      algorithm: args.algorithm,
      ...measured,
      featureImportance: [...model.featureImportance],
      ...uris,
      alreadyDone: false,
    };
  } catch (error) {
    // What went wrong first is what the caller must hear, even when the store is gone too.
    await tracking.finishRun(runId, ctx.signal.aborted ? "KILLED" : "FAILED").catch(() => undefined);
    throw error;
  }
}

/** Where this server's defaults are not scikit-learn's: leaves of 5 rows give better probabilities on rare classes. */
const SERVER_DEFAULTS: Readonly<Record<TrainArguments["algorithm"], Readonly<Record<string, unknown>>>> = {
  random_forest: { min_samples_leaf: 5 },
  gradient_boosting: {},
  logistic_regression: {},
};

const NOTES: Readonly<Record<TrainArguments["algorithm"], string>> = {
  random_forest: "trees",
  gradient_boosting: "rounds",
  logistic_regression: "iterations",
};

function checkFeatures({ features, label }: TrainArguments): void {
  if (features.includes(label))
    throw new ToolError(
      "LABEL_IS_FEATURE",
      `The label "${label}" is among the features: expected only columns known before it.`,
      {
        field: "features",
      },
    );
  const twice = features.find((name, at) => features.indexOf(name) !== at);
  if (twice !== undefined)
    throw new ToolError("DUPLICATE_FEATURE", `features names "${twice}" twice: expected each column once.`, {
      field: "features",
    });
}

/** Both tables must have the same classes, at least two: otherwise nothing can be learnt or measured. */
function checkValidation(training: LabelledRows, validation: LabelledRows, label: string): void {
  const known = new Set(training.label);
  const met = new Set(validation.label);
  const list = (classes: Iterable<number>) => [...classes].sort((a, b) => a - b).join(", ");
  if (known.size < 2)
    throw new ToolError(
      "ONE_CLASS",
      `The label "${label}" is ${list(known)} in all ${training.label.length} rows of ${training.table}: expected two classes or more.`,
      {
        field: "train",
      },
    );
  if (known.size !== met.size || [...met].some((one) => !known.has(one)))
    throw new ToolError(
      "CLASSES_DIFFER",
      `The label "${label}" has the classes ${list(known)} in ${training.table} and ${list(met)} in ${validation.table}: expected the same.`,
      {
        field: "validation",
        hint: "Split more rows, or by class, so that every class is in both tables.",
      },
    );
}

function measure(model: Model, training: LabelledRows, validation: LabelledRows): Measured {
  const { accuracy: val_accuracy, precision, recall, f1, roc_auc } = metricsOn(model, validation);
  const majority = mostFrequent(training.label);
  const always = new Float64Array(validation.label.length).fill(majority);
  const greatest = model.classes[model.classes.length - 1];
  return {
    metrics: {
      train_accuracy: accuracy(training.label, model.predict(training.columns)),
      val_accuracy,
      val_precision: precision,
      val_recall: recall,
      val_f1: f1,
      val_roc_auc: roc_auc,
      baseline_f1: precisionRecallF1(validation.label, always, { average: "weighted" }).f1,
      baseline_accuracy: accuracy(validation.label, always),
    },
    rows: { train: training.label.length, validation: validation.label.length },
    positives: validation.label.filter((value) => value === greatest).length / validation.label.length,
  };
}

function metricsOn(model: Model, { label, columns }: LabelledRows) {
  return classificationMetrics(label, model.predict(columns), model.predictProba(columns), model.classes);
}

/** The smallest of equals. */
function mostFrequent(values: Float64Array): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([a, rowsA], [b, rowsB]) => rowsB - rowsA || a - b)[0]?.[0] ?? 0;
}

/** Measures the models of runs on the same rows. */
export async function compareModels(
  { lake, tracking }: TrainingServices,
  { runIds, validation, label }: { runIds: readonly string[]; validation: TableRef; label: string },
): Promise<ToolOutput<typeof training, "compare_models">> {
  const { version } = await lake.snapshot(validation);
  const models = [];
  for (const runId of runIds) {
    const model = await readModel(tracking, runId);
    const rows = await readLabelledRows(
      lake,
      { table: validation.table, version },
      model.featureNames,
      label,
      "validation",
    );
    models.push({ runId, metrics: { ...metricsOn(model, rows) } });
  }
  const best = models.reduce((leader, one) => (one.metrics.roc_auc > leader.metrics.roc_auc ? one : leader));
  return { models, best: best.runId };
}

/** The newest finished runs of an experiment, at most `limit`. */
export async function listTrainedModels(
  { tracking }: Pick<TrainingServices, "tracking">,
  { experiment, limit }: { experiment: string; limit: number },
): Promise<ToolOutput<typeof training, "list_trained_models">> {
  for (let take = limit; ; take *= 4) {
    const runs = await tracking.searchRuns({ experiment, limit: take });
    const finished = runs.filter(({ status }) => status === "FINISHED");
    if (finished.length < limit && runs.length === take) continue;
    const listed = finished.slice(0, limit).map(async ({ runId, name, tags, metrics, startedAt, endedAt }) => ({
      runId,
      name,
      algorithm: tags.algorithm ?? null,
      trainedAt: endedAt ?? startedAt,
      metrics: finite(metrics),
      modelUri: await tracking.artifactUri(runId, MODEL_PATH),
    }));
    return { models: await Promise.all(listed) };
  }
}

/** What was logged to a run. */
export async function getModelMetrics(
  { tracking }: Pick<TrainingServices, "tracking">,
  { runId }: { runId: string },
): Promise<ToolOutput<typeof training, "get_model_metrics">> {
  const { status, metrics, params, tags } = await tracking.getRun(runId);
  return { runId, status, metrics: finite(metrics), params: { ...params }, tags: { ...tags } };
}

/** JSON has no NaN: a metric that is none is left out. */
function finite(metrics: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(metrics).filter(([, value]) => Number.isFinite(value)));
}
