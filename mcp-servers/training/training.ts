import type { Lake, TableRef } from "@dagwright/lake";
import {
  accuracy,
  checkTraining,
  confusionMatrix,
  evaluate,
  type Model,
  type Preprocessing,
  permutationImportance,
  precisionRecallF1,
  predictInTurns,
  type Score,
  train,
} from "@dagwright/learn";
import { type ToolArguments, type ToolContext, ToolError, type ToolOutput } from "@dagwright/mcp-kit";
import type { Tracking } from "@dagwright/tracking";
import type { training } from "./contract.ts";
import { DEFAULT_PARAMS } from "./default-params.ts";
import { checkFeatures, type LabelledRows, readLabelledRows } from "./labelled-rows.ts";
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
  const training = await readLabelledRows(lake, args.train, args.features, args.label, "train", args.weight);
  const validation = await readLabelledRows(lake, args.validation, args.features, args.label, "validation");
  if (args.task === "classification") checkValidation(training, validation, args.label);
  const learning = {
    algorithm: args.algorithm,
    task: args.task,
    // Checked by checkTraining, which names what is wrong.
    preprocessing: args.preprocessing as Preprocessing,
    ...(training.weight !== undefined && { sampleWeight: training.weight }),
    columns: training.columns,
    target: training.label,
    params: { ...DEFAULT_PARAMS[args.algorithm], ...args.params },
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
      task: args.task,
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
    if (model.backend !== undefined) await tracking.logBatch(runId, { tags: { backend: model.backend } });
    const { metrics, ...judged } = await measure(model, training, validation, ctx.signal);
    const oob = model.oobScore === undefined ? {} : { oob_score: model.oobScore };
    const measured = { ...judged, metrics: { ...metrics, ...oob } };
    const params = Object.entries(model.params).map(([name, value]) => [name, textOf(value)]);
    await tracking.logBatch(runId, {
      params: { algorithm: args.algorithm, seed: args.seed, ...Object.fromEntries(params) },
      metrics: measured.metrics,
    });
    await logModel(tracking, runId, model, { label: args.label, measured, signal: ctx.signal });
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

const NOTES: Readonly<Record<TrainArguments["algorithm"], string>> = {
  random_forest: "trees",
  gradient_boosting: "rounds",
  logistic_regression: "iterations",
  ridge: "columns",
  neural_network: "epochs",
};

function textOf(value: unknown): string {
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
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

async function measure(
  model: Model,
  training: LabelledRows,
  validation: LabelledRows,
  signal: AbortSignal,
): Promise<Measured> {
  const rows = { train: training.label.length, validation: validation.label.length };
  const scores = await evaluate(model, validation.columns, validation.label, { signal });
  if (model.task === "regression") {
    const mean = training.label.reduce((sum, value) => sum + value / rows.train, 0);
    const squares = validation.label.reduce((sum, value) => sum + (value - mean) ** 2 / rows.validation, 0);
    const { r2: train_r2 = Number.NaN } = await evaluate(model, training.columns, training.label, { signal });
    const metrics = { train_r2, ...prefixed(scores), baseline_rmse: Math.sqrt(squares) };
    return { metrics: finite(metrics), rows, positives: 0 };
  }
  const { log_loss: _, ...compared } = scores;
  const majority = mostFrequent(training.label);
  const always = new Float64Array(validation.label.length).fill(majority);
  const greatest = model.classes[model.classes.length - 1];
  return {
    metrics: finite({
      train_accuracy: accuracy(training.label, await predictInTurns(model, training.columns, signal)),
      ...prefixed(compared),
      baseline_f1: precisionRecallF1(validation.label, always, { average: "weighted" }).f1,
      baseline_accuracy: accuracy(validation.label, always),
    }),
    rows,
    positives: validation.label.filter((value) => value === greatest).length / validation.label.length,
  };
}

function prefixed(scores: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(scores).map(([name, value]) => [`val_${name}`, value]));
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
  { signal }: Pick<ToolContext, "signal">,
): Promise<ToolOutput<typeof training, "compare_models">> {
  const { version } = await lake.snapshot(validation);
  const models: { runId: string; task: Model["task"]; metrics: Record<string, number> }[] = [];
  for (const runId of runIds) {
    const model = await readModel(tracking, runId);
    const first = models[0];
    if (first !== undefined && model.task !== first.task)
      throw new ToolError("TASKS_DIFFER", `Run ${first.runId} learnt ${first.task} and ${runId} ${model.task}.`, {
        field: "runIds",
        hint: "Compare models of the same task.",
      });
    const table = { table: validation.table, version };
    const rows = await readLabelledRows(lake, table, model.featureNames, label, "validation");
    const { log_loss: _, ...metrics } = await evaluate(model, rows.columns, rows.label, { signal });
    models.push({ runId, task: model.task, metrics: finite(metrics) });
  }
  const rank = ({ task, metrics }: (typeof models)[number]) =>
    metrics[task === "regression" ? "r2" : "roc_auc"] ?? Number.NEGATIVE_INFINITY;
  const best = models.reduce((leader, one) => (rank(one) > rank(leader) ? one : leader));
  return { models: models.map(({ runId, metrics }) => ({ runId, metrics })), best: best.runId };
}

/** Measures a run's model on a table and holds it to thresholds. */
export async function validateModel(
  { lake, tracking }: TrainingServices,
  { runId, data, label, thresholds, ...args }: ToolArguments<typeof training, "validate_model">,
  { signal }: Pick<ToolContext, "signal">,
): Promise<ToolOutput<typeof training, "validate_model">> {
  const model = await readModel(tracking, runId);
  const { columns, label: target } = await readLabelledRows(lake, data, model.featureNames, label, "data");
  const metrics = finite(await evaluate(model, columns, target, { signal }));
  const unknown = Object.keys(thresholds).find((name) => metrics[name] === undefined);
  if (unknown !== undefined)
    throw new ToolError(
      "UNKNOWN_SCORE",
      `thresholds names "${unknown}": expected one of ${Object.keys(metrics).join(", ")}.`,
      {
        field: `thresholds.${unknown}`,
      },
    );
  const failures = Object.entries(thresholds).flatMap(([score, { min, max }]) => {
    const value = metrics[score]!;
    if (min !== undefined && value < min) return [{ score, value, expected: `at least ${min}` }];
    return max !== undefined && value > max ? [{ score, value, expected: `at most ${max}` }] : [];
  });
  const score: Score = model.task === "regression" ? "r2" : "roc_auc";
  const classes = [...model.classes];
  return {
    runId,
    task: model.task,
    rows: columns.rowCount,
    metrics,
    confusionMatrix:
      model.task === "regression"
        ? null
        : {
            classes,
            counts: confusionMatrix(target, await predictInTurns(model, columns, signal), { labels: classes }).matrix,
          },
    importance: args.permutationImportance
      ? await permutationImportance(model, columns, target, { score, signal })
      : [],
    passed: failures.length === 0,
    failures,
  };
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
