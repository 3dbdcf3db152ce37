/** A function to make small: returns its value at `x` and writes its gradient. */
export type Objective = (x: Float64Array, gradient: Float64Array) => number;

/** Pairs of steps that the curvature is estimated from. */
const MEMORY = 10;

/**
 * Minimises a smooth convex function by limited-memory BFGS (Liu and Nocedal 1989; Nocedal and Wright, algorithms 7.4 and
 * 7.5) with a backtracking line search. Ends when no part of the gradient is greater than `tol`, after `maxIter`
 * iterations, or when no step makes the value smaller.
 * @param x Where to start; holds the minimum afterwards.
 */
export async function minimise(
  objective: Objective,
  x: Float64Array,
  o: { readonly maxIter: number; readonly tol: number; readonly onIteration: (done: number) => Promise<void> },
): Promise<void> {
  const size = x.length;
  let gradient = new Float64Array(size);
  let value = objective(x, gradient);
  const steps: { s: Float64Array; y: Float64Array; rho: number }[] = [];
  for (let iteration = 1; iteration <= o.maxIter && greatest(gradient) > o.tol; iteration++) {
    let direction = descent(gradient, steps);
    let slope = dot(direction, gradient);
    if (slope >= 0) {
      steps.length = 0;
      direction = gradient.map((part) => -part);
      slope = dot(direction, gradient);
    }
    let length = steps.length === 0 ? 1 / Math.sqrt(-slope) : 1;
    const next = new Float64Array(size);
    const nextGradient = new Float64Array(size);
    let nextValue = Number.POSITIVE_INFINITY;
    // Armijo's condition: the value falls by at least a ten-thousandth of what the slope promises.
    for (let tries = 0; tries < 40; tries++, length /= 2) {
      for (let at = 0; at < size; at++) next[at] = x[at]! + length * direction[at]!;
      nextValue = objective(next, nextGradient);
      if (nextValue <= value + 1e-4 * length * slope) break;
    }
    if (!(nextValue < value)) break;
    const s = next.map((part, at) => part - x[at]!);
    const y = nextGradient.map((part, at) => part - gradient[at]!);
    const curvature = dot(s, y);
    if (curvature > 1e-10 * dot(y, y)) {
      steps.push({ s, y, rho: 1 / curvature });
      if (steps.length > MEMORY) steps.shift();
    }
    x.set(next);
    gradient = nextGradient;
    value = nextValue;
    await o.onIteration(iteration);
  }
}

/** The two-loop recursion: minus the estimated inverse Hessian times the gradient. */
function descent(
  gradient: Float64Array,
  steps: readonly { s: Float64Array; y: Float64Array; rho: number }[],
): Float64Array {
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

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += a[at]! * b[at]!;
  return sum;
}

function greatest(values: Float64Array): number {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return most;
}
