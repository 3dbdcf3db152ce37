/**
 * The scores of rows by trees in cells of 8 bytes, as `packed-trees.ts` lays them out: a module of its own with a memory
 * of its own for each model. Eight trees are walked at a time: their waits for memory overlap.
 */

/** Cells to the child; without a branch, which the processor would guess wrong every other time. */
// @ts-ignore: decorator
@inline function step(node: usize, values: usize, mask: i32, bits: i32): usize {
  const cell = load<i32>(node, 4);
  const isLeft = <i32>(load<f32>(values + (<usize>(cell & mask) << 2)) <= load<f32>(node));
  const right = <i32>(<u32>cell >> bits);
  return node + (<usize>(right + ((1 - right) & -isLeft)) << 3);
}

// @ts-ignore: decorator
@inline function cellOf(node: usize): i32 { return load<i32>(node, 4); }

// @ts-ignore: decorator
@inline function rootOf(cells: usize, roots: usize, tree: i32): usize {
  return cells + (<usize>load<i32>(roots + (<usize>tree << 2)) << 3);
}

let width: i32, spoken: usize, scores: usize;

/**
 * Adds up what the leaves say of each row, tree by tree, to its scores, which are 0 before. A row's values lie
 * `valueBytes` after those of the one before, its scores `scoreBytes`.
 */
export function score(
  cells: usize, roots: usize, count: i32, bits: i32, outputs: usize, leafWidth: i32,
  values: usize, valueBytes: usize, to: usize, scoreBytes: usize, rows: i32,
): void {
  width = leafWidth; spoken = outputs; scores = to;
  for (let row = 0; row < rows; row++, values += valueBytes, scores += scoreBytes) scoreRow(cells, roots, count, values, bits);
}

function scoreRow(cells: usize, roots: usize, count: i32, values: usize, bits: i32): void {
  const mask = (1 << bits) - 1;
  let tree = 0;
  for (; tree + 8 <= count; tree += 8) {
    let n0 = rootOf(cells, roots, tree), n1 = rootOf(cells, roots, tree + 1);
    let n2 = rootOf(cells, roots, tree + 2), n3 = rootOf(cells, roots, tree + 3);
    let n4 = rootOf(cells, roots, tree + 4), n5 = rootOf(cells, roots, tree + 5);
    let n6 = rootOf(cells, roots, tree + 6), n7 = rootOf(cells, roots, tree + 7);
    // A leaf's cell is 0, and it is its own child.
    while (cellOf(n0) | cellOf(n1) | cellOf(n2) | cellOf(n3) | cellOf(n4) | cellOf(n5) | cellOf(n6) | cellOf(n7)) {
      n0 = step(n0, values, mask, bits);
      n1 = step(n1, values, mask, bits);
      n2 = step(n2, values, mask, bits);
      n3 = step(n3, values, mask, bits);
      n4 = step(n4, values, mask, bits);
      n5 = step(n5, values, mask, bits);
      n6 = step(n6, values, mask, bits);
      n7 = step(n7, values, mask, bits);
    }
    add(tree, n0); add(tree + 1, n1); add(tree + 2, n2); add(tree + 3, n3);
    add(tree + 4, n4); add(tree + 5, n5); add(tree + 6, n6); add(tree + 7, n7);
  }
  for (; tree < count; tree++) {
    let node = rootOf(cells, roots, tree);
    while (cellOf(node)) node = step(node, values, mask, bits);
    add(tree, node);
  }
}

// @ts-ignore: decorator
@inline function add(tree: i32, node: usize): void {
  let own = scores + (<usize>load<i32>(spoken + (<usize>tree << 2)) << 3);
  for (let k = 0; k < width; k++, own += 8) store<f64>(own, load<f64>(own) + load<f64>(node + (<usize>(k + 1) << 3)));
}
