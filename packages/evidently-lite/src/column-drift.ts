import { DriftError } from "./errors.ts";
import { hasDrifted, METHODS, type Method } from "./methods.ts";
import { type ColumnType, emptyColumn, type Value } from "./values.ts";

/** What is compared, and how. */
export interface ColumnDriftRequest {
  readonly reference: ArrayLike<Value>;
  readonly current: ArrayLike<Value>;
  readonly columnType: ColumnType;
  /** @default Evidently's choice by type and size (`defaultMethod`) */
  readonly method?: string | undefined;
  /** @default the method's: 0.05 for ks, chisquare, z, mannw, t_test and es, else 0.1 */
  readonly threshold?: number | undefined;
}

/** How far a column has moved. */
export interface ColumnDrift {
  /** The distance, or the p-value of a test. */
  readonly score: number;
  readonly threshold: number;
  readonly method: Method;
  /** A distance at or above the threshold, a p-value below it (ks and cramer_von_mises: or at it; ed: only above). */
  readonly drifted: boolean;
  /** The statistic of ks, TVD and empirical_mmd. */
  readonly statistic?: number;
}

/** At most this many rows in the reference call for a test rather than a distance (Evidently 0.7). */
const SMALL_REFERENCE = 1000;
/** Numbers with at most this many different values on both sides are taken for categories. */
const MOST_VALUES_AS_CATEGORIES = 5;

/**
 * The method that Evidently 0.7 takes when none is named:
 * up to 1000 reference values ks, chisquare or z; beyond wasserstein or jensenshannon.
 * @throws DriftError EMPTY_COLUMN
 */
export function defaultMethod(
  reference: ArrayLike<Value>,
  current: ArrayLike<Value>,
  columnType: ColumnType,
): "ks" | "chisquare" | "z" | "wasserstein" | "jensenshannon" {
  const values = new Set<Value>();
  const rows = gatherValues(reference, "reference", values);
  gatherValues(current, "current", values);
  const quantity = columnType === "num" && values.size > MOST_VALUES_AS_CATEGORIES;
  if (rows > SMALL_REFERENCE) return quantity ? "wasserstein" : "jensenshannon";
  if (quantity) return "ks";
  return values.size > 2 ? "chisquare" : "z";
}

/** Adds a column's values until there are enough to tell a quantity; returns how many are present. */
function gatherValues(column: ArrayLike<Value>, field: string, into: Set<Value>): number {
  let present = 0;
  for (let row = 0; row < column.length; row++) {
    const value = column[row];
    if (value === null || value === undefined || (typeof value === "number" && !Number.isFinite(value))) continue;
    present += 1;
    if (into.size <= MOST_VALUES_AS_CATEGORIES) into.add(value);
  }
  if (present === 0) throw emptyColumn(field, column.length);
  return present;
}

/**
 * Compares a column's current values with its reference, with Evidently 0.7's rules for cleaning, bins and thresholds.
 * @throws DriftError EMPTY_COLUMN, NOT_A_NUMBER, UNKNOWN_METHOD, METHOD_NOT_APPLICABLE
 */
export function columnDrift({ reference, current, columnType, ...asked }: ColumnDriftRequest): ColumnDrift {
  const method = knownMethod(asked.method ?? defaultMethod(reference, current, columnType));
  const rule = METHODS[method];
  // Evidently's own choice for numbers with few values is a test for categories.
  if (asked.method !== undefined && !rule.types.includes(columnType))
    throw new DriftError(
      "METHOD_NOT_APPLICABLE",
      "method",
      `method "${method}" does not apply to a column of type "${columnType}": expected one of type ${rule.types.join(", ")}`,
    );
  const threshold = asked.threshold ?? rule.threshold;
  const { score, statistic } = rule.score(reference, current, columnType);
  const drifted = hasDrifted(score, threshold, rule.drift);
  return { score, threshold, method, drifted, ...(statistic === undefined ? {} : { statistic }) };
}

function knownMethod(name: string): Method {
  if (isMethod(name)) return name;
  throw new DriftError(
    "UNKNOWN_METHOD",
    "method",
    `method "${name}" is not there: expected one of ${Object.keys(METHODS).join(", ")}`,
  );
}

function isMethod(name: string): name is Method {
  return Object.hasOwn(METHODS, name);
}
