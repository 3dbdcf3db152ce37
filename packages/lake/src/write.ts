import { setTimeout as sleep } from "node:timers/promises";
import type { WriteOptions, WriteResult } from "./api.ts";
import { type Change, checkMayRemove, commitChange } from "./commit.ts";
import type { DataFiles, HeldFiles } from "./data-files.ts";
import type { DeltaField } from "./delta-actions.ts";
import type { DeltaLog } from "./delta-log.ts";
import type { Bindings, Engine, Session } from "./engine.ts";
import { diskFull, isDiskFull, LakeError } from "./errors.ts";
import { numRecords } from "./file-stats.ts";
import { quoteIdentifier } from "./names.ts";
import { NOTHING, type Removal, removeFiles, removeWhere } from "./removal.ts";
import type { Snapshot } from "./replay.ts";
import type { StagedFile } from "./staged-file.ts";
import { checkWritable } from "./table-protocol.ts";
import { isNewest } from "./views.ts";
import { conform, incomingColumns } from "./write-columns.ts";
import { NewFiles } from "./write-files.ts";
import { conditions } from "./write-options.ts";

/** How often a change that lost the race starts again before it gives up. */
const ATTEMPTS = 50;

/** What a change of a table is made with. */
export interface Workshop {
  readonly log: DeltaLog;
  readonly files: DataFiles;
  readonly engine: Engine;
}

/** What a change says of itself. */
type Target = Pick<WriteOptions, "table" | "txn" | "expectedVersion" | "info" | "signal">;

/** What one attempt works out on one version: all of a change but its identity. */
export type Plan = Omit<Change, "table" | "txn" | "base" | "strict" | "signal">;

/**
 * Makes a change in one commit, however often that takes: on losing a race to a commit that the change depends on, it
 * is worked out again on the new version, if that is what its maker means; else it fails.
 * @param again whether a change that was beaten may be worked out anew: its rows then take the other's into account
 */
export async function changeTable(
  workshop: Workshop,
  target: Target,
  again: (base: Snapshot | undefined) => boolean,
  plan: (session: Session, held: HeldFiles, base: Snapshot | undefined, files: NewFiles) => Promise<Plan>,
): Promise<WriteResult> {
  const { table, txn, expectedVersion, signal } = target;
  let beaten: { base: Snapshot | undefined; by: number } | undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const base = await workshop.log.find(table);
    const done = await alreadyDone(workshop.log, base, txn);
    if (done) return done;
    const version = base?.version ?? -1;
    if (expectedVersion !== undefined && version !== expectedVersion) {
      throw moved(`The table ${table} is at version ${version}, the write is based on ${expectedVersion}.`);
    }
    if (beaten && !again(beaten.base)) {
      throw moved(
        `While the table ${table} was being replaced, another writer changed the same rows (version ${beaten.by}).`,
      );
    }
    if (base) checkWritable(table, base.protocol, base.metaData, base.fields);
    const result = await attemptOn(workshop, target, base, plan);
    if ("version" in result) return result;
    beaten = { base, by: result.beatenBy };
    await sleep(Math.random() * Math.min(500, 10 * 2 ** attempt), undefined, signal ? { signal } : {});
  }
  throw new LakeError(
    "TABLE_CONTENDED",
    `Others kept changing the table ${table}: ${ATTEMPTS} attempts to write lost the race.`,
    { retryable: true },
  );
}

function moved(message: string): LakeError {
  return new LakeError("TABLE_MOVED", message, {
    retryable: true,
    hint: "Read the table again and decide anew; the same call later replaces what is there then.",
  });
}

async function attemptOn(
  { log, files, engine }: Workshop,
  target: Target,
  base: Snapshot | undefined,
  plan: (session: Session, held: HeldFiles, base: Snapshot | undefined, files: NewFiles) => Promise<Plan>,
): Promise<WriteResult | { readonly beatenBy: number }> {
  const { table, txn, signal } = target;
  const made = new NewFiles(files, table, engine.scratch);
  let mayExist = false;
  try {
    const planned = await files.use((held) => engine.session(signal, (session) => plan(session, held, base, made)));
    const change = { ...planned, table, txn, base, strict: target.expectedVersion !== undefined, signal };
    const outcome = await commitChange(log, engine, change, (may) => {
      mayExist = may;
    });
    return "beatenBy" in outcome ? outcome : { table, ...outcome, ...planned.note, alreadyDone: false };
  } catch (error) {
    throw isDiskFull(error) ? diskFull(`the table ${table}`, error) : error;
  } finally {
    // A commit whose answer was lost may come to be: then its files must be there.
    if (!mayExist) await made.undo();
    await made.close();
  }
}

async function alreadyDone(
  log: DeltaLog,
  base: Snapshot | undefined,
  txn: WriteOptions["txn"],
): Promise<WriteResult | undefined> {
  const last = base?.txns.get(txn.appId);
  if (!base || !last || last.version < txn.version) return undefined;
  const found = await log.findTxn(base.table, base.version, txn);
  const { rowsWritten, rowsRemoved, info } = found?.note ?? { rowsWritten: 0, rowsRemoved: 0, info: {} };
  const version = found?.version ?? base.version;
  return { table: base.table, version, rowsWritten, rowsRemoved, alreadyDone: true, info };
}

/**
 * A query that is checked: gives `work` DuckDB's SQL over its rows, as they are on a version of the table to be changed.
 * Whoever ran it, and where: the rows can be read until `work` is done.
 */
export type Rows = <T>(
  session: Session,
  held: HeldFiles,
  base: Snapshot | undefined,
  work: (query: string, bindings: Bindings) => Promise<T>,
) => Promise<T>;

/** Whether a change's query reads the table that is to be changed, as it is. */
export function readsItself(o: Pick<WriteOptions, "table" | "views">): boolean {
  return Object.values(o.views).some((view) => "table" in view && view.table === o.table && isNewest(view));
}

/**
 * Writes a query's rows in one commit; see `Lake.write`.
 * @param whole the checked copy of a source that the query reads whole, if it does no more than that
 */
export async function writeTable(
  workshop: Workshop,
  o: WriteOptions,
  rows: Rows,
  whole: StagedFile | undefined,
): Promise<WriteResult> {
  return await changeTable(
    workshop,
    o,
    () => o.mode === "append" || readsItself(o),
    (session, held, base, files) =>
      rows(session, held, base, (query, bindings) => planWrite(o, query, bindings, whole, session, held, base, files)),
  );
}

async function planWrite(
  o: WriteOptions,
  query: string,
  bindings: Bindings,
  whole: StagedFile | undefined,
  session: Session,
  held: HeldFiles,
  base: Snapshot | undefined,
  files: NewFiles,
): Promise<Plan> {
  const incoming = await incomingColumns(session, query, bindings);
  const fields =
    base && o.mode !== "overwrite"
      ? conform(o.table, incoming, base.fields, { add: o.mergeSchema ?? false, lack: o.mergeSchema ?? false })
      : incoming;
  const partitionColumns = partitioning(o, base, fields);
  const given = fields.map((f) =>
    incoming.some((i) => i.name === f.name) ? quoteIdentifier(f.name) : `NULL AS ${quoteIdentifier(f.name)}`,
  );
  const rows = `SELECT ${given.join(", ")} FROM (${query})`;
  let removal: Removal = NOTHING;
  if (base && o.mode !== "append") {
    checkMayRemove(base);
    if (o.mode === "overwrite") removal = await removeFiles(session, held, base, base.files);
    if (o.mode === "replace_where") removal = await removeWhere(session, held, base, conditions(o.replaceWhere));
  }
  const keep = removal.keep === undefined ? "" : ` UNION ALL BY NAME ${removal.keep}`;
  const asItIs =
    whole &&
    keep === "" &&
    partitionColumns.length === 0 &&
    JSON.stringify(types(fields)) === JSON.stringify(types(incoming));
  const added = asItIs
    ? await files.adopt(whole, fields)
    : await files.write(session, rows + keep, bindings, fields, partitionColumns);
  if (base && o.mode === "overwrite_partitions") {
    const keyOf = (f: { partitionValues: Readonly<Record<string, string | null>> }) =>
      JSON.stringify(partitionColumns.map((p) => f.partitionValues[p] || null));
    const replaced = new Set(added.map(keyOf));
    removal = await removeFiles(
      session,
      held,
      base,
      base.files.filter((f) => replaced.has(keyOf(f))),
    );
  }
  const written = added.reduce((sum, f) => sum + (numRecords(f) ?? 0), 0) - removal.kept;
  return {
    operation: "WRITE",
    operationParameters: {
      mode: o.mode === "append" ? "Append" : "Overwrite",
      partitionBy: JSON.stringify(partitionColumns),
    },
    fields,
    partitionColumns,
    added,
    removed: removal.files,
    note: { rowsWritten: written, rowsRemoved: removal.rows, info: o.info ?? {} },
    reads: readsItself(o) ? "table" : readBy(o, base, added.length > 0),
  };
}

function types(fields: readonly DeltaField[]): readonly (readonly [string, string])[] {
  return fields.map(({ name, type }) => [name, type] as const);
}

/** What a write is worked out from, apart from its query. */
function readBy(o: WriteOptions, base: Snapshot | undefined, adds: boolean): Change["reads"] {
  if (o.mode === "append") return "nothing";
  if (o.mode === "replace_where" && base) return conditions(o.replaceWhere);
  // An overwrite of partitions by no rows touches none.
  return o.mode === "overwrite_partitions" && !adds ? "nothing" : "table";
}

function partitioning(o: WriteOptions, base: Snapshot | undefined, fields: readonly DeltaField[]): readonly string[] {
  const { mode, partitionBy, table } = o;
  const current = base?.metaData.partitionColumns;
  const wanted = partitionBy ?? current ?? [];
  if (current && mode !== "overwrite" && JSON.stringify(wanted) !== JSON.stringify(current)) {
    throw new LakeError(
      "SCHEMA_MISMATCH",
      `The table ${table} is partitioned by (${current.join(", ")}), not by (${wanted.join(", ")}).`,
      { field: "partitionBy" },
    );
  }
  const unknown = wanted.find((p) => !fields.some((f) => f.name === p));
  if (unknown !== undefined || new Set(wanted).size !== wanted.length) {
    throw new LakeError(
      "WRITE_ARGUMENT",
      `partitionBy names ${unknown === undefined ? "a column twice" : `${unknown}, which is no column of the query`}.`,
      { field: "partitionBy" },
    );
  }
  if (wanted.length > 0 && wanted.length === fields.length) {
    throw new LakeError("WRITE_ARGUMENT", "partitionBy must leave at least one column.", { field: "partitionBy" });
  }
  if (mode === "overwrite_partitions" && wanted.length === 0) {
    throw new LakeError("WRITE_ARGUMENT", `mode overwrite_partitions needs partitionBy, or a partitioned table.`, {
      field: "partitionBy",
    });
  }
  return wanted;
}
