import { Arena } from "./kernel/arena.ts";
import { openRowKernel } from "./kernel/row-kernel.ts";
import { scoresOfSums, scoreTreeRow, scoringTrees, type TreeEnsemble } from "./tree-ensemble.ts";

/**
 * Trees laid out for walks: what costs there is waiting for memory, so a node is 8 bytes, its left child is the next one,
 * and a leaf's values lie behind it. WebAssembly walks them (`kernel/row.ts`): compiled JavaScript took twice as long, and
 * more again from the second model of a process on.
 *
 * A node: a float32 that values are compared with, and 32 bits: which value, and how many cells further the right child
 * lies. The value of a leaf is number 0, which is NaN and so goes "right" by 0 cells: a leaf is its own child.
 */
interface PackedTrees {
  readonly bytes: number;
  /** Rows one after another: at 1 + 2 × column the value, and then the same with -Infinity for a missing one; at 0 NaN. */
  readonly asked: Float32Array;
  readonly scores: Float64Array;
  /** Sets the first scores to 0, and adds to them what the trees say of so many rows. */
  readonly score: (rows: number) => void;
}

/** Rows that are scored at a time. */
const ROWS = 1024;
/** Trees of more bytes are not kept near while many rows go by: of these a tree at a time is walked by all rows. */
const NEAR_BYTES = 2 ** 19;

const packs = new WeakMap<TreeEnsemble, PackedTrees | "unpacked">();

/** The trees in cells, made once; undefined where they cannot be packed. */
function packedOf(trees: TreeEnsemble, width: number): PackedTrees | undefined {
  const packed = packs.get(trees) ?? packTrees(trees, width) ?? "unpacked";
  packs.set(trees, packed);
  return packed === "unpacked" ? undefined : packed;
}

/**
 * The trees in cells of a kernel's memory; undefined where a node asks for a category, what it says does not go into 32
 * bits, or there is no room.
 */
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
  const { outputs, treeOutput } = trees;
  const count = roots.length;
  const asks = 1 + 2 * width;
  const rows = Math.max(1, Math.min(ROWS, Math.floor(2 ** 24 / (4 * asks))));
  const kernel = openRowKernel(8 * total + 8 * count + rows * (4 * asks + 8 * outputs) + 64 * 5);
  if (kernel === undefined) return undefined;
  const { buffer, score } = kernel;
  const arena = new Arena(kernel.from);
  const cellsAt = arena.take(8 * total);
  const cells = new Int32Array(buffer, cellsAt, 2 * total);
  const thresholds = new Float32Array(buffer, cellsAt, 2 * total);
  const values = new Float64Array(buffer, cellsAt, total);
  const rootCells = new Int32Array(buffer, arena.take(4 * count), count);
  const spoken = new Int32Array(buffer, arena.take(4 * count), count);
  spoken.set(treeOutput);
  const asked = new Float32Array(buffer, arena.take(4 * asks * rows), asks * rows).fill(Number.NaN);
  const scores = new Float64Array(buffer, arena.take(8 * outputs * rows), outputs * rows);
  const places = new Int32Array(nodes).fill(-1);
  let isShared = false;
  const place = (node: number, cell: number) => {
    isShared ||= places[node] !== -1;
    places[node] = cell;
  };
  let free = 0;
  for (const [tree, root] of roots.entries()) {
    rootCells[tree] = free;
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
  if (isShared) return undefined;
  const at = [cellsAt, rootCells.byteOffset, count, slotBits, spoken.byteOffset, leafWidth];
  const near = [asked.byteOffset, 4 * asks, scores.byteOffset, 8 * outputs];
  const scoreRows = (many: number) => {
    scores.fill(0, 0, many * outputs);
    score(...at, ...near, many);
  };
  return { bytes: 8 * total, asked, scores, score: scoreRows };
}

/**
 * Makes the function that gives the scores of one row, the same as those of `scoringTrees`; what it gives is overwritten by
 * its next call.
 * @param width values of a row
 */
export function createRowScorer(trees: TreeEnsemble, width: number): (row: Float64Array) => Float64Array {
  const packed = packedOf(trees, width);
  if (packed === undefined) return (row) => scoreTreeRow(trees, row);
  const { asked, score } = packed;
  const scores = packed.scores.subarray(0, trees.outputs);
  return (row) => {
    for (let at = 0; at < width; at++) askOf(asked, 2 * at + 1, row[at]!);
    score(1);
    return scoresOfSums(trees, scores);
  };
}

/** Writes a value where nodes ask for it, and beside it for those that send a missing value to the left. */
function askOf(asked: Float32Array, at: number, value: number): void {
  asked[at] = value;
  asked[at + 1] = Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value;
}

/**
 * Scores of every row, `outputs` a row; yields now and then. Trees that fit into a near cache walk packed, some rows at a
 * time; of larger ones each takes all rows.
 */
export function* scoringRows(
  trees: TreeEnsemble,
  columns: readonly Float64Array[],
  rowCount: number,
): Generator<void, Float64Array> {
  // Packing costs about as much as a walk by a row for each two trees.
  const isNear = 8 * trees.feature.length <= NEAR_BYTES && rowCount > 100;
  const packed = isNear ? packedOf(trees, columns.length) : undefined;
  if (packed === undefined || packed.bytes > NEAR_BYTES) return yield* scoringTrees(trees, columns, rowCount);
  const { asked, score } = packed;
  const { outputs } = trees;
  const asks = 1 + 2 * columns.length;
  const most = asked.length / asks;
  const scores = new Float64Array(rowCount * outputs);
  for (let first = 0; first < rowCount; first += most) {
    // Without a yield from here to the end of these rows: others use the same room.
    const many = Math.min(most, rowCount - first);
    for (const [column, values] of columns.entries()) {
      for (let row = 0, at = 1 + 2 * column; row < many; row++, at += asks) askOf(asked, at, values[first + row]!);
    }
    score(many);
    scores.set(packed.scores.subarray(0, many * outputs), first * outputs);
    yield;
  }
  return scoresOfSums(trees, scores);
}
