const SQRT_2 = Math.SQRT2;

/** Natural logarithm of the mass that the standard normal has between `from` and `to`, exact far in the tails too. */
export function logNormalMass(from: number, to: number): number {
  // In the lower tail, where the two masses are small and their difference keeps its digits.
  const [low, high] = from > 0 ? [-to, -from] : [from, to];
  if (high > 0) return Math.log1p(-normalCdf(low) - normalCdf(-high));
  const upper = logNormalCdf(high);
  return upper + Math.log(-Math.expm1(logNormalCdf(low) - upper));
}

function normalCdf(x: number): number {
  return Math.exp(logNormalCdf(x));
}

/** For x ≤ 0. */
function logNormalCdf(x: number): number {
  const z = -x / SQRT_2;
  if (z === Number.POSITIVE_INFINITY) return Number.NEGATIVE_INFINITY;
  if (z < 2.5) return Math.log((1 - erfSeries(z)) / 2);
  return Math.log(scaledErfc(z) / 2) - z * z;
}

/** erf by the series of positive terms (Abramowitz and Stegun 7.1.6); for 0 ≤ z < 3. */
function erfSeries(z: number): number {
  let term = z;
  let sum = z;
  for (let n = 1; term > sum * 1e-17; n++) {
    term *= (2 * z * z) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-z * z) * sum;
}

/** exp(z²) erfc(z) by its continued fraction (Abramowitz and Stegun 7.1.14), from the end; for z ≥ 2.5. */
function scaledErfc(z: number): number {
  let fraction = z;
  for (let n = 60; n >= 1; n--) fraction = z + n / 2 / fraction;
  return 1 / (fraction * Math.sqrt(Math.PI));
}
