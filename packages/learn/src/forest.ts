import { binColumn } from "./bins.ts";
import { TreeGrower, type TreeTarget } from "./grow-tree.ts";
import type { Pace } from "./pace.ts";
import { type ForestParams, featuresPerNode } from "./params.ts";
import { createRandom } from "./random.ts";
import type { TrainingTarget } from "./target.ts";
import { type TreeEnsemble, TreeEnsembleBuilder } from "./tree-ensemble.ts";

/** What growing trees gives: the trees and each column's share in the decrease of impurity, which sums to 1. */
export interface GrownTrees {
  readonly trees: TreeEnsemble;
  readonly importance: Float64Array;
}

/**
 * Random forest (Breiman 2001) as in scikit-learn: each tree on a bootstrap sample, a random part of the columns at each
 * node, probabilities averaged over trees. `min_samples_leaf` counts a row that was drawn twice once, as scikit-learn.
 */
export async function growForest(
  columns: readonly Float64Array[],
  target: TrainingTarget,
  params: ForestParams,
  seed: number,
  pace: Pace,
): Promise<GrownTrees> {
  const rowCount = target.values.length;
  const rules = {
    maxDepth: params.max_depth ?? Number.POSITIVE_INFINITY,
    minSamplesSplit: params.min_samples_split,
    minSamplesLeaf: params.min_samples_leaf,
    featuresPerNode: featuresPerNode(params.max_features, columns.length),
  };
  const outputs = Math.max(1, target.classes.length === 2 ? 1 : target.classes.length);
  // Regression is learnt around the mean, so that sums of large numbers keep their digits.
  const mean = target.task === "regression" ? target.values.reduce((sum, value) => sum + value, 0) / rowCount : 0;
  const treeTarget: TreeTarget =
    target.task === "classification" && outputs > 1
      ? { kind: "class", classes: target.classIndex, count: outputs }
      : {
          kind: "number",
          values:
            target.task === "regression"
              ? target.values.map((value) => value - mean)
              : Float64Array.from(target.classIndex),
        };
  const grower = new TreeGrower(columns.map(binColumn), outputs, rowCount);
  const builder = new TreeEnsembleBuilder(outputs);
  const importance = new Float64Array(columns.length);
  const weights = new Float64Array(rowCount);
  const leafValues = new Float64Array(outputs);
  const leaf = (rows: Int32Array, start: number, end: number) => {
    leafValues.fill(0);
    let weight = 0;
    for (let at = start; at < end; at++) {
      const row = rows[at]!;
      weight += weights[row]!;
      if (treeTarget.kind === "number") leafValues[0]! += weights[row]! * treeTarget.values[row]!;
      else leafValues[treeTarget.classes[row]!]! += weights[row]!;
    }
    for (let k = 0; k < outputs; k++) leafValues[k]! /= weight;
    return leafValues;
  };
  for (let tree = 0; tree < params.n_estimators; tree++) {
    const random = createRandom(seed, tree);
    if (params.bootstrap) {
      weights.fill(0);
      for (let draw = 0; draw < rowCount; draw++) weights[random.below(rowCount)]!++;
    } else weights.fill(1);
    const rows = new Int32Array(rowCount);
    let drawn = 0;
    for (let row = 0; row < rowCount; row++) if (weights[row]! > 0) rows[drawn++] = row;
    const own = new Float64Array(columns.length);
    grower.grow({
      builder,
      output: 0,
      rows: rows.subarray(0, drawn),
      weights,
      target: treeTarget,
      rules,
      random,
      leaf,
      importance: own,
    });
    addShares(importance, own);
    await pace.step(tree + 1, params.n_estimators);
  }
  const trees = builder.build({ outputs, base: new Float64Array(outputs).fill(mean), average: true });
  const shares = new Float64Array(columns.length);
  addShares(shares, importance);
  return { trees, importance: shares };
}

/** Adds each value's share in the sum of all; nothing when they are all zero. */
export function addShares(to: Float64Array, values: Float64Array): void {
  const sum = values.reduce((a, b) => a + b, 0);
  if (sum > 0) for (let at = 0; at < values.length; at++) to[at]! += values[at]! / sum;
}
