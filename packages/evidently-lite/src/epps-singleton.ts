import { DriftError } from "./errors.ts";
import { quantile } from "./moments.ts";
import { chi2Survival } from "./special.ts";

/** Points, in semi-interquartile ranges, at which the characteristic functions are compared. */
const POINTS = [0.4, 0.8];

/**
 * p of the Epps–Singleton test of two samples by their characteristic functions (scipy 1.17 `epps_singleton_2samp`);
 * NaN below five values in a sample.
 * @throws DriftError METHOD_NOT_APPLICABLE where the interquartile range of both together is 0
 */
export function eppsSingleton(one: Float64Array, two: Float64Array): number {
  const [n1, n2] = [one.length, two.length];
  const n = n1 + n2;
  const all = new Float64Array(n);
  all.set(one);
  all.set(two, n1);
  all.sort();
  const range = quantile(all, 0.75) - quantile(all, 0.25);
  if (range === 0)
    throw new DriftError(
      "METHOD_NOT_APPLICABLE",
      "method",
      'method "es" needs an interquartile range: expected a column whose middle half is not constant',
    );
  if (n1 < 5 || n2 < 5) return Number.NaN;
  const points = POINTS.map((point) => point / (range / 2));
  const first = waves(one, points);
  const second = waves(two, points);
  const covariance = first.covariance.map((row, i) =>
    row.map((value, j) => (n / n1) * value + (n / n2) * second.covariance[i]![j]!),
  );
  const { values, vectors } = symmetricEigen(covariance);
  const largest = Math.max(...values.map(Math.abs));
  // Below this an eigenvalue is rounding: a column of few values has fewer than four independent waves.
  const cutoff = 1e-13 * largest;
  let rank = 0;
  let statistic = 0;
  for (const [k, value] of values.entries()) {
    if (Math.abs(value) <= cutoff) continue;
    rank += 1;
    const along = vectors.reduce((sum, row, i) => sum + row[k]! * (first.means[i]! - second.means[i]!), 0);
    statistic += (n * along * along) / value;
  }
  // Two constants: the samples differ without any spread.
  if (rank === 0) return 0;
  if (Math.max(n1, n2) < 25) statistic /= 1 + n ** -0.45 + 10.1 * (n1 ** -1.7 + n2 ** -1.7);
  return chi2Survival(statistic, rank);
}

/** Means and covariances (ddof 0) of the cosines and sines of a sample at the points. */
function waves(sample: Float64Array, points: readonly number[]) {
  const columns = [Math.cos, Math.sin].flatMap((wave) => points.map((point) => sample.map((x) => wave(point * x))));
  const constant = sample[0] === sample.at(-1);
  const means = columns.map((column) => column.reduce((sum, value) => sum + value, 0) / column.length);
  const covariance = columns.map((a, i) =>
    columns.map((b, j) => {
      if (constant) return 0;
      let sum = 0;
      for (const [row, value] of a.entries()) sum += (value - means[i]!) * (b[row]! - means[j]!);
      return sum / a.length;
    }),
  );
  return { means, covariance };
}

/** Eigenvalues and column eigenvectors of a small symmetric matrix, by Jacobi's rotations. */
function symmetricEigen(matrix: readonly (readonly number[])[]): { values: number[]; vectors: number[][] } {
  const size = matrix.length;
  const a = matrix.map((row) => [...row]);
  const vectors = a.map((_, i) => a.map((_, j): number => (i === j ? 1 : 0)));
  for (let sweep = 0; sweep < 60; sweep++) {
    let rotated = false;
    for (let p = 0; p < size; p++)
      for (let q = p + 1; q < size; q++) {
        const off = a[p]![q]!;
        if (Math.abs(off) <= 1e-18 * Math.sqrt(Math.abs(a[p]![p]! * a[q]![q]!)) || off === 0) continue;
        rotated = true;
        const theta = (a[q]![q]! - a[p]![p]!) / (2 * off);
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
        const c = 1 / Math.hypot(t, 1);
        const s = t * c;
        for (let k = 0; k < size; k++) {
          const [x, y] = [a[k]![p]!, a[k]![q]!];
          a[k]![p] = c * x - s * y;
          a[k]![q] = s * x + c * y;
        }
        for (let k = 0; k < size; k++) {
          const [x, y] = [a[p]![k]!, a[q]![k]!];
          a[p]![k] = c * x - s * y;
          a[q]![k] = s * x + c * y;
          const [v, w] = [vectors[k]![p]!, vectors[k]![q]!];
          vectors[k]![p] = c * v - s * w;
          vectors[k]![q] = s * v + c * w;
        }
        a[p]![q] = 0;
        a[q]![p] = 0;
      }
    if (!rotated) break;
  }
  return { values: a.map((row, i) => row[i]!), vectors };
}
