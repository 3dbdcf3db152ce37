import { binColumn } from "./bins.ts";
import { addShares, type GrownTrees } from "./forest.ts";
import { TreeGrower } from "./grow-tree.ts";
import { softmaxRows } from "./links.ts";
import type { Pace } from "./pace.ts";
import { type BoostingParams, featuresPerNode } from "./params.ts";
import { createRandom } from "./random.ts";
import type { TrainingTarget } from "./target.ts";
import { TreeEnsembleBuilder } from "./tree-ensemble.ts";

/**
 * Gradient boosting (Friedman 2001) as in scikit-learn's GradientBoosting: regression trees on the gradient of the log
 * loss (squared error for regression), one tree a class and round beyond two classes, leaves by one Newton step, started
 * at the log-odds of the classes (the mean).
 */
export async function growBoosted(
  columns: readonly Float64Array[],
  target: TrainingTarget,
  params: BoostingParams,
  seed: number,
  pace: Pace,
): Promise<GrownTrees> {
  const rowCount = target.values.length;
  const outputs = target.classes.length > 2 ? target.classes.length : 1;
  const rules = {
    maxDepth: params.max_depth ?? Number.POSITIVE_INFINITY,
    minSamplesSplit: params.min_samples_split,
    minSamplesLeaf: params.min_samples_leaf,
    featuresPerNode: featuresPerNode(params.max_features, columns.length),
  };
  const base = startingScores(target, outputs);
  const scores = new Float64Array(rowCount * outputs);
  for (let at = 0; at < scores.length; at++) scores[at] = base[at % outputs]!;
  const probabilities = new Float64Array(scores.length);
  const gradient = new Float64Array(rowCount);
  const weights = new Float64Array(rowCount).fill(1);
  const rows = new Int32Array(rowCount);
  const value = new Float64Array(1);
  const grower = new TreeGrower(columns.map(binColumn), 1, rowCount);
  const builder = new TreeEnsembleBuilder(1);
  const importance = new Float64Array(columns.length);
  const random = createRandom(seed, 0);
  for (let round = 0; round < params.n_estimators; round++) {
    if (target.task === "classification") fillProbabilities(scores, outputs, probabilities);
    for (let output = 0; output < outputs; output++) {
      fillGradient(target, output, outputs, scores, probabilities, gradient);
      for (let row = 0; row < rowCount; row++) rows[row] = row;
      const leaf = (own: Int32Array, start: number, end: number) => {
        value[0] = params.learning_rate * newtonStep(target.task === "regression", outputs, gradient, own, start, end);
        for (let at = start; at < end; at++) scores[own[at]! * outputs + output]! += value[0];
        return value;
      };
      grower.grow({
        builder,
        output,
        rows,
        weights,
        target: { kind: "number", values: gradient },
        rules,
        random,
        leaf,
        importance,
      });
      await pace.step(round + (output + 1) / outputs, params.n_estimators);
    }
  }
  const shares = new Float64Array(columns.length);
  addShares(shares, importance);
  return { trees: builder.build({ outputs, base, average: false }), importance: shares };
}

/** The mean; the log-odds of the second of two classes; the logarithm of each class's share. */
function startingScores({ task, values, classes, classIndex }: TrainingTarget, outputs: number): Float64Array {
  if (task === "regression") return Float64Array.of(values.reduce((sum, value) => sum + value, 0) / values.length);
  const counts = new Float64Array(classes.length);
  for (const k of classIndex) counts[k]!++;
  if (outputs === 1) return Float64Array.of(Math.log(counts[1]! / counts[0]!));
  return counts.map((count) => Math.log(count / values.length));
}

function fillProbabilities(scores: Float64Array, outputs: number, probabilities: Float64Array): void {
  if (outputs > 1) {
    probabilities.set(scores);
    softmaxRows(probabilities, outputs);
  } else for (let row = 0; row < scores.length; row++) probabilities[row] = 1 / (1 + Math.exp(-scores[row]!));
}

/** Negative gradient of the loss by the score: what is left to explain. */
function fillGradient(
  { task, values, classIndex }: TrainingTarget,
  output: number,
  outputs: number,
  scores: Float64Array,
  probabilities: Float64Array,
  gradient: Float64Array,
): void {
  const own = outputs === 1 ? 1 : output;
  for (let row = 0; row < gradient.length; row++)
    gradient[row] =
      task === "regression"
        ? values[row]! - scores[row]!
        : (classIndex[row] === own ? 1 : 0) - probabilities[row * outputs + output]!;
}

/** Friedman's leaf values: Σ r / Σ |r| (1 - |r|), times (K - 1) / K for K > 2 classes; the mean for squared error. */
function newtonStep(
  squaredError: boolean,
  outputs: number,
  gradient: Float64Array,
  rows: Int32Array,
  start: number,
  end: number,
): number {
  let sum = 0;
  let curvature = 0;
  for (let at = start; at < end; at++) {
    const r = gradient[rows[at]!]!;
    sum += r;
    curvature += squaredError ? 1 : Math.abs(r) * (1 - Math.abs(r));
  }
  if (curvature < 1e-150) return 0;
  return ((outputs > 1 ? (outputs - 1) / outputs : 1) * sum) / curvature;
}
