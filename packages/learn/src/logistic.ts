import { minimise, type Objective } from "./lbfgs.ts";
import { type LinearScores, standardise } from "./linear.ts";
import type { Pace } from "./pace.ts";
import type { LogisticParams } from "./params.ts";
import type { TrainingTarget } from "./target.ts";

/**
 * Logistic regression as in scikit-learn: mean log loss + Σ weight² / (2 C n), intercepts not penalised, on features
 * standardised to mean 0 and standard deviation 1 (ddof 0); multinomial beyond two classes. A missing value counts as the
 * column's mean.
 */
export async function fitLogistic(
  columns: readonly Float64Array[],
  target: TrainingTarget,
  params: LogisticParams,
  pace: Pace,
): Promise<{ scores: LinearScores; importance: Float64Array }> {
  const rowCount = target.values.length;
  const features = columns.length;
  const outputs = target.classes.length > 2 ? target.classes.length : 1;
  const { mean, scale, rows } = standardise(columns, rowCount);
  const penalty = 1 / (params.C * rowCount);
  const objective =
    outputs === 1
      ? binaryLoss(rows, features, target.classIndex, penalty)
      : multinomialLoss(rows, features, target.classIndex, outputs, penalty);
  const x = new Float64Array(outputs * (features + 1));
  await minimise(objective, x, {
    maxIter: params.max_iter,
    tol: params.tol,
    onIteration: (done) => pace.step(done, params.max_iter),
  });
  await pace.step(params.max_iter, params.max_iter);
  const weights = x.slice(0, outputs * features);
  const importance = new Float64Array(features);
  for (let at = 0; at < weights.length; at++) importance[at % features]! += Math.abs(weights[at]!);
  return { scores: { outputs, mean, scale, weights, intercept: x.slice(outputs * features) }, importance };
}

function binaryLoss(rows: Float64Array, features: number, classIndex: Uint16Array, penalty: number): Objective {
  const rowCount = classIndex.length;
  return (x, gradient) => {
    gradient.fill(0);
    let loss = 0;
    for (let row = 0, at = 0; row < rowCount; row++, at += features) {
      let score = x[features]!;
      for (let j = 0; j < features; j++) score += x[j]! * rows[at + j]!;
      const sign = classIndex[row] === 1 ? 1 : -1;
      const margin = sign * score;
      // log(1 + exp(-margin)), without overflow.
      loss += margin > 0 ? Math.log1p(Math.exp(-margin)) : Math.log1p(Math.exp(margin)) - margin;
      const pull = -sign / (1 + Math.exp(margin));
      for (let j = 0; j < features; j++) gradient[j]! += pull * rows[at + j]!;
      gradient[features]! += pull;
    }
    for (let at = 0; at < gradient.length; at++) gradient[at]! /= rowCount;
    return loss / rowCount + penalise(x, gradient, features, penalty);
  };
}

function multinomialLoss(
  rows: Float64Array,
  features: number,
  classIndex: Uint16Array,
  classes: number,
  penalty: number,
): Objective {
  const rowCount = classIndex.length;
  const intercepts = classes * features;
  const scores = new Float64Array(classes);
  return (x, gradient) => {
    gradient.fill(0);
    let loss = 0;
    for (let row = 0, at = 0; row < rowCount; row++, at += features) {
      let most = Number.NEGATIVE_INFINITY;
      for (let k = 0; k < classes; k++) {
        let score = x[intercepts + k]!;
        for (let j = 0; j < features; j++) score += x[k * features + j]! * rows[at + j]!;
        scores[k] = score;
        most = Math.max(most, score);
      }
      const own = classIndex[row]!;
      let sum = 0;
      for (let k = 0; k < classes; k++) sum += Math.exp(scores[k]! - most);
      loss += most + Math.log(sum) - scores[own]!;
      for (let k = 0; k < classes; k++) {
        const pull = Math.exp(scores[k]! - most) / sum - (k === own ? 1 : 0);
        for (let j = 0; j < features; j++) gradient[k * features + j]! += pull * rows[at + j]!;
        gradient[intercepts + k]! += pull;
      }
    }
    for (let at = 0; at < gradient.length; at++) gradient[at]! /= rowCount;
    return loss / rowCount + penalise(x, gradient, intercepts, penalty);
  };
}

function penalise(x: Float64Array, gradient: Float64Array, weights: number, penalty: number): number {
  let squares = 0;
  for (let at = 0; at < weights; at++) {
    squares += x[at]! * x[at]!;
    gradient[at]! += penalty * x[at]!;
  }
  return (penalty * squares) / 2;
}
