import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { deltaToSpark } from "./column-types.ts";
import {
  Action,
  type AddFile,
  type CommitNote,
  type DeltaField,
  type MetaData,
  type Protocol,
  type RemoveFile,
  TableSchema,
  type Txn,
  versionName,
} from "./delta-actions.ts";
import type { Engine } from "./engine.ts";
import { LakeError } from "./errors.ts";
import { LogStore } from "./log-store.ts";
import { checkTableName, nearestNames, quoteLiteral } from "./names.ts";

/** A table at one version, as replayed from its log. */
export interface Snapshot {
  readonly table: string;
  readonly folder: string;
  readonly version: number;
  readonly protocol: Protocol;
  readonly metaData: MetaData;
  readonly fields: readonly DeltaField[];
  /** Active files by path as the log writes it (URL-encoded), in the order they were added. */
  readonly files: ReadonlyMap<string, AddFile>;
  /** Files removed lately; checkpoints repeat them so that other tools know what may be vacuumed. */
  readonly tombstones: ReadonlyMap<string, RemoveFile>;
  readonly txns: ReadonlyMap<string, Txn>;
}

const COMMIT = /^(\d{20})\.json$/;
const CHECKPOINT = /^(\d{20})\.checkpoint\.parquet$/;

/** Reads Delta logs under one root. */
export class DeltaLog {
  readonly root: string;
  readonly #engine: Engine;

  constructor(root: string, engine: Engine) {
    this.root = root;
    this.#engine = engine;
  }

  store(table: string): LogStore {
    return new LogStore(join(this.root, checkTableName(table)));
  }

  /** Names of all folders that hold at least one commit. */
  async tables(): Promise<string[]> {
    const found: string[] = [];
    for (const entry of await readdir(this.root, { withFileTypes: true })) {
      if (!entry.isDirectory() || !/^[A-Za-z_]\w*$/.test(entry.name)) continue;
      if ((await this.store(entry.name).list()).some((f) => COMMIT.test(f) || CHECKPOINT.test(f)))
        found.push(entry.name);
    }
    return found.sort();
  }

  /** The table at `version` (newest by default), or undefined when there is no such table. */
  async find(table: string, version?: number): Promise<Snapshot | undefined> {
    const store = this.store(table);
    const names = await store.list();
    const commits = new Set(names.flatMap((n) => COMMIT.exec(n)?.[1] ?? []).map(Number));
    const checkpoints = names.flatMap((n) => CHECKPOINT.exec(n)?.[1] ?? []).map(Number);
    if (commits.size === 0 && checkpoints.length === 0) return undefined;
    const newest = Math.max(...commits, ...checkpoints);
    if (version !== undefined && (!Number.isInteger(version) || version < 0 || version > newest)) {
      throw new LakeError(
        "VERSION_NOT_FOUND",
        `The table ${table} has no version ${version}; its newest is ${newest}.`,
        { field: "version" },
      );
    }
    const target = version ?? newest;
    const start = Math.max(-1, ...checkpoints.filter((c) => c <= target));
    const replay = new Replay(table, join(this.root, table));
    if (start >= 0) for (const action of await this.#checkpoint(store, start)) replay.apply(action);
    for (let v = start + 1; v <= target; v++) {
      if (!commits.has(v)) {
        throw new LakeError(
          "TABLE_UNREADABLE",
          `The log of the table ${table} has no commit ${v}, which version ${target} needs.`,
        );
      }
      for (const action of await readCommit(store, v)) replay.apply(action);
    }
    return replay.snapshot(target);
  }

  /** @throws LakeError TABLE_NOT_FOUND, with the nearest names as hint */
  async get(table: string, version?: number): Promise<Snapshot> {
    const found = await this.find(table, version);
    if (found) return found;
    const tables = await this.tables();
    const near = nearestNames(table, tables);
    const hint =
      near.length > 0
        ? `Did you mean ${near.join(" or ")}?`
        : `The lake holds ${tables.join(", ") || "no tables yet"}.`;
    throw new LakeError("TABLE_NOT_FOUND", `There is no table ${table}.`, { field: "table", hint });
  }

  /** The newest commit of that txn, with what was noted about it. */
  async findTxn(
    table: string,
    newest: number,
    txn: { appId: string; version: number },
  ): Promise<{ version: number; note: CommitNote } | undefined> {
    const store = this.store(table);
    const present = new Set(await store.list());
    for (let v = newest; v >= 0 && present.has(`${versionName(v)}.json`); v--) {
      for (const { commitInfo } of await readCommit(store, v)) {
        const note = commitInfo?.dagwright;
        if (note?.txn.appId === txn.appId && note.txn.version === txn.version) return { version: v, note };
      }
    }
    return undefined;
  }

  async #checkpoint(store: LogStore, version: number): Promise<Action[]> {
    const path = join(store.folder, `${versionName(version)}.checkpoint.parquet`);
    return this.#engine.session(undefined, async (session) => {
      const rows = await session.rows(
        `SELECT to_json(t)::VARCHAR FROM read_parquet(${quoteLiteral(path)}, hive_partitioning = false) t`,
      );
      return rows.map(([json]) => parseAction(String(json), store.folder));
    });
  }
}

async function readCommit(store: LogStore, version: number): Promise<Action[]> {
  const text = await store.read(`${versionName(version)}.json`);
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => parseAction(line, store.folder));
}

function parseAction(line: string, folder: string): Action {
  try {
    return Action.parse(JSON.parse(line));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    throw new LakeError("TABLE_UNREADABLE", `The log in ${folder} holds an action that cannot be read: ${why}`, {
      cause: error,
    });
  }
}

/** Applies actions in the order of the log. */
class Replay {
  readonly #table: string;
  readonly #folder: string;
  readonly #files = new Map<string, AddFile>();
  readonly #tombstones = new Map<string, RemoveFile>();
  readonly #txns = new Map<string, Txn>();
  #protocol: Protocol | undefined;
  #metaData: MetaData | undefined;

  constructor(table: string, folder: string) {
    this.#table = table;
    this.#folder = folder;
  }

  apply(action: Action): void {
    if (action.protocol) this.#protocol = action.protocol;
    if (action.metaData) this.#metaData = action.metaData;
    if (action.txn) this.#txns.set(action.txn.appId, action.txn);
    if (action.remove) {
      this.#files.delete(action.remove.path);
      this.#tombstones.set(action.remove.path, action.remove);
    }
    if (action.add) {
      if (action.add.deletionVector) throw unsupported(this.#table, "it uses deletion vectors");
      this.#tombstones.delete(action.add.path);
      this.#files.set(action.add.path, action.add);
    }
  }

  snapshot(version: number): Snapshot {
    const protocol = this.#protocol;
    const metaData = this.#metaData;
    if (!protocol || !metaData) {
      throw new LakeError(
        "TABLE_UNREADABLE",
        `The log of the table ${this.#table} lacks its protocol or its metadata.`,
      );
    }
    checkProtocol(this.#table, protocol, metaData);
    return {
      table: this.#table,
      folder: this.#folder,
      version,
      protocol,
      metaData,
      fields: parseSchema(this.#table, metaData.schemaString),
      files: this.#files,
      tombstones: this.#tombstones,
      txns: this.#txns,
    };
  }
}

function unsupported(table: string, why: string): LakeError {
  return new LakeError("TABLE_UNSUPPORTED", `The table ${table} cannot be used here: ${why}.`, {
    hint: "This lake reads and writes Delta tables of reader version 1 and writer version up to 2.",
  });
}

function checkProtocol(table: string, protocol: Protocol, metaData: MetaData): void {
  if (protocol.minReaderVersion > 1)
    throw unsupported(table, `it needs Delta reader version ${protocol.minReaderVersion}`);
  if (protocol.minWriterVersion > 2)
    throw unsupported(table, `it needs Delta writer version ${protocol.minWriterVersion}`);
  const features = [...(protocol.readerFeatures ?? []), ...(protocol.writerFeatures ?? [])];
  if (features.length > 0) throw unsupported(table, `it needs the features ${features.join(", ")}`);
  if (metaData.format.provider !== "parquet") throw unsupported(table, `its files are ${metaData.format.provider}`);
  const mapping = metaData.configuration?.["delta.columnMapping.mode"];
  if (mapping && mapping !== "none") throw unsupported(table, "it uses column mapping");
}

function parseSchema(table: string, schemaString: string): DeltaField[] {
  const schema = TableSchema.safeParse(JSON.parse(schemaString));
  if (!schema.success) throw new LakeError("TABLE_UNREADABLE", `The schema of the table ${table} cannot be read.`);
  return schema.data.fields.map(({ name, type, metadata }) => {
    if (typeof type !== "string" || deltaToSpark(type) === undefined) {
      throw unsupported(table, `its column ${name} is of type ${typeof type === "string" ? type : String(type.type)}`);
    }
    if (metadata && "delta.invariants" in metadata) throw unsupported(table, `its column ${name} has an invariant`);
    return { name, type };
  });
}
