import { mkdir, realpath } from "node:fs/promises";
import type { DuckDBValue } from "@duckdb/node-api";
import type {
  Dialect,
  Lake,
  LakeOptions,
  QueryOptions,
  QueryResult,
  TableRef,
  TableSnapshot,
  WriteOptions,
} from "./api.ts";
import { deltaToSpark, duckToSpark } from "./column-types.ts";
import { stageCsv } from "./csv-source.ts";
import { DeltaLog, type Snapshot } from "./delta-log.ts";
import { type Bindings, Engine } from "./engine.ts";
import { LakeError } from "./errors.ts";
import { numRecords } from "./file-stats.ts";
import { readColumns } from "./read-columns.ts";
import { bindable, type Scalar, toScalar } from "./scalars.ts";
import type { SparkEngine } from "./spark-engine.ts";
import { sparkToDuck } from "./spark-sql.ts";
import { sparkStatement } from "./spark-statement.ts";
import { checkStatement } from "./statement-guard.ts";
import { defineViews, filePath, selectFiles } from "./views.ts";
import { checkWrite, writeTable } from "./write.ts";

/**
 * Opens the Delta tables under `root`. Several lakes, also of other processes, may use one root.
 * @example
 * const lake = await openLake({ root: "lake", sourceRoots: ["data"] });
 * await lake.write({ table: "t", sql: "SELECT 1 AS a", views: {}, mode: "append", txn: { appId: "example", version: 1 } });
 */
export async function openLake(o: LakeOptions): Promise<Lake> {
  await mkdir(o.root, { recursive: true });
  const root = await realpath(o.root);
  const engine = await Engine.open({ root, memoryLimit: o.memoryLimit ?? "2GB", threads: o.threads ?? 2 });
  const log = new DeltaLog(root, engine);
  const { spark } = o;
  if (!spark) return new DuckLake(log, engine, o.sourceRoots);
  try {
    const { SparkEngine } = await import("./spark-engine.ts");
    return new DuckLake(
      log,
      engine,
      o.sourceRoots,
      (isStaged) => new SparkEngine({ remote: spark.remote, log, duck: engine, isStaged }),
    );
  } catch (error) {
    await engine.close();
    throw error;
  }
}

class DuckLake implements Lake {
  readonly dialect: Dialect;
  readonly #log: DeltaLog;
  readonly #engine: Engine;
  readonly #sourceRoots: readonly string[];
  readonly #staged = new Set<string>();
  readonly #isStaged = (path: string) => this.#staged.has(path);
  /** Runs queries in the place of DuckDB, which then only moves files and reads columns. */
  readonly #spark: SparkEngine | undefined;

  constructor(
    log: DeltaLog,
    engine: Engine,
    sourceRoots: readonly string[],
    spark?: (isStaged: (path: string) => boolean) => SparkEngine,
  ) {
    this.#log = log;
    this.#engine = engine;
    this.#sourceRoots = sourceRoots;
    this.#spark = spark?.(this.#isStaged);
    this.dialect = this.#spark ? "spark" : "duckdb";
  }

  listTables(): Promise<string[]> {
    return this.#log.tables();
  }

  async snapshot(ref: TableRef): Promise<TableSnapshot> {
    const s = await this.#log.get(ref.table, ref.version);
    const files = [...s.files.values()];
    let rowCount = 0;
    const unknown = files.filter((f) => numRecords(f) === undefined);
    for (const f of files) rowCount += numRecords(f) ?? 0;
    if (unknown.length > 0) {
      const [[count] = []] = await this.#engine.session(undefined, (session) =>
        session.rows(`SELECT count(*) FROM (${selectFiles(s, unknown)})`),
      );
      rowCount += Number(count);
    }
    return {
      table: s.table,
      version: s.version,
      columns: s.fields.map((f) => ({ name: f.name, type: deltaToSpark(f.type) ?? f.type })),
      partitionColumns: s.metaData.partitionColumns,
      rowCount,
      files: files.map((f) => ({
        path: filePath("", f.path),
        size: f.size,
        rows: numRecords(f),
        partitionValues: f.partitionValues,
      })),
    };
  }

  async query(sql: string, o: QueryOptions): Promise<QueryResult> {
    if (this.#spark) return this.#spark.query(sparkStatement(sql, o.views, o.params), checkLimit(o.limit), o.signal);
    return this.#run(async () => sparkToDuck(sql, Object.keys(o.views)).sql, o);
  }

  async native(sql: string, o: QueryOptions): Promise<QueryResult> {
    return this.#spark ? this.query(sql, o) : this.#run(async () => sql, o);
  }

  async write(o: WriteOptions) {
    checkWrite(o);
    const spark = this.#spark;
    if (spark) {
      if (o.dialect === "duckdb")
        throw new LakeError("WRITE_ARGUMENT", "dialect duckdb: this lake's engine is Spark.", { field: "dialect" });
      const statement = sparkStatement(o.sql, o.views, o.params);
      const compute = (base: Snapshot | undefined) => spark.compute(statement, base, o.signal);
      return writeTable(this.#log, this.#engine, { o, sql: "", bindings: {}, compute }, this.#isStaged);
    }
    const bindings = bindAll(o.params);
    const names = Object.keys(o.views);
    const sql = o.dialect === "duckdb" ? o.sql : sparkToDuck(o.sql, names).sql;
    await this.#engine.session(o.signal, (session) => checkStatement(session, sql, names));
    return writeTable(this.#log, this.#engine, { o, sql, bindings }, this.#isStaged);
  }

  async readColumns(ref: TableRef, o: { readonly columns?: readonly string[] | undefined } = {}) {
    return readColumns(this.#engine, await this.#log.get(ref.table, ref.version), o.columns);
  }

  async stageCsv(o: Parameters<Lake["stageCsv"]>[0]) {
    const staged = await stageCsv({ ...o, sourceRoots: this.#sourceRoots, scratch: this.#engine.scratch });
    this.#staged.add(staged.view.csv);
    return {
      ...staged,
      close: async () => {
        this.#staged.delete(staged.view.csv);
        await staged.close();
      },
    };
  }

  async close(): Promise<void> {
    await this.#spark?.close();
    await this.#engine.close();
  }

  async #run(translate: () => Promise<string>, o: QueryOptions): Promise<QueryResult> {
    const limit = checkLimit(o.limit);
    const bindings = bindAll(o.params);
    const sql = await translate();
    return this.#engine.session(o.signal, async (session) => {
      await checkStatement(session, sql, Object.keys(o.views));
      await defineViews(session, this.#log, o.views, this.#isStaged);
      return session.stream(sql, bindings, async (result) => {
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
    });
  }
}

function checkLimit(limit = Number.POSITIVE_INFINITY): number {
  if (limit >= 0) return limit;
  throw new LakeError("PARAM_TYPE", `limit ${limit} must be a number from 0.`, { field: "limit" });
}

function bindAll(params: Readonly<Record<string, Scalar>> | undefined): Bindings {
  return Object.fromEntries(Object.entries(params ?? {}).map(([name, value]) => [name, bindable(name, value)]));
}
