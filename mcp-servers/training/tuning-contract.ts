import { z } from "zod";

const TrialState = z.enum(["running", "complete", "pruned", "failed"]);
const ParamValue = z.union([z.number(), z.string(), z.boolean(), z.null()]);

/** One trial as callers see it. */
export const TrialView = z.object({
  number: z.number().int(),
  state: TrialState,
  params: z.record(z.string(), ParamValue),
  value: z.number().nullable().describe("Mean score over the folds; null unless complete."),
  runId: z.string(),
  reason: z.string().nullable().describe("Why the trial failed; null unless it did."),
});

export const hyperparameterTuning = {
  description:
    "Searches hyper-parameters by cross-validation on a table, in the manner of Optuna. The study is kept: asked again, it goes on where it ended, and a trial that is done is never run again. What it measures (table, label, features, algorithm, space, score, folds, seed) stays; trials, sampler and pruner may differ.",
  input: z.object({
    study: z.string().min(1).describe("Name of the study in the experiment."),
    experiment: z.string().min(1).describe("Name of the experiment, made when it is not there."),
    train: z
      .object({ table: z.string().min(1), version: z.number().int().min(0).optional() })
      .describe(
        "The table that is cross-validated; the version that was its newest when the study began, if none is named.",
      ),
    label: z.string().min(1).describe("The column to predict."),
    features: z.array(z.string().min(1)).min(1).describe("Columns of numbers, booleans or texts, raw."),
    task: z
      .enum(["classification", "regression"])
      .default("classification")
      .describe("Whether classes or numbers are predicted."),
    algorithm: z
      .enum(["random_forest", "gradient_boosting", "logistic_regression", "ridge", "neural_network"])
      .default("gradient_boosting")
      .describe("logistic_regression learns classes, ridge numbers."),
    params: z
      .record(z.string(), z.unknown())
      .default({})
      .describe("Hyper-parameters that every trial has, with the defaults of train_model; the space goes before them."),
    preprocessing: z
      .record(z.string(), z.record(z.string(), z.unknown()))
      .default({})
      .describe("Steps by column, as train_model takes them; fitted on each fold's training part."),
    space: z
      .array(z.record(z.string(), z.unknown()))
      .min(1)
      .describe(
        'Parameters to search: { name, type: "float" | "int", low, high, log?, step? } or { name, type: "categorical", choices }; with when: { parameter, values } only under these choices of an earlier one.',
      ),
    score: z
      .enum(["accuracy", "precision", "recall", "f1", "roc_auc", "log_loss", "r2", "rmse", "mae"])
      .optional()
      .describe("roc_auc when left out, r2 for regression; log_loss, rmse and mae are made small, others great."),
    folds: z.number().int().min(2).max(20).default(3).describe("Parts of the cross-validation."),
    split: z
      .enum(["stratified", "random", "time"])
      .optional()
      .describe("stratified for classes, random for numbers when left out; time: in the order of the rows."),
    sampler: z
      .record(z.string(), z.unknown())
      .default({ type: "tpe" })
      .describe('Proposes parameters: { type: "tpe" } or { type: "random" }.'),
    pruner: z
      .record(z.string(), z.unknown())
      .default({ type: "none" })
      .describe('Asked after every fold, e.g. { type: "median" } or { type: "hyperband" }.'),
    trials: z.number().int().min(1).max(10_000).default(50).describe("Trials that the study is to have in all."),
    trial: z
      .number()
      .int()
      .min(0)
      .optional()
      .describe("Runs this trial only, for trials as tasks of their own that run at the same time."),
    seed: z.number().int().default(42).describe("Of folds, models and proposals."),
  }),
  output: z.object({
    study: z.string(),
    runId: z.string().describe("The study's own run, which keeps its plots."),
    score: z.string(),
    trials: z.array(TrialView).describe("By number; only the one asked for, if one was."),
    counts: z.object({ complete: z.number(), pruned: z.number(), failed: z.number() }),
    best: z.object({ number: z.number(), params: z.record(z.string(), ParamValue), value: z.number() }).nullable(),
    importance: z
      .array(z.object({ parameter: z.string(), importance: z.number() }))
      .describe("Greatest first; empty when a single trial was asked for."),
    plotsUri: z.string().describe("A page with the history and importances, that opens offline."),
    alreadyDone: z.boolean().describe("Nothing was left to run."),
  }),
  annotations: { idempotent: true },
} as const;
