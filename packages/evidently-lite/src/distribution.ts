import { alignCounts, edgesOver, sturgesEdges } from "./bins.ts";
import { DriftError } from "./errors.ts";
import type { NumberView } from "./number-sample.ts";
import type { SampleView } from "./sample.ts";

/** More categories than these are not listed one by one. */
const MOST_CATEGORIES = 12;

/** How a column is distributed: shares of each side in the same bins, or of the most frequent categories. */
export type ColumnDistribution =
  | { readonly edges: readonly number[]; readonly reference?: readonly number[]; readonly current: readonly number[] }
  | {
      readonly edges?: undefined;
      /** The most frequent ones of both sides together, at most 12. */
      readonly categories: readonly string[];
      /** How many categories are not listed. */
      readonly others: number;
      readonly reference?: readonly number[];
      readonly current: readonly number[];
    };

const NOTHING: ColumnDistribution = { categories: [], others: 0, current: [] };

/** The distribution of both sides, or of the current one alone; a side without values is left out. */
export function distributionOf(current: SampleView, reference?: SampleView): ColumnDistribution {
  const before = reference !== undefined && hasValues(reference) ? reference : undefined;
  if (hasValues(current)) return distribution(current, before);
  return before === undefined ? NOTHING : onReference(distribution(before));
}

function hasValues(sample: SampleView): boolean {
  try {
    return sample.kind === "num" ? sample.scan().count > 0 : sample.counts().size > 0;
  } catch (error) {
    if (error instanceof DriftError && error.code === "EMPTY_COLUMN") return false;
    throw error;
  }
}

function onReference(alone: ColumnDistribution): ColumnDistribution {
  return { ...alone, reference: alone.current, current: alone.current.map(() => 0) };
}

function distribution(current: SampleView, reference?: SampleView): ColumnDistribution {
  if (current.kind === "num" && (reference === undefined || reference.kind === "num"))
    return numbersDistribution(current, reference);
  const counts = alignCounts(reference?.counts() ?? new Map(), current.counts());
  const order = counts.categories
    .map((_, at) => at)
    .sort((a, b) => counts.reference[b]! + counts.current[b]! - counts.reference[a]! - counts.current[a]!);
  const shown = order.slice(0, MOST_CATEGORIES);
  const shares = (side: Float64Array) => {
    const total = side.reduce((sum, count) => sum + count, 0);
    return shown.map((at) => side[at]! / total);
  };
  return {
    categories: shown.map((at) => String(counts.categories[at])),
    others: order.length - shown.length,
    ...(reference === undefined ? {} : { reference: shares(counts.reference) }),
    current: shares(counts.current),
  };
}

function numbersDistribution(current: NumberView, reference?: NumberView): ColumnDistribution {
  const now = current.scan();
  const edges =
    reference === undefined
      ? sturgesEdges(now.min, now.max, now.count, false)
      : edgesOver(reference, current, reference.scan().count + now.count);
  const shares = (sample: NumberView) => Array.from(sample.histogram(edges), (count) => count / sample.scan().count);
  return {
    edges: [...edges],
    ...(reference === undefined ? {} : { reference: shares(reference) }),
    current: shares(current),
  };
}
