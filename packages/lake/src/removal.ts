import type { ReplaceWhere } from "./api.ts";
import { deltaToDuck } from "./column-types.ts";
import type { HeldFiles } from "./data-files.ts";
import type { AddFile, DeltaField } from "./delta-actions.ts";
import type { Session } from "./engine.ts";
import { LakeError } from "./errors.ts";
import { mayMatch, numRecords } from "./file-stats.ts";
import { nearestNames, quoteIdentifier, quoteLiteral } from "./names.ts";
import type { Snapshot } from "./replay.ts";
import { dataKey, holdFiles } from "./table-files.ts";

/** Rows a write removes: whole files, and rows of files that must be written anew without them. */
export interface Removal {
  readonly files: readonly AddFile[];
  /** Rows that go. */
  readonly rows: number;
  /** Rows of the files that stay, and the SQL that gives them. */
  readonly kept: number;
  readonly keep?: string;
}

export const NOTHING: Removal = { files: [], rows: 0, kept: 0 };

/** Whole files go. */
export async function removeFiles(
  session: Session,
  held: HeldFiles,
  base: Snapshot,
  files: readonly AddFile[],
): Promise<Removal> {
  return { files, rows: await countRows(session, held, base, files), kept: 0 };
}

/** Rows of files, read where the log does not know them. */
export async function countRows(
  session: Session,
  held: HeldFiles,
  base: Snapshot,
  files: readonly AddFile[],
): Promise<number> {
  const unknown = files.filter((f) => numRecords(f) === undefined);
  let rows = files.reduce((sum, f) => sum + (numRecords(f) ?? 0), 0);
  if (unknown.length > 0) {
    const [[count] = []] = await session.rows(`SELECT count(*) FROM (${await holdFiles(held, base, unknown)})`);
    rows += Number(count);
  }
  return rows;
}

/** The rows go for which all conditions hold. */
export async function removeWhere(
  session: Session,
  held: HeldFiles,
  base: Snapshot,
  conditions: readonly ReplaceWhere[],
): Promise<Removal> {
  const fields = conditions.map((where) => conditionField(base, where));
  const candidates = base.files.filter((f) => conditions.every((where, i) => mayMatch(f, fields[i]!, where)));
  const matches = conditions.map((where, i) => `(${predicate(fields[i]!, where)})`).join(" AND ");
  return await removeMatching(session, held, base, candidates, matches);
}

/** The rows of some files go for which an SQL condition over the table's columns is true. */
export async function removeMatching(
  session: Session,
  held: HeldFiles,
  base: Snapshot,
  candidates: readonly AddFile[],
  matches: string,
): Promise<Removal> {
  if (candidates.length === 0) return NOTHING;
  const found = await session.rows(
    `SELECT __file, count(*) AS n, count(*) FILTER (WHERE ${matches}) AS matching FROM (${await holdFiles(held, base, candidates, true)}) GROUP BY __file`,
  );
  const byPath = new Map(candidates.map((f) => [held.path(dataKey(base.table, f.path)), f]));
  const touched = found.flatMap(([path, n, matching]) => {
    const file = byPath.get(String(path));
    return file && Number(matching) > 0 ? [{ file, n: Number(n), matching: Number(matching) }] : [];
  });
  const files = touched.map((t) => t.file);
  const rows = touched.reduce((sum, t) => sum + t.matching, 0);
  const partly = touched.filter((t) => t.matching < t.n);
  if (partly.length === 0) return { files, rows, kept: 0 };
  const kept = partly.reduce((sum, t) => sum + t.n - t.matching, 0);
  const table = await holdFiles(
    held,
    base,
    partly.map((t) => t.file),
  );
  return { files, rows, kept, keep: `SELECT * FROM (${table}) WHERE (${matches}) IS NOT TRUE` };
}

/** @throws LakeError WRITE_ARGUMENT when the table has no such column */
export function conditionField(base: Snapshot, where: ReplaceWhere): DeltaField {
  const field = base.fields.find((f) => f.name === where.column);
  if (field) return field;
  const names = base.fields.map((f) => f.name);
  const near = nearestNames(where.column, names);
  throw new LakeError(
    "WRITE_ARGUMENT",
    `replaceWhere.column ${where.column} is no column of the table ${base.table}.`,
    {
      field: "replaceWhere.column",
      hint: near.length > 0 ? `Did you mean ${near.join(" or ")}?` : `It has ${names.join(", ")}.`,
    },
  );
}

function predicate(field: DeltaField, where: ReplaceWhere): string {
  const column = quoteIdentifier(field.name);
  const value = (x: string | number | boolean) => `CAST(${quoteLiteral(String(x))} AS ${deltaToDuck(field.type)})`;
  if (where.equals !== undefined)
    return where.equals === null ? `${column} IS NULL` : `${column} = ${value(where.equals)}`;
  const parts = [];
  if (where.from !== undefined) parts.push(`${column} >= ${value(where.from)}`);
  if (where.until !== undefined) parts.push(`${column} < ${value(where.until)}`);
  return parts.join(" AND ");
}
