import { type Columns, selectColumns, selectRow } from "./columns.ts";
import { LearnError } from "./errors.ts";
import { type LinearScores, scoreLinear } from "./linear.ts";
import { bothClasses, sigmoid, softmaxRows } from "./links.ts";
import type { Algorithm } from "./params.ts";
import type { Task } from "./target.ts";
import { scoreTrees, type TreeEnsemble } from "./tree-ensemble.ts";

/** A column's part in what the model says. */
export interface FeatureImportance {
  readonly feature: string;
  readonly importance: number;
}

/** A trained model. Predictions change nothing in it and need nothing but their arguments. */
export interface Model {
  readonly algorithm: Algorithm;
  readonly task: Task;
  readonly featureNames: readonly string[];
  /** Sorted; empty for regression. */
  readonly classes: readonly number[];
  /** Hyper-parameters, defaults filled in. */
  readonly params: Readonly<Record<string, unknown>>;
  /**
   * Most important first. Trees: share in the decrease of impurity; linear models: absolute coefficient on
   * standardised features (summed over classes) as a share of all. Sums to 1.
   */
  readonly featureImportance: readonly FeatureImportance[];
  /**
   * Each class's probability, `classes.length` a row, rows one after another; empty arrays' worth for regression.
   * Columns are found by name, others are left aside.
   * @throws LearnError UNSUPPORTED_TASK for regression; MISSING_FEATURE, LENGTH_MISMATCH, INVALID_VALUE
   */
  predictProba(columns: Columns): Float64Array;
  /** The most probable class of each row (the first of equals), or the number for regression. @throws as predictProba */
  predict(columns: Columns): Float64Array;
  /**
   * One row by feature name; null is a missing value, other keys are left aside.
   * @returns the class or number, and each class's probability by the class's text (none for regression)
   * @throws LearnError MISSING_FEATURE, INVALID_VALUE
   */
  predictRow(record: Readonly<Record<string, number | null>>): {
    prediction: number;
    probabilities: Record<string, number>;
  };
}

/** All that makes up a model; what is written to a file. */
export interface ModelDefinition {
  readonly algorithm: Algorithm;
  readonly task: Task;
  readonly featureNames: readonly string[];
  readonly classes: readonly number[];
  readonly params: Readonly<Record<string, unknown>>;
  readonly featureImportance: readonly FeatureImportance[];
  readonly scores: ({ readonly kind: "trees" } & TreeEnsemble) | ({ readonly kind: "linear" } & LinearScores);
}

const definitions = new WeakMap<Model, ModelDefinition>();

/** The definition of a model made by this package. @throws LearnError INVALID_MODEL for any other object */
export function definitionOf(model: Model): ModelDefinition {
  const definition = definitions.get(model);
  if (definition === undefined)
    throw new LearnError("INVALID_MODEL", "The model was not made by train or loadModel.", { field: "model" });
  return definition;
}

/** How scores become what the model says. */
export type Link = "identity" | "share" | "sigmoid" | "softmax";

/** A forest's score is the share itself; other classifiers' scores are log-odds. */
export function linkOf({ task, algorithm, classes }: Pick<ModelDefinition, "task" | "algorithm" | "classes">): Link {
  if (task === "regression") return "identity";
  if (algorithm === "random_forest") return "share";
  return classes.length === 2 ? "sigmoid" : "softmax";
}

export function createModel(definition: ModelDefinition): Model {
  const { algorithm, task, featureNames, classes, params, featureImportance, scores } = definition;
  const link = linkOf(definition);
  const scoresOf = (columns: readonly Float64Array[], rowCount: number) =>
    scores.kind === "trees" ? scoreTrees(scores, columns, rowCount) : scoreLinear(scores, columns, rowCount);
  const probabilitiesOf = (columns: readonly Float64Array[], rowCount: number) => {
    const raw = scoresOf(columns, rowCount);
    if (link === "softmax") softmaxRows(raw, classes.length);
    if (classes.length > 2) return raw;
    return bothClasses(link === "sigmoid" ? sigmoid(raw) : raw);
  };
  const model: Model = {
    algorithm,
    task,
    featureNames,
    classes,
    params,
    featureImportance,
    predictProba(columns) {
      if (task === "regression")
        throw new LearnError("UNSUPPORTED_TASK", "A regression model has no class probabilities: call predict.", {
          field: "task",
        });
      return probabilitiesOf(selectColumns(featureNames, columns), columns.rowCount);
    },
    predict(columns) {
      const selected = selectColumns(featureNames, columns);
      if (task === "regression") return scoresOf(selected, columns.rowCount);
      const probabilities = probabilitiesOf(selected, columns.rowCount);
      return Float64Array.from(
        { length: columns.rowCount },
        (_, row) => classes[likeliest(probabilities, row, classes.length)]!,
      );
    },
    predictRow(record) {
      const row = selectRow(featureNames, record);
      const columns = Array.from(row, (value) => Float64Array.of(value));
      if (task === "regression") return { prediction: scoresOf(columns, 1)[0]!, probabilities: {} };
      const probabilities = probabilitiesOf(columns, 1);
      return {
        prediction: classes[likeliest(probabilities, 0, classes.length)]!,
        probabilities: Object.fromEntries(classes.map((value, k) => [String(value), probabilities[k]!])),
      };
    },
  };
  definitions.set(model, definition);
  return Object.freeze(model);
}

function likeliest(probabilities: Float64Array, row: number, width: number): number {
  let best = 0;
  for (let k = 1; k < width; k++) if (probabilities[row * width + k]! > probabilities[row * width + best]!) best = k;
  return best;
}
