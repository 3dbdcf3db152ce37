import { z } from "zod";
import { ACTIVATIONS } from "./dense.ts";
import { LearnError } from "./errors.ts";
import { faultOf } from "./faults.ts";
import { nearestName } from "./nearest-name.ts";
import { PARAMS_ELSEWHERE } from "./params-elsewhere.ts";

/** The algorithms, by the name under which `train` takes them. */
export const ALGORITHMS = [
  "random_forest",
  "gradient_boosting",
  "logistic_regression",
  "ridge",
  "neural_network",
] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

const Count = z.number().int().min(1);
const MaxDepth = Count.nullable();
const MaxFeatures = z.union([z.enum(["sqrt", "log2"]), Count, z.number().gt(0).lt(1), z.null()], {
  error: 'expected "sqrt", "log2", a count of features, a share between 0 and 1, or null for all',
});
const share = (least: number) => z.union([z.number().int().min(least), z.number().gt(0).lt(1)]);
/** A count of rows, or a share of all rows, rounded up. */
const MinSamplesSplit = share(2);
const MinSamplesLeaf = share(1);
const MaxLeafNodes = z.number().int().min(2).nullable();
const MaxBins = z.number().int().min(2).max(255);

/** Taken by every algorithm. */
const common = {
  /** The seed, where `train` is given none. */
  random_state: z.number().int().nullable().default(null),
  /** Threads; -1: as many as there are processors; null: two at most. The model does not depend on it. */
  n_jobs: z
    .union([z.literal(-1), Count])
    .nullable()
    .default(null),
};
/** Columns of category codes, split into sets of categories. Text columns are among them without being named. */
const categorical = { categorical_features: z.array(z.string()).default([]) };
/** Of classes alone. */
const ofClasses = {
  /**
   * Weight of each class's rows, by the class; "balanced": rows / (classes × rows of the class), where logistic
   * regression counts a row as often as it weighs.
   */
  class_weight: z.union([z.literal("balanced"), z.record(z.string(), z.number().min(0)), z.null()]).default(null),
  /**
   * Makes probabilities come true as often as they say (CalibratedClassifierCV with `ensemble=False`): curves are fitted
   * to what models of the other folds say of each fold's rows. "sigmoid" suits few rows, "isotonic" thousands.
   */
  calibration: z.enum(["sigmoid", "isotonic"]).nullable().default(null),
  /** Folds for it: as many trainings more. */
  calibration_folds: z.number().int().min(2).max(100).default(5),
};

/** Names, meanings and defaults of scikit-learn's RandomForestClassifier and RandomForestRegressor. */
export const ForestParams = z.strictObject({
  n_estimators: Count.default(100),
  /** Classes: gini, entropy or log_loss; numbers: squared_error, which `train` makes the default there. */
  criterion: z.enum(["gini", "entropy", "log_loss", "squared_error"]).default("gini"),
  max_depth: MaxDepth.default(null),
  min_samples_split: MinSamplesSplit.default(2),
  min_samples_leaf: MinSamplesLeaf.default(1),
  min_weight_fraction_leaf: z.number().min(0).max(0.5).default(0),
  /** For regression `train` makes null, all features, the default. */
  max_features: MaxFeatures.default("sqrt"),
  max_leaf_nodes: MaxLeafNodes.default(null),
  min_impurity_decrease: z.number().min(0).default(0),
  bootstrap: z.boolean().default(true),
  /** Rows drawn for a tree: a count, or a share of all; null: as many as there are. */
  max_samples: z
    .union([Count, z.number().gt(0).lte(1)])
    .nullable()
    .default(null),
  /** Measures the forest by the rows that trees have not drawn: the model's `oobScore`. */
  oob_score: z.boolean().default(false),
  /** Bins of a column, at most 255. */
  max_bins: MaxBins.default(255),
  ...ofClasses,
  ...categorical,
  ...common,
});
export type ForestParams = z.output<typeof ForestParams>;

/**
 * Names, meanings and defaults of scikit-learn's GradientBoostingClassifier and GradientBoostingRegressor, with
 * HistGradientBoosting's for what only that has. `max_leaf_nodes: 31, max_depth: null` grows trees as LightGBM does.
 */
export const BoostingParams = z.strictObject({
  n_estimators: Count.default(100),
  learning_rate: z.number().gt(0).default(0.1),
  /** Numbers only; classes have log_loss. `train` makes squared_error the default for numbers. */
  loss: z
    .enum(["log_loss", "squared_error", "absolute_error", "huber", "quantile", "poisson", "gamma"])
    .default("log_loss"),
  /** The quantile of the losses quantile and huber. */
  alpha: z.number().gt(0).lt(1).default(0.9),
  max_depth: MaxDepth.default(3),
  max_leaf_nodes: MaxLeafNodes.default(null),
  min_samples_split: MinSamplesSplit.default(2),
  min_samples_leaf: MinSamplesLeaf.default(1),
  max_features: MaxFeatures.default(null),
  subsample: z.number().gt(0).lte(1).default(1),
  l2_regularization: z.number().min(0).default(0),
  max_bins: MaxBins.default(255),
  /** Ends the training after so many rounds without a better loss on rows held out; null: never. */
  n_iter_no_change: Count.nullable().default(null),
  validation_fraction: z.number().gt(0).lt(1).default(0.1),
  tol: z.number().min(0).default(1e-4),
  /** By feature: 1, the prediction may only rise with it; -1, only fall. Two classes or numbers. */
  monotonic_cst: z.record(z.string(), z.literal([-1, 0, 1])).default({}),
  ...ofClasses,
  ...categorical,
  ...common,
});
export type BoostingParams = z.output<typeof BoostingParams>;

/** Names, meanings and defaults of scikit-learn's LogisticRegression (lbfgs; with absolute weights penalised, saga). */
export const LogisticParams = z.strictObject({
  /** "l1" brings weights that matter little to 0; "elasticnet" mixes both by `l1_ratio`; null: no penalty. */
  penalty: z.enum(["l2", "l1", "elasticnet"]).nullable().default("l2"),
  /** The share of l1 in "elasticnet", which it implies where no penalty is named. */
  l1_ratio: z.number().min(0).max(1).nullable().default(null),
  C: z.number().gt(0).default(1),
  fit_intercept: z.boolean().default(true),
  max_iter: Count.default(100),
  tol: z.number().gt(0).default(1e-4),
  ...ofClasses,
  ...common,
});
export type LogisticParams = z.output<typeof LogisticParams>;

/** Names, meanings and defaults of scikit-learn's Ridge, behind a StandardScaler. */
export const RidgeParams = z.strictObject({
  alpha: z.number().gt(0).default(1),
  fit_intercept: z.boolean().default(true),
  ...common,
});
export type RidgeParams = z.output<typeof RidgeParams>;

/** Names, meanings and defaults of scikit-learn's MLPClassifier and MLPRegressor, behind a StandardScaler. */
export const NeuralParams = z.strictObject({
  hidden_layer_sizes: z.array(Count.max(10_000)).min(1).max(20).default([100]),
  activation: z.enum(ACTIVATIONS).default("relu"),
  solver: z.enum(["adam", "sgd"]).default("adam"),
  /** L2 penalty of the weights. */
  alpha: z.number().min(0).default(1e-4),
  /** "auto": 200, or as many as there are rows. */
  batch_size: z.union([Count, z.literal("auto")]).default("auto"),
  learning_rate_init: z.number().gt(0).default(1e-3),
  max_iter: Count.default(200),
  shuffle: z.boolean().default(true),
  tol: z.number().min(0).default(1e-4),
  n_iter_no_change: Count.default(10),
  /** Watches the loss of rows held out instead of that of the training rows. */
  early_stopping: z.boolean().default(false),
  validation_fraction: z.number().gt(0).lt(1).default(0.1),
  momentum: z.number().min(0).lt(1).default(0.9),
  beta_1: z.number().min(0).lt(1).default(0.9),
  beta_2: z.number().min(0).lt(1).default(0.999),
  epsilon: z.number().gt(0).default(1e-8),
  ...ofClasses,
  ...common,
});
export type NeuralParams = z.output<typeof NeuralParams>;

/** A count of rows, or of a share of them, rounded up. */
export function countOf(value: number, rows: number): number {
  return value < 1 ? Math.max(1, Math.ceil(value * rows)) : value;
}

/**
 * Checks hyper-parameters and fills in defaults.
 * @throws LearnError UNKNOWN_PARAM naming the known ones; INVALID_PARAM naming the value and what was expected
 */
export function parseParams<S extends z.ZodObject>(
  algorithm: Algorithm,
  schema: S,
  params: Readonly<Record<string, unknown>>,
): z.output<S> {
  const known = Object.keys(schema.shape);
  for (const name of Object.keys(params))
    if (!known.includes(name))
      throw new LearnError(
        "UNKNOWN_PARAM",
        `${algorithm} has no hyper-parameter "${name}"; it has ${known.join(", ")}.`,
        { field: `params.${name}`, ...hintOf(algorithm, name, known) },
      );
  const parsed = schema.safeParse(params);
  if (parsed.success) return parsed.data;
  const { field, message } = faultOf(parsed.error, params, "params");
  throw new LearnError("INVALID_PARAM", message.replace("params.", `${algorithm}'s hyper-parameter `), { field });
}

/**
 * How many of `features` columns a node looks at.
 * @throws LearnError INVALID_PARAM when the count is larger than there are features
 */
export function featuresPerNode(maxFeatures: z.output<typeof MaxFeatures>, features: number): number {
  if (maxFeatures === null) return features;
  if (maxFeatures === "sqrt") return Math.max(1, Math.floor(Math.sqrt(features)));
  if (maxFeatures === "log2") return Math.max(1, Math.floor(Math.log2(features)));
  if (maxFeatures < 1) return Math.max(1, Math.floor(maxFeatures * features));
  if (maxFeatures > features)
    throw new LearnError(
      "INVALID_PARAM",
      `max_features is ${maxFeatures}: expected at most ${features}, the number of features.`,
      {
        field: "params.max_features",
      },
    );
  return maxFeatures;
}

/** What to use instead of a hyper-parameter that scikit-learn's namesake of an algorithm has, and this one has not. */
export function elsewhere(algorithm: Algorithm, name: string): string | undefined {
  const hints: Readonly<Record<string, string>> = PARAMS_ELSEWHERE[algorithm];
  return Object.hasOwn(hints, name) ? hints[name] : undefined;
}

function hintOf(algorithm: Algorithm, name: string, known: readonly string[]): { hint?: string } {
  const hint = elsewhere(algorithm, name);
  if (hint !== undefined) return { hint };
  const meant = nearestName(name, known);
  return meant === undefined ? {} : { hint: `Did you mean "${meant}"?` };
}
