/** Columns standardised in place, and the loss of logistic regression with its gradient, in chunks of rows. */
import { exp1, exp2x } from "./exponential";
import { f64At, i32At, setF64 } from "./memory";

const BLOCK: i32 = 512;

/** Mean and standard deviation (ddof 0, 1 for a constant column) of what is not missing, then (x − mean) / scale; missing: 0. */
export function standardise(column: usize, rows: i32, moments: usize): void {
  let count: f64 = 0;
  let sum: f64 = 0;
  for (let row = 0; row < rows; row++) {
    const value = f64At(column, row);
    if (value == value) { count += 1; sum += value; }
  }
  const rough = count > 0 ? sum / count : 0;
  let rest: f64 = 0;
  let squares: f64 = 0;
  for (let row = 0; row < rows; row++) {
    const value = f64At(column, row) - rough;
    if (value == value) { rest += value; squares += value * value; }
  }
  const mean = count > 0 ? rough + rest / count : 0;
  const variance = count > 0 ? max(0, squares / count - (rest / count) * (rest / count)) : 0;
  const deviation = Math.sqrt(variance);
  const scale = deviation > 10 * f64.EPSILON * Math.abs(mean) ? deviation : 1;
  setF64(moments, 0, mean);
  setF64(moments, 1, scale);
  for (let row = 0; row < rows; row++) {
    const value = f64At(column, row);
    setF64(column, row, value == value ? (value - mean) / scale : 0);
  }
}

let loss: f64;
/**
 * Adds up loss and gradient over rows `start` to `end - 1`. Parameters: weights by output then column, then intercepts.
 * `scores` has room for outputs × 512 numbers. Gives the loss; the gradient is written.
 */
export function logisticChunk(
  data: usize, rows: i32, columns: i32, outputs: i32, target: usize, weights: usize,
  x: usize, gradient: usize, scores: usize, start: i32, end: i32,
): f64 {
  loss = 0;
  const size = outputs * (columns + 1);
  memory.fill(gradient, 0, <usize>size << 3);
  const stride = <usize>rows << 3;
  for (let from = start; from < end; from += BLOCK) {
    const count = min(BLOCK, end - from);
    const even = count & ~1;
    for (let k = 0; k < outputs; k++) {
      const own = scores + (<usize>(k * BLOCK) << 3);
      const intercept = f64x2.splat(f64At(x, outputs * columns + k));
      for (let at = 0; at < BLOCK; at += 2) v128.store(own + (<usize>at << 3), intercept);
      let column = 0;
      for (; column + 1 < columns; column += 2) {
        const first = data + <usize>column * stride + (<usize>from << 3);
        const second = first + stride;
        const w1 = f64At(x, k * columns + column), w2 = f64At(x, k * columns + column + 1);
        const v1 = f64x2.splat(w1), v2 = f64x2.splat(w2);
        for (let at = 0; at < even; at += 2) {
          const place = <usize>at << 3;
          v128.store(own + place, f64x2.add(v128.load(own + place),
            f64x2.add(f64x2.mul(v1, v128.load(first + place)), f64x2.mul(v2, v128.load(second + place)))));
        }
        if (even < count)
          setF64(own, even, f64At(own, even) + (w1 * f64At(first, even) + w2 * f64At(second, even)));
      }
      if (column < columns) {
        const first = data + <usize>column * stride + (<usize>from << 3);
        const w1 = f64At(x, k * columns + column);
        for (let at = 0; at < count; at++) setF64(own, at, f64At(own, at) + w1 * f64At(first, at));
      }
    }
    if (outputs == 1) binaryPulls(scores, target, weights, from, count);
    else softmaxPulls(scores, target, weights, from, count, outputs);
    for (let k = 0; k < outputs; k++) {
      const own = scores + (<usize>(k * BLOCK) << 3);
      let pull: f64 = 0;
      for (let at = 0; at < count; at++) pull += f64At(own, at);
      const intercept = outputs * columns + k;
      setF64(gradient, intercept, f64At(gradient, intercept) + pull);
      for (let column = 0; column < columns; column++) {
        const values = data + <usize>column * stride + (<usize>from << 3);
        let a = f64x2.splat(0), b = f64x2.splat(0);
        let at = 0;
        for (; at + 3 < count; at += 4) {
          const place = <usize>at << 3;
          a = f64x2.add(a, f64x2.mul(v128.load(own + place), v128.load(values + place)));
          b = f64x2.add(b, f64x2.mul(v128.load(own + place, 16), v128.load(values + place, 16)));
        }
        a = f64x2.add(a, b);
        let sum = f64x2.extract_lane(a, 0) + f64x2.extract_lane(a, 1);
        for (; at < count; at++) sum += f64At(own, at) * f64At(values, at);
        const place = k * columns + column;
        setF64(gradient, place, f64At(gradient, place) + sum);
      }
    }
  }
  return loss;
}

/** Turns scores into the gradient of the loss by the score. */
function binaryPulls(scores: usize, target: usize, weights: usize, from: i32, count: i32): void {
  const one = f64x2.splat(1);
  for (let at = 0; at < count; at += 2) {
    const place = scores + (<usize>at << 3);
    const score = v128.load(place);
    const power = exp2x(f64x2.neg(f64x2.abs(score)));
    // Of the likelier class, then of the second.
    const likelier = f64x2.div(one, f64x2.add(one, power));
    for (let lane = 0; lane < 2 && at + lane < count; lane++) {
      const s = lane ? f64x2.extract_lane(score, 1) : f64x2.extract_lane(score, 0);
      const e = lane ? f64x2.extract_lane(power, 1) : f64x2.extract_lane(power, 0);
      const q = lane ? f64x2.extract_lane(likelier, 1) : f64x2.extract_lane(likelier, 0);
      const y = f64At(target, from + at + lane);
      const weight = weights ? f64At(weights, from + at + lane) : 1;
      loss += weight * (logOnePlus(e) + max(s, 0) - y * s);
      setF64(scores, at + lane, weight * ((s >= 0 ? q : e * q) - y));
    }
  }
}

/** log(1 + e) for 0 ≤ e ≤ 1: 2 artanh(e / (2 + e)) by its series, 22 terms, within 1e-15 of the value 0.69 at the end. */
// @ts-ignore: decorator
@inline function logOnePlus(e: f64): f64 {
  const t = e / (2 + e);
  const s = t * t;
  let p: f64 = 1.0 / 29.0;
  p = p * s + 1.0 / 27.0; p = p * s + 1.0 / 25.0; p = p * s + 1.0 / 23.0; p = p * s + 1.0 / 21.0;
  p = p * s + 1.0 / 19.0; p = p * s + 1.0 / 17.0; p = p * s + 1.0 / 15.0; p = p * s + 1.0 / 13.0;
  p = p * s + 1.0 / 11.0; p = p * s + 1.0 / 9.0; p = p * s + 1.0 / 7.0; p = p * s + 1.0 / 5.0;
  p = p * s + 1.0 / 3.0; p = p * s + 1.0;
  return 2 * t * p;
}

function softmaxPulls(scores: usize, target: usize, weights: usize, from: i32, count: i32, outputs: i32): void {
  for (let at = 0; at < count; at++) {
    let most = f64At(scores, at);
    for (let k = 1; k < outputs; k++) most = max(most, f64At(scores, k * BLOCK + at));
    const y = <i32>f64At(target, from + at);
    const weight = weights ? f64At(weights, from + at) : 1;
    const ownScore = f64At(scores, y * BLOCK + at);
    let sum: f64 = 0;
    for (let k = 0; k < outputs; k++) {
      const power = exp1(f64At(scores, k * BLOCK + at) - most);
      setF64(scores, k * BLOCK + at, power);
      sum += power;
    }
    loss += weight * (most + Math.log(sum) - ownScore);
    for (let k = 0; k < outputs; k++)
      setF64(scores, k * BLOCK + at, weight * (f64At(scores, k * BLOCK + at) / sum - (k == y ? 1 : 0)));
  }
}
