import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type * as TensorFlow from "@tensorflow/tfjs-core";
import { type Activation, type DenseScores, layersOf } from "./dense.ts";
import { weightedMean } from "./forest.ts";
import { standardise } from "./linear.ts";
import type { Pace } from "./pace.ts";
import type { NeuralParams } from "./params.ts";
import { createRandom, type Random } from "./random.ts";
import { holdOut } from "./splits.ts";
import type { TrainingTarget } from "./target.ts";

type Tf = typeof TensorFlow;
type Matrix = TensorFlow.Tensor2D;

/** The package of the native backend, which is used where somebody has installed it. */
const NATIVE = "@tensorflow/tfjs-node";

let loading: Promise<{ tf: Tf; backend: string }> | undefined;

/** TensorFlow.js, on its native backend where that is installed, else on WebAssembly. */
async function loadTensorFlow(): Promise<{ tf: Tf; backend: string }> {
  const tf = await import("@tensorflow/tfjs-core");
  try {
    await import(NATIVE);
    if (await tf.setBackend("tensorflow")) return { tf, backend: "tensorflow" };
  } catch {
    // Not installed: the WebAssembly backend is always there.
  }
  const wasm = await import("@tensorflow/tfjs-backend-wasm");
  const { resolve } = createRequire(import.meta.url);
  wasm.setWasmPaths(join(dirname(resolve("@tensorflow/tfjs-backend-wasm")), "/"));
  await tf.setBackend("wasm");
  await tf.ready();
  return { tf, backend: "wasm" };
}

/**
 * A network of dense layers as scikit-learn's MLPClassifier and MLPRegressor: log loss or half the squared error, L2 of
 * the weights by `alpha`, Glorot's uniform start, shuffled batches, Adam or Nesterov's momentum; on standardised features,
 * a missing value as the mean. Trained by TensorFlow.js, batch by batch, letting others in between.
 */
export async function fitNetwork(
  columns: readonly Float64Array[],
  target: TrainingTarget,
  params: NeuralParams,
  seed: number,
  pace: Pace,
): Promise<{ scores: DenseScores; importance: Float64Array; backend: string }> {
  loading ??= loadTensorFlow();
  const { tf, backend } = await loading;
  const rowCount = target.values.length;
  const features = columns.length;
  const outputs = target.classes.length > 2 ? target.classes.length : 1;
  const { mean, scale, rows } = standardise(columns, rowCount);
  // Numbers are learnt with mean 0 and deviation 1, and put back into the last layer.
  const isRegression = target.task === "regression";
  const centre = isRegression ? weightedMean(target) : 0;
  const spread = isRegression
    ? Math.sqrt(target.values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / rowCount)
    : 1;
  const goals = new Float32Array(rowCount * outputs);
  for (let row = 0; row < rowCount; row++)
    if (isRegression) goals[row] = (target.values[row]! - centre) / spread;
    else if (outputs === 1) goals[row] = target.classIndex[row]!;
    else goals[row * outputs + target.classIndex[row]!] = 1;
  const sizes = Int32Array.of(features, ...params.hidden_layer_sizes, outputs);
  const random = createRandom(seed, 0x0e7);
  const layers = layersOf(sizes);
  const variables = layers.map(({ before, units }) => {
    const bound = Math.sqrt((params.activation === "logistic" ? 2 : 6) / (before + units));
    const draw = (count: number) => Float32Array.from({ length: count }, () => (2 * unit(random) - 1) * bound);
    return {
      weights: tf.variable(tf.tensor2d(draw(before * units), [before, units])),
      biases: tf.variable(tf.tensor2d(draw(units), [1, units])),
    };
  });
  const { learning_rate_init: rate, beta_1, beta_2, epsilon } = params;
  const optimiser =
    params.solver === "adam"
      ? tf.train.adam(rate, beta_1, beta_2, epsilon)
      : tf.train.momentum(rate, params.momentum, true);
  try {
    const held = params.early_stopping ? holdOut(target, params.validation_fraction, seed) : undefined;
    const order = held?.order.slice(0, rowCount - held.count) ?? Int32Array.from({ length: rowCount }, (_, row) => row);
    const size = Math.min(order.length, params.batch_size === "auto" ? 200 : params.batch_size);
    const batchOf = (at: Int32Array) => {
      const x = new Float32Array(at.length * features);
      const y = new Float32Array(at.length * outputs);
      const w = new Float32Array(at.length);
      for (const [place, row] of at.entries()) {
        x.set(rows.subarray(row * features, (row + 1) * features), place * features);
        y.set(goals.subarray(row * outputs, (row + 1) * outputs), place * outputs);
        w[place] = target.weights?.[row] ?? 1;
      }
      return {
        x: tf.tensor2d(x, [at.length, features]),
        y: tf.tensor2d(y, [at.length, outputs]),
        w: tf.tensor2d(w, [at.length, 1]),
      };
    };
    /** One step down the gradient; gives the mean loss of the batch. */
    const step = (at: Int32Array, learn: boolean): number => {
      const loss = tf.tidy(() => {
        const { x, y, w } = batchOf(at);
        const seen: Matrix[] = [x];
        for (const [place, { weights, biases }] of variables.entries()) {
          const sums = tf.add<Matrix>(tf.matMul<Matrix>(seen[place]!, weights), biases);
          seen.push(place === variables.length - 1 ? sums : activated(tf, sums, params.activation));
        }
        const { said, loss: own } = judged(tf, seen[variables.length]!, y, isRegression);
        if (learn) {
          let pull = tf.div<Matrix>(tf.mul(tf.sub(said, y), w), at.length);
          const gradients: { name: string; tensor: TensorFlow.Tensor }[] = [];
          for (let place = variables.length - 1; place >= 0; place--) {
            const { weights, biases } = variables[place]!;
            const decay = tf.mul(weights, params.alpha / at.length);
            gradients.push({ name: weights.name, tensor: tf.add(tf.matMul(seen[place]!, pull, true, false), decay) });
            gradients.push({ name: biases.name, tensor: tf.sum(pull, 0, true) });
            if (place > 0)
              pull = tf.mul<Matrix>(tf.matMul(pull, weights, false, true), slope(tf, seen[place]!, params.activation));
          }
          optimiser.applyGradients(gradients);
        }
        return tf.mean(tf.mul(own, w));
      });
      const [value = Number.NaN] = loss.dataSync();
      loss.dispose();
      return value;
    };
    let best = Number.POSITIVE_INFINITY;
    let since = 0;
    for (let epoch = 0; epoch < params.max_iter; epoch++) {
      if (params.shuffle) shuffle(order, random);
      let sum = 0;
      for (let from = 0; from < order.length; from += size) {
        const batch = order.subarray(from, from + size);
        sum += step(batch, true) * batch.length;
        await pace.breathe();
      }
      const loss = held === undefined ? sum / order.length : step(held.order.subarray(order.length), false);
      await pace.step(epoch + 1, params.max_iter);
      since = loss > best - params.tol ? since + 1 : 0;
      best = Math.min(best, loss);
      if (since > params.n_iter_no_change) break;
    }
    const weights = new Float64Array(layers.reduce((count, { before, units }) => count + (before + 1) * units, 0));
    for (const [place, { weights: from, biases }] of layers.entries()) {
      const isLast = place === layers.length - 1;
      const own = variables[place]!;
      // In double: a float32 holds seven digits of the target's mean, and no number of its size beyond 3.4e38.
      const doubles = (values: ArrayLike<number>, shift: number) =>
        Float64Array.from(values, (value) => (isLast ? value * spread + shift : value));
      weights.set(doubles(await own.weights.data(), 0), from);
      weights.set(doubles(await own.biases.data(), centre), biases);
    }
    const importance = new Float64Array(features);
    const [first] = layers;
    // A column that never varied has kept the weights of the start: chance, which must not speak when it varies later.
    for (let column = 0; column < features; column++)
      if (isStill(rows, features, column)) weights.fill(0, column * first!.units, (column + 1) * first!.units);
    for (let at = 0; at < features * (first?.units ?? 0); at++)
      importance[Math.floor(at / first!.units)]! += Math.abs(weights[at]!);
    return { scores: { outputs, activation: params.activation, sizes, mean, scale, weights }, importance, backend };
  } finally {
    optimiser.dispose();
    for (const { weights, biases } of variables) tf.dispose([weights, biases]);
  }
}

/** Whether a column of standardised rows is 0 in all of them: the same value everywhere, or missing. */
function isStill(rows: Float64Array, features: number, column: number): boolean {
  for (let at = column; at < rows.length; at += features) if (rows[at] !== 0) return false;
  return true;
}

function unit(random: Random): number {
  return random.below(2 ** 24) / 2 ** 24;
}

function shuffle(order: Int32Array, random: Random): void {
  for (let at = order.length - 1; at > 0; at--) {
    const other = random.below(at + 1);
    [order[at], order[other]] = [order[other]!, order[at]!];
  }
}

function activated(tf: Tf, sums: Matrix, activation: Activation): Matrix {
  if (activation === "relu") return tf.relu(sums);
  if (activation === "tanh") return tf.tanh(sums);
  return activation === "logistic" ? tf.sigmoid(sums) : sums;
}

/** The activation's derivative, from its value. */
function slope(tf: Tf, value: Matrix, activation: Activation): Matrix {
  if (activation === "relu") return tf.cast(tf.greater(value, 0), "float32");
  if (activation === "tanh") return tf.sub(1, tf.mul(value, value));
  return activation === "logistic" ? tf.mul(value, tf.sub(1, value)) : tf.onesLike(value);
}

/** What the network says, and the loss of each row. */
function judged(tf: Tf, scores: Matrix, goal: Matrix, isRegression: boolean): { said: Matrix; loss: Matrix } {
  if (isRegression) {
    const rest = tf.sub<Matrix>(scores, goal);
    return { said: scores, loss: tf.mul(tf.mul(rest, rest), 0.5) };
  }
  const said: Matrix = scores.shape[1] === 1 ? tf.sigmoid(scores) : tf.softmax(scores);
  const log = (shares: Matrix) => tf.log<Matrix>(tf.maximum(shares, 1e-10));
  const right = tf.mul<Matrix>(goal, log(said));
  if (scores.shape[1] !== 1) return { said, loss: tf.neg(tf.sum(right, 1, true)) };
  const wrong = tf.mul<Matrix>(tf.sub(1, goal), log(tf.sub(1, said)));
  return { said, loss: tf.neg(tf.add(right, wrong)) };
}
