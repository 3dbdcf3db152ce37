import { LearnError } from "../errors.ts";
import { train } from "../train.ts";
import { judge, parsePruner } from "./pruners.ts";
import { parseSampler, suggest } from "./sampler.ts";
import { checkParams, type Dimension, parseSpace, type TrialParams } from "./space.ts";
import type { StudyOptions } from "./study.ts";
import type { Trial } from "./trial.ts";

/** A study whose trials are kept elsewhere, so that many processes may work on it: every question is answered from them. */
export interface SharedStudy {
  /** The space with its defaults filled in. */
  readonly space: readonly Dimension[];
  /**
   * Parameters for the trial of this number, given the other trials known so far: finished ones teach, running ones keep
   * trials at the same time apart. The same number and trials give the same parameters.
   * @throws LearnError INVALID_TRIAL for trials that are not of this space
   */
  propose(number: number, trials: readonly Trial[]): TrialParams;
  /** Whether a trial should end after its last report. @param trial as it is now, its last report included */
  shouldPrune(trial: Trial, others: readonly Trial[]): boolean;
}

/** Checks the options once. @throws LearnError INVALID_SPACE, INVALID_SAMPLER, INVALID_PRUNER, INVALID_SEED */
export function shareStudy(options: StudyOptions): SharedStudy {
  const { name, direction = "minimize", seed = 42 } = options;
  if (!Number.isSafeInteger(seed))
    throw new LearnError("INVALID_SEED", `seed is ${seed}: expected a whole number.`, { field: "seed" });
  const space = parseSpace(options.space);
  const sampler = parseSampler(options.sampler ?? { type: "tpe" });
  const pruner = parsePruner(options.pruner ?? { type: "none" });
  const viewOf = (trials: readonly Trial[]) => ({
    name,
    direction,
    trials: trials.toSorted((a, b) => a.number - b.number),
  });
  return {
    space,
    propose(number, trials) {
      const others = trials.filter((trial) => trial.number !== number);
      for (const { number: other, params } of others) checkParams(space, params, `trials[${other}].params`);
      return suggest(sampler, space, viewOf(others), seed, number);
    },
    shouldPrune(trial, others) {
      const view = viewOf([...others.filter((other) => other.number !== trial.number), trial]);
      const { prune, rungs = [] } = judge(pruner, view, trial);
      trial.rungs.push(...rungs);
      return prune;
    },
  };
}

/** A parameter's part in how good trials are. */
export interface ParamImportance {
  readonly parameter: string;
  readonly importance: number;
}

/**
 * Importance of parameters, greatest first, summing to 1: decrease of impurity in a random forest that learns the values
 * of complete trials from their parameters, as Optuna's MeanDecreaseImpurityImportanceEvaluator (64 trees, depth 64), which
 * is not its default. A categorical parameter is one column, not one a choice; conditional parameters are missing where
 * they are not there, and not left out. All zero for fewer than two different values.
 */
export async function paramImportances(
  space: readonly Dimension[],
  trials: readonly Trial[],
  seed = 42,
): Promise<ParamImportance[]> {
  const complete = trials.filter((trial) => trial.value !== null && Number.isFinite(trial.value));
  const names = space.map(({ name }) => name);
  if (new Set(complete.map(({ value }) => value)).size < 2)
    return names.map((parameter) => ({ parameter, importance: 0 }));
  const values = space.map((dimension) => {
    const read = ({ params }: Trial) => params[dimension.name];
    if (dimension.type === "categorical")
      return complete.map((trial) => {
        const value = read(trial);
        return value === undefined ? null : JSON.stringify(value);
      });
    return Float64Array.from(complete, (trial) => {
      const value = read(trial);
      return typeof value === "number" ? (dimension.log ? Math.log(value) : value) : Number.NaN;
    });
  });
  const target = Float64Array.from(complete, ({ value }) => value ?? 0);
  const columns = { names, values, rowCount: complete.length };
  const params = { n_estimators: 64, max_depth: 64 };
  const model = await train({ algorithm: "random_forest", task: "regression", columns, target, params, seed });
  return model.featureImportance.map(({ feature, importance }) => ({ parameter: feature, importance }));
}
