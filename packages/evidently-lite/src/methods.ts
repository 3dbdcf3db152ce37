import { binShares, type CategoryCounts, countCategories } from "./bins.ts";
import { chiSquare, fisherExact, gTest, zTest } from "./category-tests.ts";
import {
  energyDistance,
  hellinger,
  hellingerOfNumbers,
  jensenShannon,
  kullbackLeibler,
  wasserstein,
} from "./distances.ts";
import { eppsSingleton } from "./epps-singleton.ts";
import { ksOfSamples } from "./ks.ts";
import type { NumberSample } from "./number-sample.ts";
import { meanDiscrepancy, type PermutationResult, totalVariation } from "./permutation-tests.ts";
import { psiOfShares } from "./psi.ts";
import { andersonDarling, cramerVonMises, mannWhitneyLess, studentTTest } from "./rank-tests.ts";
import type { Sample } from "./sample.ts";
import type { ColumnType } from "./values.ts";

/** Every method, by Evidently's names. */
export type Method =
  | "anderson"
  | "chisquare"
  | "cramer_von_mises"
  | "ed"
  | "empirical_mmd"
  | "es"
  | "fisher_exact"
  | "g_test"
  | "hellinger"
  | "jensenshannon"
  | "kl_div"
  | "ks"
  | "mannw"
  | "psi"
  | "t_test"
  | "TVD"
  | "wasserstein"
  | "z";

/** A score, with the test's statistic where p is its score. */
export interface Score {
  readonly score: number;
  readonly statistic?: number;
}

/** How a method is computed and read. */
export interface MethodRule {
  readonly threshold: number;
  readonly types: readonly ColumnType[];
  /** When a score means drift: `<`, `<=` for p-values, `>=`, `>` for distances. A NaN never does. */
  readonly drift: "<" | "<=" | ">=" | ">";
  score(reference: Sample, current: Sample): Score;
}

const NUM: readonly ColumnType[] = ["num"];
const CAT: readonly ColumnType[] = ["cat"];
const BOTH: readonly ColumnType[] = ["num", "cat"];

function onNumbers(compute: (reference: NumberSample, current: NumberSample) => number | Score): MethodRule["score"] {
  return (reference, current) => {
    if (reference.kind !== "num" || current.kind !== "num")
      throw new TypeError("a test of numbers was given categories");
    const score = compute(reference, current);
    return typeof score === "number" ? { score } : score;
  };
}

function onSorted(compute: (one: Float64Array, two: Float64Array) => number): MethodRule["score"] {
  return onNumbers((reference, current) => compute(reference.sorted(), current.sorted()));
}

function onCounts(compute: (counted: CategoryCounts) => number | Score): MethodRule["score"] {
  return (reference, current) => {
    const score = compute(countCategories(reference, current));
    return typeof score === "number" ? { score } : score;
  };
}

function asScore({ pValue, statistic }: PermutationResult): Score {
  return { score: pValue, statistic };
}

/** Evidently 0.7.23's registry of drift methods. */
export const METHODS: Readonly<Record<Method, MethodRule>> = {
  anderson: { threshold: 0.1, types: NUM, drift: "<", score: onSorted(andersonDarling) },
  chisquare: { threshold: 0.05, types: CAT, drift: "<", score: onCounts(chiSquare) },
  cramer_von_mises: { threshold: 0.1, types: NUM, drift: "<=", score: onSorted(cramerVonMises) },
  ed: { threshold: 0.1, types: NUM, drift: ">", score: onNumbers(energyDistance) },
  empirical_mmd: {
    threshold: 0.1,
    types: NUM,
    drift: "<",
    score: onNumbers((reference, current) => asScore(meanDiscrepancy(reference.sorted(), current.sorted()))),
  },
  es: { threshold: 0.05, types: NUM, drift: "<", score: onSorted(eppsSingleton) },
  fisher_exact: { threshold: 0.1, types: CAT, drift: "<", score: onCounts(fisherExact) },
  g_test: { threshold: 0.1, types: CAT, drift: "<", score: onCounts(gTest) },
  hellinger: {
    threshold: 0.1,
    types: BOTH,
    drift: ">=",
    score: (reference, current) => ({
      score:
        reference.kind === "num" && current.kind === "num"
          ? hellingerOfNumbers(reference, current)
          : hellinger(binShares(reference, current)),
    }),
  },
  jensenshannon: {
    threshold: 0.1,
    types: BOTH,
    drift: ">=",
    score: (reference, current) => ({ score: jensenShannon(binShares(reference, current)) }),
  },
  kl_div: {
    threshold: 0.1,
    types: BOTH,
    drift: ">=",
    score: (reference, current) => ({ score: kullbackLeibler(binShares(reference, current)) }),
  },
  ks: {
    threshold: 0.05,
    types: NUM,
    drift: "<=",
    score: onNumbers((reference, current) => asScore(ksOfSamples(reference, current))),
  },
  mannw: { threshold: 0.05, types: NUM, drift: "<", score: onSorted(mannWhitneyLess) },
  psi: {
    threshold: 0.1,
    types: BOTH,
    drift: ">=",
    score: (reference, current) => ({ score: psiOfShares(binShares(reference, current)) }),
  },
  t_test: { threshold: 0.05, types: NUM, drift: "<", score: onSorted(studentTTest) },
  TVD: {
    threshold: 0.1,
    types: CAT,
    drift: "<",
    score: onCounts((counted) => asScore(totalVariation(counted))),
  },
  wasserstein: { threshold: 0.1, types: NUM, drift: ">=", score: onNumbers(wasserstein) },
  z: { threshold: 0.05, types: CAT, drift: "<", score: onCounts(zTest) },
};

/** Whether a score means drift by the method's rule. */
export function hasDrifted(score: number, threshold: number, drift: MethodRule["drift"]): boolean {
  if (drift === "<") return score < threshold;
  if (drift === "<=") return score <= threshold;
  return drift === ">" ? score > threshold : score >= threshold;
}

/** Whether a method's score grows with drift; a p-value shrinks. */
export function isDistance(method: Method): boolean {
  return METHODS[method].drift.startsWith(">");
}
