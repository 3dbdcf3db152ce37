import { defineContract } from "@dagwright/mcp-kit/contract";
import { z } from "zod";
import { hyperparameterTuning } from "./tuning-contract.ts";

export const TableVersion = z.object({
  table: z.string().min(1),
  version: z.number().int().min(0).optional().describe("The newest when left out."),
});

const Algorithm = z.enum(["random_forest", "gradient_boosting", "logistic_regression", "ridge", "neural_network"]);

const RunId = z.string().min(1).describe("A run of the tracking store.");

const Status = z.enum(["RUNNING", "FINISHED", "FAILED", "KILLED"]);

const Metrics = z.record(z.string(), z.number());

const Importance = z
  .array(z.object({ feature: z.string(), importance: z.number() }))
  .describe("Most important first; sums to 1.");

const trainModel = {
  description:
    "Trains a model on a table, measures it on another, and logs params, metrics, model and ONNX file as one run of an experiment.",
  input: z.object({
    train: TableVersion.describe("The table to learn from."),
    validation: TableVersion.describe("The table that the scores are of."),
    label: z
      .string()
      .min(1)
      .describe("The column to predict: whole numbers for classes, e.g. 0 and 1; any numbers for regression."),
    features: z
      .array(z.string().min(1))
      .min(1)
      .describe("Columns of numbers, booleans or texts, raw; null is a missing value."),
    task: z
      .enum(["classification", "regression"])
      .default("classification")
      .describe("Whether classes or numbers are predicted."),
    algorithm: Algorithm.default("random_forest").describe("logistic_regression learns classes, ridge numbers."),
    params: z
      .record(z.string(), z.unknown())
      .default({})
      .describe(
        "Hyper-parameters by scikit-learn's names, with its defaults, but that a forest's min_samples_leaf is 5.",
      ),
    preprocessing: z
      .record(z.string(), z.record(z.string(), z.unknown()))
      .default({})
      .describe(
        'Steps by column, fitted on the training table and kept in the model: { impute, indicator, scale } for numbers, { encode: "one_hot" | "ordinal", impute, handle_unknown, min_frequency, max_categories } for categories.',
      ),
    weight: z.string().min(1).optional().describe("Column of the training rows' weights."),
    seed: z.number().int().default(42).describe("The same seed gives the same model."),
    experiment: z.string().min(1).describe("Name of the experiment, made when it is not there."),
    runName: z.string().min(1).optional().describe("What the run is called; made up when left out."),
    tags: z.record(z.string(), z.string()).default({}).describe("Tags that the run gets."),
  }),
  output: z.object({
    runId: z.string(),
    algorithm: Algorithm,
    metrics: Metrics.describe(
      "Classes: train_accuracy, val_accuracy, val_precision, val_recall, val_f1 (weighted by the classes' rows), val_roc_auc, and baseline_accuracy and baseline_f1 of always saying the commonest class. Numbers: train_r2, val_r2, val_rmse, val_mae, and baseline_rmse of always saying the mean.",
    ),
    featureImportance: Importance,
    rows: z.object({ train: z.number().int(), validation: z.number().int() }),
    positives: z.number().describe("Share of the validation rows that are of the greatest class; 0 for regression."),
    modelUri: z.string(),
    onnxUri: z.string(),
    alreadyDone: z.boolean().describe("An earlier attempt of this call had finished the run."),
  }),
  annotations: { idempotent: true },
} as const;

const validateModel = {
  description:
    "Measures a run's model on a table: every score, the confusion matrix, importance by permutation, and whether it meets given thresholds.",
  input: z.object({
    runId: RunId,
    data: TableVersion.describe("The table that the model is held against."),
    label: z.string().min(1).describe("The column that the model predicts."),
    thresholds: z
      .record(z.string(), z.object({ min: z.number().optional(), max: z.number().optional() }))
      .default({})
      .describe('By score, e.g. { "f1": { "min": 0.8 } }.'),
    permutationImportance: z.boolean().default(false).describe("Takes five predictions over all rows a feature."),
  }),
  output: z.object({
    runId: z.string(),
    task: z.enum(["classification", "regression"]),
    rows: z.number().int(),
    metrics: Metrics.describe("accuracy, precision, recall, f1, roc_auc, log_loss; or r2, rmse, mae."),
    confusionMatrix: z
      .object({ classes: z.array(z.number()), counts: z.array(z.array(z.number())) })
      .nullable()
      .describe("Rows: the real class; null for regression."),
    importance: z
      .array(z.object({ feature: z.string(), mean: z.number(), deviation: z.number() }))
      .describe("Empty unless asked for."),
    passed: z.boolean(),
    failures: z.array(z.object({ score: z.string(), value: z.number(), expected: z.string() })),
  }),
  annotations: { readOnly: true, idempotent: true },
} as const;

const compareModels = {
  description:
    "Measures the models of several runs on the same rows and says which is best: by ROC AUC, or R² for regression.",
  input: z.object({
    runIds: z.array(RunId).min(1).describe("The runs whose models are compared."),
    validation: TableVersion.describe("The table that all of them are held against."),
    label: z.string().min(1).describe("The column that the model predicts."),
  }),
  output: z.object({
    models: z.array(
      z.object({
        runId: z.string(),
        metrics: Metrics.describe("accuracy, precision, recall, f1 (weighted), roc_auc; or r2, rmse, mae."),
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
    metrics: Metrics,
    params: z.record(z.string(), z.string()),
    tags: z.record(z.string(), z.string()),
  }),
  annotations: { readOnly: true, idempotent: true },
} as const;

const listTrainedModels = {
  description: "The finished runs of an experiment, the newest first.",
  input: z.object({
    experiment: z.string().min(1).describe("Name of the experiment."),
    limit: z.number().int().min(1).max(1000).default(20).describe("The newest so many."),
  }),
  output: z.object({
    models: z.array(
      z.object({
        runId: z.string(),
        name: z.string(),
        algorithm: z.string().nullable().describe("Null for a run that was not made by train_model."),
        trainedAt: z.string().describe("ISO-8601, UTC."),
        metrics: Metrics,
        modelUri: z.string(),
      }),
    ),
  }),
  annotations: { readOnly: true, idempotent: true },
} as const;

const Signature = {
  algorithm: z.string(),
  task: z.enum(["classification", "regression"]),
  features: z.array(z.object({ name: z.string(), type: z.enum(["number", "text"]) })),
  classes: z.array(z.number()).describe("Empty for regression."),
  params: z.record(z.string(), z.unknown()),
  bytes: z.number().int(),
} as const;

const saveModel = {
  description: "Writes a run's model to a file among the run's artifacts, in our own format or as ONNX.",
  input: z.object({
    runId: RunId,
    format: z
      .enum(["native", "onnx"])
      .default("native")
      .describe("native is read by load_model; onnx by any ONNX runtime."),
    name: z
      .string()
      .regex(/^[\w.-]{1,100}$/, "letters, digits, _, . and -, at most 100")
      .describe("The file's name, without an ending."),
  }),
  output: z.object({ runId: z.string(), uri: z.string(), bytes: z.number().int(), sha256: z.string() }),
  annotations: { idempotent: true },
} as const;

const loadModel = {
  description:
    "Loads a run's model, or one from a file (ours, or ONNX as skl2onnx writes it) into a new run, and says what it takes and gives.",
  input: z.object({
    runId: RunId.optional(),
    source: z.string().min(1).optional().describe("Path of a file of a model, instead of a run."),
    experiment: z.string().min(1).default("imported").describe("Of the new run that a file becomes."),
  }),
  output: z.object({ runId: z.string(), modelUri: z.string(), ...Signature }),
  annotations: { idempotent: true },
} as const;

/** Learns from tables. */
export const training = defineContract({
  name: "training",
  instructions:
    "Trains models on tables, searches hyper-parameters, keeps models as runs of an experiment, validates them and compares them on the same rows.",
  tools: {
    train_model: trainModel,
    hyperparameter_tuning: hyperparameterTuning,
    validate_model: validateModel,
    compare_models: compareModels,
    get_model_metrics: getModelMetrics,
    list_trained_models: listTrainedModels,
    save_model: saveModel,
    load_model: loadModel,
  },
});
