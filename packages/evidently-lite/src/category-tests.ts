import type { CategoryCounts } from "./bins.ts";
import { DriftError } from "./errors.ts";
import { chi2Survival, logGamma, normalSurvival } from "./special.ts";
import { beforeCategory } from "./values.ts";

/** p of Pearson's test of the current counts against the reference scaled to their size; 0 with an unseen category. */
export function chiSquare({ reference, current }: CategoryCounts): number {
  const scale = total(current) / total(reference);
  let statistic = 0;
  for (const [at, count] of current.entries()) {
    const expected = reference[at]! * scale;
    statistic += (count - expected) ** 2 / expected;
  }
  return chi2Survival(statistic, current.length - 1);
}

/**
 * p of the likelihood-ratio test of the current counts against the reference's, which are not scaled (Evidently 0.7).
 * @throws DriftError METHOD_NOT_APPLICABLE where the sizes differ
 */
export function gTest({ reference, current }: CategoryCounts): number {
  sameSize("g_test", reference, current);
  let statistic = 0;
  for (const [at, count] of current.entries()) if (count > 0) statistic += 2 * count * Math.log(count / reference[at]!);
  return chi2Survival(statistic, current.length - 1);
}

/** p of the two-sided z test on the share of the first category in ascending order; 1 for one and the same category. */
export function zTest({ categories, reference, current }: CategoryCounts): number {
  if (categories.length === 1) return 1;
  let first = 0;
  for (const [at, value] of categories.entries()) if (beforeCategory(value, categories[first]!)) first = at;
  const [n1, n2] = [total(reference), total(current)];
  const p1 = 1 - reference[first]! / n1;
  const p2 = 1 - current[first]! / n2;
  const pooled = (p1 * n1 + p2 * n2) / (n1 + n2);
  const z = (p1 - p2) / Math.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2));
  return Math.min(1, 2 * normalSurvival(Math.abs(z)));
}

/**
 * p of Fisher's exact two-sided test (scipy 1.17 `fisher_exact`).
 * @throws DriftError METHOD_NOT_APPLICABLE beyond two categories or where the sizes differ
 */
export function fisherExact({ categories, reference, current }: CategoryCounts): number {
  if (categories.length > 2)
    throw new DriftError(
      "METHOD_NOT_APPLICABLE",
      "method",
      `method "fisher_exact" got ${categories.length} categories: expected at most two`,
    );
  sameSize("fisher_exact", reference, current);
  if (categories.length < 2) return 1;
  const size = total(reference);
  const chosen = reference[0]! + current[0]!;
  const log = (k: number) =>
    -logGamma(k + 1) - logGamma(size - k + 1) - logGamma(chosen - k + 1) - logGamma(size - chosen + k + 1);
  const low = Math.max(0, chosen - size);
  const high = Math.min(chosen, size);
  const seen = log(reference[0]!);
  let all = 0;
  let extreme = 0;
  for (let k = low; k <= high; k++) {
    const relative = Math.exp(log(k) - seen);
    all += relative;
    if (relative <= 1 + 1e-9) extreme += relative;
  }
  return Math.min(1, all === Number.POSITIVE_INFINITY ? 0 : extreme / all);
}

function sameSize(method: string, reference: Float64Array, current: Float64Array): void {
  const [n1, n2] = [total(reference), total(current)];
  if (n1 !== n2)
    throw new DriftError(
      "METHOD_NOT_APPLICABLE",
      "method",
      `method "${method}" got ${n1} reference and ${n2} current values: expected as many on both sides`,
    );
}

function total(counts: Float64Array): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
