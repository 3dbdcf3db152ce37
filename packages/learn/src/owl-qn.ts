import { descent, dot, hardlyFalls, type Objective, remember, type Step } from "./lbfgs.ts";

/** Share of the expected decrease that a step has to bring. */
const ENOUGH = 1e-4;
/** Halvings of a step before it counts as stuck. */
const MOST_HALVINGS = 40;

/**
 * Minimises a smooth convex function plus Σ `weights[i]` × |x[i]| by the orthant-wise limited-memory quasi-Newton method
 * (Andrew and Gao 2007): parts of x that the penalty outweighs end at 0 itself. Ends when no part of the pseudo-gradient is
 * greater than `tol`, after `maxIter` iterations, or when the value hardly falls.
 * @param x Where to start; holds the minimum afterwards.
 */
export async function minimiseSparse(
  objective: Objective,
  weights: Float64Array,
  x: Float64Array,
  o: { readonly maxIter: number; readonly tol: number; readonly onIteration: (done: number) => Promise<void> },
): Promise<void> {
  const size = x.length;
  const penaltyOf = (at: Float64Array) => at.reduce((sum, part, place) => sum + weights[place]! * Math.abs(part), 0);
  let gradient = new Float64Array(size);
  let value = (await objective(x, gradient)) + penaltyOf(x);
  const steps: Step[] = [];
  for (let iteration = 1; iteration <= o.maxIter; iteration++) {
    const pseudo = x.map((part, at) => pseudoSlope(part, gradient[at]!, weights[at]!));
    if (pseudo.every((part) => Math.abs(part) <= o.tol)) break;
    // Only where the direction goes the way of the pseudo-gradient: it was taken from other orthants.
    const direction = descent(pseudo, steps).map((part, at) => (part * pseudo[at]! < 0 ? part : 0));
    const orthant = x.map((part, at) => Math.sign(part === 0 ? -pseudo[at]! : part));
    let length = iteration === 1 ? Math.min(1, 1 / Math.sqrt(dot(direction, direction))) : 1;
    const next = new Float64Array(size);
    const nextGradient = new Float64Array(size);
    let nextValue = value;
    let isFound = false;
    for (let halving = 0; halving < MOST_HALVINGS && !isFound; halving++, length /= 2) {
      let expected = 0;
      for (let at = 0; at < size; at++) {
        const part = x[at]! + length * direction[at]!;
        next[at] = weights[at] === 0 || part * orthant[at]! > 0 ? part : 0;
        expected += pseudo[at]! * (next[at]! - x[at]!);
      }
      nextValue = (await objective(next, nextGradient)) + penaltyOf(next);
      isFound = nextValue <= value + ENOUGH * expected;
    }
    if (!isFound || !(nextValue < value)) {
      if (steps.length === 0) break;
      // The curvature remembered leads nowhere: once more along the slope itself.
      steps.length = 0;
      continue;
    }
    const isDone = hardlyFalls(value, nextValue);
    remember(steps, x, next, gradient, nextGradient);
    x.set(next);
    gradient = nextGradient;
    value = nextValue;
    await o.onIteration(iteration);
    if (isDone) break;
  }
}

/** The slope of steepest descent: at 0 the penalty has a kink, and holds what it outweighs. */
function pseudoSlope(part: number, slope: number, weight: number): number {
  if (part !== 0) return slope + weight * Math.sign(part);
  return slope + weight < 0 ? slope + weight : slope - weight > 0 ? slope - weight : 0;
}
