import { defineContract } from "@dagwright/mcp-kit/contract";
import { z } from "zod";

const TableVersion = z.object({
  table: z.string().min(1),
  version: z.number().int().min(0).optional().describe("The newest when left out."),
});

const Algorithm = z.enum(["random_forest", "gradient_boosting", "logistic_regression"]);

const RunId = z.string().min(1).describe("A run of the tracking store.");

const Status = z.enum(["RUNNING", "FINISHED", "FAILED", "KILLED"]);

const trainModel = {
  description:
    "Trains a classifier on a table, measures it on another, and logs params, metrics, model and ONNX file as one run of an experiment.",
  input: z.object({
    train: TableVersion,
    validation: TableVersion,
    label: z.string().min(1).describe("The column of classes: whole numbers, e.g. 0 and 1."),
    features: z.array(z.string().min(1)).min(1).describe("Columns of numbers or booleans; null is a missing value."),
    algorithm: Algorithm.default("random_forest"),
    params: z
      .record(z.string(), z.unknown())
      .default({})
      .describe(
        "Hyper-parameters by scikit-learn's names, with its defaults, but that a forest's min_samples_leaf is 5.",
      ),
    seed: z.number().int().default(42),
    experiment: z.string().min(1),
    runName: z.string().min(1).optional(),
    tags: z.record(z.string(), z.string()).default({}),
  }),
  output: z.object({
    runId: z.string(),
    algorithm: Algorithm,
    metrics: z.object({
      train_accuracy: z.number(),
      val_accuracy: z.number(),
      val_precision: z.number().describe("Weighted by the classes' rows, as are recall and F1."),
      val_recall: z.number(),
      val_f1: z.number(),
      val_roc_auc: z.number(),
      baseline_f1: z.number().describe("Weighted F1 of always saying the training rows' most frequent class."),
      baseline_accuracy: z.number(),
    }),
    featureImportance: z
      .array(z.object({ feature: z.string(), importance: z.number() }))
      .describe("Most important first; sums to 1."),
    rows: z.object({ train: z.number().int(), validation: z.number().int() }),
    positives: z.number().describe("Share of the validation rows that are of the greatest class."),
    modelUri: z.string(),
    onnxUri: z.string(),
    alreadyDone: z.boolean().describe("An earlier attempt of this call had finished the run."),
  }),
  annotations: { idempotent: true },
} as const;

const compareModels = {
  description: "Measures the models of several runs on the same rows and says which has the greatest ROC AUC.",
  input: z.object({ runIds: z.array(RunId).min(1), validation: TableVersion, label: z.string().min(1) }),
  output: z.object({
    models: z.array(
      z.object({
        runId: z.string(),
        metrics: z.object({
          accuracy: z.number(),
          precision: z.number().describe("Weighted by the classes' rows, as are recall and F1."),
          recall: z.number(),
          f1: z.number(),
          roc_auc: z.number(),
        }),
      }),
    ),
    best: z.string().describe("The first of equals."),
  }),
  annotations: { readOnly: true, idempotent: true },
} as const;

const getModelMetrics = {
  description: "Status, metrics, params and tags of a run.",
  input: z.object({ runId: RunId }),
  output: z.object({
    runId: z.string(),
    status: Status,
    metrics: z.record(z.string(), z.number()),
    params: z.record(z.string(), z.string()),
    tags: z.record(z.string(), z.string()),
  }),
  annotations: { readOnly: true, idempotent: true },
} as const;

const listTrainedModels = {
  description: "The finished runs of an experiment, the newest first.",
  input: z.object({ experiment: z.string().min(1), limit: z.number().int().min(1).max(1000).default(20) }),
  output: z.object({
    models: z.array(
      z.object({
        runId: z.string(),
        name: z.string(),
        algorithm: z.string().nullable().describe("Null for a run that was not made by train_model."),
        trainedAt: z.string().describe("ISO-8601, UTC."),
        metrics: z.record(z.string(), z.number()),
        modelUri: z.string(),
      }),
    ),
  }),
  annotations: { readOnly: true, idempotent: true },
} as const;

/** Learns from tables. */
export const training = defineContract({
  name: "training",
  instructions: "Trains models on tables, keeps them as runs of an experiment, and compares them on the same rows.",
  tools: {
    train_model: trainModel,
    compare_models: compareModels,
    get_model_metrics: getModelMetrics,
    list_trained_models: listTrainedModels,
  },
});
