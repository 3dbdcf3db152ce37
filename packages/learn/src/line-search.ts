/** A step along a line, the function's value there and its slope along the line. */
interface Point {
  readonly step: number;
  readonly value: number;
  readonly slope: number;
}

/** The greatest step, as in scipy's L-BFGS-B without bounds. */
const LONGEST = 1e10;
const VALUE_TOLERANCE = 1e-3;
const SLOPE_TOLERANCE = 0.9;
const STEP_TOLERANCE = 0.1;

/**
 * The line search of Moré and Thuente (1994, MINPACK-2 `dcsrch`) with the tolerances of scipy 1.17's L-BFGS-B: a step at
 * which the value has fallen enough and the slope is at most 0.9 of the first.
 * @param evaluate Value and slope at a step.
 * @param slope The slope at step 0, negative.
 * @returns The last step evaluated; undefined when none did within `most` evaluations
 */
export async function searchLine(
  evaluate: (step: number) => Promise<{ readonly value: number; readonly slope: number }>,
  value: number,
  slope: number,
  first: number,
  most = 50,
): Promise<number | undefined> {
  const enough = VALUE_TOLERANCE * slope;
  let best: Point = { step: 0, value, slope };
  let other = best;
  let isBracketed = false;
  let isFirstStage = true;
  let width = LONGEST;
  let widthBefore = 2 * LONGEST;
  let low = 0;
  let high = 5 * first;
  let step = first;
  for (let tries = 0; tries < most; tries++) {
    const at: Point = { step, ...(await evaluate(step)) };
    const bar = value + step * enough;
    if (isFirstStage && at.value <= bar && at.slope >= 0) isFirstStage = false;
    const isStuck = isBracketed && (step <= low || step >= high || high - low <= STEP_TOLERANCE * high);
    const isGood = at.value <= bar && Math.abs(at.slope) <= -SLOPE_TOLERANCE * slope;
    if (isStuck || isGood || (step === LONGEST && at.value <= bar && at.slope <= enough)) return step;
    // In the first stage the line of sufficient decrease is taken off.
    const tilt = isFirstStage && at.value <= best.value && at.value > bar ? enough : 0;
    const next = nextStep(tilted(best, tilt), tilted(other, tilt), tilted(at, tilt), isBracketed, low, high);
    [best, other] = [tilted(next.best, -tilt), tilted(next.other, -tilt)];
    isBracketed = next.isBracketed;
    step = next.step;
    const span = Math.abs(other.step - best.step);
    if (isBracketed) {
      if (span >= 0.66 * widthBefore) step = best.step + (other.step - best.step) / 2;
      widthBefore = width;
      width = span;
      low = Math.min(best.step, other.step);
      high = Math.max(best.step, other.step);
    } else {
      low = step + 1.1 * (step - best.step);
      high = step + 4 * (step - best.step);
    }
    step = Math.min(Math.max(step, 0), LONGEST);
    if (isBracketed && (step <= low || step >= high || high - low <= STEP_TOLERANCE * high)) step = best.step;
  }
  return undefined;
}

function tilted({ step, value, slope }: Point, tilt: number): Point {
  return { step, value: value - step * tilt, slope: slope - tilt };
}

/** MINPACK-2's `dcstep`: the next step from cubic and quadratic interpolation, and the new interval. */
function nextStep(x: Point, y: Point, p: Point, wasBracketed: boolean, low: number, high: number) {
  const isOpposed = p.slope * Math.sign(x.slope) < 0;
  const farthest = p.step > x.step ? high : low;
  const secant = p.step + (p.slope / (p.slope - x.slope)) * (x.step - p.step);
  const distance = (step: number) => Math.abs(step - p.step);
  let step: number;
  let isBracketed = wasBracketed;
  if (p.value > x.value) {
    const cubic = x.step + cubicShare(x, p) * (p.step - x.step);
    const chord = (x.value - p.value) / (p.step - x.step) + x.slope;
    const quadratic = x.step + (x.slope / chord / 2) * (p.step - x.step);
    const isCubicNearer = Math.abs(cubic - x.step) < Math.abs(quadratic - x.step);
    step = isCubicNearer ? cubic : cubic + (quadratic - cubic) / 2;
    isBracketed = true;
  } else if (isOpposed) {
    const cubic = p.step + cubicShare(p, x) * (x.step - p.step);
    step = distance(cubic) > distance(secant) ? cubic : secant;
    isBracketed = true;
  } else if (Math.abs(p.slope) < Math.abs(x.slope)) {
    const share = flatCubicShare(x, p);
    const cubic = share < 0 ? p.step + share * (x.step - p.step) : farthest;
    if (isBracketed) {
      step = distance(cubic) < distance(secant) ? cubic : secant;
      const limit = p.step + 0.66 * (y.step - p.step);
      step = p.step > x.step ? Math.min(limit, step) : Math.max(limit, step);
    } else {
      step = distance(cubic) > distance(secant) ? cubic : secant;
      step = Math.min(Math.max(step, low), high);
    }
  } else step = isBracketed ? p.step + cubicShare(p, y) * (y.step - p.step) : farthest;
  if (p.value > x.value) return { best: x, other: p, step, isBracketed };
  return { best: p, other: isOpposed ? x : y, step, isBracketed };
}

/** Where the cubic through two points has its least, as a share of the way from the first to the second. */
function cubicShare(from: Point, to: Point): number {
  const theta = (3 * (from.value - to.value)) / (to.step - from.step) + from.slope + to.slope;
  const scale = Math.max(Math.abs(theta), Math.abs(from.slope), Math.abs(to.slope));
  const root = scale * Math.sqrt(Math.max(0, (theta / scale) ** 2 - (from.slope / scale) * (to.slope / scale)));
  const gamma = to.step < from.step ? -root : root;
  return (gamma - from.slope + theta) / (gamma - from.slope + gamma + to.slope);
}

/** As `cubicShare` from `p` to `x`, where both slopes fall the same way; 0 where the cubic has no least. */
function flatCubicShare(x: Point, p: Point): number {
  const theta = (3 * (x.value - p.value)) / (p.step - x.step) + x.slope + p.slope;
  const scale = Math.max(Math.abs(theta), Math.abs(x.slope), Math.abs(p.slope));
  const root = scale * Math.sqrt(Math.max(0, (theta / scale) ** 2 - (x.slope / scale) * (p.slope / scale)));
  const gamma = p.step > x.step ? -root : root;
  return gamma === 0 ? 0 : (gamma - p.slope + theta) / (gamma + (x.slope - p.slope) + gamma);
}
