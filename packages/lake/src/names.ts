import { LakeError } from "./errors.ts";

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

/** Quotes an identifier for DuckDB: whatever is inside stays a name. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Quotes a string literal for DuckDB, which knows no backslash escapes. */
export function quoteLiteral(text: string): string {
  if (text.includes("\0")) throw new LakeError("SQL_FAILED", "A string with a NUL character cannot be used in SQL.");
  return `'${text.replaceAll("'", "''")}'`;
}

/** Checks a table's name: a letter or `_`, then letters, digits and `_`, at most 128. It becomes a folder's name. */
export function checkTableName(table: string): string {
  if (typeof table === "string" && NAME.test(table)) return table;
  throw new LakeError(
    "TABLE_NAME",
    `The table name ${JSON.stringify(table)} must start with a letter or _ and hold only letters, digits and _ (at most 128).`,
    { field: "table" },
  );
}

/**
 * Checks the names that tables have inside a query, which are one in any case. Names that start with `__` are the lake's
 * own.
 */
export function checkViewNames(views: Readonly<Record<string, unknown>>): void {
  const seen = new Map<string, string>();
  for (const view of Object.keys(views)) {
    const other = seen.get(view.toLowerCase());
    seen.set(view.toLowerCase(), view);
    if (NAME.test(view) && !view.startsWith("__") && other === undefined) continue;
    const problem =
      other === undefined
        ? "must start with a letter (or a single _) and hold only letters, digits and _"
        : `is the same as ${JSON.stringify(other)}: SQL tells names apart by more than their case`;
    throw new LakeError("VIEW_NAME", `The view name ${JSON.stringify(view)} ${problem}.`, { field: "views" });
  }
}

/** Whether a name may stand for a common table expression. */
export function isPlainName(name: string): boolean {
  return NAME.test(name);
}

/** The names nearest to `wanted` by edit distance, best first, at most three and none that is far off. */
export function nearestNames(wanted: string, names: readonly string[]): string[] {
  const limit = Math.max(2, Math.ceil(wanted.length / 3));
  return names
    .map((name) => ({ name, distance: editDistance(wanted.toLowerCase(), name.toLowerCase()) }))
    .filter((x) => x.distance <= limit)
    .sort((a, b) => a.distance - b.distance || a.name.localeCompare(b.name))
    .slice(0, 3)
    .map((x) => x.name);
}

/** Levenshtein distance: insertions, deletions and substitutions each cost 1. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}
