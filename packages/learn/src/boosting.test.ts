import { expect, test } from "vitest";
import { blockWidthOf, growBoosted } from "./boosting.ts";
import { LearnError } from "./errors.ts";
import { createPace } from "./pace.ts";
import { BoostingParams } from "./params.ts";
import { createRandom } from "./random.ts";
import { checkTarget } from "./target.ts";

/** Forty columns: one of categories, one with missing values; six of them matter. */
function table(rowCount: number) {
  const random = createRandom(3, 0);
  const share = () => random.below(1_000_000) / 1_000_000;
  const columns = Array.from({ length: 40 }, (_, at) =>
    Float64Array.from({ length: rowCount }, () =>
      at === 7 ? random.below(12) : at === 33 && share() < 0.2 ? Number.NaN : share(),
    ),
  );
  const at = (column: number, row: number) => columns[column]![row]!;
  const target = Float64Array.from({ length: rowCount }, (_, row) =>
    Number(
      at(0, row) * at(39, row) + (at(7, row) % 3) / 3 + (Number.isNaN(at(33, row)) ? 0.4 : at(33, row)) + at(18, row) >
        1.4,
    ),
  );
  return {
    columns,
    isCategory: columns.map((_, column) => column === 7),
    target: checkTarget("classification", target, rowCount),
  };
}

test("threads, blocks and scarce memory change no tree", async () => {
  const grow = (threads: number, params: object, mostBytes?: number) =>
    growBoosted({ ...known, seed: 5, threads, pace: createPace() }, BoostingParams.parse(params), mostBytes);
  const known = table(30_000);
  for (const params of [
    { n_estimators: 3, max_leaf_nodes: 31, max_depth: null },
    { n_estimators: 2, max_depth: 4, subsample: 0.7, max_features: 9, n_iter_no_change: 2 },
  ]) {
    const one = await grow(1, params);
    expect(one.trees.feature.some((feature) => feature === 39)).toBe(true);
    for (const threads of [2, 3, 7]) expect(await grow(threads, params)).toEqual(one);

    // What is refused names the least that it takes, by a MiB: the bins twice take more than one beyond.
    const refusal: unknown = await grow(1, params, 1).catch((error: unknown) => error);
    const [, least] = /takes (\d+) MiB/.exec(refusal instanceof LearnError ? refusal.message : "") ?? [];
    expect(await grow(1, params, Number(least) * 2 ** 20)).toEqual(one);
  }
});

test("blocks are as wide as the threads can share them out fairly", () => {
  expect(blockWidthOf(8, 1)).toBe(8);
  expect(blockWidthOf(8, 2)).toBe(4);
  expect(blockWidthOf(8, 3)).toBe(1);
  expect(blockWidthOf(8, 4)).toBe(2);
  expect(blockWidthOf(25, 2)).toBe(4);
  expect(blockWidthOf(250, 2)).toBe(8);
  expect(blockWidthOf(1, 1)).toBe(8);
});
