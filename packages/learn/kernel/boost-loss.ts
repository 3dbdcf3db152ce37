/** Losses: 0 squared, 1 log loss of two classes, 2 of many, 3 absolute, 4 quantile, 5 Poisson, 6 gamma, 7 Huber. */
import { exp1, exp2x } from "./exponential";
import { f64At, i32At, setF64 } from "./memory";

let shared: usize, trainRows: i32, outputs: i32, countBits: i32, target: usize, weights: usize, loss: i32, scores: usize;
let probabilities: usize, gh: usize, rows: usize, sortRoom: usize, alpha: f64;

export function setLoss(at: usize): void {
  shared = at;
  trainRows = i32At(at, 1); outputs = i32At(at, 3); countBits = i32At(at, 4); target = i32At(at, 10); weights = i32At(at, 11);
  loss = i32At(at, 17); scores = i32At(at, 19); probabilities = i32At(at, 20); gh = i32At(at, 21); rows = i32At(at, 22);
  sortRoom = i32At(at, 44); alpha = f64At(at, 37);
}

/** No gradient is further from zero than this; for Huber's loss, the width of its square part is found too. */
export function largestGradient(output: i32): f64 {
  const most = f64At(shared, 42);
  let bound = most;
  let curvature = most;
  if (loss == 0 || loss >= 5) {
    bound = 0;
    if (loss == 7) setF64(shared, 43, quantileOfResiduals(0, trainRows, alpha, false, true));
    for (let row = 0; row < trainRows; row++) {
      const score = f64At(scores, row);
      const y = f64At(target, row);
      if (loss == 5 || loss == 6) {
        const mean = exp1(score);
        bound = max(bound, Math.abs(loss == 5 ? y - mean : y / mean - 1));
        curvature = max(curvature, most * (loss == 5 ? mean : y / mean));
      } else bound = max(bound, Math.abs(y - score));
    }
    bound *= most;
  }
  setF64(shared, 40, curvature);
  return bound;
}

/** Shares of the classes from the scores. */
export function fillProbabilities(start: i32, end: i32): void {
  for (let row = start; row < end; row++) {
    const at = row * outputs;
    let most = f64At(scores, at);
    for (let k = 1; k < outputs; k++) most = max(most, f64At(scores, at + k));
    let sum: f64 = 0;
    for (let k = 0; k < outputs; k++) {
      const power = exp1(f64At(scores, at + k) - most);
      setF64(probabilities, at + k, power);
      sum += power;
    }
    for (let k = 0; k < outputs; k++) setF64(probabilities, at + k, f64At(probabilities, at + k) / sum);
  }
}

// Sums over all rows lie in the shared block, where threads add up theirs.
export function clearSums(): void { store<i64>(shared + 400, 0); store<i64>(shared + 408, 0); }
export function sumOfGradients(): i64 { return load<i64>(shared + 400); }
/** With the count of rows, as in a histogram. */
export function sumOfCurvatures(): i64 { return load<i64>(shared + 408); }

let sumG: i64, sumHC: i64;

// @ts-ignore: decorator
@inline function put(row: i32, g: f64, h: f64, scaleG: f64, scaleH: f64): void {
  const weight = weights ? f64At(weights, row) : 1;
  const at = gh + (<usize>row << 4);
  const wholeG = <i64>nearest(g * weight * scaleG);
  const wholeHC = (<i64>nearest(h * weight * scaleH) << countBits) | 1;
  sumG += wholeG;
  sumHC += wholeHC;
  store<i64>(at, wholeG);
  store<i64>(at + 8, wholeHC);
}

/** Negative gradient and curvature of the loss in every row, as whole numbers, and their sums. */
export function fillGradients(start: i32, end: i32, output: i32): void {
  sumG = 0;
  sumHC = 0;
  putGradients(start, end, output);
  atomic.add<i64>(shared + 400, sumG);
  atomic.add<i64>(shared + 408, sumHC);
}

function putGradients(start: i32, end: i32, output: i32): void {
  const scaleG = f64At(shared, 38);
  const scaleH = f64At(shared, 39);
  if (loss == 1) {
    const one = f64x2.splat(1);
    let row = start;
    for (; row + 1 < end; row += 2) {
      const p = f64x2.div(one, f64x2.add(one, exp2x(f64x2.neg(v128.load(scores + (<usize>row << 3))))));
      const g = f64x2.sub(v128.load(target + (<usize>row << 3)), p);
      const h = f64x2.mul(p, f64x2.sub(one, p));
      put(row, f64x2.extract_lane(g, 0), f64x2.extract_lane(h, 0), scaleG, scaleH);
      put(row + 1, f64x2.extract_lane(g, 1), f64x2.extract_lane(h, 1), scaleG, scaleH);
    }
    for (; row < end; row++) {
      const p = 1 / (1 + exp1(-f64At(scores, row)));
      put(row, f64At(target, row) - p, p * (1 - p), scaleG, scaleH);
    }
    return;
  }
  const width = f64At(shared, 43);
  for (let row = start; row < end; row++) {
    if (loss == 2) {
      const p = f64At(probabilities, row * outputs + output);
      put(row, (<i32>f64At(target, row) == output ? 1 : 0) - p, p * (1 - p), scaleG, scaleH);
      continue;
    }
    const score = f64At(scores, row);
    const y = f64At(target, row);
    const rest = y - score;
    if (loss == 0) put(row, rest, 1, scaleG, scaleH);
    else if (loss == 3) put(row, rest > 0 ? 1 : rest < 0 ? -1 : 0, 1, scaleG, scaleH);
    else if (loss == 4) put(row, rest > 0 ? alpha : alpha - 1, 1, scaleG, scaleH);
    else if (loss == 5) { const mean = exp1(score); put(row, y - mean, mean, scaleG, scaleH); }
    else if (loss == 6) { const ratio = y / exp1(score); put(row, ratio - 1, ratio, scaleG, scaleH); }
    else put(row, min(max(rest, -width), width), 1, scaleG, scaleH);
  }
}

/** The loss of one row at its scores. */
export function lossOfRow(row: i32): f64 {
  const y = f64At(target, row);
  if (loss == 2) {
    const at = row * outputs;
    let most = f64At(scores, at);
    for (let k = 1; k < outputs; k++) most = max(most, f64At(scores, at + k));
    let sum: f64 = 0;
    for (let k = 0; k < outputs; k++) sum += exp1(f64At(scores, at + k) - most);
    return most + Math.log(sum) - f64At(scores, at + <i32>y);
  }
  const score = f64At(scores, row);
  const rest = y - score;
  if (loss == 0) return rest * rest;
  if (loss == 1) return Math.log1p(exp1(-Math.abs(score))) + max(score, 0) - y * score;
  if (loss == 3) return Math.abs(rest);
  if (loss == 4) return rest > 0 ? alpha * rest : (alpha - 1) * rest;
  if (loss == 5) return exp1(score) - y * score;
  if (loss == 6) return score + y / exp1(score);
  const width = f64At(shared, 43);
  const size = Math.abs(rest);
  return size <= width ? (rest * rest) / 2 : width * (size - width / 2);
}

/** The step that lowers the loss most in a leaf, for losses whose curvature says nothing of it. */
export function updateLeafByQuantile(start: i32, end: i32): f64 {
  if (loss == 3) return quantileOfResiduals(start, end, 0.5, true, false);
  if (loss == 4) return quantileOfResiduals(start, end, alpha, true, false);
  // Huber: the median, and the mean of what is left, cut off (Friedman 2001, algorithm 4).
  const middle = quantileOfResiduals(start, end, 0.5, true, false);
  const width = f64At(shared, 43);
  let sum: f64 = 0;
  let weight: f64 = 0;
  for (let at = start; at < end; at++) {
    const row = i32At(rows, at);
    const rest = f64At(target, row) - f64At(scores, row) - middle;
    const own = weights ? f64At(weights, row) : 1;
    sum += own * min(max(rest, -width), width);
    weight += own;
  }
  return middle + (weight > 0 ? sum / weight : 0);
}

/** The least residual at which the weights so far reach the share `q`, half way to the next where they just meet it. */
function quantileOfResiduals(start: i32, end: i32, q: f64, isListed: bool, isAbsolute: bool): f64 {
  const size = end - start;
  let weight: f64 = 0;
  for (let at = 0; at < size; at++) {
    const row = isListed ? i32At(rows, start + at) : start + at;
    const rest = f64At(target, row) - f64At(scores, row);
    const own = weights ? f64At(weights, row) : 1;
    setF64(sortRoom, 2 * at, isAbsolute ? Math.abs(rest) : rest);
    setF64(sortRoom, 2 * at + 1, own);
    weight += own;
  }
  sortPairs(size);
  let sum: f64 = 0;
  for (let at = 0; at < size; at++) {
    sum += f64At(sortRoom, 2 * at + 1);
    if (sum > q * weight) return f64At(sortRoom, 2 * at);
    if (sum == q * weight && at + 1 < size) return (f64At(sortRoom, 2 * at) + f64At(sortRoom, 2 * at + 2)) / 2;
  }
  return size > 0 ? f64At(sortRoom, 2 * size - 2) : 0;
}

/** Heap sort by value. */
function sortPairs(size: i32): void {
  for (let at = (size >> 1) - 1; at >= 0; at--) sink(at, size);
  for (let last = size - 1; last > 0; last--) {
    const first = v128.load(sortRoom);
    v128.store(sortRoom, v128.load(sortRoom + (<usize>last << 4)));
    v128.store(sortRoom + (<usize>last << 4), first);
    sink(0, last);
  }
}
function sink(from: i32, size: i32): void {
  let at = from;
  const own = v128.load(sortRoom + (<usize>at << 4));
  const value = f64At(sortRoom, 2 * at);
  while (true) {
    let child = 2 * at + 1;
    if (child >= size) break;
    if (child + 1 < size && f64At(sortRoom, 2 * child + 2) > f64At(sortRoom, 2 * child)) child++;
    if (f64At(sortRoom, 2 * child) <= value) break;
    v128.store(sortRoom + (<usize>at << 4), v128.load(sortRoom + (<usize>child << 4)));
    at = child;
  }
  v128.store(sortRoom + (<usize>at << 4), own);
}
