import { type BinnedColumn, MISSING_BIN, thresholdBetween } from "./bins.ts";
import type { Random } from "./random.ts";
import type { TreeEnsembleBuilder } from "./tree-ensemble.ts";

/** When a node is no longer parted, and how many columns it looks at. */
export interface GrowthRules {
  /** Infinity: no limit. */
  readonly maxDepth: number;
  readonly minSamplesSplit: number;
  readonly minSamplesLeaf: number;
  readonly featuresPerNode: number;
}

/**
 * What a tree is to tell apart: a number a row (two classes are 0 and 1: then variance is half the Gini impurity, and the
 * trees are the same), or a class index a row.
 */
export type TreeTarget =
  | { readonly kind: "number"; readonly values: Float64Array }
  | { readonly kind: "class"; readonly classes: Uint16Array; readonly count: number };

/** One tree's task. */
export interface TreeTask {
  readonly builder: TreeEnsembleBuilder;
  /** The output that the tree speaks for. */
  readonly output: number;
  /** Rows of the sample, each once; put into another order. */
  readonly rows: Int32Array;
  /** How often each row counts, by row. */
  readonly weights: Float64Array;
  readonly target: TreeTarget;
  readonly rules: GrowthRules;
  readonly random: Random;
  /** Gives a leaf's values from its rows, `rows[start]` to `rows[end - 1]`. */
  readonly leaf: (rows: Int32Array, start: number, end: number) => Float64Array;
  /** By column: gets the decrease of the weighted impurity added. */
  readonly importance: Float64Array;
}

/** Up to so many rows, the bins met are sorted one by one instead of looking through all 255. */
const FEW_ROWS = 64;

interface Split {
  score: number;
  feature: number;
  /** The last bin on the left. */
  bin: number;
  /** The first bin met on the right; -1: only missing values are on the right. */
  nextBin: number;
  missingLeft: boolean;
}

/**
 * Grows CART trees on histograms: at each node the split with the greatest decrease of variance (Gini impurity for
 * classes), as in scikit-learn's DecisionTree. Missing values are tried on both sides; where a node met none in
 * training, they follow the greater part of its rows.
 */
export class TreeGrower {
  readonly #columns: readonly BinnedColumn[];
  readonly #outputs: number;
  readonly #order: Int32Array;
  readonly #scratch: Int32Array;
  // Histogram of one column at one node; zero outside of #search.
  readonly #counts = new Int32Array(256);
  readonly #weights = new Float64Array(256);
  readonly #sums: Float64Array;
  readonly #met = new Uint8Array(256);
  readonly #left: Float64Array;
  readonly #total: Float64Array;
  #totalWeight = 0;

  /** @param outputs 1 for a target of numbers, else the number of classes */
  constructor(columns: readonly BinnedColumn[], outputs: number, rowCount: number) {
    this.#columns = columns;
    this.#outputs = outputs;
    this.#order = Int32Array.from(columns, (_, column) => column);
    this.#scratch = new Int32Array(rowCount);
    this.#sums = new Float64Array(256 * outputs);
    this.#left = new Float64Array(outputs);
    this.#total = new Float64Array(outputs);
  }

  /** Grows one tree into the task's builder. */
  grow(task: TreeTask): void {
    const { builder, rows, rules } = task;
    builder.startTree(task.output);
    const waiting: { start: number; end: number; depth: number; parent: number; side: "left" | "right" }[] = [
      { start: 0, end: rows.length, depth: 0, parent: -1, side: "left" },
    ];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { start, end, depth, parent, side } = next;
      const mayPart =
        depth < rules.maxDepth && end - start >= Math.max(rules.minSamplesSplit, 2 * rules.minSamplesLeaf);
      const split = mayPart && !this.#sumUp(task, start, end) ? this.#bestSplit(task, start, end) : undefined;
      let node: number;
      if (split === undefined) {
        node = builder.addLeaf(task.leaf(rows, start, end));
      } else {
        const middle = this.#part(rows, start, end, split);
        const { least, greatest } = this.#columns[split.feature]!;
        const threshold =
          split.nextBin < 0 ? Number.POSITIVE_INFINITY : thresholdBetween(greatest[split.bin]!, least[split.nextBin]!);
        node = builder.addSplit(split.feature, threshold, split.missingLeft);
        task.importance[split.feature]! += Math.max(0, split.score - this.#ownScore());
        waiting.push({ start: middle, end, depth: depth + 1, parent: node, side: "right" });
        waiting.push({ start, end: middle, depth: depth + 1, parent: node, side: "left" });
      }
      if (parent >= 0) builder.setChild(parent, side, node);
    }
  }

  /** Sums the node's targets into #total; says whether they are all the same. */
  #sumUp({ rows, weights, target }: TreeTask, start: number, end: number): boolean {
    const total = this.#total.fill(0);
    let weight = 0;
    let same = true;
    if (target.kind === "number") {
      const first = target.values[rows[start]!]!;
      let sum = 0;
      for (let at = start; at < end; at++) {
        const row = rows[at]!;
        const value = target.values[row]!;
        same &&= value === first;
        weight += weights[row]!;
        sum += weights[row]! * value;
      }
      total[0] = sum;
    } else {
      const first = target.classes[rows[start]!]!;
      for (let at = start; at < end; at++) {
        const row = rows[at]!;
        const k = target.classes[row]!;
        same &&= k === first;
        weight += weights[row]!;
        total[k]! += weights[row]!;
      }
    }
    this.#totalWeight = weight;
    return same;
  }

  /** Σ sum² / weight over both sides of a split grows as the impurity falls; this is its value with no split. */
  #ownScore(): number {
    let score = 0;
    for (const sum of this.#total) score += sum * sum;
    return score / this.#totalWeight;
  }

  /** Looks at columns in random order until there were enough, one of them at least with two values (as scikit-learn). */
  #bestSplit(task: TreeTask, start: number, end: number): Split | undefined {
    const order = this.#order;
    const { featuresPerNode } = task.rules;
    const all = featuresPerNode >= order.length;
    const best: Split = { score: Number.NEGATIVE_INFINITY, feature: -1, bin: 0, nextBin: 0, missingLeft: false };
    let varied = 0;
    if (all)
      order.forEach((_, column) => {
        order[column] = column;
      });
    for (let seen = 0; seen < order.length && (seen < featuresPerNode || varied === 0); seen++) {
      if (!all) {
        const drawn = seen + task.random.below(order.length - seen);
        const feature = order[drawn]!;
        order[drawn] = order[seen]!;
        order[seen] = feature;
      }
      if (this.#search(task, start, end, order[seen]!, best)) varied++;
    }
    return best.feature < 0 ? undefined : best;
  }

  /** Tries every split of one column; says whether the column has two values here. */
  #search(task: TreeTask, start: number, end: number, feature: number, best: Split): boolean {
    const met = this.#met;
    const size = this.#fill(task, start, end, feature);
    const counts = this.#counts;
    const missing = counts[MISSING_BIN]!;
    if (size > 1 || (size === 1 && missing > 0)) {
      this.#scan(task, end - start, feature, size, false, best);
      if (missing > 0) this.#scan(task, end - start, feature, size, true, best);
    }
    this.#clear(MISSING_BIN);
    for (let at = 0; at < size; at++) this.#clear(met[at]!);
    return size > 1 || (size === 1 && missing > 0);
  }

  #clear(bin: number): void {
    this.#counts[bin] = 0;
    this.#weights[bin] = 0;
    this.#sums.fill(0, bin * this.#outputs, (bin + 1) * this.#outputs);
  }

  /** Fills the histogram; leaves the bins met, in order and without the missing one, in #met and returns how many. */
  #fill({ rows, weights, target }: TreeTask, start: number, end: number, feature: number): number {
    const { bins, greatest } = this.#columns[feature]!;
    const counts = this.#counts;
    const binWeights = this.#weights;
    const sums = this.#sums;
    const met = this.#met;
    const few = end - start <= FEW_ROWS;
    const outputs = this.#outputs;
    let size = 0;
    for (let at = start; at < end; at++) {
      const row = rows[at]!;
      const bin = bins[row]!;
      const weight = weights[row]!;
      if (few && counts[bin] === 0 && bin !== MISSING_BIN) {
        let place = size++;
        for (; place > 0 && met[place - 1]! > bin; place--) met[place] = met[place - 1]!;
        met[place] = bin;
      }
      counts[bin]!++;
      binWeights[bin]! += weight;
      if (target.kind === "number") sums[bin]! += weight * target.values[row]!;
      else sums[bin * outputs + target.classes[row]!]! += weight;
    }
    if (!few) for (let bin = 0; bin < greatest.length; bin++) if (counts[bin]! > 0) met[size++] = bin;
    return size;
  }

  #scan({ rules }: TreeTask, rows: number, feature: number, size: number, missingLeft: boolean, best: Split): void {
    const outputs = this.#outputs;
    const counts = this.#counts;
    const sums = this.#sums;
    const met = this.#met;
    const left = this.#left;
    const total = this.#total;
    const totalWeight = this.#totalWeight;
    const { minSamplesLeaf } = rules;
    const missing = counts[MISSING_BIN]!;
    let leftRows = missingLeft ? missing : 0;
    let leftWeight = missingLeft ? this.#weights[MISSING_BIN]! : 0;
    for (let k = 0; k < outputs; k++) left[k] = missingLeft ? sums[MISSING_BIN * outputs + k]! : 0;
    // Last of all, when missing values are on the right: everything else on the left.
    const last = missing > 0 && !missingLeft ? size : size - 1;
    for (let at = 0; at < last; at++) {
      const bin = met[at]!;
      leftRows += counts[bin]!;
      leftWeight += this.#weights[bin]!;
      for (let k = 0; k < outputs; k++) left[k]! += sums[bin * outputs + k]!;
      if (leftRows < minSamplesLeaf) continue;
      if (rows - leftRows < minSamplesLeaf) break;
      let leftSquares = 0;
      let rightSquares = 0;
      for (let k = 0; k < outputs; k++) {
        const l = left[k]!;
        const r = total[k]! - l;
        leftSquares += l * l;
        rightSquares += r * r;
      }
      const score = leftSquares / leftWeight + rightSquares / (totalWeight - leftWeight);
      if (score > best.score) {
        best.score = score;
        best.feature = feature;
        best.bin = bin;
        best.nextBin = at + 1 < size ? met[at + 1]! : -1;
        best.missingLeft = missing > 0 ? missingLeft : leftRows > rows - leftRows;
      }
    }
  }

  /** Moves the left rows to the front, each side in its former order; returns where the right ones begin. */
  #part(rows: Int32Array, start: number, end: number, { feature, bin, missingLeft }: Split): number {
    const { bins } = this.#columns[feature]!;
    let front = start;
    let back = 0;
    for (let at = start; at < end; at++) {
      const row = rows[at]!;
      const own = bins[row]!;
      if (own === MISSING_BIN ? missingLeft : own <= bin) rows[front++] = row;
      else this.#scratch[back++] = row;
    }
    rows.set(this.#scratch.subarray(0, back), front);
    return front;
  }
}
