/**
 * P(Dₙ ≥ d) of the two-sided one-sample Kolmogorov–Smirnov statistic, with the regions of scipy 1.17 `kstwo.sf`
 * (Simard and L'Ecuyer 2011): Marsaglia–Tsang–Wang's matrix in the middle, twice the one-sided tail far out,
 * Pelz–Good's series for large n.
 */
export function kolmogorovSurvival(n: number, d: number): number {
  const t = n * d;
  if (d >= 1) return 0;
  if (t <= 0.5) return 1;
  if (t >= n - 1) return clip(2 * (1 - d) ** n);
  const spread = t * d;
  if (d >= 0.5 || spread > (n <= 140 ? 4 : 2.2)) return spread >= 370 ? 0 : clip(2 * oneSidedTail(n, d));
  return clip(1 - (n <= 140 || (n <= 100_000 && n * d ** 1.5 <= 1.4) ? matrixDistribution(n, d) : pelzGood(n, d)));
}

function clip(probability: number): number {
  return Math.min(1, Math.max(0, probability));
}

/** P(D⁺ₙ ≥ d) = d Σ C(n,j) (d + j/n)^(j−1) (1 − d − j/n)^(n−j) (Smirnov 1944). */
function oneSidedTail(n: number, d: number): number {
  const logs = logFactorial(n);
  let sum = 0;
  for (let j = 0; j <= Math.floor(n * (1 - d)); j++) {
    const rest = 1 - d - j / n;
    if (rest <= 0) break;
    sum += Math.exp(
      logs - logFactorial(j) - logFactorial(n - j) + (j - 1) * Math.log(d + j / n) + (n - j) * Math.log(rest),
    );
  }
  return d * sum;
}

/** ln n!: summed up to 20, Stirling's series beyond (error under 1e-15). */
function logFactorial(n: number): number {
  if (n < 20) {
    let product = 1;
    for (let k = 2; k <= n; k++) product *= k;
    return Math.log(product);
  }
  const square = n * n;
  return (
    n * Math.log(n) -
    n +
    Math.log(2 * Math.PI * n) / 2 +
    (1 - (1 / 30 - (1 / 105 - 1 / (140 * square)) / square) / square) / (12 * n)
  );
}

/** P(Dₙ < d) by the power of a matrix (Marsaglia, Tsang, Wang 2003), the scale kept apart as a power of ten. */
function matrixDistribution(n: number, d: number): number {
  const k = Math.floor(n * d) + 1;
  const size = 2 * k - 1;
  const h = k - n * d;
  const matrix = new Float64Array(size * size);
  for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) matrix[i * size + j] = i - j + 1 < 0 ? 0 : 1;
  for (let i = 0; i < size; i++) {
    matrix[i * size]! -= h ** (i + 1);
    matrix[(size - 1) * size + i]! -= h ** (size - i);
  }
  matrix[(size - 1) * size]! += 2 * h - 1 > 0 ? (2 * h - 1) ** size : 0;
  for (let i = 0; i < size; i++)
    for (let j = 0; j < size; j++) {
      for (let g = 1; g <= i - j + 1; g++) matrix[i * size + j]! /= g;
    }
  let base = matrix;
  let baseScale = 0;
  let result = Float64Array.from({ length: size * size }, (_, at) => (at % (size + 1) === 0 ? 1 : 0));
  let scale = 0;
  const middle = (k - 1) * size + k - 1;
  for (let power = n; power > 0; power = Math.floor(power / 2)) {
    if (power % 2 === 1) {
      result = multiply(result, base, size);
      scale += baseScale;
      if (result[middle]! > 1e140) {
        result = result.map((value) => value * 1e-140);
        scale += 140;
      }
    }
    base = multiply(base, base, size);
    baseScale *= 2;
    if (base[middle]! > 1e140) {
      base = base.map((value) => value * 1e-140);
      baseScale += 140;
    }
  }
  let probability = result[middle]!;
  for (let i = 1; i <= n; i++) {
    probability = (probability * i) / n;
    if (probability < 1e-140) {
      probability *= 1e140;
      scale -= 140;
    }
  }
  return probability * 10 ** scale;
}

function multiply(a: Float64Array, b: Float64Array, size: number): Float64Array<ArrayBuffer> {
  const product = new Float64Array(size * size);
  for (let i = 0; i < size; i++)
    for (let l = 0; l < size; l++) {
      const factor = a[i * size + l]!;
      for (let j = 0; j < size; j++) product[i * size + j]! += factor * b[l * size + j]!;
    }
  return product;
}

/** P(Dₙ < d) by the first four terms of Pelz and Good's expansion (1976) in 1/√n. */
function pelzGood(n: number, d: number): number {
  const z = Math.sqrt(n) * d;
  const z2 = z * z;
  const z4 = z2 * z2;
  const z6 = z4 * z2;
  const pi2 = Math.PI ** 2;
  const pi4 = pi2 * pi2;
  const pi6 = pi4 * pi2;
  const root = Math.sqrt(2 * Math.PI);
  const terms = [0, 0, 0, 0] as [number, number, number, number];
  const last = Math.ceil((16 * z) / Math.PI);
  for (let k = last; k > 0; k--) {
    const m2 = (2 * k - 1) ** 2;
    const weight = Math.exp((-pi2 * m2) / (8 * z2));
    terms[0] += weight;
    terms[1] += weight * (-z2 + (pi2 / 4) * m2);
    terms[2] += weight * (6 * z6 + 2 * z4 + ((2 * z4 - 5 * z2) * pi2 * m2) / 4 + (pi4 * (1 - 2 * z2) * m2 * m2) / 16);
    terms[3] +=
      weight *
      (-30 * z6 -
        90 * z4 * z4 +
        (pi2 * (135 * z4 - 96 * z6) * m2) / 4 +
        (pi4 * (-60 * z2 + 212 * z4) * m2 * m2) / 16 +
        (pi6 * (5 - 30 * z2) * m2 ** 3) / 64);
  }
  let second = 0;
  let third = 0;
  for (let k = last; k > 0; k--) {
    const weight = k * k * Math.exp((-pi2 * k * k) / (2 * z2));
    second += weight;
    third += weight * (3 * z2 - pi2 * k * k);
  }
  return (
    (terms[0] * root) / z +
    (terms[1] * root) / (6 * z4 * Math.sqrt(n)) +
    ((terms[2] * root) / (72 * z ** 7) - (second * pi2 * root) / (36 * z * z2)) / n +
    ((terms[3] * root) / (6480 * z ** 10) + (third * pi2 * root) / (216 * z6)) / n ** 1.5
  );
}
