import { DriftError } from "./errors.ts";
import type { ColumnType } from "./values.ts";

/*
 * What the types of this package say and plain JavaScript may not keep: a mistake in the options is an error, and never
 * another result.
 */

/** A number within bounds, both included. @throws DriftError INVALID_INPUT */
export function checkedNumber(field: string, value: unknown, least: number, most: number): number {
  if (typeof value === "number" && value >= least && value <= most && Number.isFinite(value)) return value;
  const bounds = most === Number.POSITIVE_INFINITY ? `${least} or more` : `${least} to ${most}`;
  throw invalid(field, value, `a number, ${bounds}`);
}

/** @throws DriftError INVALID_INPUT */
export function checkedType(field: string, value: unknown): ColumnType {
  if (value === "num" || value === "cat") return value;
  throw invalid(field, value, '"num" or "cat"');
}

/** Whether something is an array, a typed array or an Arrow vector. */
export function isColumn(value: unknown): boolean {
  return typeof value === "object" && value !== null && "length" in value && typeof value.length === "number";
}

/** Whether something is an object of columns. */
export function isTable(value: unknown): boolean {
  return typeof value === "object" && value !== null && !isColumn(value);
}

/** The error of an option or a column that is not what it should be. */
export function invalid(field: string, value: unknown, expected: string): DriftError {
  return new DriftError("INVALID_INPUT", field, `${field} is ${shown(value)}: expected ${expected}`);
}

function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" && value !== null ? "an object of another kind" : String(value);
}

/** `, did you mean "…"?` for a name that is close to a known one, else nothing. */
export function suggestion(name: string, known: readonly string[]): string {
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, "");
  const asked = plain(name);
  const [nearest] = known
    .map((one) => {
      const other = plain(one);
      const begins = asked.length > 1 && (other.startsWith(asked) || asked.startsWith(other));
      return { one, edits: begins ? 0 : editsBetween(asked, other) };
    })
    .sort((a, b) => a.edits - b.edits);
  return nearest !== undefined && nearest.edits <= Math.max(1, asked.length / 4)
    ? `, did you mean "${nearest.one}"?`
    : "";
}

/** Letters to put in, leave out or change (Levenshtein). */
function editsBetween(one: string, two: string): number {
  let row = Array.from({ length: two.length + 1 }, (_, at) => at);
  for (const [i, letter] of [...one].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...two].entries())
      next.push(Math.min((next[j] ?? 0) + 1, (row[j + 1] ?? 0) + 1, (row[j] ?? 0) + (letter === other ? 0 : 1)));
    row = next;
  }
  return row[two.length] ?? 0;
}
