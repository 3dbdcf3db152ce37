import { DriftError } from "./errors.ts";
import { ks } from "./ks.ts";
import { psi } from "./psi.ts";
import { type ColumnType, presentValues, type Value } from "./values.ts";

/** Methods that there are, by Evidently's names. */
export type Method = "psi" | "ks";

interface MethodRule {
  readonly threshold: number;
  readonly types: readonly ColumnType[];
  drifted(score: number, threshold: number): boolean;
}

const METHODS: Readonly<Record<Method, MethodRule>> = {
  psi: { threshold: 0.1, types: ["num", "cat"], drifted: (score, threshold) => score >= threshold },
  ks: { threshold: 0.05, types: ["num"], drifted: (pValue, threshold) => pValue <= threshold },
};

/** What is compared, and how. */
export interface ColumnDriftRequest {
  readonly reference: ArrayLike<Value>;
  readonly current: ArrayLike<Value>;
  readonly columnType: ColumnType;
  /** @default Evidently's choice by type and size (`defaultMethod`) */
  readonly method?: string | undefined;
  /** @default 0.1 for psi, 0.05 for ks */
  readonly threshold?: number | undefined;
}

/** How far a column has moved. */
export interface ColumnDrift {
  /** PSI, or the p-value of the KS test. */
  readonly score: number;
  readonly threshold: number;
  readonly method: Method;
  /** psi: score ≥ threshold; ks: score ≤ threshold. */
  readonly drifted: boolean;
  /** The KS distance. */
  readonly statistic?: number;
}

/** At most this many rows in the reference call for a test rather than a distance (Evidently 0.7). */
const SMALL_REFERENCE = 1000;

/**
 * The method that Evidently 0.7 takes when none is named, by its name there (it may be one that is not here yet):
 * up to 1000 reference values ks, chisquare or z; beyond wasserstein or jensenshannon.
 * @throws DriftError EMPTY_COLUMN
 */
export function defaultMethod(
  reference: ArrayLike<Value>,
  current: ArrayLike<Value>,
  columnType: ColumnType,
): "ks" | "chisquare" | "z" | "wasserstein" | "jensenshannon" {
  const before = presentValues(reference, "reference");
  const values = new Set(before);
  for (const value of presentValues(current, "current")) values.add(value);
  const quantity = columnType === "num" && values.size > 5;
  if (before.length > SMALL_REFERENCE) return quantity ? "wasserstein" : "jensenshannon";
  if (quantity) return "ks";
  return values.size > 2 ? "chisquare" : "z";
}

/**
 * Compares a column's current values with its reference, with Evidently 0.7's rules for cleaning, bins and thresholds.
 * @throws DriftError EMPTY_COLUMN, NOT_A_NUMBER, UNKNOWN_METHOD, METHOD_NOT_APPLICABLE
 */
export function columnDrift({ reference, current, columnType, ...asked }: ColumnDriftRequest): ColumnDrift {
  const method = knownMethod(asked.method ?? defaultMethod(reference, current, columnType));
  const rule = METHODS[method];
  if (!rule.types.includes(columnType))
    throw new DriftError(
      "METHOD_NOT_APPLICABLE",
      "method",
      `method "${method}" does not apply to a column of type "${columnType}": expected one of type ${rule.types.join(", ")}`,
    );
  const threshold = asked.threshold ?? rule.threshold;
  if (method === "psi") {
    const score = psi(reference, current, { columnType });
    return { score, threshold, method, drifted: rule.drifted(score, threshold) };
  }
  const { pValue: score, statistic } = ks(reference, current);
  return { score, threshold, method, drifted: rule.drifted(score, threshold), statistic };
}

function knownMethod(name: string): Method {
  if (name === "psi" || name === "ks") return name;
  throw new DriftError(
    "UNKNOWN_METHOD",
    "method",
    `method "${name}" is not there: expected one of ${Object.keys(METHODS).join(", ")}`,
  );
}
