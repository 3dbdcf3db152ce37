import type { Action, AddFile, DeltaField, MetaData, Protocol, RemoveFile, Txn } from "./delta-actions.ts";
import { LakeError } from "./errors.ts";
import { checkReadable, parseSchema, unsupported } from "./table-protocol.ts";

/** A table at one version, as replayed from its log. */
export interface Snapshot {
  readonly table: string;
  readonly version: number;
  readonly protocol: Protocol;
  readonly metaData: MetaData;
  readonly fields: readonly DeltaField[];
  /** Active files, in the order they were added. */
  readonly files: readonly AddFile[];
  /** Files removed lately; checkpoints repeat them so that other tools know what may be vacuumed. */
  readonly tombstones: readonly RemoveFile[];
  readonly txns: ReadonlyMap<string, Txn>;
}

/** Applies actions in the order of the log. */
export class Replay {
  readonly #table: string;
  readonly #files = new Map<string, AddFile>();
  readonly #tombstones = new Map<string, RemoveFile>();
  readonly #txns = new Map<string, Txn>();
  #protocol: Protocol | undefined;
  #metaData: MetaData | undefined;

  constructor(table: string) {
    this.#table = table;
  }

  apply(action: Action): void {
    if (action.protocol) this.#protocol = action.protocol;
    if (action.metaData) this.#metaData = action.metaData;
    if (action.txn) this.#txns.set(action.txn.appId, action.txn);
    if (action.remove) {
      this.#files.delete(identity(action.remove));
      this.#tombstones.set(identity(action.remove), action.remove);
    }
    if (action.add) {
      this.#tombstones.delete(identity(action.add));
      this.#files.set(identity(action.add), action.add);
    }
  }

  snapshot(version: number): Snapshot {
    const [table, protocol, metaData] = [this.#table, this.#protocol, this.#metaData];
    if (!protocol || !metaData) {
      throw new LakeError("TABLE_UNREADABLE", `The log of the table ${table} lacks its protocol or its metadata.`);
    }
    checkReadable(table, protocol, metaData);
    const files = [...this.#files.values()];
    if (files.some((f) => f.deletionVector)) throw unsupported(table, "its files have deletion vectors");
    const fields = parseSchema(table, metaData.schemaString);
    const stranger = metaData.partitionColumns.find((p) => !fields.some((f) => f.name === p));
    if (stranger !== undefined) {
      throw new LakeError("TABLE_UNREADABLE", `The table ${table} is partitioned by ${stranger}, which it lacks.`);
    }
    const tombstones = [...this.#tombstones.values()];
    return { table, version, protocol, metaData, fields, files, tombstones, txns: this.#txns };
  }
}

/** What tells two files of a log apart: a file with another deletion vector is another one. */
export function identity({ path, deletionVector }: Pick<AddFile, "path" | "deletionVector">): string {
  if (!deletionVector) return path;
  return JSON.stringify([path, deletionVector.storageType, deletionVector.pathOrInlineDv, deletionVector.offset]);
}
