import type { KernelTree } from "./kernel/threads.ts";
import type { Pace } from "./pace.ts";

/** Trees in flat arrays. A node's children stand after it, so every walk ends. */
export interface TreeEnsemble {
  /** Scores a row has: 1 for regression and two classes, else one a class. */
  readonly outputs: number;
  /** Values a leaf holds: `outputs`, or 1 when a tree speaks for one output. */
  readonly leafWidth: number;
  /** Where the scores start. */
  readonly base: Float64Array;
  /** Whether trees are averaged; else they are summed. */
  readonly average: boolean;
  /** First node of each tree. */
  readonly roots: Int32Array;
  /** The output that the first value of each tree's leaves counts for. */
  readonly treeOutput: Int32Array;
  /** The column a node asks, -1 for a leaf. */
  readonly feature: Int32Array;
  /** A row goes left when its value, rounded to float32, is at most this. */
  readonly threshold: Float32Array;
  /** The left child; of a leaf, its number among the leaves. */
  readonly left: Int32Array;
  readonly right: Int32Array;
  /**
   * Bit 0: a row whose value is missing goes left. Bit 1: the node asks for a category; `threshold` is then the number of
   * the set of those that go left.
   */
  readonly flags: Uint8Array;
  /** Sets of categories, 32 bytes each: bit k for the category with the code k; any code beyond 254 is missing. */
  readonly categories: Uint8Array;
  /** `leafWidth` values a leaf. */
  readonly leafValues: Float64Array;
}

/**
 * Joins trees, in their order, into one ensemble; lets others in between.
 * @param treeOutputs the output that each tree speaks for
 */
export async function joinTrees(
  trees: readonly KernelTree[],
  treeOutputs: readonly number[],
  o: { outputs: number; leafWidth: number; base: Float64Array; average: boolean },
  pace: Pace,
): Promise<TreeEnsemble> {
  const count = (length: (tree: KernelTree) => number) => trees.reduce((sum, tree) => sum + length(tree), 0);
  const nodes = count(({ feature }) => feature.length);
  const joined = {
    roots: new Int32Array(trees.length),
    treeOutput: Int32Array.from(treeOutputs),
    feature: new Int32Array(nodes),
    threshold: new Float32Array(nodes),
    left: new Int32Array(nodes),
    right: new Int32Array(nodes),
    flags: new Uint8Array(nodes),
    categories: new Uint8Array(count(({ categories }) => categories.length)),
    leafValues: new Float64Array(count(({ leafValues }) => leafValues.length)),
  };
  let node = 0;
  let leaf = 0;
  let set = 0;
  for (const [at, tree] of trees.entries()) {
    joined.roots[at] = node;
    joined.feature.set(tree.feature, node);
    joined.flags.set(tree.flags, node);
    joined.categories.set(tree.categories, 32 * set);
    joined.leafValues.set(tree.leafValues, leaf * o.leafWidth);
    for (let own = 0; own < tree.feature.length; own++) {
      const isLeaf = tree.feature[own] === -1;
      joined.left[node + own] = tree.left[own]! + (isLeaf ? leaf : node);
      joined.right[node + own] = isLeaf ? -1 : tree.right[own]! + node;
      joined.threshold[node + own] = tree.threshold[own]! + ((tree.flags[own]! & 2) !== 0 ? set : 0);
    }
    node += tree.feature.length;
    leaf += tree.leafValues.length / o.leafWidth;
    set += tree.categories.length / 32;
    await pace.breathe();
  }
  return { ...o, ...joined };
}

/** Which child a value goes to: true for the left. */
export function goesLeft({ threshold, flags, categories }: TreeEnsemble, node: number, value: number): boolean {
  const flag = flags[node]!;
  if ((flag & 2) === 0) return value <= threshold[node]! || ((flag & 1) === 1 && Number.isNaN(value));
  const code = value >= 0 && value < 255 ? Math.trunc(value) : 255;
  return ((categories[32 * threshold[node]! + (code >> 3)]! >> (code & 7)) & 1) === 1;
}

/** Rows that are laid side by side at a time. */
const BULK = 65_536;

/**
 * Scores of every row, `outputs` a row; yields after each tree: one has all rows, as it would be read again from memory
 * for each part.
 */
export function* scoringTrees(
  trees: TreeEnsemble,
  columns: readonly Float64Array[],
  rowCount: number,
): Generator<void, Float64Array> {
  const { outputs, roots } = trees;
  const width = columns.length;
  const scores = new Float64Array(rowCount * outputs);
  // Rows side by side, in float32: a walk jumps between the columns of one row.
  const rows = new Float32Array(Math.min(rowCount, BULK) * width);
  for (let first = 0; first < rowCount; first += BULK) {
    const count = Math.min(BULK, rowCount - first);
    for (let column = 0; column < width; column++) {
      const values = columns[column]!;
      for (let row = 0; row < count; row++) rows[row * width + column] = values[first + row]!;
    }
    const part = scores.subarray(first * outputs, (first + count) * outputs);
    for (let tree = 0; tree < roots.length; tree++) {
      addScoresOfTree(trees, tree, rows, width, part);
      yield;
    }
  }
  return scoresOfSums(trees, scores);
}

/** Makes scores, in their place, of what the leaves add up to: with the base, by the tree where that is meant. */
export function scoresOfSums({ outputs, base, average, roots }: TreeEnsemble, sums: Float64Array): Float64Array {
  for (let at = 0; at < sums.length; at++)
    sums[at] = base[at % outputs]! + (average ? sums[at]! / roots.length : sums[at]!);
  return sums;
}

function addScoresOfTree(trees: TreeEnsemble, tree: number, rows: Float32Array, width: number, scores: Float64Array) {
  const { outputs, leafWidth, roots, treeOutput, feature, threshold, left, right, flags, leafValues } = trees;
  const root = roots[tree]!;
  const count = scores.length / outputs;
  let score = treeOutput[tree]!;
  for (let row = 0; row < count; row++) {
    const at = row * width;
    let node = root;
    for (let asked = feature[node]!; asked >= 0; asked = feature[node]!) {
      const value = rows[at + asked]!;
      if (flags[node] === 0) node = value <= threshold[node]! ? left[node]! : right[node]!;
      else node = goesLeft(trees, node, value) ? left[node]! : right[node]!;
    }
    const leaf = left[node]! * leafWidth;
    for (let k = 0; k < leafWidth; k++) scores[score + k]! += leafValues[leaf + k]!;
    score += outputs;
  }
}

/** Scores of one row. */
export function scoreTreeRow(trees: TreeEnsemble, row: Float64Array): Float64Array {
  const { outputs, leafWidth, roots, treeOutput, feature, threshold, left, right, flags, leafValues } = trees;
  const values = new Float32Array(row);
  const scores = new Float64Array(outputs);
  for (let tree = 0; tree < roots.length; tree++) {
    let node = roots[tree]!;
    for (let asked = feature[node]!; asked >= 0; asked = feature[node]!) {
      const value = values[asked]!;
      if (flags[node] === 0) node = value <= threshold[node]! ? left[node]! : right[node]!;
      else node = goesLeft(trees, node, value) ? left[node]! : right[node]!;
    }
    const leaf = left[node]! * leafWidth;
    const output = treeOutput[tree]!;
    for (let k = 0; k < leafWidth; k++) scores[output + k]! += leafValues[leaf + k]!;
  }
  return scoresOfSums(trees, scores);
}
