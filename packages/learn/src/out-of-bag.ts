import type { Pace } from "./pace.ts";
import { createRandom } from "./random.ts";
import type { TrainingTarget } from "./target.ts";
import { goesLeft, type TreeEnsemble } from "./tree-ensemble.ts";

/**
 * How well a forest's trees predict rows that they have not drawn (scikit-learn's oob_score_): the share of right classes,
 * or R² of numbers, of the mean of the trees that a row was left out by. Rows that every tree has drawn do not count;
 * scikit-learn takes them for zeros, with a warning.
 *
 * @param columns as the trees take them
 * @param draws rows that each tree has drawn, from the stream of its own number
 * @returns NaN when every tree has drawn every row
 */
export async function outOfBagScore(
  trees: TreeEnsemble,
  columns: readonly Float64Array[],
  target: TrainingTarget,
  { seed, draws, pace }: { readonly seed: number; readonly draws: number; readonly pace: Pace },
): Promise<number> {
  const rowCount = target.values.length;
  const { outputs, base } = trees;
  const sums = new Float64Array(rowCount * outputs);
  const votes = new Uint32Array(rowCount);
  const row = new Float32Array(columns.length);
  for (let tree = 0; tree < trees.roots.length; tree++) {
    const random = createRandom(seed, tree);
    const isDrawn = new Uint8Array(rowCount);
    for (let draw = 0; draw < draws; draw++) isDrawn[random.below(rowCount)] = 1;
    for (let at = 0; at < rowCount; at++) {
      if (isDrawn[at] === 1) continue;
      for (let column = 0; column < columns.length; column++) row[column] = columns[column]![at]!;
      const leaf = leafOf(trees, tree, row) * trees.leafWidth;
      for (let k = 0; k < outputs; k++) sums[at * outputs + k]! += trees.leafValues[leaf + k]!;
      votes[at]!++;
    }
    await pace.breathe();
  }
  const asked = votes.reduce<number[]>((rows, count, at) => {
    if (count > 0) rows.push(at);
    return rows;
  }, []);
  const meanOf = (at: number, k: number) => base[k]! + sums[at * outputs + k]! / votes[at]!;
  if (target.task === "classification") {
    const likeliest = (at: number) => {
      if (outputs === 1) return meanOf(at, 0) > 0.5 ? 1 : 0;
      let best = 0;
      for (let k = 1; k < outputs; k++) if (meanOf(at, k) > meanOf(at, best)) best = k;
      return best;
    };
    return asked.filter((at) => likeliest(at) === target.classIndex[at]).length / asked.length;
  }
  const mean = asked.reduce((sum, at) => sum + target.values[at]!, 0) / asked.length;
  const squares = (errorOf: (at: number) => number) => asked.reduce((sum, at) => sum + errorOf(at) ** 2, 0);
  return 1 - squares((at) => target.values[at]! - meanOf(at, 0)) / squares((at) => target.values[at]! - mean);
}

function leafOf(trees: TreeEnsemble, tree: number, row: Float32Array): number {
  let node = trees.roots[tree]!;
  for (let asked = trees.feature[node]!; asked >= 0; asked = trees.feature[node]!)
    node = goesLeft(trees, node, row[asked]!) ? trees.left[node]! : trees.right[node]!;
  return trees.left[node]!;
}
