import { z } from "zod";
import { logistic } from "./links.ts";

/**
 * Turns a classifier's scores into probabilities that come true as often as they say: a curve for each class against the
 * rest, or one for two classes (scikit-learn's CalibratedClassifierCV with `ensemble=False`).
 */
export const Calibration = z.discriminatedUnion("method", [
  z.object({
    method: z.literal("sigmoid"),
    /** 1 / (1 + exp(-(slope × score + offset))) */
    curves: z.array(z.object({ slope: z.number(), offset: z.number() })).min(1),
  }),
  z.object({
    method: z.literal("isotonic"),
    /** Straight lines between the knots, of which both coordinates rise; level before the first and after the last. */
    curves: z.array(z.object({ x: z.array(z.number()).min(1), y: z.array(z.number()).min(1) })).min(1),
  }),
]);
export type Calibration = z.output<typeof Calibration>;
export type CalibrationMethod = Calibration["method"];

/**
 * Fits a curve for each score of a row.
 * @param scores `width` a row, of rows that the model has not learnt from
 * @param classIndex the class of each row; with one score a row, 1 is what the score speaks for
 * @param weights of rows @default 1 each
 */
export function fitCalibration(
  method: CalibrationMethod,
  scores: Float64Array,
  width: number,
  classIndex: ArrayLike<number>,
  weights?: Float64Array,
): Calibration {
  const own = Array.from({ length: width }, (_, k) => {
    const wanted = width === 1 ? 1 : k;
    return {
      x: scores.filter((_score, at) => at % width === k),
      y: Float64Array.from(classIndex, (index) => Number(index === wanted)),
    };
  });
  return method === "sigmoid"
    ? { method, curves: own.map(({ x, y }) => fitSigmoid(x, y, weights)) }
    : { method, curves: own.map(({ x, y }) => fitIsotonic(x, y, weights)) };
}

/**
 * The probability of each class from a row's scores, or of the second class from the one score, in place. Those of several
 * classes are brought to a sum of 1; if all are 0 they become equal, as in scikit-learn.
 */
export function calibrate(calibration: Calibration, scores: Float64Array): Float64Array {
  const width = calibration.curves.length;
  for (let k = 0; k < width; k++) {
    const curve = curveOf(calibration, k);
    for (let at = k; at < scores.length; at += width) scores[at] = curve(scores[at]!);
  }
  if (width === 1) return scores;
  for (let start = 0; start < scores.length; start += width) {
    let sum = 0;
    for (let k = 0; k < width; k++) sum += scores[start + k]!;
    for (let k = 0; k < width; k++) scores[start + k] = sum === 0 ? 1 / width : scores[start + k]! / sum;
  }
  return scores;
}

function curveOf(calibration: Calibration, k: number): (score: number) => number {
  if (calibration.method === "sigmoid") {
    const { slope, offset } = calibration.curves[k]!;
    return (score) => logistic(slope * score + offset);
  }
  const { x, y } = calibration.curves[k]!;
  return (score) => interpolated(x, y, score);
}

/** The value at a place between knots, level outside them (numpy's interp). */
function interpolated(x: readonly number[], y: readonly number[], at: number): number {
  let low = 0;
  let high = x.length - 1;
  if (at <= x[low]!) return y[low]!;
  if (at >= x[high]!) return y[high]!;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (x[middle]! <= at) low = middle;
    else high = middle;
  }
  return y[low]! + ((y[high]! - y[low]!) / (x[high]! - x[low]!)) * (at - x[low]!);
}

/** Steps of Newton's method; it takes about ten. */
const MOST_STEPS = 100;

/**
 * Platt's sigmoid (Platt 1999, with Lin, Lin and Weng's safeguards, 2007): greatest likelihood of targets drawn in from 0
 * and 1 by the classes' weights, as in scikit-learn's _sigmoid_calibration.
 */
function fitSigmoid(x: Float64Array, y: Float64Array, weights?: Float64Array): { slope: number; offset: number } {
  let positive = 0;
  let negative = 0;
  for (let row = 0; row < y.length; row++) {
    const weight = weights?.[row] ?? 1;
    if (y[row]! > 0) positive += weight;
    else negative += weight;
  }
  const high = (positive + 1) / (positive + 2);
  const low = 1 / (negative + 2);
  // On a scale of 1, so that large scores lose no digits.
  const scale = x.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
  let slope = 0;
  let offset = Math.log((positive + 1) / (negative + 1));
  const lossAt = (a: number, b: number) => {
    let loss = 0;
    for (let row = 0; row < x.length; row++) {
      const score = a * (x[row]! / scale) + b;
      const target = y[row]! > 0 ? high : low;
      // log(1 + exp(score)) - target × score, without overflow
      loss += (weights?.[row] ?? 1) * (Math.max(score, 0) + Math.log1p(Math.exp(-Math.abs(score))) - target * score);
    }
    return loss;
  };
  let loss = lossAt(slope, offset);
  for (let step = 0; step < MOST_STEPS; step++) {
    let [ga, gb, aa, ab, bb] = [0, 0, 1e-12, 0, 1e-12];
    for (let row = 0; row < x.length; row++) {
      const weight = weights?.[row] ?? 1;
      const value = x[row]! / scale;
      const share = logistic(slope * value + offset);
      const error = weight * (share - (y[row]! > 0 ? high : low));
      const bend = weight * share * (1 - share);
      ga += error * value;
      gb += error;
      aa += bend * value * value;
      ab += bend * value;
      bb += bend;
    }
    if (Math.abs(ga) + Math.abs(gb) < 1e-10 * Math.max(1, positive + negative)) break;
    const determinant = aa * bb - ab * ab;
    const da = -(bb * ga - ab * gb) / determinant;
    const db = -(aa * gb - ab * ga) / determinant;
    let length = 1;
    let next = lossAt(slope + da, offset + db);
    while (!(next <= loss + 1e-4 * length * (ga * da + gb * db)) && length > 1e-10) {
      length /= 2;
      next = lossAt(slope + length * da, offset + length * db);
    }
    if (!(next < loss)) break;
    slope += length * da;
    offset += length * db;
    loss = next;
  }
  return { slope: slope / scale, offset };
}

/**
 * The rising steps nearest to the targets by weighted squares (pool adjacent violators), between which predictions are
 * interpolated, as in scikit-learn's IsotonicRegression.
 */
function fitIsotonic(x: Float64Array, y: Float64Array, weights?: Float64Array): { x: number[]; y: number[] } {
  const order = Uint32Array.from(x.keys())
    .filter((row) => (weights?.[row] ?? 1) > 0)
    .sort((a, b) => x[a]! - x[b]!);
  /** Levels of rising mean, each of places from one x to another. */
  const levels: { from: number; to: number; sum: number; weight: number }[] = [];
  for (const row of order) {
    const weight = weights?.[row] ?? 1;
    const at = x[row]!;
    const last = levels.at(-1);
    if (last?.from === at) {
      last.sum += weight * y[row]!;
      last.weight += weight;
    } else levels.push({ from: at, to: at, sum: weight * y[row]!, weight });
  }
  const pooled: typeof levels = [];
  for (const level of levels) {
    let own = level;
    for (let before = pooled.at(-1); before !== undefined; before = pooled.at(-1)) {
      if (before.sum / before.weight < own.sum / own.weight) break;
      pooled.pop();
      own = {
        from: before.from,
        to: own.to,
        sum: before.sum + own.sum,
        weight: before.weight + own.weight,
      };
    }
    pooled.push(own);
  }
  const knots = { x: [] as number[], y: [] as number[] };
  for (const { from, to, sum, weight } of pooled) {
    for (const at of from === to ? [from] : [from, to]) {
      knots.x.push(at);
      knots.y.push(sum / weight);
    }
  }
  return knots;
}
