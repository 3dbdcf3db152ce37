import type { Column } from "./column.ts";
import { DriftError } from "./errors.ts";
import { checkedNumber, suggestion } from "./input-checks.ts";
import { hasDrifted, isDistance, METHODS, type Method, type Score } from "./methods.ts";
import { type Sample, type SampleView, sampleOf } from "./sample.ts";
import type { Category, ColumnType } from "./values.ts";

/** What is compared, and how. */
export interface ColumnDriftRequest {
  readonly reference: Column;
  readonly current: Column;
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
export function defaultMethod(reference: Column, current: Column, columnType: ColumnType): DefaultMethod {
  return methodFor(sampleOf(reference, "reference", columnType), sampleOf(current, "current", columnType));
}

type DefaultMethod = "ks" | "chisquare" | "z" | "wasserstein" | "jensenshannon";

/** Evidently's choice by what the samples hold. */
export function methodFor(reference: SampleView, current: SampleView): DefaultMethod {
  const [one, two] = [fewValues(reference), fewValues(current)];
  const different = one === null || two === null ? Number.POSITIVE_INFINITY : unionSize(one, two);
  const quantity = reference.kind === "num" && different > MOST_VALUES_AS_CATEGORIES;
  if (sizeOf(reference) > SMALL_REFERENCE) return quantity ? "wasserstein" : "jensenshannon";
  if (quantity) return "ks";
  return different > 2 ? "chisquare" : "z";
}

/** The values of a sample with their counts, null where they are many. */
function fewValues(sample: SampleView): ReadonlyMap<Category, number> | null {
  return sample.kind === "num" ? sample.scan().counts : sample.counts();
}

function sizeOf(sample: SampleView): number {
  if (sample.kind === "num") return sample.scan().count;
  let size = 0;
  for (const count of sample.counts().values()) size += count;
  return size;
}

function unionSize(one: ReadonlyMap<Category, number>, two: ReadonlyMap<Category, number>): number {
  let size = one.size;
  for (const value of two.keys()) if (!one.has(value)) size += 1;
  return size;
}

/**
 * Compares a column's current values with its reference, with Evidently 0.7's rules for cleaning, bins and thresholds.
 * @throws DriftError INVALID_INPUT, EMPTY_COLUMN, NOT_A_NUMBER, UNKNOWN_METHOD, METHOD_NOT_APPLICABLE
 */
export function columnDrift({ reference, current, columnType, method, threshold }: ColumnDriftRequest): ColumnDrift {
  return sampleDrift(sampleOf(reference, "reference", columnType), sampleOf(current, "current", columnType), {
    method,
    threshold,
  });
}

/** Compares two samples of a column. */
export function sampleDrift(
  reference: Sample,
  current: Sample,
  asked: { readonly method?: string | undefined; readonly threshold?: number | undefined },
): ColumnDrift {
  const method = chosenMethod(asked.method, reference, current);
  const threshold = thresholdOf(method, asked);
  return judged(method, METHODS[method].score(reference, current), threshold);
}

/** The method that is asked for, or Evidently's choice. @throws DriftError UNKNOWN_METHOD, METHOD_NOT_APPLICABLE */
export function chosenMethod(asked: string | undefined, reference: SampleView, current: SampleView): Method {
  // Evidently's own choice for numbers with few values is a test for categories.
  if (asked === undefined) return methodFor(reference, current);
  const method = knownMethod(asked);
  const { types } = METHODS[method];
  if (types.includes(reference.kind)) return method;
  throw new DriftError(
    "METHOD_NOT_APPLICABLE",
    "method",
    `method "${method}" does not apply to a column of type "${reference.kind}": expected one of type ${types.join(", ")}`,
  );
}

/**
 * The threshold that is asked for, or the method's: 0 or more, and at most 1 for a p-value whose method is asked for as
 * well. One for columns whose method is left to their values may be meant for distances.
 * @throws DriftError INVALID_INPUT
 */
export function thresholdOf(
  method: Method,
  asked: { readonly method?: string | undefined; readonly threshold?: number | undefined },
): number {
  if (asked.threshold === undefined) return METHODS[method].threshold;
  const most = asked.method === undefined || isDistance(method) ? Number.POSITIVE_INFINITY : 1;
  return checkedNumber(`threshold of ${method}`, asked.threshold, 0, most);
}

/** A score with its verdict. */
export function judged(method: Method, { score, statistic }: Score, threshold: number): ColumnDrift {
  const drifted = hasDrifted(score, threshold, METHODS[method].drift);
  return { score, threshold, method, drifted, ...(statistic === undefined ? {} : { statistic }) };
}

function knownMethod(name: string): Method {
  if (isMethod(name)) return name;
  throw new DriftError(
    "UNKNOWN_METHOD",
    "method",
    `method "${name}" is not there${suggestion(name, Object.keys(METHODS))}: expected one of ${Object.keys(METHODS).join(", ")}`,
  );
}

function isMethod(name: string): name is Method {
  return Object.hasOwn(METHODS, name);
}
