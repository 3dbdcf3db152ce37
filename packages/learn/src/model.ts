import { type Calibration, calibrate } from "./calibration.ts";
import { type Columns, type FieldValue, selectColumns } from "./columns.ts";
import { type DenseScores, scoreDense, scoreDenseRow } from "./dense.ts";
import { LearnError } from "./errors.ts";
import { createInputReader, type FittedInput } from "./inputs.ts";
import { type LinearScores, scoreLinear, scoreLinearRow } from "./linear.ts";
import { bothClasses, likeliest, sigmoid, softmaxRows } from "./links.ts";
import { inOneGo } from "./pace.ts";
import { createRowScorer, scoringRows } from "./packed-trees.ts";
import type { Algorithm } from "./params.ts";
import type { Task } from "./target.ts";
import type { TreeEnsemble } from "./tree-ensemble.ts";

/** A column's part in what the model says. */
export interface FeatureImportance {
  readonly feature: string;
  readonly importance: number;
}

/** A trained model. Predictions change nothing in it and need nothing but their arguments. */
export interface Model {
  /** "onnx" for a model that was read from a foreign file. */
  readonly algorithm: Algorithm | "onnx";
  readonly task: Task;
  readonly featureNames: readonly string[];
  /** Those of the features that are texts. */
  readonly textFeatures: readonly string[];
  /** Sorted; empty for regression. */
  readonly classes: readonly number[];
  /** Columns as the model takes them, and what is done to each before it sees them; empty for a foreign file. */
  readonly inputs: readonly FittedInput[];
  /** Hyper-parameters, defaults filled in. */
  readonly params: Readonly<Record<string, unknown>>;
  /** What trained a neural network: "wasm", or "tensorflow" where tfjs-node is installed. */
  readonly backend?: string;
  /** Of a forest with `oob_score`: share of right classes, or R², on the rows that trees have not drawn. */
  readonly oobScore?: number;
  /**
   * Most important first. Trees: share in the decrease of impurity; linear models: absolute coefficient on
   * standardised features (summed over classes) as a share of all; networks: absolute weights into the first layer. Sums
   * to 1.
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
  predictRow(record: Readonly<Record<string, FieldValue>>): {
    prediction: number;
    probabilities: Record<string, number>;
  };
}

/** All that makes up a model; what is written to a file. */
export interface ModelDefinition {
  readonly algorithm: Algorithm;
  readonly task: Task;
  readonly inputs: readonly FittedInput[];
  readonly classes: readonly number[];
  readonly params: Readonly<Record<string, unknown>>;
  readonly backend?: string | undefined;
  readonly oobScore?: number | undefined;
  readonly featureImportance: readonly FeatureImportance[];
  /** Takes the link's place. */
  readonly calibration?: Calibration | undefined;
  readonly scores:
    | ({ readonly kind: "trees" } & TreeEnsemble)
    | ({ readonly kind: "linear" } & LinearScores)
    | ({ readonly kind: "dense" } & DenseScores);
}

const definitions = new WeakMap<Model, ModelDefinition>();

/** The definition of a model made by this package; undefined for any other object. */
export function knownDefinition(model: Model): ModelDefinition | undefined {
  return definitions.get(model);
}

/** As `knownDefinition`. @throws LearnError INVALID_MODEL for an object that this package has not made */
export function definitionOf(model: Model): ModelDefinition {
  const definition = knownDefinition(model);
  if (definition === undefined)
    throw new LearnError("INVALID_MODEL", "The model was not made by train or loadModel.", { field: "model" });
  return definition;
}

/** How scores become what the model says. */
export type Link = "identity" | "exp" | "share" | "sigmoid" | "softmax";

/** A forest's score is the share itself; other classifiers' scores are log-odds; some losses are of the logarithm. */
export function linkOf({
  task,
  algorithm,
  classes,
  params,
}: Pick<ModelDefinition, "task" | "algorithm" | "classes" | "params">): Link {
  const loss = params["loss"];
  if (task === "regression") return loss === "poisson" || loss === "gamma" ? "exp" : "identity";
  if (algorithm === "random_forest") return "share";
  return classes.length === 2 ? "sigmoid" : "softmax";
}

/**
 * What a model computes of rows before it is a probability or a number: one score a row, or one for each of several
 * classes.
 */
export function rawScoresOf({
  inputs,
  scores,
}: Pick<ModelDefinition, "inputs" | "scores">): (columns: Columns) => Float64Array {
  const featureNames = inputs.map(({ name }) => name);
  const reader = createInputReader(inputs);
  return (columns) => {
    const read = reader.readColumns(selectColumns(featureNames, columns), columns.rowCount);
    if (scores.kind === "trees") return inOneGo(scoringRows(scores, read, columns.rowCount));
    if (scores.kind === "dense") return scoreDense(scores, read, columns.rowCount);
    return scoreLinear(scores, read, columns.rowCount);
  };
}

/** Makes the function of a model's raw scores to probabilities of each class, or numbers; it may overwrite them. */
export function createLink(
  definition: Pick<ModelDefinition, "task" | "algorithm" | "classes" | "params" | "calibration">,
): (raw: Float64Array) => Float64Array {
  const { calibration } = definition;
  const width = definition.classes.length;
  const link = linkOf(definition);
  return (raw) => {
    if (calibration !== undefined) {
      const said = calibrate(calibration, raw);
      return width > 2 ? said : bothClasses(said);
    }
    if (link === "exp") return raw.map(Math.exp);
    if (link === "identity") return raw;
    if (link === "softmax") softmaxRows(raw, width);
    if (width > 2) return raw;
    return bothClasses(link === "sigmoid" ? sigmoid(raw) : raw);
  };
}

/** Makes a model that predicts by its definition. */
export function createModel(definition: ModelDefinition): Model {
  const { algorithm, task, inputs, classes, params, featureImportance, scores } = definition;
  const featureNames = inputs.map(({ name }) => name);
  const reader = createInputReader(inputs);
  const width = classes.length;
  const classTexts = classes.map(String);
  const scoreRows = rawScoresOf(definition);
  let scorePacked: ((row: Float64Array) => Float64Array) | undefined;
  const scoreRow = (row: Float64Array) => {
    if (scores.kind === "trees") {
      // Only models that are asked for single rows pay for the layout.
      scorePacked ??= createRowScorer(scores, row.length);
      return scorePacked(row);
    }
    return scores.kind === "dense" ? scoreDenseRow(scores, row) : scoreLinearRow(scores, row);
  };
  const linked = createLink(definition);
  const model: Model = {
    algorithm,
    task,
    featureNames,
    textFeatures: inputs.filter((input) => input.kind === "category" && input.isText).map(({ name }) => name),
    inputs,
    classes,
    params,
    ...(definition.backend !== undefined && { backend: definition.backend }),
    ...(definition.oobScore !== undefined && { oobScore: definition.oobScore }),
    featureImportance,
    predictProba(columns) {
      if (task === "regression")
        throw new LearnError("UNSUPPORTED_TASK", "A regression model has no class probabilities: call predict.", {
          field: "task",
        });
      return linked(scoreRows(columns));
    },
    predict(columns) {
      const said = linked(scoreRows(columns));
      if (task === "regression") return said;
      return Float64Array.from({ length: columns.rowCount }, (_, row) => classes[likeliest(said, row, width)]!);
    },
    predictRow(record) {
      const row = reader.readRow(record);
      const raw = scoreRow(row);
      const said = linked(raw);
      if (task === "regression") return { prediction: said[0]!, probabilities: {} };
      const probabilities: Record<string, number> = {};
      for (let k = 0; k < width; k++) probabilities[classTexts[k]!] = said[k]!;
      return { prediction: classes[likeliest(said, 0, width)]!, probabilities };
    },
  };
  definitions.set(model, definition);
  return Object.freeze(model);
}
