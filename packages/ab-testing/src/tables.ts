import { chi2Sf, logGamma } from "./distributions.ts";
import { AbTestError } from "./errors.ts";

/** Counts: a row a group, a column an outcome. */
export type Table = readonly (readonly number[])[];

function marginsOf(table: Table): { rows: number[]; columns: number[]; total: number } {
  const width = table[0]?.length ?? 0;
  const good = table.every((row) => row.length === width && row.every((count) => count >= 0 && count < Infinity));
  if (width === 0 || !good)
    throw new AbTestError("INVALID_TABLE", "table", "has a gap or a negative count: expected rows of equal length");
  const rows = table.map((row) => row.reduce((sum, count) => sum + count, 0));
  const columns = Array.from({ length: width }, (_, at) => table.reduce((sum, row) => sum + row[at]!, 0));
  return { rows, columns, total: rows.reduce((sum, count) => sum + count, 0) };
}

/**
 * Pearson's chi-squared test of independence (scipy 1.17 `chi2_contingency`).
 * @param correction Yates's, where there is one degree of freedom
 * @throws AbTestError INVALID_TABLE for a row or column of zeros
 */
export function chiSquaredTest(table: Table, correction = true): { stat: number; pValue: number; dof: number } {
  const { rows, columns, total } = marginsOf(table);
  if ([...rows, ...columns].some((sum) => sum === 0))
    throw new AbTestError("INVALID_TABLE", "table", "has a row or column of zeros: expected a count in each");
  const dof = (rows.length - 1) * (columns.length - 1);
  if (dof === 0) return { stat: 0, pValue: 1, dof };
  let stat = 0;
  for (const [r, row] of table.entries())
    for (const [c, count] of row.entries()) {
      const expected = (rows[r]! * columns[c]!) / total;
      const off = Math.abs(count - expected);
      stat += (off - (dof === 1 && correction ? Math.min(0.5, off) : 0)) ** 2 / expected;
    }
  return { stat, pValue: chi2Sf(stat, dof), dof };
}

/**
 * Fisher's exact test of a 2 × 2 table, two-sided (scipy 1.17 `fisher_exact`).
 * @returns the odds ratio of the sample (NaN with p 1 for a row or column of zeros)
 * @throws AbTestError INVALID_TABLE for other sizes and for counts that are not whole
 */
export function fisherExactTest(table: Table): { oddsRatio: number; pValue: number } {
  const { rows, columns, total } = marginsOf(table);
  if (rows.length !== 2 || columns.length !== 2 || !table.flat().every(Number.isInteger))
    throw new AbTestError("INVALID_TABLE", "table", "is not two rows of two whole counts");
  if ([...rows, ...columns].some((sum) => sum === 0)) return { oddsRatio: Number.NaN, pValue: 1 };
  const [[a, b], [c, d]] = table as [[number, number], [number, number]];
  const logChoose = (n: number, k: number) => logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);
  const all = logChoose(total, columns[0]!);
  const logMass = (k: number) => logChoose(rows[0]!, k) + logChoose(rows[1]!, columns[0]! - k) - all;
  // Tables as likely as this one count, though their digits may differ.
  const bar = logMass(a) + 1e-9;
  let pValue = 0;
  for (let k = Math.max(0, columns[0]! - rows[1]!); k <= Math.min(rows[0]!, columns[0]!); k++)
    if (logMass(k) <= bar) pValue += Math.exp(logMass(k));
  return { oddsRatio: b > 0 && c > 0 ? (a * d) / (b * c) : Infinity, pValue: Math.min(1, pValue) };
}
