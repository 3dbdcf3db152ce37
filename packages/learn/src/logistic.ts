import { z } from "zod";
import { LearnError } from "./errors.ts";
import { Arena } from "./kernel/arena.ts";
import { type Crew, hireCrew, MOST_BYTES } from "./kernel/threads.ts";
import { minimise } from "./lbfgs.ts";
import type { LinearScores } from "./linear.ts";
import { minimiseSparse } from "./owl-qn.ts";
import type { Pace } from "./pace.ts";
import type { LogisticParams } from "./params.ts";
import type { TrainingTarget } from "./target.ts";

/** Most chunks that the rows are parted into; fewer for few rows. Their sums are added in order: threads change nothing. */
const CHUNKS = 64;
const LEAST_CHUNK = 4096;
/** Rows that the kernel works on at a time. */
const BLOCK = 512;

/**
 * Logistic regression as in scikit-learn: mean log loss (by weight) + ((1 - ρ) Σ weight² / 2 + ρ Σ |weight|) / (C Σ sample
 * weights), with ρ the `l1_ratio`, intercepts not penalised, on features standardised to mean 0 and standard deviation 1
 * (ddof 0); multinomial beyond two classes. A missing value counts as the column's mean.
 */
export async function fitLogistic(
  columns: readonly Float64Array[],
  target: TrainingTarget,
  params: LogisticParams,
  threads: number,
  pace: Pace,
): Promise<{ scores: LinearScores; importance: Float64Array }> {
  const rowCount = target.values.length;
  const features = columns.length;
  const outputs = target.classes.length > 2 ? target.classes.length : 1;
  const size = outputs * (features + 1);
  const chunk = Math.ceil(Math.max(LEAST_CHUNK, rowCount / CHUNKS) / BLOCK) * BLOCK;
  const chunks = Math.ceil(rowCount / chunk);
  const crewSize = Math.min(threads, chunks);
  const bytes =
    rowCount * (features + 2) * 8 +
    features * 64 +
    size * 8 * (chunks + 1) +
    outputs * BLOCK * 8 * crewSize +
    (chunks + features + crewSize + 4) * 64;
  if (bytes > MOST_BYTES)
    throw new LearnError(
      "TOO_LARGE",
      `columns has ${rowCount} rows × ${features} columns: training on them takes ${Math.ceil(bytes / 2 ** 20)} MiB, and 4,095 is the most.`,
      { field: "columns", hint: "Train on a sample of the rows, or on fewer columns." },
    );
  const crew = await hireCrew(crewSize, bytes + 65536);
  try {
    const { buffer } = crew;
    const arena = new Arena(crew.from);
    const data = arena.take(rowCount * features * 8);
    const targetAt = arena.take(rowCount * 8);
    const weightsAt = arena.take(rowCount * 8);
    const moments = arena.take(features * 16);
    const xAt = arena.take(size * 8);
    const gradients = Array.from({ length: chunks }, () => arena.take(size * 8));
    const scores = Array.from({ length: crewSize }, () => arena.take(outputs * BLOCK * 8));
    new Float64Array(buffer, targetAt, rowCount).set(target.classIndex);
    if (target.weights !== undefined) new Float64Array(buffer, weightsAt, rowCount).set(target.weights);
    for (const [at, values] of columns.entries()) {
      new Float64Array(buffer, data + at * rowCount * 8, rowCount).set(values);
      await pace.breathe();
    }
    await share(
      crew,
      columns.map((_, at) => ["standardise", data + at * rowCount * 8, rowCount, moments + at * 16]),
    );
    const total = target.weights?.reduce((sum, weight) => sum + weight, 0) ?? rowCount;
    const strength = params.penalty === null ? 0 : 1 / (params.C * total);
    const sparse = l1RatioOf(params);
    const penalty = strength * (1 - sparse);
    const parts = gradients.map((at) => new Float64Array(buffer, at, size));
    const weights = target.weights === undefined ? 0 : weightsAt;
    const objective = async (x: Float64Array, gradient: Float64Array): Promise<number> => {
      new Float64Array(buffer, xAt, size).set(x);
      const calls = gradients.map(
        (at, own) =>
          (thread: number): Call => [
            "logisticChunk",
            data,
            rowCount,
            features,
            outputs,
            targetAt,
            weights,
            xAt,
            at,
            scores[thread]!,
            own * chunk,
            Math.min(rowCount, (own + 1) * chunk),
          ],
      );
      const losses = await share(crew, calls);
      gradient.fill(0);
      for (const part of parts) for (let at = 0; at < size; at++) gradient[at]! += part[at]!;
      for (let at = 0; at < size; at++) gradient[at]! /= total;
      if (!params.fit_intercept) gradient.fill(0, outputs * features);
      let squares = 0;
      for (let at = 0; at < outputs * features; at++) {
        squares += x[at]! * x[at]!;
        gradient[at]! += penalty * x[at]!;
      }
      return losses.reduce((sum, loss) => sum + loss, 0) / total + (penalty * squares) / 2;
    };
    const x = new Float64Array(size);
    const course = {
      maxIter: params.max_iter,
      tol: params.tol,
      onIteration: (done: number) => pace.step(done, params.max_iter),
    };
    if (sparse === 0) await minimise(objective, x, course);
    else {
      const kinks = new Float64Array(size).fill(strength * sparse, 0, outputs * features);
      await minimiseSparse(objective, kinks, x, course);
    }
    await pace.step(params.max_iter, params.max_iter);
    const found = new Float64Array(buffer, moments, 2 * features).slice();
    const coefficients = x.slice(0, outputs * features);
    const importance = new Float64Array(features);
    for (let at = 0; at < coefficients.length; at++) importance[at % features]! += Math.abs(coefficients[at]!);
    return {
      scores: {
        outputs,
        mean: found.filter((_, at) => at % 2 === 0),
        scale: found.filter((_, at) => at % 2 === 1),
        weights: coefficients,
        intercept: x.slice(outputs * features),
      },
      importance,
    };
  } finally {
    await crew.release();
  }
}

/** How much of the penalty is of absolute weights rather than of squares. */
function l1RatioOf({ penalty, l1_ratio: ratio }: LogisticParams): number {
  return penalty === "l1" ? 1 : penalty === "elasticnet" ? (ratio ?? 0) : 0;
}

type Call = readonly [name: string, ...numbers: number[]];
const Results = z.array(z.number().optional());

/** Has the calls made, in shares of the same size; results in the order of the calls. */
async function share(crew: Crew, calls: readonly (Call | ((thread: number) => Call))[]): Promise<number[]> {
  const results = new Array<number>(calls.length).fill(0);
  await Promise.all(
    Array.from({ length: crew.size }, async (_, thread) => {
      const own = calls.flatMap((call, at) => (at % crew.size === thread ? [{ call, at }] : []));
      if (own.length === 0) return;
      const made = own.map(({ call }) => (typeof call === "function" ? call(thread) : call));
      const given = Results.parse(await crew.run(thread, "calls", { calls: made }));
      for (const [place, { at }] of own.entries()) results[at] = given[place] ?? 0;
    }),
  );
  return results;
}
