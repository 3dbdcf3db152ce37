import type { ReplaceWhere, WriteOptions } from "./api.ts";
import { LakeError } from "./errors.ts";
import { checkTableName } from "./names.ts";

/** Checks everything about a write that can be known before it starts. */
export function checkWrite(o: WriteOptions): void {
  checkTarget(o);
  if (!["append", "overwrite", "overwrite_partitions", "replace_where"].includes(o.mode)) {
    refuse("mode", `mode ${JSON.stringify(o.mode)} is none of append, overwrite, overwrite_partitions, replace_where.`);
  }
  if ((o.mode === "replace_where") !== (o.replaceWhere !== undefined))
    refuse("replaceWhere", "replaceWhere belongs to mode replace_where, and only to it.");
  if (o.mergeSchema === true && o.mode === "overwrite")
    refuse("mergeSchema", "mergeSchema adds columns to those of the table; mode overwrite replaces them all.");
  for (const where of conditions(o.replaceWhere)) checkCondition(where);
}

/** Checks what every change of a table says of itself. */
export function checkTarget(o: Pick<WriteOptions, "table" | "txn" | "expectedVersion">): void {
  checkTableName(o.table);
  if (typeof o.txn.appId !== "string" || o.txn.appId === "")
    refuse("txn.appId", "txn.appId must be a text that is not empty.");
  if (!Number.isSafeInteger(o.txn.version) || o.txn.version < 0)
    refuse("txn.version", `txn.version ${o.txn.version} must be a whole number from 0.`);
  if (o.expectedVersion !== undefined && (!Number.isSafeInteger(o.expectedVersion) || o.expectedVersion < -1))
    refuse("expectedVersion", `expectedVersion ${o.expectedVersion} must be a whole number from -1.`);
}

/** The conditions of a replaceWhere, which all hold for the rows that go. */
export function conditions(where: WriteOptions["replaceWhere"]): readonly ReplaceWhere[] {
  if (where === undefined) return [];
  return isList(where) ? where : [where];
}

function checkCondition(where: ReplaceWhere): void {
  const range = where.from !== undefined || where.until !== undefined;
  if (range === (where.equals !== undefined))
    refuse("replaceWhere", "replaceWhere needs either from and/or until, or equals.");
}

function isList(where: NonNullable<WriteOptions["replaceWhere"]>): where is readonly ReplaceWhere[] {
  return Array.isArray(where);
}

function refuse(field: string, message: string): never {
  throw new LakeError("WRITE_ARGUMENT", message, { field });
}
