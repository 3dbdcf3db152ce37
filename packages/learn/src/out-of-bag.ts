import { accuracy } from "./classification-metrics.ts";
import { bothClasses, likeliest } from "./links.ts";
import type { Pace } from "./pace.ts";
import { createRandom } from "./random.ts";
import { regressionMetrics } from "./regression-metrics.ts";
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
  const asked = Int32Array.from(votes.keys()).filter((at) => votes[at]! > 0);
  if (asked.length === 0) return Number.NaN;
  const said = new Float64Array(asked.length * outputs);
  for (const [place, at] of asked.entries())
    for (let k = 0; k < outputs; k++) said[place * outputs + k] = base[k]! + sums[at * outputs + k]! / votes[at]!;
  if (target.task === "regression")
    return regressionMetrics(
      Float64Array.from(asked, (at) => target.values[at]!),
      said,
    ).r2;
  const shares = outputs === 1 ? bothClasses(said) : said;
  const width = target.classes.length;
  return accuracy(
    Int32Array.from(asked, (at) => target.classIndex[at]!),
    asked.map((_, place) => likeliest(shares, place, width)),
  );
}

function leafOf(trees: TreeEnsemble, tree: number, row: Float32Array): number {
  let node = trees.roots[tree]!;
  for (let asked = trees.feature[node]!; asked >= 0; asked = trees.feature[node]!)
    node = goesLeft(trees, node, row[asked]!) ? trees.left[node]! : trees.right[node]!;
  return trees.left[node]!;
}
