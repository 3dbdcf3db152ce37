const TINY = 1e-300;
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** ln Γ(x) for x > 0: Lanczos, g = 7. */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  let sum = LANCZOS[0]!;
  for (let at = 1; at < LANCZOS.length; at++) sum += LANCZOS[at]! / (x - 1 + at);
  const t = x + 6.5;
  return Math.log(2 * Math.PI) / 2 + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

/** The upper regularised gamma function Q(a, x): series below a + 1, continued fraction above (DLMF 8.7.1, 8.9.2). */
function upperGamma(a: number, x: number): number {
  if (x <= 0) return 1;
  if (x === Number.POSITIVE_INFINITY) return 0;
  const factor = Math.exp(a * Math.log(x) - x - logGamma(a));
  if (x < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let n = 1; term > sum * 1e-17; n++) {
      term *= x / (a + n);
      sum += term;
    }
    return 1 - factor * sum;
  }
  let b = x + 1 - a;
  let c = 1 / TINY;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1; n < 10_000; n++) {
    const an = -n * (n - a);
    b += 2;
    d = 1 / nonZero(an * d + b);
    c = nonZero(b + an / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-16) break;
  }
  return factor * fraction;
}

function nonZero(value: number): number {
  return Math.abs(value) < TINY ? TINY : value;
}

/** The regularised beta function I_x(a, b): continued fraction (DLMF 8.17.22), from the side where it converges. */
export function betaCdf(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - betaCdf(1 - x, b, a);
  const factor = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x)) / a;
  let c = 1;
  let d = 1 / nonZero(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m < 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / nonZero(1 + even * d);
    c = nonZero(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / nonZero(1 + odd * d);
    c = nonZero(1 + odd / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-16) break;
  }
  return factor * fraction;
}

/** The x with I_x(a, b) = p. */
export function betaPpf(p: number, a: number, b: number): number {
  return bisect((x) => betaCdf(x, a, b) < p, 0, 1);
}

/** Where `isBelow` turns false, to the last bit. */
export function bisect(isBelow: (x: number) => boolean, from: number, to: number): number {
  let low = from;
  let high = to;
  for (let round = 0; round < 1100; round++) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (isBelow(middle)) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Share of the standard normal above x; exact far in the tail too. */
export function normalSf(x: number): number {
  return x < 0 ? 1 - normalSf(-x) : upperGamma(0.5, (x * x) / 2) / 2;
}

/** Share of the standard normal below x; exact far in the tail too. */
export function normalCdf(x: number): number {
  return normalSf(-x);
}

/** The x below which the standard normal has the share p; NaN outside 0 to 1. */
export function normalPpf(p: number): number {
  if (!(p >= 0 && p <= 1)) return Number.NaN;
  if (p === 0) return Number.NEGATIVE_INFINITY;
  if (p === 0.5) return 0;
  if (p > 0.5) return p === 1 ? Number.POSITIVE_INFINITY : bisect((x) => normalSf(x) > 1 - p, 0, 40);
  return bisect((x) => normalCdf(x) < p, -40, 0);
}

/** Share of the chi-squared distribution with `df` degrees of freedom above x. */
export function chi2Sf(x: number, df: number): number {
  return upperGamma(df / 2, x / 2);
}

/** Share of Student's t with `df` degrees of freedom above x. */
export function tSf(x: number, df: number): number {
  if (Number.isNaN(x)) return Number.NaN;
  const half = betaCdf(df / (df + x * x), df / 2, 0.5) / 2;
  return x < 0 ? 1 - half : half;
}
