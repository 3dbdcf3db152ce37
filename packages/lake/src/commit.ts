import { randomUUID } from "node:crypto";
import type { Json, WriteOptions } from "./api.ts";
import { writeCheckpoint } from "./checkpoint.ts";
import { type AddFile, type DeltaField, versionName } from "./delta-actions.ts";
import type { DeltaLog } from "./delta-log.ts";
import type { Engine } from "./engine.ts";
import { LakeError } from "./errors.ts";
import { mayMatch, type Within } from "./file-stats.ts";
import { conditionField } from "./removal.ts";
import { identity, type Snapshot } from "./replay.ts";

const CHECKPOINT_EVERY = 10;

/** A change of a table that is ready to be committed: its data files are in place. */
export interface Change {
  readonly table: string;
  /** The version it is made for; undefined when it makes the table. */
  readonly base: Snapshot | undefined;
  readonly txn: WriteOptions["txn"];
  /** `WRITE`, `MERGE`, … */
  readonly operation: string;
  readonly operationParameters: Readonly<Record<string, string>>;
  readonly fields: readonly DeltaField[];
  readonly partitionColumns: readonly string[];
  readonly added: readonly AddFile[];
  readonly removed: readonly AddFile[];
  /** Noted in the log, and given back when the txn is found done. */
  readonly note: {
    readonly rowsWritten: number;
    readonly rowsRemoved: number;
    readonly info: Readonly<Record<string, Json>>;
  };
  /**
   * What the change was worked out from, beside the files that it removes: nothing, the rows within some conditions, or
   * the whole table. Another's commit in between that changes it makes the change void.
   */
  readonly reads: "nothing" | "table" | readonly Within[];
  /** It must become the version after its base, or nothing. */
  readonly strict: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** How a commit ended: at a version, or beaten by another commit that changed what it was worked out from. */
export type Outcome = { readonly version: number } | { readonly beatenBy: number };

/**
 * Commits a change. Others' commits in between that leave alone what it read and what it removes do not stop it.
 * @param tried is told before the log is written and after another was first: between, the commit may exist whatever is thrown
 */
export async function commitChange(
  log: DeltaLog,
  engine: Engine,
  change: Change,
  tried: (mayExist: boolean) => void,
): Promise<Outcome> {
  const text = `${actionsOf(change)
    .map((a) => JSON.stringify(a))
    .join("\n")}\n`;
  let version = (change.base?.version ?? -1) + 1;
  change.signal?.throwIfAborted();
  for (;;) {
    tried(true);
    if (await log.store.putIfAbsent(log.key(change.table, `${versionName(version)}.json`), Buffer.from(text))) break;
    tried(false);
    if (change.strict || !change.base || !(await leavesAlone(log, change.base, version, change))) {
      return { beatenBy: version };
    }
    version++;
  }
  if (version > 0 && version % CHECKPOINT_EVERY === 0) {
    // The commit stands; a checkpoint only makes reading faster, and the next one comes ten versions on.
    await log
      .get(change.table, version)
      .then((snapshot) => writeCheckpoint(log, engine, snapshot))
      .catch(() => undefined);
  }
  return { version };
}

/** Whether another's commit changes nothing that a change was worked out from. */
async function leavesAlone(log: DeltaLog, base: Snapshot, version: number, change: Change): Promise<boolean> {
  if (change.reads === "table") return false;
  const { reads, txn } = change;
  const removed = new Set(change.removed.map(identity));
  for (const action of await log.commit(change.table, version)) {
    if (action.metaData || action.protocol) return false;
    if (action.txn && action.txn.appId === txn.appId) return false;
    if (action.remove && removed.has(identity(action.remove))) return false;
    const { add } = action;
    if (!add || reads === "nothing") continue;
    if (reads.every((where) => mayMatch(add, conditionField(base, where), where))) return false;
  }
  return true;
}

function actionsOf(change: Change): object[] {
  const { base, added, removed, note, txn } = change;
  const now = Date.now();
  return [
    {
      commitInfo: {
        timestamp: now,
        operation: change.operation,
        operationParameters: change.operationParameters,
        operationMetrics: {
          numFiles: String(added.length),
          numRemovedFiles: String(removed.length),
          numOutputRows: String(note.rowsWritten),
        },
        ...(base ? { readVersion: base.version } : {}),
        isBlindAppend: removed.length === 0 && change.reads === "nothing",
        engineInfo: "dagwright-lake",
        // Makes the commit's bytes like no other's, by which a writer knows its own again.
        txnId: randomUUID(),
        dagwright: { txn, ...note },
      },
    },
    ...(base ? [] : [{ protocol: { minReaderVersion: 1, minWriterVersion: 2 } }]),
    ...metaDataOf(change, now),
    { txn: { ...txn, lastUpdated: now } },
    ...removed.map(({ path, partitionValues, size }) => ({
      remove: { path, deletionTimestamp: now, dataChange: true, extendedFileMetadata: true, partitionValues, size },
    })),
    ...added.map((add) => ({ add })),
  ];
}

/** The table's metadata, when the change makes the table or changes its columns. */
function metaDataOf({ base, fields, partitionColumns }: Change, now: number): object[] {
  const current = base?.metaData;
  if (!current) {
    const schemaString = schemaOf(fields);
    const format = { provider: "parquet", options: {} };
    const made = { id: randomUUID(), format, schemaString, partitionColumns, configuration: {}, createdTime: now };
    return [{ metaData: made }];
  }
  const columns = (list: readonly DeltaField[]) => JSON.stringify(list.map(({ name, type }) => [name, type]));
  const same =
    columns(base.fields) === columns(fields) &&
    JSON.stringify(current.partitionColumns) === JSON.stringify(partitionColumns);
  return same ? [] : [{ metaData: { ...current, schemaString: schemaOf(fields), partitionColumns } }];
}

function schemaOf(fields: readonly DeltaField[]): string {
  return JSON.stringify({ type: "struct", fields });
}

/** @throws LakeError TABLE_UNSUPPORTED when rows may not be removed from the table */
export function checkMayRemove(base: Snapshot): void {
  if (base.metaData.configuration?.["delta.appendOnly"] === "true") {
    throw new LakeError("TABLE_UNSUPPORTED", `The table ${base.table} is append-only (delta.appendOnly).`);
  }
}
