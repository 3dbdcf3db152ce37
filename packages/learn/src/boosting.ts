import { z } from "zod";
import { addShares, type GrownTrees, SentTree, type TreeTraining, weightedMean } from "./forest.ts";
import { type BinnedColumns, binColumns, endedBySignal } from "./kernel/binned.ts";
import { BLOCK_BYTES, wholeBound, writeBlock } from "./kernel/block.ts";
import type { KernelTree } from "./kernel/threads.ts";
import { takeTreeOutput, treeOutputBytes } from "./kernel/tree-output.ts";
import { type BoostingParams, countOf, featuresPerNode } from "./params.ts";
import { holdOut } from "./splits.ts";
import type { TrainingTarget } from "./target.ts";
import { joinTrees } from "./tree-ensemble.ts";

/** Losses by the number that the kernel knows them by. */
const LOSSES = {
  squared_error: 0,
  absolute_error: 3,
  quantile: 4,
  poisson: 5,
  gamma: 6,
  huber: 7,
} as const;

/** Histograms of all leaves at once take at most so many bytes; beyond, they are made anew for each leaf. */
const MOST_HISTOGRAMS = 768 * 2 ** 20;

/** Rows that the kernel takes at a time: their bins and gradients stay in a core's second cache. */
const NEAR_ROWS = 512;

/**
 * How many groups of four columns make a block whose rows lie side by side: as many as the threads can share out fairly,
 * for each block a thread reads its rows' gradients once.
 */
export function blockWidthOf(groups: number, threads: number): number {
  const fair = Math.ceil(groups / threads);
  const wide = [8, 4, 2].find((width) => {
    const loads = new Array<number>(threads).fill(0);
    for (let first = 0; first < groups; first += width)
      loads[loads.indexOf(Math.min(...loads))]! += Math.min(width, groups - first);
    return Math.max(...loads) <= 1.15 * fair;
  });
  return wide ?? 1;
}

/**
 * Gradient boosting (Friedman 2001; splits by gradient and curvature as Chen & Guestrin 2016) under scikit-learn's names:
 * one tree a class and round beyond two classes, leaves by one Newton step, started at the log-odds of the classes (the
 * mean). With `max_leaf_nodes` the leaf that gains most is parted next, as in LightGBM. Sums are of whole numbers, so the
 * threads change nothing.
 * @param mostBytes all memory that may be taken; where it is scarce, the bins are kept once and not twice. @default 4 GiB
 */
export async function growBoosted(
  training: TreeTraining,
  params: BoostingParams,
  mostBytes?: number,
): Promise<GrownTrees> {
  const { columns, isCategory, target, seed, pace } = training;
  const rowCount = target.values.length;
  const outputs = target.classes.length > 2 ? target.classes.length : 1;
  const held = params.n_iter_no_change === null ? undefined : holdOut(target, params.validation_fraction, seed);
  const trainRows = rowCount - (held?.count ?? 0);
  const minSamplesLeaf = countOf(params.min_samples_leaf, trainRows);
  const leaves = Math.max(
    1,
    Math.min(
      params.max_leaf_nodes ?? Number.POSITIVE_INFINITY,
      2 ** (params.max_depth ?? Number.POSITIVE_INFINITY),
      Math.floor(trainRows / minSamplesLeaf),
    ),
  );
  const isBestFirst = params.max_leaf_nodes !== null;
  const pending = Math.ceil(Math.log2(rowCount + 1)) + 8;
  const groups = Math.ceil(columns.length / 4);
  const slots = Math.min(
    isBestFirst ? leaves + 1 : Math.min(leaves + 1, pending),
    Math.floor(MOST_HISTOGRAMS / (groups * 16384)),
  );
  const tableSize = isBestFirst ? leaves + 2 : Math.min(leaves + 2, 2 * pending);
  const hasCategories = isCategory.some(Boolean);
  const sorts = params.loss === "absolute_error" || params.loss === "quantile" || params.loss === "huber";
  const threads = Math.max(1, Math.min(training.threads, Math.ceil(rowCount / 2000), groups));
  const blockWidth = blockWidthOf(groups, threads);
  const stride = 4 * blockWidth;
  const scratchBytes = 8192 + blockWidth * 16384 + NEAR_ROWS * (16 + stride);
  const binned = await binColumns({
    columns,
    order: held?.order,
    isCategory,
    stride,
    maxBins: params.max_bins,
    threads,
    more: (crew) =>
      rowCount * (16 + 8 * outputs * (outputs > 1 ? 2 : 1) + 8 + 8 + 8 + (sorts ? 16 : 0)) +
      slots * groups * 16384 +
      (tableSize + 2 * crew) * 128 +
      treeOutputBytes(leaves, hasCategories) +
      leaves * 16 +
      crew * scratchBytes +
      columns.length * 16 +
      slots * 4 +
      256 +
      24 * 64 +
      BLOCK_BYTES,
    wish: rowCount * columns.length + 64,
    ...(mostBytes !== undefined && { most: mostBytes }),
    pace,
  });
  try {
    const { crew, arena } = binned;
    const { buffer } = crew;
    const take = (bytes: number) => arena.take(Math.max(8, bytes));
    const byColumn = binned.hasWish ? take(rowCount * columns.length) : 0;
    if (byColumn !== 0) await spread(binned, stride, byColumn);
    const shared = take(BLOCK_BYTES);
    const base = startingScores(target, outputs, params);
    const ordered = <T>(at: number, from: ArrayLike<number>, to: T & { [row: number]: number }) => {
      for (let row = 0; row < rowCount; row++) to[row] = from[held?.order[row] ?? row]!;
      return at;
    };
    const targetAt = take(rowCount * 8);
    const isRegression = target.task === "regression";
    ordered(targetAt, isRegression ? target.values : target.classIndex, new Float64Array(buffer, targetAt, rowCount));
    const weightsAt = target.weights === undefined ? 0 : take(rowCount * 8);
    if (target.weights !== undefined) ordered(weightsAt, target.weights, new Float64Array(buffer, weightsAt, rowCount));
    const scoresAt = take(rowCount * outputs * 8);
    const scores = new Float64Array(buffer, scoresAt, rowCount * outputs);
    if (outputs === 1) scores.fill(base[0]!);
    else for (let at = 0; at < scores.length; at++) scores[at] = base[at % outputs]!;
    const out = takeTreeOutput(arena, leaves, hasCategories);
    const importanceAt = take(columns.length * 8);
    new Float64Array(buffer, importanceAt, columns.length).fill(0);
    const orderAt = take(columns.length * 4);
    new Int32Array(buffer, orderAt, columns.length).set(columns.map((_, column) => column));
    const monotoneAt = take(columns.length);
    const monotone = training.monotone ?? columns.map(() => 0);
    new Int8Array(buffer, monotoneAt, columns.length).set(monotone);
    const loss = isRegression
      ? LOSSES[params.loss === "log_loss" ? "squared_error" : params.loss]
      : outputs > 1
        ? 2
        : 1;
    writeBlock(
      buffer,
      shared,
      {
        0: rowCount,
        1: trainRows,
        2: columns.length,
        3: outputs,
        4: Math.ceil(Math.log2(rowCount + 1)),
        5: binned.bins,
        6: binned.least,
        7: binned.greatest,
        8: binned.isCategory,
        9: monotoneAt,
        10: targetAt,
        11: weightsAt,
        12: wholeBound(params.max_depth ?? Number.POSITIVE_INFINITY),
        13: countOf(params.min_samples_split, trainRows),
        14: minSamplesLeaf,
        15: featuresPerNode(params.max_features, columns.length),
        16: params.max_leaf_nodes ?? 0,
        17: loss,
        18: crew.size,
        19: scoresAt,
        20: outputs > 1 ? take(rowCount * outputs * 8) : 0,
        21: take(rowCount * 16),
        22: take(rowCount * 4),
        23: take(rowCount * 4),
        24: take(slots * groups * 16384),
        25: slots,
        26: take(tableSize * 128),
        27: take(2 * crew.size * 128),
        28: binned.control,
        29: out.feature,
        30: out.threshold,
        31: out.left,
        32: out.right,
        33: out.flags,
        34: out.leafValues,
        35: out.categories,
        36: importanceAt,
        37: take(8 * leaves),
        38: seed | 0,
        39: Math.floor(seed / 2 ** 32) | 0,
        40: take(256),
        41: take(2 * columns.length),
        42: take(crew.size * scratchBytes),
        43: Number(monotone.some((way) => way !== 0)),
        44: sorts ? take(rowCount * 16) : 0,
        45: orderAt,
        46: take(slots * 4),
        47: take(leaves * 8),
        51: stride,
        52: Math.ceil(groups / blockWidth) - 1,
        53: binned.lastStride,
        54: byColumn,
        55: NEAR_ROWS,
        56: scratchBytes,
      },
      {
        32: params.l2_regularization,
        33: 1e-150,
        34: 0,
        35: params.learning_rate,
        36: params.subsample,
        37: params.alpha,
        41: outputs > 1 ? (outputs - 1) / outputs : 1,
        42: target.weights?.reduce((most, weight) => Math.max(most, weight), 0) ?? 1,
        43: 0,
      },
    );
    const trees: KernelTree[] = [];
    const stopping =
      held === undefined
        ? null
        : { from: trainRows, until: rowCount, rounds: params.n_iter_no_change, tol: params.tol };
    const lead = crew.run(
      0,
      "boostLead",
      { shared, rounds: params.n_estimators, outputs, cancel: binned.cancel, out, stopping },
      (news) => {
        const { trees: grown, round } = Round.parse(news);
        trees.push(...grown);
        pace.report(round + 1, params.n_estimators);
      },
    );
    const helpers = Array.from({ length: crew.size - 1 }, (_, at) =>
      crew.run(at + 1, "boostHelp", { shared, thread: at + 1 }),
    );
    await endedBySignal(binned, pace.signal, Promise.all([lead, ...helpers]));
    const importance = new Float64Array(columns.length);
    addShares(importance, new Float64Array(buffer, importanceAt, columns.length));
    const treeOutputs = trees.map((_, at) => at % outputs);
    const options = { outputs, leafWidth: 1, base, average: false };
    return { trees: await joinTrees(trees, treeOutputs, options, pace), importance };
  } finally {
    await binned.crew.release();
  }
}

/** Has the crew write bins that lie in blocks column by column too: rows are parted by one column. */
async function spread({ crew, bins, rowCount, columnCount, lastStride }: BinnedColumns, stride: number, to: number) {
  const blocks = Math.ceil(columnCount / stride);
  const calls = Array.from({ length: blocks }, (_, block) => {
    const width = block === blocks - 1 ? lastStride : stride;
    const count = Math.min(stride, columnCount - block * stride);
    const [from, place] = [bins + block * rowCount * stride, to + block * stride * rowCount];
    return ["spreadBlock", from, rowCount, width, count, place];
  });
  const shares = Array.from({ length: crew.size }, (_, thread) => calls.filter((_, at) => at % crew.size === thread));
  await Promise.all(shares.map((own, thread) => crew.run(thread, "calls", { calls: own })));
}

const Round = z.object({ trees: z.array(SentTree), round: z.number(), loss: z.number().optional() });

/** The value that alone fits best: log-odds, logarithms of shares, mean, median, quantile or logarithm of the mean. */
function startingScores(target: TrainingTarget, outputs: number, { loss, alpha }: BoostingParams): Float64Array {
  const { task, values, classes, classIndex, weights } = target;
  if (task === "regression") {
    if (loss === "poisson" || loss === "gamma") return Float64Array.of(Math.log(weightedMean(target)));
    if (loss === "absolute_error" || loss === "huber") return Float64Array.of(weightedQuantile(values, weights, 0.5));
    if (loss === "quantile") return Float64Array.of(weightedQuantile(values, weights, alpha));
    return Float64Array.of(weightedMean(target));
  }
  const counts = new Float64Array(classes.length);
  let total = 0;
  for (let row = 0; row < classIndex.length; row++) {
    const weight = weights?.[row] ?? 1;
    counts[classIndex[row]!]! += weight;
    total += weight;
  }
  if (outputs === 1) return Float64Array.of(Math.log(counts[1]! / counts[0]!));
  return counts.map((count) => Math.log(count / total));
}

/** The least value at which the weights so far reach the share `q`; half way to the next where they just meet it. */
function weightedQuantile(values: Float64Array, weights: Float64Array | undefined, q: number): number {
  const order = Array.from(values, (_, row) => row).sort((a, b) => values[a]! - values[b]!);
  const total = weights === undefined ? values.length : weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  for (const [at, row] of order.entries()) {
    sum += weights?.[row] ?? 1;
    if (sum > q * total) return values[row]!;
    if (sum === q * total && at + 1 < order.length) return (values[row]! + values[order[at + 1]!]!) / 2;
  }
  return values[order.at(-1) ?? 0] ?? 0;
}
