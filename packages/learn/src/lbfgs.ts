import { searchLine } from "./line-search.ts";

/** A function to make small: returns its value at `x` and writes its gradient. */
export type Objective = (x: Float64Array, gradient: Float64Array) => number | Promise<number>;

/** Pairs of steps that the curvature is estimated from. */
const MEMORY = 10;
/** Share of the value that an iteration has to take off. */
const LEAST_DECREASE = 64 * Number.EPSILON;

/**
 * Minimises a smooth convex function by limited-memory BFGS (Liu and Nocedal 1989; Nocedal and Wright, algorithms 7.4 and
 * 7.5), step by step as scipy 1.17's L-BFGS-B does it without bounds, so that what ends early ends at the same place. Ends
 * when no part of the gradient is greater than `tol`, after `maxIter` iterations, or when the value hardly falls.
 * @param x Where to start; holds the minimum afterwards.
 */
export async function minimise(
  objective: Objective,
  x: Float64Array,
  o: { readonly maxIter: number; readonly tol: number; readonly onIteration: (done: number) => Promise<void> },
): Promise<void> {
  const size = x.length;
  let gradient = new Float64Array(size);
  let value = await objective(x, gradient);
  const steps: Step[] = [];
  for (let iteration = 1; iteration <= o.maxIter && greatest(gradient) > o.tol; iteration++) {
    let direction = descent(gradient, steps);
    let slope = dot(direction, gradient);
    if (slope >= 0) {
      steps.length = 0;
      direction = gradient.map((part) => -part);
      slope = dot(direction, gradient);
    }
    const next = new Float64Array(size);
    const nextGradient = new Float64Array(size);
    let nextValue = value;
    const evaluate = async (step: number) => {
      for (let at = 0; at < size; at++) next[at] = x[at]! + step * direction[at]!;
      nextValue = await objective(next, nextGradient);
      return { value: nextValue, slope: dot(direction, nextGradient) };
    };
    const first = iteration === 1 ? Math.min(1, 1 / Math.sqrt(dot(direction, direction))) : 1;
    if ((await searchLine(evaluate, value, slope, first)) === undefined || !(nextValue < value)) break;
    const isDone = hardlyFalls(value, nextValue);
    remember(steps, x, next, gradient, nextGradient);
    x.set(next);
    gradient = nextGradient;
    value = nextValue;
    await o.onIteration(iteration);
    if (isDone) break;
  }
}

/** Whether an iteration has taken so little off the value that the next ones are not worth their time. */
export function hardlyFalls(value: number, next: number): boolean {
  return value - next <= LEAST_DECREASE * Math.max(Math.abs(value), Math.abs(next), 1);
}

/** A step taken: its way, the change of the gradient over it, and 1 / (the one times the other). */
export interface Step {
  readonly s: Float64Array;
  readonly y: Float64Array;
  readonly rho: number;
}

/** Keeps a step whose curvature is positive, and the last ten. */
export function remember(
  steps: Step[],
  x: Float64Array,
  next: Float64Array,
  gradient: Float64Array,
  nextGradient: Float64Array,
): void {
  const s = next.map((part, at) => part - x[at]!);
  const y = nextGradient.map((part, at) => part - gradient[at]!);
  const curvature = dot(s, y);
  if (!(curvature > -Number.EPSILON * dot(s, gradient))) return;
  steps.push({ s, y, rho: 1 / curvature });
  if (steps.length > MEMORY) steps.shift();
}

/** The two-loop recursion: minus the estimated inverse Hessian times the gradient. */
export function descent(gradient: Float64Array, steps: readonly Step[]): Float64Array {
  const direction = gradient.map((part) => -part);
  const shares = new Float64Array(steps.length);
  for (let at = steps.length - 1; at >= 0; at--) {
    const { s, y, rho } = steps[at]!;
    shares[at] = rho * dot(s, direction);
    add(direction, y, -shares[at]!);
  }
  const last = steps[steps.length - 1];
  if (last !== undefined) {
    const scale = 1 / (last.rho * dot(last.y, last.y));
    for (let at = 0; at < direction.length; at++) direction[at]! *= scale;
  }
  for (const [at, { s, y, rho }] of steps.entries()) add(direction, s, shares[at]! - rho * dot(y, direction));
  return direction;
}

function add(to: Float64Array, values: Float64Array, times: number): void {
  for (let at = 0; at < to.length; at++) to[at]! += times * values[at]!;
}

export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += a[at]! * b[at]!;
  return sum;
}

function greatest(values: Float64Array): number {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return most;
}
