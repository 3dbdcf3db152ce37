import { z } from "zod";
import { type BinnedColumns, binColumns, endedBySignal } from "./kernel/binned.ts";
import { BLOCK_BYTES, powerOfTwo, wholeBound, writeBlock } from "./kernel/block.ts";
import type { KernelTree } from "./kernel/threads.ts";
import { takeTreeOutput, treeOutputBytes } from "./kernel/tree-output.ts";
import type { Pace } from "./pace.ts";
import { countOf, type ForestParams, featuresPerNode } from "./params.ts";
import type { TrainingTarget } from "./target.ts";
import { joinTrees, type TreeEnsemble } from "./tree-ensemble.ts";

/** What growing trees gives: the trees and each column's share in the decrease of impurity, which sums to 1. */
export interface GrownTrees {
  readonly trees: TreeEnsemble;
  readonly importance: Float64Array;
}

/** What trees are grown from, beside columns and target. */
export interface TreeTraining {
  readonly columns: readonly Float64Array[];
  /** Columns that hold codes of categories. */
  readonly isCategory: readonly boolean[];
  /** By column: 1, predictions may only rise with it; -1, only fall. Boosting only. */
  readonly monotone?: readonly number[];
  readonly target: TrainingTarget;
  readonly seed: number;
  readonly threads: number;
  readonly pace: Pace;
}

/**
 * Random forest (Breiman 2001) as in scikit-learn: each tree on a bootstrap sample, a random part of the columns at each
 * node, probabilities averaged over trees. `min_samples_leaf` counts a row that was drawn twice once, as scikit-learn.
 * Sums are of whole numbers and a tree's random stream is its own, so the threads change nothing.
 */
export async function growForest(training: TreeTraining, params: ForestParams): Promise<GrownTrees> {
  const { columns, isCategory, target, seed, threads, pace } = training;
  const rowCount = target.values.length;
  const classes = target.classes.length;
  const isWide = classes > 2;
  const outputs = isWide ? classes : 1;
  const minSamplesLeaf = countOf(params.min_samples_leaf, rowCount);
  const leaves = Math.max(
    1,
    Math.min(
      params.max_leaf_nodes ?? Number.POSITIVE_INFINITY,
      2 ** (params.max_depth ?? Number.POSITIVE_INFINITY),
      Math.floor(rowCount / minSamplesLeaf),
    ),
  );
  const hasCategories = isCategory.some(Boolean);
  const entries = (params.max_leaf_nodes === null ? 0 : leaves) + 2;
  const perThread = () =>
    rowCount * (2 * 20 + 20 + 4) +
    40 +
    columns.length * 12 +
    entries * 96 +
    256 * 8 * Math.max(2, classes) +
    treeOutputBytes(leaves, hasCategories) +
    2 * 8 * outputs +
    256 +
    4096 +
    20 * 64 +
    BLOCK_BYTES;
  const binned = await binColumns({
    columns,
    isCategory,
    stride: 1,
    maxBins: params.max_bins,
    threads: Math.min(threads, params.n_estimators),
    more: (crew) => BLOCK_BYTES + rowCount * 16 + 512 + crew * perThread(),
    pace,
  });
  try {
    const { crew, arena } = binned;
    const { buffer } = crew;
    // Regression is learnt around the mean, so that sums of large numbers keep their digits.
    const mean = target.task === "regression" ? weightedMean(target) : 0;
    const shared = arena.take(BLOCK_BYTES);
    const scales = writeTarget(binned, shared, target, mean, params, outputs);
    writeBlock(
      buffer,
      shared,
      {
        0: rowCount,
        1: columns.length,
        2: isWide ? classes : 0,
        3: scales.countBits,
        4: binned.bins,
        5: binned.least,
        6: binned.greatest,
        7: binned.isCategory,
        10: wholeBound(params.max_depth ?? Number.POSITIVE_INFINITY),
        11: countOf(params.min_samples_split, rowCount),
        12: minSamplesLeaf,
        13: featuresPerNode(params.max_features, columns.length),
        14: Number(params.bootstrap),
        15: scales.draws,
        16: seed | 0,
        17: Math.floor(seed / 2 ** 32) | 0,
        18: params.max_leaf_nodes ?? 0,
        19: Number(params.criterion === "entropy" || params.criterion === "log_loss"),
      },
      { 10: scales.scaleY, 11: scales.scaleW, 12: scales.minDecrease, 13: params.min_weight_fraction_leaf },
    );
    Atomics.store(new Int32Array(buffer), binned.counter >> 2, 0);
    const grown = new Array<KernelTree>(params.n_estimators);
    const importance = new Float64Array(columns.length);
    const shares: Float64Array[] = new Array(params.n_estimators);
    let done = 0;
    const jobs = Array.from({ length: crew.size }, (_, thread) => {
      const own = arena.take(BLOCK_BYTES);
      const scratch = [rowCount * 4, rowCount * 16, rowCount * 4, rowCount * 16, columns.length * 4].map((bytes) =>
        arena.take(bytes),
      );
      const stack = arena.take((rowCount + 2) * 20);
      const frontier = arena.take(entries * 96);
      const histogram = arena.take(256 * 8 * Math.max(2, classes));
      const out = takeTreeOutput(arena, leaves, hasCategories);
      const importanceAt = arena.take(columns.length * 8);
      const drawn = arena.take(rowCount * 4);
      const [totals, lefts, goes, ranks] = [outputs * 8, outputs * 8, 256, 4096].map((bytes) => arena.take(bytes));
      const places = [
        ...scratch,
        stack,
        frontier,
        histogram,
        out.feature,
        out.threshold,
        out.left,
        out.right,
        out.flags,
        out.leafValues,
        out.categories,
        importanceAt,
        drawn,
        totals!,
        lefts!,
        goes!,
        ranks!,
      ];
      writeBlock(buffer, own, { ...places });
      return crew.run(
        thread,
        "forest",
        {
          shared,
          own,
          trees: params.n_estimators,
          counter: binned.counter,
          cancel: binned.cancel,
          outputs,
          isWide,
          out,
          importance: importanceAt,
          columns: columns.length,
          lefts,
        },
        (news) => {
          const { index, tree, importance: share } = Grown.parse(news);
          grown[index] = tree;
          shares[index] = share;
          pace.report(++done, params.n_estimators);
        },
      );
    });
    await endedBySignal(binned, pace.signal, Promise.all(jobs));
    for (const share of shares) addShares(importance, share);
    const all = new Float64Array(columns.length);
    addShares(all, importance);
    const options = { outputs, leafWidth: outputs, base: new Float64Array(outputs).fill(mean), average: true };
    return {
      trees: await joinTrees(
        grown,
        grown.map(() => 0),
        options,
        pace,
      ),
      importance: all,
    };
  } finally {
    await binned.crew.release();
  }
}

const floats = z.instanceof(Float64Array);
const ints = z.instanceof(Int32Array);
const bytes = z.instanceof(Uint8Array);

/** A tree as a thread sends it. */
export const SentTree = z.object({
  feature: ints,
  threshold: z.instanceof(Float32Array),
  left: ints,
  right: ints,
  flags: bytes,
  categories: bytes,
  leafValues: floats,
});
const Grown = z.object({ index: z.number(), tree: SentTree, importance: floats });

/** Targets and weights into the memory, with the scales that make whole numbers of them. */
function writeTarget(
  { crew, arena }: BinnedColumns,
  shared: number,
  target: TrainingTarget,
  mean: number,
  params: ForestParams,
  outputs: number,
) {
  const rowCount = target.values.length;
  const targetAt = arena.take(rowCount * 8);
  const isRegression = target.task === "regression";
  const values = new Float64Array(crew.buffer, targetAt, rowCount);
  let largest = 0;
  for (let row = 0; row < rowCount; row++) {
    const value = isRegression ? target.values[row]! - mean : target.classIndex[row]!;
    values[row] = value;
    largest = Math.max(largest, Math.abs(value));
  }
  let weightsAt = 0;
  let heaviest = 1;
  if (target.weights !== undefined) {
    weightsAt = arena.take(rowCount * 8);
    new Float64Array(crew.buffer, weightsAt, rowCount).set(target.weights);
    heaviest = target.weights.reduce((most, weight) => Math.max(most, weight), 0);
  }
  writeBlock(crew.buffer, shared, { 8: targetAt, 9: weightsAt });
  const draws = drawsOf(params, rowCount);
  const drawn = Math.max(params.bootstrap ? draws : rowCount, rowCount);
  const countBits = Math.ceil(Math.log2(rowCount + 1));
  const room = Math.log2(drawn * heaviest) + 1;
  const scaleW = target.weights === undefined ? 1 : powerOfTwo(Math.min(40, 61 - countBits - room));
  const scaleY = isRegression ? powerOfTwo(61 - room - Math.log2(largest)) : 0;
  const isEntropy = params.criterion === "entropy" || params.criterion === "log_loss";
  // In the kernel's units: it measures one class of two, sums in scaled numbers, and in natural logarithms.
  const unit = isRegression ? (scaleY / scaleW) ** 2 : isEntropy ? Math.LN2 : outputs === 1 ? 0.5 : 1;
  return { countBits, scaleW, scaleY, draws, minDecrease: params.min_impurity_decrease * unit };
}

/** How many rows each tree draws. */
export function drawsOf({ max_samples: share }: Pick<ForestParams, "max_samples">, rowCount: number): number {
  return share === null ? rowCount : countOf(share, rowCount);
}

/** Mean of the target, by weight. */
export function weightedMean({ values, weights }: TrainingTarget): number {
  let sum = 0;
  let total = 0;
  for (let row = 0; row < values.length; row++) {
    const weight = weights?.[row] ?? 1;
    sum += weight * values[row]!;
    total += weight;
  }
  return sum / total;
}

/** Adds each value's share in the sum of all; nothing when they are all zero. */
export function addShares(to: Float64Array, values: Float64Array): void {
  const sum = values.reduce((a, b) => a + b, 0);
  if (sum > 0) for (let at = 0; at < values.length; at++) to[at]! += values[at]! / sum;
}
