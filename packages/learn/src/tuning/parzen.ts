import type { Random } from "../random.ts";
import { logNormalMass } from "./normal-mass.ts";
import { type Dimension, gridValue, type NumericDimension, type ParamValue, type TrialParams } from "./space.ts";

/** A density over some parameters, made of one kernel for each observation and a wide one for the prior. */
export interface ParzenEstimator {
  /** Draws parameters: a kernel by its weight, then each parameter from it. */
  sample(random: Random): Record<string, ParamValue>;
  /** Logarithm of the density; for integers and steps, of the cell's mass. */
  logDensity(params: TrialParams): number;
}

/** A number from 0 up to and without 1, of 53 bits. */
export function uniform(random: Random): number {
  return (random.below(2 ** 27) * 2 ** 26 + random.below(2 ** 26)) / 2 ** 53;
}

/** One parameter's kernels. */
interface Marginal {
  sample(kernel: number, random: Random): ParamValue;
  /** Adds each kernel's log density of `value` to `sums`. */
  addLog(value: ParamValue, sums: Float64Array): void;
}

const PRIOR_WEIGHT = 1;
/** The newest observations that keep their full weight. */
const FULL_WEIGHTS = 25;

/**
 * Optuna 5.0's `_ParzenEstimator`, its defaults: prior weight 1, magic clip, endpoints not considered.
 * @param observations Of the dimensions all, oldest first.
 */
export function createParzenEstimator(
  dimensions: readonly Dimension[],
  observations: readonly TrialParams[],
): ParzenEstimator {
  const weights = weightsOf(observations.length);
  const logWeights = weights.map(Math.log);
  const marginals = dimensions.map((dimension): Marginal => {
    const values = observations.map((params) => params[dimension.name]!);
    if (dimension.type === "categorical") return categoricalMarginal(dimension.choices, values);
    // `checkParams` has let only numbers in.
    return numericMarginal(dimension, values.map(Number));
  });
  const sums = new Float64Array(weights.length);
  return {
    sample(random) {
      const kernel = pick(weights, random);
      return Object.fromEntries(dimensions.map(({ name }, at) => [name, marginals[at]!.sample(kernel, random)]));
    },
    logDensity(params) {
      sums.set(logWeights);
      for (const [at, { name }] of dimensions.entries()) marginals[at]!.addLog(params[name]!, sums);
      const most = sums.reduce((a, b) => Math.max(a, b));
      return most + Math.log(sums.reduce((sum, value) => sum + Math.exp(value - most), 0));
    },
  };
}

/** Old observations count less, the prior as one; sums to 1. */
function weightsOf(count: number): Float64Array {
  const old = count - FULL_WEIGHTS;
  const weights = Float64Array.from({ length: count + 1 }, (_, at) => {
    if (at === count) return PRIOR_WEIGHT;
    if (at >= old) return 1;
    return old === 1 ? 1 / count : 1 / count + ((1 - 1 / count) * at) / (old - 1);
  });
  const total = weights.reduce((sum, weight) => sum + weight);
  return weights.map((weight) => weight / total);
}

function pick(shares: Float64Array, random: Random): number {
  let rest = uniform(random);
  for (let at = 0; at < shares.length; at++) {
    rest -= shares[at]!;
    if (rest < 0) return at;
  }
  return shares.length - 1;
}

function categoricalMarginal(choices: readonly ParamValue[], values: readonly ParamValue[]): Marginal {
  const kernels = values.length + 1;
  const shares = Array.from({ length: kernels }, (_, kernel) => {
    const row = new Float64Array(choices.length).fill(PRIOR_WEIGHT / kernels);
    if (kernel < values.length) row[choices.indexOf(values[kernel]!)]! += 1;
    const total = row.reduce((sum, share) => sum + share);
    return row.map((share) => share / total);
  });
  return {
    sample: (kernel, random) => choices[pick(shares[kernel]!, random)]!,
    addLog(value, sums) {
      const choice = choices.indexOf(value);
      for (let kernel = 0; kernel < kernels; kernel++) sums[kernel]! += Math.log(shares[kernel]![choice]!);
    },
  };
}

/** How a numeric parameter is seen by its kernels: an interval, perhaps of logarithms, perhaps in cells of width `cell`. */
interface Scale {
  readonly low: number;
  readonly high: number;
  /** 0 for a continuous scale. */
  readonly cell: number;
  forward(value: number): number;
  back(value: number): number;
}

export function scaleOf({ type, low, high, log, step }: NumericDimension): Scale {
  const within = (value: number) => Math.min(Math.max(value, low), high);
  const onGrid = (value: number) =>
    within(step === null ? value : gridValue(low, step, Math.round((value - low) / step)));
  if (!log) return { low, high, cell: step ?? 0, forward: (value) => value, back: onGrid };
  // Integers on a log scale: their cells end half way between neighbours.
  const half = type === "int" ? 0.5 : 0;
  const ends = { low: Math.log(low - half), high: Math.log(high + half), cell: 0 };
  return { ...ends, forward: Math.log, back: (value) => onGrid(Math.exp(value)) };
}

function numericMarginal(dimension: NumericDimension, values: readonly number[]): Marginal {
  const scale = scaleOf(dimension);
  const from = scale.low - scale.cell / 2;
  const to = scale.high + scale.cell / 2;
  const range = to - from;
  // A parameter with one value has nothing to choose.
  if (scale.low === scale.high) return { sample: () => dimension.low, addLog() {} };
  const observed = values.map(scale.forward);
  const centres = [...observed, (scale.low + scale.high) / 2];
  const narrowest = range / Math.min(100, 1 + centres.length);
  const widths = neighbourWidths(observed, from, to);
  const deviations = centres.map((_, at) =>
    at === observed.length ? range : Math.min(Math.max(widths[at]!, narrowest), range),
  );
  const logTotals = centres.map((centre, at) => {
    const deviation = deviations[at]!;
    const mass = logNormalMass((from - centre) / deviation, (to - centre) / deviation);
    return scale.cell > 0 ? mass : mass + Math.log(deviation) + Math.log(2 * Math.PI) / 2;
  });
  return {
    sample(kernel, random) {
      // The centre lies within and the deviation is at most the range: a third of the draws at least are good.
      for (;;) {
        const draw = centres[kernel]! + deviations[kernel]! * normalDraw(random);
        if (draw >= from && draw <= to) return scale.back(draw);
      }
    },
    addLog(value, sums) {
      const x = scale.forward(Number(value));
      for (let kernel = 0; kernel < centres.length; kernel++) {
        const z = (x - centres[kernel]!) / deviations[kernel]!;
        const half = scale.cell / 2 / deviations[kernel]!;
        sums[kernel]! += (scale.cell > 0 ? logNormalMass(z - half, z + half) : -(z * z) / 2) - logTotals[kernel]!;
      }
    },
  };
}

/** Each centre's greater distance to its neighbours; an end of the interval counts only for a centre without others. */
function neighbourWidths(centres: readonly number[], from: number, to: number): number[] {
  const order = centres.map((_, at) => at).sort((a, b) => centres[a]! - centres[b]!);
  const widths = new Array<number>(centres.length);
  for (const [place, at] of order.entries()) {
    const left = centres[at]! - (place > 0 ? centres[order[place - 1]!]! : from);
    const right = (place < order.length - 1 ? centres[order[place + 1]!]! : to) - centres[at]!;
    const isFirst = order.length > 1 && place === 0;
    const isLast = order.length > 1 && place === order.length - 1;
    widths[at] = isFirst ? right : isLast ? left : Math.max(left, right);
  }
  return widths;
}

/** Standard normal, by Box and Muller. */
function normalDraw(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - uniform(random))) * Math.cos(2 * Math.PI * uniform(random));
}
