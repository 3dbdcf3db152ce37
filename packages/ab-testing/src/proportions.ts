import { betaPpf, bisect, normalCdf, normalPpf, normalSf } from "./distributions.ts";
import { checkCount, checkRate } from "./errors.ts";

/** Two groups' values, the first group first. */
export type Pair = readonly [number, number];
export type Alternative = "two-sided" | "smaller" | "larger";
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * The z-test of two proportions with pooled variance (statsmodels 0.15 `proportions_ztest`).
 * @param alternative `smaller`: the first proportion is below the second
 * @returns NaN for both where the pooled proportion is 0 or 1
 * @throws AbTestError INVALID_COUNT
 */
export function proportionsZTest(
  count: Pair,
  observations: Pair,
  alternative: Alternative = "two-sided",
): { z: number; pValue: number } {
  const rates = ratesOf(count, observations);
  const pooled = (count[0] + count[1]) / (observations[0] + observations[1]);
  const z = (rates[0] - rates[1]) / Math.sqrt(pooled * (1 - pooled) * (1 / observations[0] + 1 / observations[1]));
  if (alternative === "smaller") return { z, pValue: normalCdf(z) };
  return { z, pValue: alternative === "larger" ? normalSf(z) : 2 * normalSf(Math.abs(z)) };
}

export type ProportionMethod = "normal" | "wilson" | "agresti_coull" | "beta";

/**
 * The confidence interval of a proportion, within 0 and 1 (statsmodels 0.15 `proportion_confint`); `beta` is Clopper and
 * Pearson's.
 * @param alpha 1 minus the confidence, default 0.05
 * @throws AbTestError INVALID_COUNT, INVALID_RATE
 */
export function proportionInterval(
  count: number,
  observations: number,
  { alpha = 0.05, method = "normal" }: { readonly alpha?: number; readonly method?: ProportionMethod } = {},
): Interval {
  checkCount(count, observations);
  checkRate(alpha, "alpha");
  const n = observations;
  const p = count / n;
  const z = normalPpf(1 - alpha / 2);
  const around = (centre: number, distance: number) => ({
    low: Math.max(0, centre - distance),
    high: Math.min(1, centre + distance),
  });
  switch (method) {
    case "normal":
      return around(p, z * Math.sqrt((p * (1 - p)) / n));
    case "wilson": {
      const scale = 1 + (z * z) / n;
      return around(
        (p + (z * z) / (2 * n)) / scale,
        (z * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n))) / scale,
      );
    }
    case "agresti_coull": {
      const more = n + z * z;
      const centre = (count + (z * z) / 2) / more;
      return around(centre, z * Math.sqrt((centre * (1 - centre)) / more));
    }
    case "beta":
      return {
        low: count === 0 ? 0 : betaPpf(alpha / 2, count, n - count + 1),
        high: count === n ? 1 : betaPpf(1 - alpha / 2, count + 1, n - count),
      };
  }
}

export type DifferenceMethod = "wald" | "newcomb" | "agresti-caffo";

/**
 * The confidence interval of the first proportion minus the second (statsmodels 0.15 `confint_proportions_2indep`).
 * @param alpha 1 minus the confidence, default 0.05
 * @throws AbTestError INVALID_COUNT, INVALID_RATE
 */
export function differenceInterval(
  count: Pair,
  observations: Pair,
  { alpha = 0.05, method = "newcomb" }: { readonly alpha?: number; readonly method?: DifferenceMethod } = {},
): Interval {
  checkRate(alpha, "alpha");
  const [p1, p2] = ratesOf(count, observations);
  if (method === "newcomb") {
    const [one, two] = [0, 1].map((at) =>
      proportionInterval(count[at]!, observations[at]!, { alpha, method: "wilson" }),
    );
    return {
      low: p1 - p2 - Math.hypot(p1 - one!.low, two!.high - p2),
      high: p1 - p2 + Math.hypot(p2 - two!.low, one!.high - p1),
    };
  }
  // Agresti and Caffo: one success and one failure more in each group.
  const more = method === "agresti-caffo" ? 1 : 0;
  const [n1, n2] = [observations[0] + 2 * more, observations[1] + 2 * more];
  const [r1, r2] = [(count[0] + more) / n1, (count[1] + more) / n2];
  const distance = normalPpf(1 - alpha / 2) * Math.sqrt((r1 * (1 - r1)) / n1 + (r2 * (1 - r2)) / n2);
  return { low: r1 - r2 - distance, high: r1 - r2 + distance };
}

function ratesOf(count: Pair, observations: Pair): [number, number] {
  checkCount(count[0], observations[0]);
  checkCount(count[1], observations[1]);
  return [count[0] / observations[0], count[1] / observations[1]];
}

/**
 * How many observations the first group needs for a two-sided z-test to tell p1 from p2 (statsmodels 0.15
 * `proportion_effectsize` and `NormalIndPower().solve_power`).
 * @param ratio Size of the second group as a multiple of the first, default 1
 * @returns Cohen's h, and the size, not rounded; Infinity where p1 equals p2
 * @throws AbTestError INVALID_RATE
 */
export function sampleSize(o: {
  readonly p1: number;
  readonly p2: number;
  readonly alpha?: number;
  readonly power?: number;
  readonly ratio?: number;
}): { effectSize: number; n: number } {
  const { p1, p2, alpha = 0.05, power = 0.8, ratio = 1 } = o;
  checkRate(p1, "p1");
  checkRate(p2, "p2");
  checkRate(alpha, "alpha");
  checkRate(power, "power");
  const effectSize = 2 * (Math.asin(Math.sqrt(p1)) - Math.asin(Math.sqrt(p2)));
  if (effectSize === 0) return { effectSize, n: Number.POSITIVE_INFINITY };
  const critical = normalPpf(1 - alpha / 2);
  const powerAt = (shift: number) => normalSf(critical - shift) + normalCdf(-critical - shift);
  const shift = bisect((x) => powerAt(x) < power, 0, 100);
  return { effectSize, n: (shift / effectSize) ** 2 * (1 + 1 / ratio) };
}
