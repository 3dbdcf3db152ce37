import type { Columns } from "./columns.ts";
import { LearnError } from "./errors.ts";
import type { Model } from "./model.ts";
import { classificationMetrics } from "./model-metrics.ts";
import { createPace } from "./pace.ts";
import { classesOf, sayInTurns } from "./predictions.ts";
import { createRandom } from "./random.ts";
import { regressionMetrics } from "./regression-metrics.ts";
import { type Examples, type Fold, takeExamples, takeRows } from "./splits.ts";
import { type TrainOptions, train } from "./train.ts";

/** Scores that models are compared by; `rmse`, `mae` and `log_loss` are better when small. */
export const SCORES = ["accuracy", "precision", "recall", "f1", "roc_auc", "log_loss", "r2", "rmse", "mae"] as const;
export type Score = (typeof SCORES)[number];

/** Whether less of it is better. */
export function isLoss(score: Score): boolean {
  return score === "rmse" || score === "mae" || score === "log_loss";
}

/**
 * All scores of a model on rows: accuracy, precision, recall, f1, roc_auc, log_loss for classes (weighted averages), r2,
 * rmse, mae for numbers.
 * @throws LearnError INVALID_METRIC_INPUT as `classificationMetrics`
 */
export function scoresOf(model: Model, columns: Columns, target: Float64Array): Partial<Record<Score, number>> {
  return scoresOfWhatIsSaid(
    model,
    model.task === "regression" ? model.predict(columns) : model.predictProba(columns),
    target,
  );
}

/**
 * `scoresOf` that lets others in while it predicts: a large forest on many rows takes minutes.
 * @throws as `scoresOf`; the signal's reason
 */
export async function evaluate(
  model: Model,
  columns: Columns,
  target: Float64Array,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Partial<Record<Score, number>>> {
  return scoresOfWhatIsSaid(model, await sayInTurns(model, columns, createPace(signal)), target);
}

function scoresOfWhatIsSaid(model: Model, said: Float64Array, target: Float64Array): Partial<Record<Score, number>> {
  if (model.task === "regression") {
    const { r2, rmse, mae } = regressionMetrics(target, said);
    return { r2, rmse, mae };
  }
  const width = model.classes.length;
  const metrics = classificationMetrics(target, classesOf(model, said), said, model.classes);
  let loss = 0;
  const place = new Map(model.classes.map((value, k) => [value, k]));
  for (const [row, value] of target.entries()) {
    const probability = said[row * width + place.get(value)!]!;
    loss -= Math.log(Math.min(1 - Number.EPSILON, Math.max(Number.EPSILON, probability)));
  }
  return { ...metrics, log_loss: loss / target.length };
}

/** One score of a model on rows. @throws LearnError UNSUPPORTED_TASK for a score of the other task */
async function scoreInTurns(
  model: Model,
  { columns, target }: Pick<Examples, "columns" | "target">,
  score: Score,
  signal?: AbortSignal,
): Promise<number> {
  const value = (await evaluate(model, columns, target, { signal }))[score];
  if (value !== undefined) return value;
  throw new LearnError("UNSUPPORTED_TASK", `${score} is no score of ${model.task}.`, { field: "score" });
}

/**
 * Trains on the training part of each fold and scores the test part.
 * @param onFold called after each fold with the scores so far; returning true ends it there
 * @returns a score for each fold done
 */
export async function crossValidate(
  options: TrainOptions,
  folds: readonly Fold[],
  score: Score,
  onFold: (scores: readonly number[]) => boolean | Promise<boolean> = () => false,
): Promise<number[]> {
  const scores: number[] = [];
  for (const { train: learn, test } of folds) {
    const model = await train({ ...options, ...takeExamples(options, learn) });
    const asked = takeExamples(options, test);
    scores.push(await scoreInTurns(model, asked, score, options.signal));
    if (await onFold(scores)) break;
  }
  return scores;
}

/** Scores of models trained on growing parts of the rows. */
export interface LearningCurvePoint {
  readonly rows: number;
  readonly trainScores: readonly number[];
  readonly testScores: readonly number[];
}

/**
 * Learning curve: for each share, each fold's model is trained on the first so many rows of its training part
 * (scikit-learn's learning_curve).
 * @param shares of the training part, each more than 0 and at most 1
 */
export async function learningCurve(
  options: TrainOptions,
  folds: readonly Fold[],
  score: Score,
  shares: readonly number[] = [0.1, 0.325, 0.55, 0.775, 1],
): Promise<LearningCurvePoint[]> {
  const points: LearningCurvePoint[] = [];
  for (const share of shares) {
    if (!(share > 0 && share <= 1))
      throw new LearnError("INVALID_FOLDS", `shares has ${share}: expected more than 0 and at most 1.`, {
        field: "shares",
      });
    const least = Math.min(...folds.map(({ train: learn }) => learn.length));
    const rows = Math.max(1, Math.floor(share * least));
    const trainScores: number[] = [];
    const testScores: number[] = [];
    for (const { train: learn, test } of folds) {
      const learnt = takeExamples(options, learn.slice(0, rows));
      const asked = takeExamples(options, test);
      const model = await train({ ...options, ...learnt });
      trainScores.push(await scoreInTurns(model, learnt, score, options.signal));
      testScores.push(await scoreInTurns(model, asked, score, options.signal));
    }
    points.push({ rows, trainScores, testScores });
  }
  return points;
}

/** How much worse the score becomes when a feature's values are shuffled. */
export interface PermutationImportance {
  readonly feature: string;
  readonly mean: number;
  readonly deviation: number;
}

/**
 * Permutation importance (Breiman 2001; scikit-learn's permutation_importance), greatest first: positive where the model
 * needs the feature, whichever way the score goes.
 */
export async function permutationImportance(
  model: Model,
  columns: Columns,
  target: Float64Array,
  {
    score,
    repeats = 5,
    seed = 42,
    signal,
  }: { score: Score; repeats?: number; seed?: number; signal?: AbortSignal | undefined },
): Promise<PermutationImportance[]> {
  const sign = isLoss(score) ? -1 : 1;
  const base = sign * (await scoreInTurns(model, { columns, target }, score, signal));
  const importance: PermutationImportance[] = [];
  for (const [at, feature] of model.featureNames.entries()) {
    const place = columns.names.indexOf(feature);
    const drops: number[] = [];
    for (let repeat = 0; repeat < repeats; repeat++) {
      const random = createRandom(seed, at * repeats + repeat);
      const rows = Int32Array.from({ length: columns.rowCount }, (_, row) => row);
      for (let row = rows.length - 1; row > 0; row--) {
        const other = random.below(row + 1);
        [rows[row], rows[other]] = [rows[other]!, rows[row]!];
      }
      const shuffled = takeRows(
        { names: [feature], values: [columns.values[place]!], rowCount: columns.rowCount },
        rows,
      );
      const values = columns.values.with(place, shuffled.values[0]!);
      drops.push(base - sign * (await scoreInTurns(model, { columns: { ...columns, values }, target }, score, signal)));
    }
    const mean = drops.reduce((sum, drop) => sum + drop, 0) / repeats;
    const deviation = Math.sqrt(drops.reduce((sum, drop) => sum + (drop - mean) ** 2, 0) / repeats);
    importance.push({ feature, mean, deviation });
  }
  return importance.sort((a, b) => b.mean - a.mean);
}
