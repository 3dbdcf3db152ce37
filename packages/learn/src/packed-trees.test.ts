import fc from "fast-check";
import { expect, test } from "vitest";
import type { KernelTree } from "./kernel/threads.ts";
import { createPace, inOneGo } from "./pace.ts";
import { createRowScorer, scoringRows } from "./packed-trees.ts";
import { joinTrees, scoringTrees, type TreeEnsemble } from "./tree-ensemble.ts";

const WIDTH = 3;
type Random = () => number;

/** A tree in any shape, its nodes in the order they were added: children stand after their parents. */
function randomTree(random: Random, leafWidth: number, hasCategories: boolean): KernelTree {
  const splits = Math.floor(random() * 12);
  const feature = [-1];
  const [threshold, left, right, flags] = [[0], [0], [-1], [0]];
  const categories: number[] = [];
  for (let split = 0; split < splits; split++) {
    const leaves = feature.flatMap((asked, node) => (asked === -1 ? [node] : []));
    const node = leaves[Math.floor(random() * leaves.length)]!;
    feature[node] = Math.floor(random() * WIDTH);
    threshold[node] = random() < 0.1 ? Number.POSITIVE_INFINITY : Math.round(random() * 8 - 4);
    flags[node] = Number(random() < 0.5);
    if (hasCategories && random() < 0.3) {
      flags[node] = 2;
      threshold[node] = categories.length / 32;
      categories.push(...Array.from({ length: 32 }, () => Math.floor(random() * 256)));
    }
    left[node] = feature.length;
    right[node] = feature.length + 1;
    for (const all of [feature, right]) all.push(-1, -1);
    for (const all of [threshold, left, flags]) all.push(0, 0);
  }
  let leaf = 0;
  for (const [node, asked] of feature.entries()) if (asked === -1) left[node] = leaf++;
  return {
    feature: Int32Array.from(feature),
    threshold: Float32Array.from(threshold),
    left: Int32Array.from(left),
    right: Int32Array.from(right),
    flags: Uint8Array.from(flags),
    categories: Uint8Array.from(categories),
    leafValues: Float64Array.from({ length: leaf * leafWidth }, () => random() - 0.5),
  };
}

function expectBulk(trees: TreeEnsemble, rows: readonly Float64Array[]): void {
  const columns = Array.from({ length: WIDTH }, (_, column) => Float64Array.from(rows, (row) => row[column]!));
  const bulk = inOneGo(scoringTrees(trees, columns, rows.length));
  const score = createRowScorer(trees, WIDTH);
  for (const [at, row] of rows.entries())
    expect([...score(row)]).toEqual([...bulk.subarray(at * trees.outputs, (at + 1) * trees.outputs)]);
  // More rows than are walked at a time, and a single one between two parts of them.
  const many = 2500;
  const repeated = columns.map((values) => Float64Array.from({ length: many }, (_, row) => values[row % rows.length]!));
  const work = scoringRows(trees, repeated, many);
  let step = work.next();
  for (; step.done !== true; step = work.next()) score(rows[0]!);
  const expected = Float64Array.from({ length: many * trees.outputs }, (_, at) => bulk[at % bulk.length]!);
  expect(Buffer.compare(Buffer.from(step.value.buffer), Buffer.from(expected.buffer))).toBe(0);
}

const cell = fc.oneof(
  fc.integer({ min: -5, max: 5 }),
  fc.double({ min: -5, max: 5 }),
  fc.constantFrom(Number.NaN, -1e39, 1e39, -0),
);
const rowsOf = fc.array(
  fc.tuple(cell, cell, cell).map((row) => Float64Array.from(row)),
  { minLength: 1, maxLength: 12 },
);

test("one row scores bit for bit what it scores in bulk", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 2 ** 31 - 1 }),
      fc.integer({ min: 1, max: 27 }),
      fc.constantFrom({ outputs: 1, leafWidth: 1 }, { outputs: 3, leafWidth: 3 }, { outputs: 3, leafWidth: 1 }),
      fc.boolean(),
      fc.boolean(),
      rowsOf,
      async (seed, count, shape, average, hasCategories, rows) => {
        const random = lehmer(seed);
        const grown = Array.from({ length: count }, () => randomTree(random, shape.leafWidth, hasCategories));
        const spoken = grown.map((_, tree) => tree % (shape.outputs - shape.leafWidth + 1));
        const base = Float64Array.from({ length: shape.outputs }, random);
        expectBulk(await joinTrees(grown, spoken, { ...shape, base, average }, createPace()), rows);
      },
    ),
  );
});

test("a node with two parents, as only a file could hold it, is walked as in bulk", () => {
  const trees: TreeEnsemble = {
    outputs: 1,
    leafWidth: 1,
    base: Float64Array.of(0),
    average: false,
    roots: Int32Array.of(0),
    treeOutput: Int32Array.of(0),
    feature: Int32Array.of(0, 1, -1, -1),
    threshold: Float32Array.of(0, 0, 0, 0),
    left: Int32Array.of(1, 2, 0, 1),
    right: Int32Array.of(2, 3, -1, -1),
    flags: new Uint8Array(4),
    categories: new Uint8Array(),
    leafValues: Float64Array.of(1, 2),
  };
  expectBulk(
    trees,
    [-1, 0, 1].flatMap((a) => [-1, 1].map((b) => Float64Array.of(a, b, 0))),
  );
});

/** Numbers from 0 to 1 (Park and Miller 1988). */
function lehmer(seed: number): Random {
  let state = seed % 2147483647 || 1;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}
