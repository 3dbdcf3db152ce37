/** Columns standardised in place, and the loss of logistic regression with its gradient, in chunks of rows. */
import { exp1, exp2x } from "./exponential";
import { f64At, i32At, setF64 } from "./memory";

const BLOCK: i32 = 512;

/** Mean and standard deviation (ddof 0, 1 for a constant column) of what is not missing, then (x − mean) / scale; missing: 0. */
export function standardise(column: usize, rows: i32, moments: usize): void {
  const even = rows & ~1;
  let counts = f64x2.splat(0);
  let sums = f64x2.splat(0);
  const one = f64x2.splat(1);
  for (let row = 0; row < even; row += 2) {
    const value = v128.load(column + (<usize>row << 3));
    const known = f64x2.eq(value, value);
    counts = f64x2.add(counts, v128.and(one, known));
    sums = f64x2.add(sums, v128.and(value, known));
  }
  let count = f64x2.extract_lane(counts, 0) + f64x2.extract_lane(counts, 1);
  let sum = f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
  const last = even < rows ? f64At(column, even) : NaN;
  const hasLast = last == last;
  if (hasLast) { count += 1; sum += last; }
  const rough = count > 0 ? sum / count : 0;
  const centre = f64x2.splat(rough);
  let rests = f64x2.splat(0);
  let squares = f64x2.splat(0);
  for (let row = 0; row < even; row += 2) {
    const value = f64x2.sub(v128.load(column + (<usize>row << 3)), centre);
    const known = v128.and(value, f64x2.eq(value, value));
    rests = f64x2.add(rests, known);
    squares = f64x2.add(squares, f64x2.mul(known, known));
  }
  let rest = f64x2.extract_lane(rests, 0) + f64x2.extract_lane(rests, 1);
  let square = f64x2.extract_lane(squares, 0) + f64x2.extract_lane(squares, 1);
  if (hasLast) { rest += last - rough; square += (last - rough) * (last - rough); }
  const mean = count > 0 ? rough + rest / count : 0;
  const variance = count > 0 ? max(0, square / count - (rest / count) * (rest / count)) : 0;
  const deviation = Math.sqrt(variance);
  const scale = deviation > 10 * f64.EPSILON * Math.abs(mean) ? deviation : 1;
  setF64(moments, 0, mean);
  setF64(moments, 1, scale);
  const means = f64x2.splat(mean);
  const inverse = f64x2.splat(1 / scale);
  for (let row = 0; row < even; row += 2) {
    const at = column + (<usize>row << 3);
    const value = f64x2.mul(f64x2.sub(v128.load(at), means), inverse);
    v128.store(at, v128.and(value, f64x2.eq(value, value)));
  }
  if (even < rows) setF64(column, even, hasLast ? (last - mean) * (1 / scale) : 0);
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
    for (let k = 0; k < outputs; k++) {
      const own = scores + (<usize>(k * BLOCK) << 3);
      const intercept = f64x2.splat(f64At(x, outputs * columns + k));
      for (let at = 0; at < BLOCK; at += 2) v128.store(own + (<usize>at << 3), intercept);
      let column = 0;
      for (; column + 3 < columns; column += 4) {
        const c0 = data + <usize>column * stride + (<usize>from << 3);
        const c1 = c0 + stride, c2 = c1 + stride, c3 = c2 + stride;
        const at0 = k * columns + column;
        const w0 = f64x2.splat(f64At(x, at0)), w1 = f64x2.splat(f64At(x, at0 + 1));
        const w2 = f64x2.splat(f64At(x, at0 + 2)), w3 = f64x2.splat(f64At(x, at0 + 3));
        // A row beyond an odd count belongs to the next block or to the gap behind; its score is not used.
        for (let at = 0; at < count; at += 2) {
          const place = <usize>at << 3;
          const first = f64x2.add(f64x2.mul(w0, v128.load(c0 + place)), f64x2.mul(w1, v128.load(c1 + place)));
          const second = f64x2.add(f64x2.mul(w2, v128.load(c2 + place)), f64x2.mul(w3, v128.load(c3 + place)));
          v128.store(own + place, f64x2.add(v128.load(own + place), f64x2.add(first, second)));
        }
      }
      for (; column < columns; column++) {
        const values = data + <usize>column * stride + (<usize>from << 3);
        const w = f64x2.splat(f64At(x, k * columns + column));
        for (let at = 0; at < count; at += 2) {
          const place = <usize>at << 3;
          v128.store(own + place, f64x2.add(v128.load(own + place), f64x2.mul(w, v128.load(values + place))));
        }
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
      const even = count & ~1;
      let column = 0;
      for (; column + 3 < columns; column += 4) {
        const c0 = data + <usize>column * stride + (<usize>from << 3);
        const c1 = c0 + stride, c2 = c1 + stride, c3 = c2 + stride;
        let s0 = f64x2.splat(0), s1 = f64x2.splat(0), s2 = f64x2.splat(0), s3 = f64x2.splat(0);
        for (let at = 0; at < even; at += 2) {
          const place = <usize>at << 3;
          const own2 = v128.load(own + place);
          s0 = f64x2.add(s0, f64x2.mul(own2, v128.load(c0 + place)));
          s1 = f64x2.add(s1, f64x2.mul(own2, v128.load(c1 + place)));
          s2 = f64x2.add(s2, f64x2.mul(own2, v128.load(c2 + place)));
          s3 = f64x2.add(s3, f64x2.mul(own2, v128.load(c3 + place)));
        }
        const place = k * columns + column;
        addGradient(gradient, place, s0, own, c0, even, count);
        addGradient(gradient, place + 1, s1, own, c1, even, count);
        addGradient(gradient, place + 2, s2, own, c2, even, count);
        addGradient(gradient, place + 3, s3, own, c3, even, count);
      }
      for (; column < columns; column++) {
        const values = data + <usize>column * stride + (<usize>from << 3);
        let sums = f64x2.splat(0);
        for (let at = 0; at < even; at += 2)
          sums = f64x2.add(sums, f64x2.mul(v128.load(own + (<usize>at << 3)), v128.load(values + (<usize>at << 3))));
        addGradient(gradient, k * columns + column, sums, own, values, even, count);
      }
    }
  }
  return loss;
}

// @ts-ignore: decorator
@inline function addGradient(gradient: usize, place: i32, sums: v128, own: usize, values: usize, even: i32, count: i32): void {
  let sum = f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
  if (even < count) sum += f64At(own, even) * f64At(values, even);
  setF64(gradient, place, f64At(gradient, place) + sum);
}

/** Turns scores into the gradient of the loss by the score. */
function binaryPulls(scores: usize, target: usize, weights: usize, from: i32, count: i32): void {
  const one = f64x2.splat(1);
  const zero = f64x2.splat(0);
  let losses = zero;
  for (let at = 0; at < count; at += 2) {
    const place = scores + (<usize>at << 3);
    const score = v128.load(place);
    const y = v128.load(target + (<usize>(from + at) << 3));
    const weight = weights ? v128.load(weights + (<usize>(from + at) << 3)) : one;
    const power = exp2x(f64x2.neg(f64x2.abs(score)));
    // Of the likelier class, then of the second.
    const likelier = f64x2.div(one, f64x2.add(one, power));
    const second = v128.bitselect(likelier, f64x2.mul(power, likelier), f64x2.ge(score, zero));
    const own = f64x2.mul(weight, f64x2.add(logOnePlus(power), f64x2.sub(f64x2.max(score, zero), f64x2.mul(y, score))));
    v128.store(place, f64x2.mul(weight, f64x2.sub(second, y)));
    if (at + 1 < count) losses = f64x2.add(losses, own);
    else loss += f64x2.extract_lane(own, 0);
  }
  loss += f64x2.extract_lane(losses, 0) + f64x2.extract_lane(losses, 1);
}

/** log(1 + e) for 0 ≤ e ≤ 1: 2 artanh(e / (2 + e)) by its series, 15 terms, within 1e-15 of the value 0.69 at the end. */
// @ts-ignore: decorator
@inline function logOnePlus(e: v128): v128 {
  const t = f64x2.div(e, f64x2.add(f64x2.splat(2), e));
  const s = f64x2.mul(t, t);
  let p = f64x2.splat(1.0 / 29.0);
  p = f64x2.add(f64x2.mul(p, s), f64x2.splat(1.0 / 27.0)); p = f64x2.add(f64x2.mul(p, s), f64x2.splat(1.0 / 25.0));
  p = f64x2.add(f64x2.mul(p, s), f64x2.splat(1.0 / 23.0)); p = f64x2.add(f64x2.mul(p, s), f64x2.splat(1.0 / 21.0));
  p = f64x2.add(f64x2.mul(p, s), f64x2.splat(1.0 / 19.0)); p = f64x2.add(f64x2.mul(p, s), f64x2.splat(1.0 / 17.0));
  p = f64x2.add(f64x2.mul(p, s), f64x2.splat(1.0 / 15.0)); p = f64x2.add(f64x2.mul(p, s), f64x2.splat(1.0 / 13.0));
  p = f64x2.add(f64x2.mul(p, s), f64x2.splat(1.0 / 11.0)); p = f64x2.add(f64x2.mul(p, s), f64x2.splat(1.0 / 9.0));
  p = f64x2.add(f64x2.mul(p, s), f64x2.splat(1.0 / 7.0)); p = f64x2.add(f64x2.mul(p, s), f64x2.splat(1.0 / 5.0));
  p = f64x2.add(f64x2.mul(p, s), f64x2.splat(1.0 / 3.0)); p = f64x2.add(f64x2.mul(p, s), f64x2.splat(1.0));
  return f64x2.mul(f64x2.mul(f64x2.splat(2), t), p);
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
