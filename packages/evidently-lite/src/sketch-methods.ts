import { binShares, countCategories } from "./bins.ts";
import type { CategorySketch } from "./category-sketch.ts";
import { chiSquare, fisherExact, gTest, zTest } from "./category-tests.ts";
import { hellinger, jensenShannon, kullbackLeibler } from "./distances.ts";
import { DriftError } from "./errors.ts";
import { ksOfGap } from "./ks.ts";
import type { Method, Score } from "./methods.ts";
import type { NumberSketch } from "./number-sketch.ts";
import { psiOfShares } from "./psi.ts";
import { studentTTestOf } from "./rank-tests.ts";

/** The score of a method from sketches. @throws DriftError METHOD_NOT_APPLICABLE */
export function sketchScore(
  method: Method,
  reference: NumberSketch | CategorySketch,
  current: NumberSketch | CategorySketch,
): Score {
  switch (method) {
    case "psi":
      return { score: psiOfShares(binShares(reference, current)) };
    case "kl_div":
      return { score: kullbackLeibler(binShares(reference, current)) };
    case "jensenshannon":
      return { score: jensenShannon(binShares(reference, current)) };
    case "chisquare":
      return { score: chiSquare(countCategories(reference, current)) };
    case "z":
      return { score: zTest(countCategories(reference, current)) };
    case "g_test":
      return { score: gTest(countCategories(reference, current)) };
    case "fisher_exact":
      return { score: fisherExact(countCategories(reference, current)) };
    default:
      if (reference.kind === "num" && current.kind === "num") return numbersScore(method, reference, current);
      if (method === "hellinger") return { score: hellinger(binShares(reference, current)) };
      throw takesEveryValue(method);
  }
}

function takesEveryValue(method: Method): DriftError {
  return new DriftError(
    "METHOD_NOT_APPLICABLE",
    "method",
    `method "${method}" takes every value, which a profile does not keep: expected one of psi, kl_div, jensenshannon, wasserstein, ed, ks, t_test for numbers, or of psi, kl_div, jensenshannon, hellinger, chisquare, z, g_test, fisher_exact for categories`,
  );
}

function numbersScore(method: Method, reference: NumberSketch, current: NumberSketch): Score {
  const [one, two] = [reference.scan(), current.scan()];
  switch (method) {
    case "wasserstein": {
      const deviation = Math.sqrt(reference.spread() / one.count);
      return { score: gapsBetween(reference, current).area / Math.max(deviation, 0.001) };
    }
    case "ed":
      return { score: Math.SQRT2 * Math.sqrt(gapsBetween(reference, current).squaredArea) };
    case "ks": {
      const steps = (gapsBetween(reference, current).largest * one.count * two.count) / divisorOf(one.count, two.count);
      const { statistic, pValue } = ksOfGap(Math.round(steps), one.count, two.count);
      return { statistic, score: pValue };
    }
    case "t_test":
      return {
        score: studentTTestOf(
          { count: one.count, mean: one.mean, squares: reference.spread() },
          { count: two.count, mean: two.mean, squares: current.spread() },
        ),
      };
    default:
      throw takesEveryValue(method);
  }
}

function divisorOf(a: number, b: number): number {
  return b === 0 ? a : divisorOf(b, a % b);
}

/** ∫ |F − G|, ∫ (F − G)² and max |F − G| of the weighted values. */
function gapsBetween(reference: NumberSketch, current: NumberSketch) {
  const [one, two] = [reference.weighted(), current.weighted()];
  let [i, j] = [0, 0];
  let [below1, below2] = [0, 0];
  let last = Math.min(one.values[0]!, two.values[0]!);
  let [area, squaredArea, largest] = [0, 0, 0];
  while (i < one.values.length || j < two.values.length) {
    const value = Math.min(one.values[i] ?? Number.POSITIVE_INFINITY, two.values[j] ?? Number.POSITIVE_INFINITY);
    const gap = Math.abs(below1 / reference.count - below2 / current.count);
    area += (value - last) * gap;
    squaredArea += (value - last) * gap * gap;
    largest = Math.max(largest, gap);
    last = value;
    for (; one.values[i] === value; i++) below1 += one.weights[i]!;
    for (; two.values[j] === value; j++) below2 += two.weights[j]!;
  }
  return { area, squaredArea, largest };
}
