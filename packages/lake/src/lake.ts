import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DuckDBValue } from "@duckdb/node-api";
import type {
  Dialect,
  ExportResult,
  Lake,
  LakeOptions,
  MergeOptions,
  QueryOptions,
  QueryResult,
  ReadColumnsOptions,
  Staged,
  StageOptions,
  StageQueryOptions,
  TableRef,
  TableSnapshot,
  TableVersion,
  VacuumOptions,
  WriteOptions,
} from "./api.ts";
import { deltaToSpark, duckToSpark } from "./column-types.ts";
import { DataFiles, type HeldFiles } from "./data-files.ts";
import { DeltaLog } from "./delta-log.ts";
import { type Bindings, Engine, type Session } from "./engine.ts";
import { LakeError } from "./errors.ts";
import { exportPath, exportRows } from "./export-file.ts";
import { numRecords } from "./file-stats.ts";
import { checkMeetings } from "./meetings.ts";
import { checkMerge, mergeTable } from "./merge.ts";
import type { ObjectStore } from "./object-store.ts";
import { openObjectStore } from "./open-object-store.ts";
import { readColumns } from "./read-columns.ts";
import { countRows } from "./removal.ts";
import { bindable, type Scalar, toScalar } from "./scalars.ts";
import type { SparkEngine } from "./spark-engine.ts";
import { type DuckQuery, sparkToDuck } from "./spark-sql.ts";
import { sparkStatement } from "./spark-statement.ts";
import { type StageContext, stageSource } from "./stage.ts";
import { stageQuery } from "./stage-query.ts";
import type { StagedFile } from "./staged-file.ts";
import { checkStatement } from "./statement-guard.ts";
import { dataPath } from "./table-files.ts";
import { vacuumTable } from "./vacuum.ts";
import { defineViews } from "./views.ts";
import { type Rows, type Workshop, writeTable } from "./write.ts";
import { checkWrite } from "./write-options.ts";

/**
 * Opens the Delta tables under `root`. Several lakes, also of other processes, may use one root.
 * @example
 * const lake = await openLake({ root: "lake", sourceRoots: ["data"] });
 * await lake.write({ table: "t", sql: "SELECT 1 AS a", views: {}, mode: "append", txn: { appId: "example", version: 1 } });
 */
export async function openLake(o: LakeOptions): Promise<Lake> {
  return await lakeOn(await openObjectStore(o.root, o.s3), o);
}

/** The lake on a store that is open. */
export async function lakeOn(store: ObjectStore, o: Omit<LakeOptions, "root">): Promise<Lake> {
  const scratch = o.scratch ?? (store.local ? join(store.root, ".tmp") : join(tmpdir(), "dagwright-lake"));
  const engine = await Engine.open({
    scratch,
    folders: store.local ? [store.root] : [],
    memoryLimit: o.memoryLimit ?? "2GB",
    threads: o.threads ?? 2,
  });
  const files = new DataFiles(store, join(engine.scratch, "objects"), o.cacheBytes ?? 10 * 2 ** 30);
  const log = new DeltaLog(store, engine);
  const limits = { memoryLimit: o.memoryLimit ?? "2GB", threads: o.threads ?? 2 };
  const sources = { roots: o.sourceRoots, s3: o.s3 ?? {}, ...limits };
  const { spark } = o;
  if (!spark) return new DeltaLake(log, files, engine, sources, o.exportRoot);
  try {
    const { SparkEngine } = await import("./spark-engine.ts");
    return new DeltaLake(
      log,
      files,
      engine,
      sources,
      o.exportRoot,
      (isStaged) => new SparkEngine({ remote: spark.remote, log, files, duck: engine, isStaged }),
    );
  } catch (error) {
    await engine.close();
    store.close();
    throw error;
  }
}

class DeltaLake implements Lake {
  readonly dialect: Dialect;
  readonly #log: DeltaLog;
  readonly #files: DataFiles;
  readonly #engine: Engine;
  readonly #sources: Omit<StageContext, "scratch">;
  readonly #exportRoot: string | undefined;
  readonly #staged = new Map<string, StagedFile>();
  readonly #isStaged = (path: string) => this.#staged.has(path);
  /** Runs queries in the place of DuckDB, which then only moves files and reads columns. */
  readonly #spark: SparkEngine | undefined;

  constructor(
    log: DeltaLog,
    files: DataFiles,
    engine: Engine,
    sources: Omit<StageContext, "scratch">,
    exportRoot: string | undefined,
    spark?: (isStaged: (path: string) => boolean) => SparkEngine,
  ) {
    this.#log = log;
    this.#files = files;
    this.#engine = engine;
    this.#sources = sources;
    this.#exportRoot = exportRoot;
    this.#spark = spark?.(this.#isStaged);
    this.dialect = this.#spark ? "spark" : "duckdb";
  }

  listTables(): Promise<string[]> {
    return this.#log.tables();
  }

  async snapshot(ref: TableRef): Promise<TableSnapshot> {
    const s = await this.#log.at(ref);
    const rowCount = await this.#files.use((held) =>
      this.#engine.session(undefined, (session) => countRows(session, held, s, s.files)),
    );
    return {
      table: s.table,
      uri: `${this.#log.store.root}/${s.table}`,
      version: s.version,
      columns: s.fields.map((f) => ({ name: f.name, type: deltaToSpark(f.type) ?? f.type })),
      partitionColumns: s.metaData.partitionColumns,
      rowCount,
      files: s.files.map((f) => ({
        path: dataPath(s.table, f.path),
        size: f.size,
        rows: numRecords(f),
        partitionValues: f.partitionValues,
      })),
    };
  }

  async query(sql: string, o: QueryOptions): Promise<QueryResult> {
    if (this.#spark) return this.#spark.query(sparkStatement(sql, o.views, o.params), checkLimit(o.limit), o.signal);
    return this.#run("spark", async () => sparkToDuck(sql, Object.keys(o.views), o.params), o);
  }

  async native(sql: string, o: QueryOptions): Promise<QueryResult> {
    return this.#spark ? this.query(sql, o) : this.#run("duckdb", async () => ({ sql, meetings: [] }), o);
  }

  async write(o: WriteOptions) {
    checkWrite(o);
    return await writeTable(this.#workshop(), o, await this.#rows(o), this.#wholeSource(o));
  }

  async merge(o: MergeOptions) {
    checkMerge(o);
    return await mergeTable(this.#workshop(), o, await this.#rows(o));
  }

  async history(table: string, o: { readonly limit?: number | undefined } = {}): Promise<TableVersion[]> {
    await this.#log.get(table);
    const newest = (await this.#log.commits(table)).toReversed().slice(0, o.limit ?? 20);
    return await Promise.all(
      newest.map(async ({ version, modified }) => {
        const info = (await this.#log.commit(table, version)).find((a) => a.commitInfo)?.commitInfo;
        const timestamp = new Date(modified).toISOString();
        return { version, timestamp, operation: info?.operation ?? "UNKNOWN", info: info?.dagwright?.info ?? {} };
      }),
    );
  }

  async vacuum(o: VacuumOptions) {
    return await vacuumTable(this.#log, o);
  }

  async exportFile({ sql, format, path, ...o }: Parameters<Lake["exportFile"]>[0]): Promise<ExportResult> {
    const spark = this.#spark && sparkStatement(sql, o.views, o.params);
    const bindings = spark ? {} : bindAll(o.params, "spark");
    const { sql: duck, meetings } = spark ? DONE_BY_SPARK : sparkToDuck(sql, Object.keys(o.views), o.params);
    const target = await exportPath(this.#exportRoot, path);
    const scratch = this.#engine.scratch;
    return await this.#files.use((held) =>
      this.#engine.session(o.signal, async (session) => {
        if (spark && this.#spark) {
          const computed = await this.#spark.compute(spark, undefined, held, o.signal);
          try {
            return await exportRows(session, { sql: computed.sql, bindings, format, target, scratch });
          } finally {
            await computed.remove();
          }
        }
        await checkStatement(session, duck, Object.keys(o.views));
        const query = { sql: duck, bindings, scratch };
        await defineViews(session, this.#log, held, o.views, this.#isStaged, query);
        await checkMeetings(session, meetings, bindings);
        return await exportRows(session, { sql: duck, bindings, format, target, scratch });
      }),
    );
  }

  async readColumns(ref: TableRef, o: ReadColumnsOptions = {}) {
    return await readColumns(this.#engine, this.#files, await this.#log.at(ref), o.columns, o.as);
  }

  async stage(o: StageOptions): Promise<Staged> {
    return this.#keep(await stageSource(o, { ...this.#sources, scratch: this.#engine.scratch }));
  }

  async stageQuery({ compute, ...o }: StageQueryOptions): Promise<Staged> {
    const rows = await this.#rows(o);
    const made = await this.#files.use((held) =>
      this.#engine.session(o.signal, (session) =>
        rows(session, held, undefined, (sql, bindings) =>
          stageQuery(this.#engine, { session, sql, bindings }, compute, o.signal),
        ),
      ),
    );
    return this.#keep(made);
  }

  #keep(made: StagedFile): Staged {
    const { path, stats: _, ...staged } = made;
    this.#staged.set(path, made);
    const close = async () => {
      this.#staged.delete(path);
      await rm(path, { force: true });
    };
    return { ...staged, view: { staged: path }, close };
  }

  async close(): Promise<void> {
    await this.#spark?.close();
    await this.#engine.close();
    this.#log.store.close();
  }

  /** The staged source that a write's query takes as it is, if it does. */
  #wholeSource({ sql, views }: WriteOptions): StagedFile | undefined {
    const name = /^\s*SELECT\s+\*\s+FROM\s+([a-z_][a-z0-9_]*)\s*;?\s*$/i.exec(sql)?.[1];
    const view = name !== undefined && Object.hasOwn(views, name) ? views[name] : undefined;
    return view && "staged" in view && !this.#spark ? this.#staged.get(view.staged) : undefined;
  }

  #workshop(): Workshop {
    return { log: this.#log, files: this.#files, engine: this.#engine };
  }

  /** The query of a change, translated and checked, to be run by the lake's engine. */
  async #rows(o: Pick<WriteOptions, "sql" | "dialect" | "views" | "params" | "signal">): Promise<Rows> {
    const spark = this.#spark;
    if (spark) {
      if (o.dialect === "duckdb")
        throw new LakeError("WRITE_ARGUMENT", "dialect duckdb: this lake's engine is Spark.", { field: "dialect" });
      const statement = sparkStatement(o.sql, o.views, o.params);
      return async (_session, held, base, work) => {
        const computed = await spark.compute(statement, base, held, o.signal);
        try {
          return await work(computed.sql, {});
        } finally {
          await computed.remove();
        }
      };
    }
    const bindings = bindAll(o.params, o.dialect ?? "spark");
    const names = Object.keys(o.views);
    const { sql, meetings } =
      o.dialect === "duckdb" ? { sql: o.sql, meetings: [] } : sparkToDuck(o.sql, names, o.params);
    await this.#engine.session(o.signal, (session) => checkStatement(session, sql, names));
    return async (session, held, base, work) => {
      const query = { sql, bindings, scratch: this.#engine.scratch };
      await defineViews(session, this.#log, held, o.views, this.#isStaged, query, base);
      await checkMeetings(session, meetings, bindings);
      return await work(`SELECT * FROM (${sql.replace(/;\s*$/, "")}\n)`, bindings);
    };
  }

  async #run(dialect: Dialect, translate: () => Promise<DuckQuery>, o: QueryOptions): Promise<QueryResult> {
    const limit = checkLimit(o.limit);
    const bindings = bindAll(o.params, dialect);
    const { sql, meetings } = await translate();
    const read = (held: HeldFiles) => async (session: Session) => {
      await checkStatement(session, sql, Object.keys(o.views));
      const query = { sql, bindings, scratch: this.#engine.scratch };
      await defineViews(session, this.#log, held, o.views, this.#isStaged, query);
      await checkMeetings(session, meetings, bindings);
      return await session.stream(sql, bindings, async (result) => {
        const names = result.deduplicatedColumnNames();
        const types = result.columnTypes();
        const rows: Record<string, Scalar>[] = [];
        let rowCount = 0;
        for (let chunk = await result.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
          const take = Math.min(chunk.rowCount, Math.max(0, limit - rows.length));
          rowCount += chunk.rowCount;
          if (take === 0) continue;
          const columns: DuckDBValue[][] = chunk.getColumns();
          for (let r = 0; r < take; r++) {
            const row: Record<string, Scalar> = {};
            for (let c = 0; c < names.length; c++) row[names[c]!] = toScalar(columns[c]![r]!, types[c]!, names[c]!);
            rows.push(row);
          }
        }
        return { columns: names.map((name, i) => ({ name, type: duckToSpark(types[i]!.toString()) })), rows, rowCount };
      });
    };
    return await this.#files.use((held) => this.#engine.session(o.signal, read(held)));
  }
}

const DONE_BY_SPARK: DuckQuery = { sql: "", meetings: [] };

function checkLimit(limit = Number.POSITIVE_INFINITY): number {
  if (limit >= 0) return limit;
  throw new LakeError("PARAM_TYPE", `limit ${limit} must be a number from 0.`, { field: "limit" });
}

function bindAll(params: Readonly<Record<string, Scalar>> | undefined, dialect: Dialect): Bindings {
  return Object.fromEntries(
    Object.entries(params ?? {}).map(([name, value]) => [name, bindable(name, value, dialect)]),
  );
}
