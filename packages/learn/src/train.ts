import { growBoosted } from "./boosting.ts";
import { type Columns, checkColumns } from "./columns.ts";
import { LearnError } from "./errors.ts";
import { addShares, growForest } from "./forest.ts";
import { fitLogistic } from "./logistic.ts";
import { createModel, type Model, type ModelDefinition } from "./model.ts";
import { createPace, type Pace, type TrainingProgress } from "./pace.ts";
import {
  ALGORITHMS,
  type Algorithm,
  BoostingParams,
  ForestParams,
  featuresPerNode,
  LogisticParams,
  parseParams,
  RidgeParams,
} from "./params.ts";
import { fitRidge } from "./ridge.ts";
import { checkTarget, type Task, type TrainingTarget } from "./target.ts";

/** What to learn from, and how. */
export interface TrainOptions {
  readonly algorithm: Algorithm;
  /** @default "classification" */
  readonly task?: Task;
  /** Features; NaN is a missing value. */
  readonly columns: Columns;
  /** One value a row: a whole number that names the class, or the number to predict. */
  readonly target: Float64Array;
  /** Hyper-parameters by scikit-learn's names. @default scikit-learn's defaults */
  readonly params?: Readonly<Record<string, unknown>>;
  /** A whole number; the same seed and data give the same model. @default 42 */
  readonly seed?: number;
  /** Ends the training between two trees or iterations; `train` then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called after every tree or iteration. */
  readonly onProgress?: (progress: TrainingProgress) => void;
}

/**
 * Checks all that `train` would refuse, without training.
 * @throws LearnError that names the argument at fault
 */
export function checkTraining(options: TrainOptions): void {
  planOf(options);
}

/**
 * Trains a model in the calling thread, which is handed over at the latest every 50 ms or one tree. Nothing is computed
 * before all arguments are checked.
 * @throws LearnError as `checkTraining`
 */
export async function train(options: TrainOptions): Promise<Model> {
  const { columns, signal, onProgress } = options;
  const plan = planOf(options);
  const { scores, importance } = await fit(plan, columns, createPace(signal, onProgress));
  const shares = new Float64Array(importance.length);
  addShares(shares, importance);
  return createModel({
    algorithm: plan.algorithm,
    task: plan.target.task,
    featureNames: [...columns.names],
    classes: plan.target.classes,
    params: plan.params,
    featureImportance: columns.names
      .map((feature, at) => ({ feature, importance: shares[at]! }))
      .sort((a, b) => b.importance - a.importance),
    scores,
  });
}

/** Checked arguments. */
type Plan = { readonly target: TrainingTarget; readonly seed: number } & (
  | { readonly algorithm: "random_forest"; readonly params: ForestParams }
  | { readonly algorithm: "gradient_boosting"; readonly params: BoostingParams }
  | { readonly algorithm: "logistic_regression"; readonly params: LogisticParams }
  | { readonly algorithm: "ridge"; readonly params: RidgeParams }
);

function planOf({ algorithm, task = "classification", columns, target, params = {}, seed = 42 }: TrainOptions): Plan {
  if (!Number.isSafeInteger(seed))
    throw new LearnError("INVALID_SEED", `seed is ${seed}: expected a whole number.`, { field: "seed" });
  const checked = () => {
    checkColumns(columns);
    return { target: checkTarget(task, target, columns.rowCount), seed };
  };
  switch (algorithm) {
    case "random_forest": {
      const defaults = task === "regression" ? { max_features: null } : {};
      const forest = parseParams(algorithm, ForestParams, { ...defaults, ...params });
      featuresPerNode(forest.max_features, columns.names.length);
      return { algorithm, params: forest, ...checked() };
    }
    case "gradient_boosting": {
      const boosting = parseParams(algorithm, BoostingParams, params);
      featuresPerNode(boosting.max_features, columns.names.length);
      return { algorithm, params: boosting, ...checked() };
    }
    case "logistic_regression":
      if (task === "regression")
        throw new LearnError("UNSUPPORTED_TASK", `${algorithm} learns classes: expected the task classification.`, {
          field: "task",
          hint: "For numbers use ridge, random_forest or gradient_boosting.",
        });
      return { algorithm, params: parseParams(algorithm, LogisticParams, params), ...checked() };
    case "ridge":
      if (task === "classification")
        throw new LearnError("UNSUPPORTED_TASK", `${algorithm} learns numbers: expected the task regression.`, {
          field: "task",
          hint: "For classes use logistic_regression, random_forest or gradient_boosting.",
        });
      return { algorithm, params: parseParams(algorithm, RidgeParams, params), ...checked() };
    default:
      throw new LearnError(
        "UNKNOWN_ALGORITHM",
        `algorithm is ${JSON.stringify(algorithm)}: expected one of ${ALGORITHMS.join(", ")}.`,
        { field: "algorithm" },
      );
  }
}

async function fit(
  plan: Plan,
  { values }: Columns,
  pace: Pace,
): Promise<{ scores: ModelDefinition["scores"]; importance: Float64Array }> {
  if (plan.algorithm === "logistic_regression") {
    const { scores, importance } = await fitLogistic(values, plan.target, plan.params, pace);
    return { scores: { kind: "linear", ...scores }, importance };
  }
  if (plan.algorithm === "ridge") {
    const { scores, importance } = await fitRidge(values, plan.target.values, plan.params, pace);
    return { scores: { kind: "linear", ...scores }, importance };
  }
  const { trees, importance } =
    plan.algorithm === "random_forest"
      ? await growForest(values, plan.target, plan.params, plan.seed, pace)
      : await growBoosted(values, plan.target, plan.params, plan.seed, pace);
  return { scores: { kind: "trees", ...trees }, importance };
}
