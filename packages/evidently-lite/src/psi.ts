import { type BinnedShares, binShares, fillZeros } from "./bins.ts";
import { type Column, inferType } from "./column.ts";
import { sampleOf } from "./sample.ts";
import type { ColumnType } from "./values.ts";

/** How a column is to be read. */
export interface PsiOptions {
  /** @default "num" where the reference's first present value is a number, else "cat" */
  readonly columnType?: ColumnType | undefined;
}

/**
 * Population stability index Σ (r − c) · ln(r / c) over the shares of the same bins; 0 for equal samples.
 * Bins and zero fill as Evidently 0.7.23 `psi_stat_test`.
 * @throws DriftError EMPTY_COLUMN, NOT_A_NUMBER
 */
export function psi(reference: Column, current: Column, options: PsiOptions = {}): number {
  const type = options.columnType ?? inferType(reference);
  return psiOfShares(binShares(sampleOf(reference, "reference", type), sampleOf(current, "current", type)));
}

/** The index of shares in the same bins, zeros filled. */
export function psiOfShares(binned: BinnedShares): number {
  const expected = fillZeros(binned.reference);
  const actual = fillZeros(binned.current);
  let sum = 0;
  for (const [bin, share] of expected.entries()) sum += (share - actual[bin]!) * Math.log(share / actual[bin]!);
  return sum;
}
