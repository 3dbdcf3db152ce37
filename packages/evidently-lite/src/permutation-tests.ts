import type { CategoryCounts } from "./bins.ts";
import { DriftError } from "./errors.ts";

/** Result of a test whose p comes from random permutations with a fixed seed. */
export interface PermutationResult {
  readonly statistic: number;
  readonly pValue: number;
}

const TVD_PERMUTATIONS = 1000;
const MMD_PERMUTATIONS = 100;
/** Permuted statistics this close to the observed one count as equal to it: rounding. */
const ROUNDING = 1e-12;

/** Total variation distance of the shares, 0 to 1, with p from 1000 permutations (Evidently 0.7 `TVD`). */
export function totalVariation({ reference, current }: CategoryCounts): PermutationResult {
  const n1 = reference.reduce((sum, count) => sum + count, 0);
  const n2 = current.reduce((sum, count) => sum + count, 0);
  const both = reference.map((count, at) => count + current[at]!);
  const distance = (one: Float64Array) => {
    let sum = 0;
    for (const [at, count] of one.entries()) sum += Math.abs(count / n1 - (both[at]! - count) / n2);
    return sum / 2;
  };
  const statistic = distance(reference);
  const codes = new Int32Array(n1 + n2);
  let end = 0;
  for (const [code, count] of both.entries()) {
    codes.fill(code, end, end + count);
    end += count;
  }
  const random = generator(0);
  const drawn = new Float64Array(both.length);
  let extreme = 0;
  for (let round = 0; round < TVD_PERMUTATIONS; round++) {
    shuffleFirst(codes, n1, random);
    drawn.fill(0);
    for (let at = 0; at < n1; at++) drawn[codes[at]!]! += 1;
    if (distance(drawn) >= statistic - ROUNDING) extreme += 1;
  }
  return { statistic, pValue: extreme / TVD_PERMUTATIONS };
}

/**
 * Squared maximum mean discrepancy with a Gaussian kernel of the reference's median width, p from 100 permutations
 * (Evidently 0.7 `empirical_mmd`). Memory and time grow with the square of the sizes.
 * @throws DriftError METHOD_NOT_APPLICABLE below two values in a sample
 */
export function meanDiscrepancy(one: Float64Array, two: Float64Array): PermutationResult {
  const [n1, n2] = [one.length, two.length];
  if (n1 < 2 || n2 < 2)
    throw new DriftError(
      "METHOD_NOT_APPLICABLE",
      "method",
      `method "empirical_mmd" got ${n1} reference and ${n2} current values: expected at least two on each side`,
    );
  const n = n1 + n2;
  const all = new Float64Array(n);
  all.set(one);
  all.set(two, n1);
  const gamma = 1 / (2 * kernelVariance(one));
  const kernel = new Float64Array(n * n);
  const rows = new Float64Array(n);
  let sum = 0;
  for (let i = 0; i < n; i++)
    for (let j = 0; j < i; j++) {
      const value = Math.exp(-gamma * squaredDistance(all[i]!, all[j]!));
      kernel[i * n + j] = value;
      kernel[j * n + i] = value;
      rows[i]! += value;
      rows[j]! += value;
      sum += 2 * value;
    }
  const order = Int32Array.from({ length: n }, (_, at) => at);
  // The first n1 places are the reference: what lies within it and its row sums say the rest.
  const discrepancy = () => {
    let within = 0;
    let fromFirst = 0;
    for (let i = 0; i < n1; i++) {
      const row = order[i]! * n;
      fromFirst += rows[order[i]!]!;
      for (let j = 0; j < i; j++) within += 2 * kernel[row + order[j]!]!;
    }
    const across = fromFirst - within;
    const other = sum - 2 * across - within;
    return within / (n1 * (n1 - 1)) + other / (n2 * (n2 - 1)) - (2 * across) / (n1 * n2);
  };
  const statistic = discrepancy();
  const random = generator(0);
  let extreme = 0;
  for (let round = 0; round < MMD_PERMUTATIONS; round++) {
    shuffleFirst(order, n1, random);
    if (discrepancy() >= statistic - ROUNDING) extreme += 1;
  }
  return { statistic, pValue: extreme / MMD_PERMUTATIONS };
}

/** Half the median squared distance of the reference's pairs, each value with itself included; 0.5 where that is 0. */
function kernelVariance(sample: Float64Array): number {
  const n = sample.length;
  const distances = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) distances[i * n + j] = squaredDistance(sample[i]!, sample[j]!);
  distances.sort();
  return 0.5 * (distances[Math.floor((n * n) / 2)]! || 1);
}

function squaredDistance(x: number, y: number): number {
  return y * y - 2 * x * y + x * x;
}

/** Draws the first `count` places at random from the whole list (Fisher and Yates). */
function shuffleFirst(list: Int32Array, count: number, random: () => number): void {
  for (let at = 0; at < count; at++) {
    const other = at + Math.floor(random() * (list.length - at));
    const held = list[at]!;
    list[at] = list[other]!;
    list[other] = held;
  }
}

/** Mulberry32: uniform in [0, 1). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
