import { binShares, type CategoryCounts, countCategories, holdsIntegers } from "./bins.ts";
import { chiSquare, fisherExact, gTest, zTest } from "./category-tests.ts";
import {
  energyDistance,
  hellinger,
  jensenShannon,
  kullbackLeibler,
  sharesOverDistinct,
  wasserstein,
} from "./distances.ts";
import { eppsSingleton } from "./epps-singleton.ts";
import { ks } from "./ks.ts";
import { meanDiscrepancy, type PermutationResult, totalVariation } from "./permutation-tests.ts";
import { psi } from "./psi.ts";
import { andersonDarling, cramerVonMises, mannWhitneyLess, studentTTest } from "./rank-tests.ts";
import { type ColumnType, presentValues, sortedNumbers, type Value } from "./values.ts";

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
interface Score {
  readonly score: number;
  readonly statistic?: number;
}

/** How a method is computed and read. */
export interface MethodRule {
  readonly threshold: number;
  readonly types: readonly ColumnType[];
  /** When a score means drift: `<`, `<=` for p-values, `>=`, `>` for distances. A NaN never does. */
  readonly drift: "<" | "<=" | ">=" | ">";
  score(reference: ArrayLike<Value>, current: ArrayLike<Value>, type: ColumnType): Score;
}

const NUM: readonly ColumnType[] = ["num"];
const CAT: readonly ColumnType[] = ["cat"];
const BOTH: readonly ColumnType[] = ["num", "cat"];

function onNumbers(compute: (one: Float64Array, two: Float64Array) => number): MethodRule["score"] {
  return (reference, current) => ({
    score: compute(sortedNumbers(reference, "reference"), sortedNumbers(current, "current")),
  });
}

function counts(reference: ArrayLike<Value>, current: ArrayLike<Value>): CategoryCounts {
  return countCategories(presentValues(reference, "reference"), presentValues(current, "current"));
}

function onCounts(compute: (counted: CategoryCounts) => number): MethodRule["score"] {
  return (reference, current) => ({ score: compute(counts(reference, current)) });
}

function asScore({ pValue, statistic }: PermutationResult): Score {
  return { score: pValue, statistic };
}

/** Evidently 0.7.23's registry of drift methods. */
export const METHODS: Readonly<Record<Method, MethodRule>> = {
  anderson: { threshold: 0.1, types: NUM, drift: "<", score: onNumbers(andersonDarling) },
  chisquare: { threshold: 0.05, types: CAT, drift: "<", score: onCounts(chiSquare) },
  cramer_von_mises: { threshold: 0.1, types: NUM, drift: "<=", score: onNumbers(cramerVonMises) },
  ed: { threshold: 0.1, types: NUM, drift: ">", score: onNumbers(energyDistance) },
  empirical_mmd: {
    threshold: 0.1,
    types: NUM,
    drift: "<",
    score: (reference, current) =>
      asScore(meanDiscrepancy(sortedNumbers(reference, "reference"), sortedNumbers(current, "current"))),
  },
  es: { threshold: 0.05, types: NUM, drift: "<", score: onNumbers(eppsSingleton) },
  fisher_exact: { threshold: 0.1, types: CAT, drift: "<", score: onCounts(fisherExact) },
  g_test: { threshold: 0.1, types: CAT, drift: "<", score: onCounts(gTest) },
  hellinger: {
    threshold: 0.1,
    types: BOTH,
    drift: ">=",
    score: (reference, current, type) => {
      if (type === "cat") return { score: hellinger(binShares(reference, current, type)) };
      const integers = holdsIntegers(reference) && holdsIntegers(current);
      const one = sortedNumbers(reference, "reference");
      return { score: hellinger(sharesOverDistinct(one, sortedNumbers(current, "current"), integers)) };
    },
  },
  jensenshannon: {
    threshold: 0.1,
    types: BOTH,
    drift: ">=",
    score: (reference, current, type) => ({ score: jensenShannon(binShares(reference, current, type)) }),
  },
  kl_div: {
    threshold: 0.1,
    types: BOTH,
    drift: ">=",
    score: (reference, current, type) => ({ score: kullbackLeibler(binShares(reference, current, type)) }),
  },
  ks: { threshold: 0.05, types: NUM, drift: "<=", score: (reference, current) => asScore(ks(reference, current)) },
  mannw: { threshold: 0.05, types: NUM, drift: "<", score: onNumbers(mannWhitneyLess) },
  psi: {
    threshold: 0.1,
    types: BOTH,
    drift: ">=",
    score: (reference, current, columnType) => ({ score: psi(reference, current, { columnType }) }),
  },
  t_test: { threshold: 0.05, types: NUM, drift: "<", score: onNumbers(studentTTest) },
  TVD: {
    threshold: 0.1,
    types: CAT,
    drift: "<",
    score: (reference, current) => asScore(totalVariation(counts(reference, current))),
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
