import { randomUUID } from "node:crypto";
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ReplaceWhere, WriteOptions, WriteResult } from "./api.ts";
import { writeCheckpoint } from "./checkpoint.ts";
import { deltaToDuck } from "./column-types.ts";
import { type AddFile, type DeltaField, versionName } from "./delta-actions.ts";
import type { DeltaLog, Snapshot } from "./delta-log.ts";
import type { Bindings, Engine, Session } from "./engine.ts";
import { diskFull, isDiskFull, LakeError } from "./errors.ts";
import { deltaStats, entries, mayMatch } from "./file-stats.ts";
import { syncPath } from "./log-store.ts";
import { checkTableName, quoteIdentifier, quoteLiteral } from "./names.ts";
import type { ComputedRows } from "./spark-engine.ts";
import { defineViews, filePath, selectFiles } from "./views.ts";
import { conform, incomingColumns } from "./write-columns.ts";

/** How often a write that lost the race starts again before it gives up. */
const ATTEMPTS = 50;
const CHECKPOINT_EVERY = 10;

/** A write whose SQL is checked and translated. */
export interface PreparedWrite {
  readonly o: WriteOptions;
  readonly sql: string;
  readonly bindings: Bindings;
  /** Where another engine runs the query: gives DuckDB SQL over the rows it found, given the version written upon. */
  readonly compute?: (base: Snapshot | undefined) => Promise<ComputedRows>;
}

/** Checks everything about a write that can be known before it starts. */
export function checkWrite(o: WriteOptions): void {
  checkTableName(o.table);
  const bad = (field: string, message: string) => {
    throw new LakeError("WRITE_ARGUMENT", message, { field });
  };
  if (!["append", "overwrite", "replace_where"].includes(o.mode))
    bad("mode", `mode ${JSON.stringify(o.mode)} is none of append, overwrite, replace_where.`);
  if (typeof o.txn.appId !== "string" || o.txn.appId === "")
    bad("txn.appId", "txn.appId must be a text that is not empty.");
  if (!Number.isSafeInteger(o.txn.version) || o.txn.version < 0)
    bad("txn.version", `txn.version ${o.txn.version} must be a whole number from 0.`);
  const where = o.replaceWhere;
  if ((o.mode === "replace_where") !== (where !== undefined))
    bad("replaceWhere", "replaceWhere belongs to mode replace_where, and only to it.");
  if (!where) return;
  const range = where.from !== undefined || where.until !== undefined;
  if (range === (where.equals !== undefined))
    bad("replaceWhere", "replaceWhere needs either from and/or until, or equals.");
}

/** Writes in one commit; see `Lake.write`. */
export async function writeTable(
  log: DeltaLog,
  engine: Engine,
  write: PreparedWrite,
  isStaged: (path: string) => boolean,
): Promise<WriteResult> {
  const { table, txn, expectedVersion, signal } = write.o;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const base = await log.find(table);
    const done = await alreadyDone(log, base, txn);
    if (done) return done;
    const version = base?.version ?? -1;
    if (expectedVersion !== undefined && version !== expectedVersion) {
      throw new LakeError(
        "TABLE_MOVED",
        `The table ${table} is at version ${version}, the write is based on ${expectedVersion}.`,
        { retryable: true },
      );
    }
    const result = await new Attempt(log, engine, write, base, isStaged).run();
    if (result) return result;
    await sleep(Math.random() * Math.min(500, 10 * 2 ** attempt), undefined, signal ? { signal } : {});
  }
  throw new LakeError(
    "TABLE_CONTENDED",
    `Others kept changing the table ${table}: ${ATTEMPTS} attempts to write lost the race.`,
    { retryable: true },
  );
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
  return {
    table: base.table,
    version: found?.version ?? base.version,
    rowsWritten,
    rowsRemoved,
    alreadyDone: true,
    info,
  };
}

/** Rows a write removes: whole files, and rows of files that must be written anew without them. */
interface Removal {
  readonly files: readonly AddFile[];
  readonly rows: number;
  /** SQL of the rows to keep out of `files`, when some must be kept. */
  readonly keep?: string;
}

/** One attempt on one version of the table. */
class Attempt {
  readonly #log: DeltaLog;
  readonly #engine: Engine;
  readonly #write: PreparedWrite;
  readonly #base: Snapshot | undefined;
  readonly #isStaged: (path: string) => boolean;
  readonly #folder: string;
  /** Every file of this attempt carries it, so that a failed attempt can remove them all. */
  readonly #prefix = `part-${randomUUID()}`;

  constructor(
    log: DeltaLog,
    engine: Engine,
    write: PreparedWrite,
    base: Snapshot | undefined,
    isStaged: (path: string) => boolean,
  ) {
    this.#log = log;
    this.#engine = engine;
    this.#write = write;
    this.#base = base;
    this.#isStaged = isStaged;
    this.#folder = join(log.root, write.o.table);
  }

  /** @returns undefined when the table moved and the write must start again */
  async run(): Promise<WriteResult | undefined> {
    let published = false;
    try {
      const result = await this.#engine.session(this.#write.o.signal, (session) => this.#stageAndCommit(session));
      published = result !== undefined;
      return result;
    } catch (error) {
      throw isDiskFull(error) ? diskFull(`the table ${this.#write.o.table}`, error) : error;
    } finally {
      if (!published) await this.#removeFiles();
    }
  }

  async #stageAndCommit(session: Session): Promise<WriteResult | undefined> {
    const { o, sql, bindings, compute } = this.#write;
    if (compute) {
      const computed = await compute(this.#base);
      try {
        await session.run(`CREATE TEMP VIEW __incoming AS ${computed.sql}`);
        return await this.#commitIncoming(session);
      } finally {
        await computed.remove();
      }
    }
    await defineViews(session, this.#log, o.views, this.#isStaged, this.#base);
    await session.run(`CREATE TEMP TABLE __incoming AS ${sql}`, bindings);
    return this.#commitIncoming(session);
  }

  async #commitIncoming(session: Session): Promise<WriteResult | undefined> {
    const { o } = this.#write;
    const base = this.#base;
    const incoming = await incomingColumns(session);
    const fields = base && o.mode !== "overwrite" ? conform(o.table, incoming, base.fields) : incoming;
    const partitionColumns = this.#partitionColumns(fields);
    const removal = await this.#removal(session);
    const [[count] = []] = await session.rows("SELECT count(*) FROM __incoming");
    const rowsWritten = Number(count);
    const projection = fields
      .map((f) => `CAST(${quoteIdentifier(f.name)} AS ${deltaToDuck(f.type)}) AS ${quoteIdentifier(f.name)}`)
      .join(", ");
    const rows = `SELECT ${projection} FROM __incoming${removal.keep === undefined ? "" : ` UNION ALL ${removal.keep}`}`;
    const added =
      rowsWritten === 0 && removal.keep === undefined ? [] : await this.#copy(session, rows, fields, partitionColumns);
    return this.#commit(fields, partitionColumns, added, removal, rowsWritten);
  }

  #partitionColumns(fields: readonly DeltaField[]): readonly string[] {
    const { mode, partitionBy, table } = this.#write.o;
    const current = this.#base?.metaData.partitionColumns;
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
    return wanted;
  }

  async #removal(session: Session): Promise<Removal> {
    const { mode, replaceWhere, table } = this.#write.o;
    const base = this.#base;
    if (mode === "replace_where" && replaceWhere && !base) return { files: [], rows: 0 };
    if (!base || mode === "append") return { files: [], rows: 0 };
    if (base.metaData.configuration?.["delta.appendOnly"] === "true") {
      throw new LakeError("TABLE_UNSUPPORTED", `The table ${table} is append-only (delta.appendOnly).`);
    }
    const all = [...base.files.values()];
    if (mode === "overwrite" || !replaceWhere) {
      const [[rows] = []] = await session.rows(`SELECT count(*) FROM (${selectFiles(base, all)})`);
      return { files: all, rows: Number(rows) };
    }
    const field = base.fields.find((f) => f.name === replaceWhere.column);
    if (!field) {
      throw new LakeError(
        "WRITE_ARGUMENT",
        `replaceWhere.column ${replaceWhere.column} is no column of the table ${table}.`,
        { field: "replaceWhere.column" },
      );
    }
    const candidates = all.filter((f) => mayMatch(f, field, replaceWhere));
    if (candidates.length === 0) return { files: [], rows: 0 };
    const matches = predicate(field, replaceWhere);
    const found = await session.rows(
      `SELECT __file, count(*) AS n, count(*) FILTER (WHERE ${matches}) AS matching FROM (${selectFiles(base, candidates, true)}) GROUP BY __file`,
    );
    const byPath = new Map(candidates.map((f) => [filePath(base.folder, f.path), f]));
    const touched = found.flatMap(([path, n, matching]) => {
      const file = byPath.get(String(path));
      return file && Number(matching) > 0 ? [{ file, n: Number(n), matching: Number(matching) }] : [];
    });
    const files = touched.map((t) => t.file);
    const rows = touched.reduce((sum, t) => sum + t.matching, 0);
    const partly = touched.filter((t) => t.matching < t.n).map((t) => t.file);
    if (partly.length === 0) return { files, rows };
    return { files, rows, keep: `SELECT * FROM (${selectFiles(base, partly)}) WHERE (${matches}) IS NOT TRUE` };
  }

  async #copy(
    session: Session,
    rows: string,
    fields: readonly DeltaField[],
    partitionColumns: readonly string[],
  ): Promise<AddFile[]> {
    await mkdir(this.#folder, { recursive: true });
    const target = partitionColumns.length > 0 ? this.#folder : join(this.#folder, `${this.#prefix}.parquet`);
    const layout =
      partitionColumns.length > 0
        ? `, PARTITION_BY (${partitionColumns.map(quoteIdentifier).join(", ")}), FILENAME_PATTERN '${this.#prefix}-{i}', OVERWRITE_OR_IGNORE true`
        : ", USE_TMP_FILE false";
    const written = await session.rows(
      `COPY (${rows}) TO ${quoteLiteral(target)} (FORMAT parquet, COMPRESSION zstd, RETURN_STATS true${layout})`,
    );
    const files: AddFile[] = [];
    for (const [filename, count, , , columns, keys] of written) {
      const path = String(filename);
      await syncPath(path);
      await syncPath(dirname(path));
      const { size, mtimeMs } = await stat(path);
      const values = new Map(entries(keys ?? null));
      files.push({
        path: relative(this.#folder, path).split(sep).map(encodeSegment).join("/"),
        partitionValues: Object.fromEntries(partitionColumns.map((p) => [p, partitionValue(values.get(p))])),
        size,
        modificationTime: Math.round(mtimeMs),
        dataChange: true,
        stats: deltaStats(Number(count), columns ?? null, fields),
      });
    }
    return files.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  async #commit(
    fields: readonly DeltaField[],
    partitionColumns: readonly string[],
    added: readonly AddFile[],
    removal: Removal,
    rowsWritten: number,
  ): Promise<WriteResult | undefined> {
    const { o } = this.#write;
    const now = Date.now();
    const note = { txn: o.txn, rowsWritten, rowsRemoved: removal.rows, info: o.info ?? {} };
    const actions = [
      {
        commitInfo: {
          timestamp: now,
          operation: "WRITE",
          operationParameters: {
            mode: o.mode === "append" ? "Append" : "Overwrite",
            partitionBy: JSON.stringify(partitionColumns),
          },
          operationMetrics: {
            numFiles: String(added.length),
            numRemovedFiles: String(removal.files.length),
            numOutputRows: String(rowsWritten),
          },
          isBlindAppend: false,
          engineInfo: "dagwright-lake",
          dagwright: note,
        },
      },
      ...(this.#base ? [] : [{ protocol: { minReaderVersion: 1, minWriterVersion: 2 } }]),
      ...this.#metaData(fields, partitionColumns, now),
      { txn: { ...o.txn, lastUpdated: now } },
      ...removal.files.map(({ path, partitionValues, size }) => ({
        remove: { path, deletionTimestamp: now, dataChange: true, extendedFileMetadata: true, partitionValues, size },
      })),
      ...added.map((add) => ({ add })),
    ];
    const text = `${actions.map((a) => JSON.stringify(a)).join("\n")}\n`;
    const store = this.#log.store(o.table);
    let version = (this.#base?.version ?? -1) + 1;
    o.signal?.throwIfAborted();
    while (!(await store.putIfAbsent(`${versionName(version)}.json`, text))) {
      const moved = await this.#log.find(o.table);
      if (!moved || !this.#mayRebase(moved)) return undefined;
      version = moved.version + 1;
    }
    if (version > 0 && version % CHECKPOINT_EVERY === 0) await this.#checkpoint(version);
    return { table: o.table, version, rowsWritten, rowsRemoved: removal.rows, alreadyDone: false, info: note.info };
  }

  /** The table's metadata, when the write makes it or an overwrite changes its columns. */
  #metaData(fields: readonly DeltaField[], partitionColumns: readonly string[], now: number): object[] {
    const schemaString = JSON.stringify({
      type: "struct",
      fields: fields.map((f) => ({ ...f, nullable: true, metadata: {} })),
    });
    const current = this.#base?.metaData;
    if (!current) {
      return [
        {
          metaData: {
            id: randomUUID(),
            format: { provider: "parquet", options: {} },
            schemaString,
            partitionColumns,
            configuration: {},
            createdTime: now,
          },
        },
      ];
    }
    const same =
      JSON.stringify(this.#base?.fields) === JSON.stringify(fields) &&
      JSON.stringify(current.partitionColumns) === JSON.stringify(partitionColumns);
    return same ? [] : [{ metaData: { ...current, schemaString, partitionColumns } }];
  }

  /** Whether files made for an older version may be added to this one as they are. */
  #mayRebase(moved: Snapshot): boolean {
    const { mode, txn, expectedVersion } = this.#write.o;
    const base = this.#base;
    if (mode !== "append" || expectedVersion !== undefined || !base) return false;
    const done = moved.txns.get(txn.appId);
    return (
      (done === undefined || done.version < txn.version) &&
      moved.metaData.id === base.metaData.id &&
      moved.metaData.schemaString === base.metaData.schemaString &&
      JSON.stringify(moved.metaData.partitionColumns) === JSON.stringify(base.metaData.partitionColumns)
    );
  }

  async #checkpoint(version: number): Promise<void> {
    try {
      await writeCheckpoint(this.#engine, await this.#log.get(this.#write.o.table, version));
    } catch {
      // The commit stands; a checkpoint only makes reading faster, and the next one comes ten versions on.
    }
  }

  /** Removes this attempt's data files, and folders it left empty. */
  async #removeFiles(): Promise<void> {
    const visit = async (folder: string): Promise<void> => {
      for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
        const path = join(folder, entry.name);
        if (entry.isDirectory() && entry.name !== "_delta_log") await visit(path);
        else if (entry.name.startsWith(this.#prefix)) await rm(path, { force: true }).catch(() => undefined);
      }
    };
    await visit(this.#folder);
  }
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

function encodeSegment(segment: string): string {
  return encodeURIComponent(segment).replaceAll("%3D", "=");
}

function partitionValue(value: unknown): string | null {
  return value === null || value === undefined || value === "__HIVE_DEFAULT_PARTITION__" ? null : String(value);
}
