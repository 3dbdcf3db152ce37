import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { connect, type SparkSession } from "@dagwright/spark-connect";
import type { RecordBatch, Schema } from "apache-arrow";
import type { QueryResult, TableRef, View } from "./api.ts";
import { arrowToSpark, valueReader } from "./arrow-values.ts";
import { deltaToDuck, sparkToDelta } from "./column-types.ts";
import type { DataFiles, HeldFiles } from "./data-files.ts";
import type { DeltaLog } from "./delta-log.ts";
import type { Engine } from "./engine.ts";
import { LakeError } from "./errors.ts";
import { ExchangeFolder } from "./exchange-folder.ts";
import { quoteIdentifier, quoteLiteral } from "./names.ts";
import type { Snapshot } from "./replay.ts";
import type { Scalar } from "./scalars.ts";
import { asLakeError, lakeErrors } from "./spark-errors.ts";
import type { SparkStatement } from "./spark-statement.ts";
import { defineViews, isNewest } from "./views.ts";

/** Rows that are read just to count them; of a larger result Spark is asked for the count. */
const COUNTED_HERE = 100_000;

const SETTINGS = {
  "spark.sql.session.timeZone": "UTC",
  "spark.sql.ansi.enabled": "true",
  "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
};

/** Files that hold the rows of a query, for DuckDB to read. */
export interface ComputedRows {
  /** A SELECT in DuckDB's SQL. */
  readonly sql: string;
  remove(): Promise<void>;
}

/**
 * Runs queries on a Spark Connect server. The server reads the lake's tables as Delta tables at the version wanted, and
 * writes results as Parquet files under the lake's scratch folder, so it has to see the lake's folder at the same path.
 * Commits stay with the lake's own log, which knows transactions and conflicts.
 */
export class SparkEngine {
  readonly #root: SparkSession;
  readonly #log: DeltaLog;
  readonly #files: DataFiles;
  readonly #duck: Engine;
  readonly #isStaged: (path: string) => boolean;

  constructor(o: {
    remote: string;
    log: DeltaLog;
    files: DataFiles;
    duck: Engine;
    isStaged: (path: string) => boolean;
  }) {
    this.#root = lakeErrors(() => connect(o.remote));
    this.#log = o.log;
    this.#files = o.files;
    this.#duck = o.duck;
    this.#isStaged = o.isStaged;
  }

  /** Runs a query and returns its first `limit` rows and the count of all. */
  query(statement: SparkStatement, limit: number, signal: AbortSignal | undefined): Promise<QueryResult> {
    return this.#session(statement, undefined, signal, async (session) => {
      const rows: Record<string, Scalar>[] = [];
      let schema: Schema | undefined;
      let rowCount = 0;
      for await (const batch of session.sql(statement.sql, withSignal(signal))) {
        schema ??= checkedSchema(batch.schema);
        take(batch, Math.min(batch.numRows, Math.max(0, limit - rows.length)), rows);
        rowCount += batch.numRows;
        if (rows.length >= limit && rowCount > COUNTED_HERE) {
          rowCount = await count(session, statement, signal);
          break;
        }
      }
      const columns = (schema?.fields ?? []).map((f) => ({ name: f.name, type: arrowToSpark(f.type) }));
      return { columns, rows, rowCount };
    });
  }

  /**
   * Runs a query on the tables as they are now (`base` where it is given) and leaves its rows in Parquet files, of which
   * the caller makes a commit, or removes them.
   */
  async compute(
    statement: SparkStatement,
    base: Snapshot | undefined,
    held: HeldFiles,
    signal: AbortSignal | undefined,
  ): Promise<ComputedRows> {
    const place = new ExchangeFolder(this.#files.store, this.#duck.scratch);
    const remove = () => place.remove();
    try {
      return await this.#session(statement, base, signal, async (session) => {
        await session.write(statement.sql, { format: "parquet", path: place.uri }, withSignal(signal));
        const files = await place.files(held, ".parquet");
        if (files.length > 0) {
          const paths = files.map(quoteLiteral).join(", ");
          const order = statement.order === undefined ? "" : ` ORDER BY ${statement.order}`;
          return { sql: `SELECT * FROM read_parquet([${paths}], hive_partitioning = false)${order}`, remove };
        }
        // A server may write no file when there are no rows: then the columns come from the query's schema.
        let schema: Schema | undefined;
        for await (const batch of session.sql(statement.sql, withSignal(signal))) schema ??= batch.schema;
        const columns = (schema?.fields ?? []).map(
          (f) => `CAST(NULL AS ${duckType(f.name, arrowToSpark(f.type))}) AS ${quoteIdentifier(f.name)}`,
        );
        return { sql: `SELECT * FROM (SELECT ${columns.join(", ")}) WHERE false`, remove };
      });
    } catch (error) {
      await remove();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#root.close();
  }

  /** A session of its own for one query, with the query's views defined. */
  async #session<T>(
    statement: SparkStatement,
    base: Snapshot | undefined,
    signal: AbortSignal | undefined,
    work: (session: SparkSession) => Promise<T>,
  ): Promise<T> {
    const session = this.#root.newSession();
    const staged = new ExchangeFolder(this.#files.store, this.#duck.scratch);
    try {
      await session.configure(SETTINGS);
      const newest = new Map<string, Snapshot>(base ? [[base.table, base]] : []);
      for (const [name, view] of Object.entries(statement.views)) {
        const source = "table" in view ? await this.#table(view, newest) : await this.#copy(name, view, staged);
        await session.createTempView(name, source, withSignal(signal));
      }
      return await work(session);
    } catch (error) {
      signal?.throwIfAborted();
      throw asLakeError(error);
    } finally {
      await session.close();
      await staged.remove();
    }
  }

  async #table(view: TableRef, newest: Map<string, Snapshot>) {
    const snapshot = (isNewest(view) ? newest.get(view.table) : undefined) ?? (await this.#log.at(view));
    if (isNewest(view)) newest.set(view.table, snapshot);
    const uri = `${this.#files.store.root}/${snapshot.table}`;
    return { format: "delta", paths: [uri], options: { versionAsOf: String(snapshot.version) } };
  }

  /** What only DuckDB reads (a staged source), as a Parquet file that Spark reads too. */
  async #copy(name: string, view: View, folder: ExchangeFolder) {
    const path = join(this.#duck.scratch, `${randomUUID()}.parquet`);
    await this.#files.use((held) =>
      this.#duck.session(undefined, async (session) => {
        await defineViews(session, this.#log, held, { [name]: view }, this.#isStaged, undefined);
        await session.run(`COPY (SELECT * FROM ${quoteIdentifier(name)}) TO ${quoteLiteral(path)} (FORMAT parquet)`);
      }),
    );
    return { format: "parquet", paths: [await folder.put(path, `${name}.parquet`)] };
  }
}

const withSignal = (signal: AbortSignal | undefined) => (signal === undefined ? {} : { signal });

function checkedSchema(schema: Schema): Schema {
  const seen = new Set<string>();
  for (const { name } of schema.fields) {
    if (seen.has(name))
      throw new LakeError("SCHEMA_MISMATCH", `The query has two columns named ${name}.`, {
        field: "sql",
        hint: "Give one of them another name with AS.",
      });
    seen.add(name);
  }
  return schema;
}

function take(batch: RecordBatch, rows: number, into: Record<string, Scalar>[]): void {
  if (rows <= 0) return;
  const start = into.length;
  for (let r = 0; r < rows; r++) into.push({});
  for (const [c, field] of batch.schema.fields.entries()) {
    const vector = batch.getChildAt(c);
    if (!vector) continue;
    const read = valueReader(vector, field.name);
    for (let r = 0; r < rows; r++) into[start + r]![field.name] = read(r);
  }
}

async function count(session: SparkSession, { sql }: SparkStatement, signal: AbortSignal | undefined): Promise<number> {
  let total = 0;
  for await (const batch of session.sql(`SELECT count(*) AS n FROM (\n${sql}\n)`, withSignal(signal)))
    for (const n of batch.getChild("n") ?? []) total += Number(n);
  return total;
}

function duckType(name: string, type: string): string {
  const delta = sparkToDelta(type);
  if (delta !== undefined) return deltaToDuck(delta);
  throw new LakeError("UNSUPPORTED_TYPE", `The column ${name} is of type ${type}, which a table cannot hold.`, {
    field: "sql",
    hint: "Cast it in the query.",
  });
}
