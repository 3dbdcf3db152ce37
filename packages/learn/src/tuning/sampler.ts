import { z } from "zod";
import { LearnError } from "../errors.ts";
import { faultOf } from "../faults.ts";
import { createRandom, type Random } from "../random.ts";
import { createParzenEstimator, scaleOf, uniform } from "./parzen.ts";
import { type Dimension, isActive, type ParamValue } from "./space.ts";
import { lastStep, type StudyView, type Trial } from "./trial.ts";

const Sampler = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("random") }),
  z.strictObject({
    type: z.literal("tpe"),
    /** Trials drawn at random before the first estimate. */
    n_startup_trials: z.number().int().min(0).default(10),
    /** Draws of which the best is tried. */
    n_ei_candidates: z.number().int().min(1).default(24),
    /** Parameters that every trial has are estimated together; else each alone. */
    multivariate: z.boolean().default(true),
    /** Running trials count as bad ones, so that trials at the same time differ. */
    constant_liar: z.boolean().default(true),
  }),
]);
/** A sampler by the names and defaults of Optuna 5.0's, all filled in. */
export type Sampler = z.output<typeof Sampler>;
/** `tpe`, the tree-structured Parzen estimator, or `random`. */
export type SamplerInput = z.input<typeof Sampler>;

/** Checks a sampler and fills in defaults. @throws LearnError INVALID_SAMPLER naming the field */
export function parseSampler(sampler: unknown): Sampler {
  const result = Sampler.safeParse(sampler);
  if (result.success) return result.data;
  const { field, message, hint } = faultOf(result.error, sampler, "sampler");
  throw new LearnError("INVALID_SAMPLER", message, { field, ...(hint !== undefined && { hint }) });
}

/**
 * The parameters to try next. They depend on the seed, the trial's number and the trials so far, and on nothing else:
 * a resumed study goes on as it would have.
 */
export function suggest(
  sampler: Sampler,
  space: readonly Dimension[],
  study: StudyView,
  seed: number,
  number: number,
): Record<string, ParamValue> {
  const random = createRandom(seed, number);
  const finished = study.trials.filter(({ state }) => state === "complete" || state === "pruned");
  const params: Record<string, ParamValue> = {};
  if (sampler.type === "random" || finished.length < sampler.n_startup_trials) {
    for (const dimension of space) if (isActive(dimension, params)) params[dimension.name] = draw(dimension, random);
    return params;
  }
  const running = sampler.constant_liar ? study.trials.filter(({ state }) => state === "running") : [];
  // As in Optuna: the parameters of every trial together, the conditional ones alone, among the trials that have them.
  const joint = sampler.multivariate ? space.filter(({ when }) => when === undefined) : [];
  const tpe = (dimensions: readonly Dimension[]) => {
    const has = ({ params }: Trial) => dimensions.every(({ name }) => name in params);
    const known = finished.filter(has);
    if (known.length < sampler.n_startup_trials)
      return Object.fromEntries(dimensions.map((dimension) => [dimension.name, draw(dimension, random)]));
    const { below, above } = split(known, running.filter(has), study.direction);
    const paramsOf = (trials: readonly Trial[]) => trials.map((trial) => trial.params);
    const good = createParzenEstimator(dimensions, paramsOf(below));
    const bad = createParzenEstimator(dimensions, paramsOf(above));
    let best: Record<string, ParamValue> = {};
    let most = Number.NEGATIVE_INFINITY;
    for (let candidate = 0; candidate < sampler.n_ei_candidates; candidate++) {
      const sample = good.sample(random);
      const gain = good.logDensity(sample) - bad.logDensity(sample);
      if (gain > most || candidate === 0) [best, most] = [sample, gain];
    }
    return best;
  };
  if (joint.length > 0) Object.assign(params, tpe(joint));
  for (const dimension of space)
    if (!joint.includes(dimension) && isActive(dimension, params)) Object.assign(params, tpe([dimension]));
  return params;
}

/**
 * The best tenth (rounded up, 25 at most) apart from the rest, each by number. Complete trials come before pruned ones,
 * of which those that got further come first.
 */
function split(
  finished: readonly Trial[],
  running: readonly Trial[],
  direction: StudyView["direction"],
): { below: Trial[]; above: Trial[] } {
  const loss = (value: number | null | undefined) =>
    value === null || value === undefined || Number.isNaN(value)
      ? Number.POSITIVE_INFINITY
      : direction === "maximize"
        ? -value
        : value;
  const rank = (a: Trial, b: Trial) => {
    if (a.state !== b.state) return a.state === "complete" ? -1 : 1;
    if (a.state === "complete") return compare(loss(a.value), loss(b.value));
    return (
      compare(lastStep(b) ?? -1, lastStep(a) ?? -1) || compare(loss(a.reports.at(-1)?.[1]), loss(b.reports.at(-1)?.[1]))
    );
  };
  const ranked = finished.toSorted((a, b) => rank(a, b) || a.number - b.number);
  const count = Math.min(Math.ceil(0.1 * ranked.length), 25);
  const byNumber = (a: Trial, b: Trial) => a.number - b.number;
  return {
    below: ranked.slice(0, count).sort(byNumber),
    above: [...ranked.slice(count), ...running].sort(byNumber),
  };
}

/** Without the difference of two infinities. */
function compare(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Every value as likely as any other; on a log scale, every ratio. */
function draw(dimension: Dimension, random: Random): ParamValue {
  if (dimension.type === "categorical") return dimension.choices[random.below(dimension.choices.length)]!;
  const { low, high, cell, back } = scaleOf(dimension);
  return back(low - cell / 2 + uniform(random) * (high - low + cell));
}
