import { scoreTreeRow, type TreeEnsemble } from "./tree-ensemble.ts";

/**
 * Trees laid out for one row at a time: what costs there is waiting for memory, so a node is 8 bytes, its left child is
 * the next one, and a leaf's values lie behind it. Eight trees are walked at a time: their waits overlap.
 *
 * A node: a float32 that values are compared with, and 32 bits: which value, and how many cells further the right child
 * lies. The value of a leaf is number 0, which is NaN and so goes "right" by 0 cells: a leaf is its own child.
 */
interface PackedTrees {
  readonly cells: Int32Array;
  /** The cells again. */
  readonly thresholds: Float32Array;
  /** And again: a cell a float64. */
  readonly leafValues: Float64Array;
  readonly roots: Int32Array;
  /** Bits of a cell's second half that say which value. */
  readonly slotBits: number;
}

/** The trees in cells; undefined where a node asks for a category or what it says does not go into 32 bits. */
function packTrees(trees: TreeEnsemble, width: number): PackedTrees | undefined {
  const { roots, feature, threshold, left, right, flags, leafValues, leafWidth } = trees;
  const nodes = feature.length;
  const slotBits = 32 - Math.clz32(2 * width);
  const mostCells = 2 ** (32 - slotBits);
  const sizes = new Int32Array(nodes);
  // Children stand after their parents.
  for (let node = nodes - 1; node >= 0; node--) {
    const isLeaf = feature[node] === -1;
    const size = 1 + (isLeaf ? leafWidth : sizes[left[node]!]! + sizes[right[node]!]!);
    if (size >= mostCells || (flags[node]! & 2) !== 0 || Number.isNaN(threshold[node])) return undefined;
    sizes[node] = size;
  }
  const total = roots.reduce((sum, root) => sum + sizes[root]!, 0);
  if (total >= 2 ** 31) return undefined;
  const buffer = new ArrayBuffer(8 * total);
  const cells = new Int32Array(buffer);
  const thresholds = new Float32Array(buffer);
  const values = new Float64Array(buffer);
  const places = new Int32Array(nodes).fill(-1);
  const packed = { cells, thresholds, leafValues: values, roots: new Int32Array(roots.length), slotBits };
  let isShared = false;
  const place = (node: number, cell: number) => {
    isShared ||= places[node] !== -1;
    places[node] = cell;
  };
  let free = 0;
  for (const [tree, root] of roots.entries()) {
    packed.roots[tree] = free;
    place(root, free);
    free += sizes[root]!;
  }
  for (let node = 0; node < nodes; node++) {
    const cell = places[node]!;
    if (cell === -1) continue;
    if (feature[node] === -1) {
      for (let k = 0; k < leafWidth; k++) values[cell + 1 + k] = leafValues[left[node]! * leafWidth + k]!;
      continue;
    }
    const ahead = 1 + sizes[left[node]!]!;
    place(left[node]!, cell + 1);
    place(right[node]!, cell + ahead);
    thresholds[2 * cell] = threshold[node]!;
    cells[2 * cell + 1] = (1 + 2 * feature[node]! + (flags[node]! & 1)) | (ahead << slotBits);
  }
  // A node of two parents, which no training makes, has no one place.
  return isShared ? undefined : packed;
}

/** Trees walked at a time. */
const ABREAST = 8;

/**
 * Makes the function that gives the scores of one row, the same as those of `scoreTrees`; what it gives is overwritten by
 * its next call.
 * @param width values of a row
 */
export function createRowScorer(trees: TreeEnsemble, width: number): (row: Float64Array) => Float64Array {
  const packed = packTrees(trees, width);
  if (packed === undefined) return (row) => scoreTreeRow(trees, row);
  const { cells, thresholds, leafValues, roots, slotBits } = packed;
  const { treeOutput, leafWidth, outputs, base, average } = trees;
  const mask = 2 ** slotBits - 1;
  const values = new Float32Array(1 + 2 * width).fill(Number.NaN);
  const scores = new Float64Array(outputs);
  const ends = new Int32Array(ABREAST);
  const count = roots.length;
  const rounded = Math.floor(count / ABREAST) * ABREAST;
  return (row) => {
    for (let at = 0; at < width; at++) {
      const value = row[at]!;
      values[2 * at + 1] = value;
      // For nodes that send a missing value to the left.
      values[2 * at + 2] = Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value;
    }
    scores.fill(0);
    let tree = 0;
    for (; tree < rounded; tree += ABREAST) {
      let [n0, n1, n2, n3] = [roots[tree]!, roots[tree + 1]!, roots[tree + 2]!, roots[tree + 3]!];
      let [n4, n5, n6, n7] = [roots[tree + 4]!, roots[tree + 5]!, roots[tree + 6]!, roots[tree + 7]!];
      for (let moved = 1; moved !== 0; ) {
        const c0 = cells[2 * n0 + 1]!;
        const c1 = cells[2 * n1 + 1]!;
        const c2 = cells[2 * n2 + 1]!;
        const c3 = cells[2 * n3 + 1]!;
        const c4 = cells[2 * n4 + 1]!;
        const c5 = cells[2 * n5 + 1]!;
        const c6 = cells[2 * n6 + 1]!;
        const c7 = cells[2 * n7 + 1]!;
        n0 += step(c0, Number(values[c0 & mask]! <= thresholds[2 * n0]!));
        n1 += step(c1, Number(values[c1 & mask]! <= thresholds[2 * n1]!));
        n2 += step(c2, Number(values[c2 & mask]! <= thresholds[2 * n2]!));
        n3 += step(c3, Number(values[c3 & mask]! <= thresholds[2 * n3]!));
        n4 += step(c4, Number(values[c4 & mask]! <= thresholds[2 * n4]!));
        n5 += step(c5, Number(values[c5 & mask]! <= thresholds[2 * n5]!));
        n6 += step(c6, Number(values[c6 & mask]! <= thresholds[2 * n6]!));
        n7 += step(c7, Number(values[c7 & mask]! <= thresholds[2 * n7]!));
        moved = c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7;
      }
      ends[0] = n0;
      ends[1] = n1;
      ends[2] = n2;
      ends[3] = n3;
      ends[4] = n4;
      ends[5] = n5;
      ends[6] = n6;
      ends[7] = n7;
      for (let k = 0; k < ABREAST; k++) add(tree + k, ends[k]!);
    }
    for (; tree < count; tree++) {
      let node = roots[tree]!;
      for (let cell = cells[2 * node + 1]!; cell !== 0; cell = cells[2 * node + 1]!)
        node += step(cell, Number(values[cell & mask]! <= thresholds[2 * node]!));
      add(tree, node);
    }
    for (let k = 0; k < outputs; k++) scores[k] = base[k]! + (average ? scores[k]! / count : scores[k]!);
    return scores;
  };
  /** Cells to the child; without a branch, which the processor would guess wrong every other time. */
  function step(cell: number, isLeft: number): number {
    const right = cell >>> slotBits;
    return right + ((1 - right) & -isLeft);
  }
  function add(tree: number, node: number): void {
    const output = treeOutput[tree]!;
    for (let k = 0; k < leafWidth; k++) scores[output + k]! += leafValues[node + 1 + k]!;
  }
}
