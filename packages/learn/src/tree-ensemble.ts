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
  /** 1: a row whose value is missing goes left. */
  readonly missingLeft: Uint8Array;
  /** `leafWidth` values a leaf. */
  readonly leafValues: Float64Array;
}

/** Collects trees as they are grown. */
export class TreeEnsembleBuilder {
  readonly #roots: number[] = [];
  readonly #treeOutput: number[] = [];
  readonly #feature: number[] = [];
  readonly #threshold: number[] = [];
  readonly #left: number[] = [];
  readonly #right: number[] = [];
  readonly #missingLeft: number[] = [];
  readonly #leafValues: number[] = [];
  readonly #leafWidth: number;
  #leaves = 0;

  constructor(leafWidth: number) {
    this.#leafWidth = leafWidth;
  }

  /** Begins a tree; the nodes that follow are its own. */
  startTree(output: number): void {
    this.#roots.push(this.#feature.length);
    this.#treeOutput.push(output);
  }

  /** Adds a node that parts rows; its children are set by `setChild`. */
  addSplit(feature: number, threshold: number, missingLeft: boolean): number {
    return this.#add(feature, threshold, -1, missingLeft);
  }

  addLeaf(values: Float64Array): number {
    for (let at = 0; at < this.#leafWidth; at++) this.#leafValues.push(values[at]!);
    return this.#add(-1, 0, this.#leaves++, false);
  }

  setChild(parent: number, side: "left" | "right", child: number): void {
    (side === "left" ? this.#left : this.#right)[parent] = child;
  }

  build(o: { outputs: number; base: Float64Array; average: boolean }): TreeEnsemble {
    return {
      ...o,
      leafWidth: this.#leafWidth,
      roots: Int32Array.from(this.#roots),
      treeOutput: Int32Array.from(this.#treeOutput),
      feature: Int32Array.from(this.#feature),
      threshold: Float32Array.from(this.#threshold),
      left: Int32Array.from(this.#left),
      right: Int32Array.from(this.#right),
      missingLeft: Uint8Array.from(this.#missingLeft),
      leafValues: Float64Array.from(this.#leafValues),
    };
  }

  #add(feature: number, threshold: number, left: number, missingLeft: boolean): number {
    this.#feature.push(feature);
    this.#threshold.push(threshold);
    this.#left.push(left);
    this.#right.push(-1);
    this.#missingLeft.push(missingLeft ? 1 : 0);
    return this.#feature.length - 1;
  }
}

/** Scores of every row, `outputs` a row. Pure: nothing is kept between calls. */
export function scoreTrees(trees: TreeEnsemble, columns: readonly Float64Array[], rowCount: number): Float64Array {
  const { outputs, leafWidth, base, roots, treeOutput, feature, threshold, left, right, missingLeft, leafValues } =
    trees;
  const width = columns.length;
  // Rows side by side, in float32: a walk jumps between the columns of one row.
  const rows = new Float32Array(rowCount * width);
  for (let column = 0; column < width; column++) {
    const values = columns[column]!;
    for (let row = 0; row < rowCount; row++) rows[row * width + column] = values[row]!;
  }
  const scores = new Float64Array(rowCount * outputs);
  for (let tree = 0; tree < roots.length; tree++) {
    const root = roots[tree]!;
    const output = treeOutput[tree]!;
    for (let row = 0; row < rowCount; row++) {
      const at = row * width;
      let node = root;
      for (let asked = feature[node]!; asked >= 0; asked = feature[node]!) {
        const value = rows[at + asked]!;
        const goesLeft = value <= threshold[node]! || (missingLeft[node] === 1 && Number.isNaN(value));
        node = (goesLeft ? left : right)[node]!;
      }
      const leaf = left[node]! * leafWidth;
      const score = row * outputs + output;
      for (let k = 0; k < leafWidth; k++) scores[score + k]! += leafValues[leaf + k]!;
    }
  }
  for (let at = 0; at < scores.length; at++)
    scores[at] = base[at % outputs]! + (trees.average ? scores[at]! / roots.length : scores[at]!);
  return scores;
}
