import { availableParallelism } from "node:os";
import type { z } from "zod";
import { growBoosted } from "./boosting.ts";
import { type Calibration, type CalibrationMethod, fitCalibration } from "./calibration.ts";
import { type Columns, checkColumns } from "./columns.ts";
import { LearnError } from "./errors.ts";
import { addShares, drawsOf, growForest } from "./forest.ts";
import { createInputReader, type FittedInput, type InputReader } from "./inputs.ts";
import { DEFAULT_THREADS } from "./kernel/threads.ts";
import { fitLogistic } from "./logistic.ts";
import { createModel, definitionOf, type Model, type ModelDefinition } from "./model.ts";
import { nearestName } from "./nearest-name.ts";
import { fitNetwork } from "./neural.ts";
import { outOfBagScore } from "./out-of-bag.ts";
import { createPace, type Pace, type TrainingProgress } from "./pace.ts";
import {
  ALGORITHMS,
  type Algorithm,
  BoostingParams,
  ForestParams,
  featuresPerNode,
  LogisticParams,
  NeuralParams,
  parseParams,
  RidgeParams,
} from "./params.ts";
import { rawScoresInTurns } from "./predictions.ts";
import { fitInputs, type Preprocessing } from "./preprocessing.ts";
import { fitRidge } from "./ridge.ts";
import { type Fold, stratifiedKFold, takeExamples, takeRows } from "./splits.ts";
import { checkTarget, type Task, type TrainingTarget, weighTarget } from "./target.ts";

/** What to learn from, and how. */
export interface TrainOptions {
  readonly algorithm: Algorithm;
  /** @default "classification" */
  readonly task?: Task;
  /** Features: numbers, of which NaN is missing, and texts, of which null is. */
  readonly columns: Columns;
  /** One value a row: a whole number that names the class, or the number to predict. */
  readonly target: Float64Array;
  /** Weight of each row, at least 0. @default 1 each */
  readonly sampleWeight?: Float64Array;
  /**
   * What is done to columns first, by name; fitted on these rows and kept in the model.
   * @default numbers as they are; texts as sets of categories for trees, one_hot for linear models
   */
  readonly preprocessing?: Preprocessing;
  /** Hyper-parameters by scikit-learn's names. @default scikit-learn's defaults */
  readonly params?: Readonly<Record<string, unknown>>;
  /** A whole number; the same seed and data give the same model. @default params.random_state, else 42 */
  readonly seed?: number;
  /** Threads; the model does not depend on it. @default params.n_jobs, else two, or as many as there are processors */
  readonly threads?: number;
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
 * Trains a model on threads of its own; the calling thread is free meanwhile. Nothing is computed before all arguments
 * are checked.
 * @throws LearnError as `checkTraining`
 */
export async function train(options: TrainOptions): Promise<Model> {
  const { columns, signal } = options;
  const plan = planOf(options);
  const stage = stagesOf(options.onProgress, plan.calibration === null ? 1 : plan.calibration.folds.length + 1);
  const calibration =
    plan.calibration === null ? undefined : await calibrationOf(options, plan, plan.calibration, stage);
  const pace = createPace(signal, stage());
  const { scores, importance, backend, oobScore } = await fit(plan, columns, pace);
  const shares = new Float64Array(columns.names.length);
  const bySource = new Float64Array(columns.names.length);
  for (const [at, own] of importance.entries()) bySource[plan.reader.source[at]!]! += own;
  addShares(shares, bySource);
  return createModel({
    algorithm: plan.algorithm,
    task: plan.target.task,
    inputs: plan.inputs,
    classes: plan.target.classes,
    params: plan.params,
    ...(backend !== undefined && { backend }),
    featureImportance: columns.names
      .map((feature, at) => ({ feature, importance: shares[at]! }))
      .sort((a, b) => b.importance - a.importance),
    ...(oobScore !== undefined && !Number.isNaN(oobScore) && { oobScore }),
    ...(calibration !== undefined && { calibration }),
    scores,
  });
}

/** Progress of one training after the other, as that of the whole. */
function stagesOf(onProgress: TrainOptions["onProgress"], stages: number): () => TrainOptions["onProgress"] {
  let begun = 0;
  return () => {
    const before = begun++;
    return onProgress && (({ done, total }) => onProgress({ done: before * total + done, total: stages * total }));
  };
}

/** Curves fitted to what models of the other folds say of each fold's rows. */
async function calibrationOf(
  options: TrainOptions,
  { target }: Plan,
  { method, folds }: NonNullable<Plan["calibration"]>,
  stage: () => TrainOptions["onProgress"],
): Promise<Calibration> {
  const { algorithm, columns, sampleWeight } = options;
  const width = target.classes.length > 2 ? target.classes.length : 1;
  const scores = new Float64Array(columns.rowCount * width);
  for (const { train: learn, test } of folds) {
    const { onProgress: _, ...rest } = options;
    const onProgress = stage();
    const model = await train({
      ...rest,
      ...takeExamples(options, learn),
      params: { ...options.params, calibration: null, ...(algorithm === "random_forest" && { oob_score: false }) },
      ...(onProgress !== undefined && { onProgress }),
    });
    const said = await rawScoresInTurns(definitionOf(model), takeRows(columns, test), createPace(options.signal));
    for (const [at, row] of test.entries()) scores.set(said.subarray(at * width, (at + 1) * width), row * width);
  }
  return fitCalibration(method, scores, width, target.classIndex, sampleWeight);
}

/** Checked arguments. */
type Plan = {
  readonly target: TrainingTarget;
  readonly inputs: readonly FittedInput[];
  readonly reader: InputReader;
  readonly seed: number;
  readonly threads: number;
  readonly calibration: { readonly method: CalibrationMethod; readonly folds: readonly Fold[] } | null;
} & (
  | { readonly algorithm: "random_forest"; readonly params: ForestParams }
  | { readonly algorithm: "gradient_boosting"; readonly params: BoostingParams }
  | { readonly algorithm: "logistic_regression"; readonly params: LogisticParams }
  | { readonly algorithm: "ridge"; readonly params: RidgeParams }
  | { readonly algorithm: "neural_network"; readonly params: NeuralParams }
);

/** What every algorithm's hyper-parameters have. */
interface CommonParams {
  readonly random_state: number | null;
  readonly n_jobs: number | null;
  readonly categorical_features?: readonly string[];
  readonly class_weight?: z.output<typeof ForestParams>["class_weight"];
  readonly calibration?: CalibrationMethod | null;
  readonly calibration_folds?: number;
}

function planOf(options: TrainOptions): Plan {
  const { algorithm, task = "classification", columns, target, params = {} } = options;
  const common = (parsed: CommonParams) => {
    const seed = options.seed ?? parsed.random_state ?? 42;
    if (!Number.isSafeInteger(seed))
      throw new LearnError("INVALID_SEED", `seed is ${seed}: expected a whole number.`, { field: "seed" });
    const threads = threadsOf(options.threads ?? parsed.n_jobs);
    checkColumns(columns);
    const textAs = algorithm === "random_forest" || algorithm === "gradient_boosting" ? "ordinal" : "one_hot";
    const checked = checkTarget(task, target, columns.rowCount);
    if (task === "regression" && parsed.class_weight != null)
      throw invalidParam("class_weight", parsed.class_weight, "none for regression");
    const inputs = fitInputs(columns, options.preprocessing ?? {}, textAs, parsed.categorical_features ?? []);
    const reader = createInputReader(inputs);
    if (reader.width === 0)
      throw new LearnError(
        "EMPTY_DATA",
        "columns are texts that are missing in all rows: nothing can be learnt from.",
        {
          field: "columns",
        },
      );
    const balance = algorithm === "logistic_regression" ? "weights" : "rows";
    const weighed = weighTarget(checked, options.sampleWeight, parsed.class_weight ?? null, balance);
    return { target: weighed, inputs, reader, seed, threads, calibration: calibrationPlan(parsed, checked, seed) };
  };
  switch (algorithm) {
    case "random_forest": {
      const defaults = task === "regression" ? { max_features: null, criterion: "squared_error" } : {};
      const forest = parseParams(algorithm, ForestParams, { ...defaults, ...params });
      if ((forest.criterion === "squared_error") !== (task === "regression"))
        throw invalidParam("criterion", forest.criterion, `one for ${task}`);
      if (forest.oob_score && !forest.bootstrap)
        throw invalidParam("oob_score", forest.oob_score, "false where bootstrap is false: no row is left out");
      if (forest.max_samples !== null && !forest.bootstrap)
        throw invalidParam("max_samples", forest.max_samples, "null where bootstrap is false");
      const checked = common(forest);
      featuresPerNode(forest.max_features, checked.reader.width);
      return { algorithm, params: forest, ...checked };
    }
    case "gradient_boosting": {
      const defaults = task === "regression" ? { loss: "squared_error" } : {};
      const boosting = parseParams(algorithm, BoostingParams, { ...defaults, ...params });
      if ((boosting.loss === "log_loss") !== (task === "classification"))
        throw invalidParam("loss", boosting.loss, `one for ${task}`);
      const checked = common(boosting);
      featuresPerNode(boosting.max_features, checked.reader.width);
      checkBoosting(boosting, checked);
      return { algorithm, params: boosting, ...checked };
    }
    case "logistic_regression": {
      if (task === "regression")
        throw new LearnError("UNSUPPORTED_TASK", `${algorithm} learns classes: expected the task classification.`, {
          field: "task",
          hint: "For numbers use ridge, random_forest or gradient_boosting.",
        });
      const implied = typeof params["l1_ratio"] === "number" ? { penalty: "elasticnet" } : {};
      const logistic = parseParams(algorithm, LogisticParams, { ...implied, ...params });
      if ((logistic.penalty === "elasticnet") !== (logistic.l1_ratio !== null))
        throw invalidParam(
          "l1_ratio",
          logistic.l1_ratio,
          logistic.l1_ratio === null
            ? 'a number from 0 to 1 where penalty is "elasticnet"'
            : 'null unless penalty is "elasticnet"',
        );
      return { algorithm, params: logistic, ...common(logistic) };
    }
    case "ridge": {
      if (task === "classification")
        throw new LearnError("UNSUPPORTED_TASK", `${algorithm} learns numbers: expected the task regression.`, {
          field: "task",
          hint: "For classes use logistic_regression, random_forest or gradient_boosting.",
        });
      const ridge = parseParams(algorithm, RidgeParams, params);
      return { algorithm, params: ridge, ...common(ridge) };
    }
    case "neural_network": {
      const network = parseParams(algorithm, NeuralParams, params);
      return { algorithm, params: network, ...common(network) };
    }
    default:
      throw new LearnError(
        "UNKNOWN_ALGORITHM",
        `algorithm is ${JSON.stringify(algorithm)}: expected one of ${ALGORITHMS.join(", ")}.`,
        { field: "algorithm" },
      );
  }
}

function calibrationPlan(
  { calibration = null, calibration_folds: folds = 5 }: CommonParams,
  { task, values, classes, classIndex }: TrainingTarget,
  seed: number,
): Plan["calibration"] {
  if (calibration === null) return null;
  if (task === "regression") throw invalidParam("calibration", calibration, "null for regression");
  const counts = new Uint32Array(classes.length);
  for (const k of classIndex) counts[k]!++;
  const least = counts.reduce((less, count) => Math.min(less, count));
  if (folds > least)
    throw invalidParam(
      "calibration_folds",
      folds,
      `at most ${least}, the rows of the class ${classes[counts.indexOf(least)]}`,
    );
  return { method: calibration, folds: stratifiedKFold(values, { folds, seed }) };
}

function checkBoosting(params: BoostingParams, { target, inputs }: Pick<Plan, "target" | "inputs">): void {
  for (const [name, way] of Object.entries(params.monotonic_cst)) {
    const input = inputs.find((one) => one.name === name);
    if (input === undefined) {
      const meant = nearestName(
        name,
        inputs.map((one) => one.name),
      );
      throw new LearnError("INVALID_PARAM", `monotonic_cst names "${name}", which is no feature.`, {
        field: "params.monotonic_cst",
        ...(meant !== undefined && { hint: `Did you mean "${meant}"?` }),
      });
    }
    if (way !== 0 && input.kind === "category")
      throw invalidParam(`monotonic_cst.${name}`, way, "0 for a column of categories, which have no order");
  }
  const isBound = Object.values(params.monotonic_cst).some((way) => way !== 0);
  if (isBound && (target.classes.length > 2 || ["absolute_error", "quantile", "huber"].includes(params.loss)))
    throw invalidParam("monotonic_cst", params.monotonic_cst, "none for more than two classes or for this loss");
  const least = target.values.reduce((less, value) => Math.min(less, value), Number.POSITIVE_INFINITY);
  if (params.loss === "poisson" ? least < 0 : params.loss === "gamma" && least <= 0)
    throw new LearnError(
      "INVALID_TARGET",
      `target is ${least} in one row: the loss ${params.loss} expects ${params.loss === "gamma" ? "more than 0" : "at least 0"}.`,
      { field: "target" },
    );
}

function invalidParam(name: string, value: unknown, expected: string): LearnError {
  return new LearnError("INVALID_PARAM", `${name} is ${JSON.stringify(value)}: expected ${expected}.`, {
    field: `params.${name}`,
  });
}

function threadsOf(asked: number | null): number {
  if (asked === null) return DEFAULT_THREADS;
  if (asked === -1) return availableParallelism();
  if (Number.isInteger(asked) && asked >= 1) return Math.min(asked, 64);
  throw new LearnError("INVALID_PARAM", `threads is ${asked}: expected a whole number, at least 1.`, {
    field: "threads",
  });
}

async function fit(
  plan: Plan,
  raw: Columns,
  pace: Pace,
): Promise<{ scores: ModelDefinition["scores"]; importance: Float64Array; backend?: string; oobScore?: number }> {
  const { target, reader, seed, threads } = plan;
  const columns = reader.readColumns(raw.values, raw.rowCount);
  if (plan.algorithm === "logistic_regression") {
    const { scores, importance } = await fitLogistic(columns, target, plan.params, threads, pace);
    return { scores: { kind: "linear", ...scores }, importance };
  }
  if (plan.algorithm === "ridge") {
    const { scores, importance } = await fitRidge(columns, target, plan.params, pace);
    return { scores: { kind: "linear", ...scores }, importance };
  }
  if (plan.algorithm === "neural_network") {
    const { scores, importance, backend } = await fitNetwork(columns, target, plan.params, seed, pace);
    return { scores: { kind: "dense", ...scores }, importance, backend };
  }
  const training = { columns, isCategory: reader.isCategory, target, seed, threads, pace };
  if (plan.algorithm === "random_forest") {
    const { trees, importance } = await growForest(training, plan.params);
    const grown = { scores: { kind: "trees" as const, ...trees }, importance };
    if (!plan.params.oob_score) return grown;
    const draws = drawsOf(plan.params, raw.rowCount);
    return { ...grown, oobScore: await outOfBagScore(trees, columns, target, { seed, draws, pace }) };
  }
  const monotone = reader.source.map((at) => plan.params.monotonic_cst[raw.names[at]!] ?? 0);
  const { trees, importance } = await growBoosted({ ...training, monotone }, plan.params);
  return { scores: { kind: "trees", ...trees }, importance };
}
