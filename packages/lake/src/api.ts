import type { Column } from "./column-types.ts";
import type { S3Options } from "./object-store.ts";
import type { Scalar } from "./scalars.ts";

/** A JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** The SQL that an engine speaks: DuckDB's, or Spark's (`SPARK_REMOTE`). */
export type Dialect = "duckdb" | "spark";

/** Where a lake lives and what it may use. */
export interface LakeOptions {
  /** The folder that holds one folder a table; made when it is not there. Or `s3://bucket/prefix`. */
  readonly root: string;
  /** The only folders, and `s3://bucket/prefix`, from which `stage` reads; symbolic links are resolved. */
  readonly sourceRoots: readonly string[];
  /** How to reach S3, where the standard `AWS_*` variables and profiles do not say it. */
  readonly s3?: S3Options | undefined;
  /** Folder for temporary files and for copies of S3's objects. @default `.tmp` in the root; for S3 the machine's temporary folder */
  readonly scratch?: string | undefined;
  /** Bytes of copies of S3's objects that are kept for the next query; one query may need more. @default 10 GiB */
  readonly cacheBytes?: number | undefined;
  /** DuckDB's limit for memory; beyond it, it spills to disk. @default "2GB" */
  readonly memoryLimit?: string;
  /** @default 2 */
  readonly threads?: number;
  /** The only folder into which `exportFile` writes. @default none: it refuses */
  readonly exportRoot?: string | undefined;
  /** Runs queries on a Spark Connect server, which must see `root` at the same path. @default DuckDB in this process */
  readonly spark?: { readonly remote: string } | undefined;
}

/** A table, at its newest version unless one is named, by its number or by a moment. */
export interface TableRef {
  readonly table: string;
  readonly version?: number | undefined;
  /** The version that was newest then: `2026-01-31T12:00:00Z`. Not together with `version`. */
  readonly timestamp?: string | undefined;
}

/** A column to read from a source, and what its values must be. */
export interface SourceColumn {
  readonly name: string;
  readonly type:
    | "bigint"
    | "int"
    | "double"
    | "string"
    | "date"
    | "timestamp"
    | "boolean"
    | `decimal(${number},${number})`;
  /** Whether a missing value (in CSV an empty field) means null; otherwise it is an error. @default false */
  readonly nullable?: boolean | undefined;
  /** The least number allowed. */
  readonly min?: number | undefined;
}

/** How a CSV file is written, where it is not RFC 4180 with a header in UTF-8. */
export interface CsvDialect {
  /** One character. @default ",", and a tab in files named `.tsv` */
  readonly delimiter?: string | undefined;
  /** One character, doubled inside a field; empty when quotes mean nothing. @default a double quote */
  readonly quote?: string | undefined;
  /** Whether the first line names the columns; without it they stand in the order of `columns`. @default true */
  readonly header?: boolean | undefined;
  /** As the Encoding Standard names it: `windows-1252`, `utf-16le`. @default what a byte order mark says, else utf-8 */
  readonly encoding?: string | undefined;
  /** What stands for a missing value, beside the empty field. */
  readonly nullText?: string | undefined;
}

export interface StageOptions {
  /**
   * Within the lake's `sourceRoots`: a file, a pattern (`*`, `**`, `?`, `[a-z]`, `{a,b}`), a folder or a prefix, which
   * stands for all files of the format in it, or the folder of a Delta table; the same below `s3://bucket/prefix`.
   */
  readonly source: string | readonly string[];
  /** @default what the names' ending says: `.csv`, `.tsv`, `.jsonl`, `.ndjson`, `.json`, `.parquet`; packed ones too (`.gz`, `.zst`) */
  readonly format?: "csv" | "jsonl" | "parquet" | "delta" | undefined;
  /** Needed for CSV and JSON; of Parquet and Delta it chooses and checks. */
  readonly columns?: readonly SourceColumn[] | undefined;
  readonly csv?: CsvDialect | undefined;
  /** Of a Delta table. @default the newest */
  readonly version?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Checked rows of a source, usable as a view until the staging is closed. */
export interface StagedView {
  readonly staged: string;
}

/** What `stage` read: every row was well-formed. */
export interface Staged {
  readonly view: StagedView;
  readonly columns: readonly Column[];
  readonly rows: number;
  /** What was read, by name. */
  readonly files: readonly string[];
  /** Removes the staged copy. */
  close(): Promise<void>;
}

/** What may stand behind a name in FROM. */
export type View = TableRef | StagedView;

/** One active file of a table. */
export interface DataFile {
  /** Relative to the table's folder. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Rows, where the log knows them. */
  readonly rows: number | undefined;
  readonly partitionValues: Readonly<Record<string, string | null>>;
}

/** A table at one version. */
export interface TableSnapshot {
  readonly table: string;
  /** Where the table lies, for other programs: a folder, or `s3://bucket/prefix/table`. */
  readonly uri: string;
  readonly version: number;
  readonly columns: readonly Column[];
  readonly partitionColumns: readonly string[];
  readonly rowCount: number;
  readonly files: readonly DataFile[];
}

export interface QueryOptions {
  /** What the names in FROM stand for. */
  readonly views: Readonly<Record<string, View>>;
  /** Values of the named parameters. */
  readonly params?: Readonly<Record<string, Scalar>> | undefined;
  /** The most rows to return; `rowCount` counts all. @default all */
  readonly limit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface QueryResult {
  /** Types in Spark SQL's words: `bigint, int, double, string, date, timestamp, decimal(p,s), …`. */
  readonly columns: readonly Column[];
  /** Dates (`1998-01-31`) and timestamps (`1998-01-31T00:00:00.000Z`) as strings. */
  readonly rows: readonly Readonly<Record<string, Scalar>>[];
  /** Rows of the whole result. */
  readonly rowCount: number;
}

/** Rows that a `replace_where` removes: all given bounds hold. A null is never within bounds. */
export interface ReplaceWhere {
  readonly column: string;
  /** Inclusive. */
  readonly from?: string | undefined;
  /** Exclusive. */
  readonly until?: string | undefined;
  readonly equals?: Scalar | undefined;
}

/** Columns that this process computes of each row of a query. */
export interface ComputedColumns {
  /** The query's columns that `row` reads. */
  readonly from: readonly string[];
  /** Names and types of what `row` gives. */
  readonly columns: readonly Column[];
  /** The values for one row; what is missing is null. A timestamp is ISO-8601 text, a bigint may be its digits. */
  row(values: Readonly<Record<string, Scalar>>): Readonly<Record<string, Scalar>>;
}

export interface StageQueryOptions extends Pick<WriteOptions, "sql" | "dialect" | "views" | "params" | "signal"> {
  /** @default the query's columns alone */
  readonly compute?: ComputedColumns | undefined;
}

export interface WriteOptions {
  readonly table: string;
  /** One SELECT whose rows are written. */
  readonly sql: string;
  /** `spark` runs on every engine; `duckdb` only where the lake's `dialect` is. A package that generates SQL gives `lake.dialect`. @default "spark" */
  readonly dialect?: Dialect | undefined;
  readonly views: Readonly<Record<string, View>>;
  readonly params?: Readonly<Record<string, Scalar>> | undefined;
  /**
   * `append` adds; `overwrite` replaces all rows (and the columns); `overwrite_partitions` replaces the partitions that
   * the query has rows for; `replace_where` removes the rows of `replaceWhere` and adds.
   *
   * An append never collides with other writers. The others fail with TABLE_MOVED when, meanwhile, another commit
   * changed rows that they would replace, unless the query itself reads the table (at its newest version): then it is
   * run again on what is there.
   */
  readonly mode: "append" | "overwrite" | "overwrite_partitions" | "replace_where";
  /** All conditions hold for the rows that go. */
  readonly replaceWhere?: ReplaceWhere | readonly ReplaceWhere[] | undefined;
  /** Whether columns that the table lacks are added to it, and those that the query lacks are null. @default false: SCHEMA_MISMATCH */
  readonly mergeSchema?: boolean | undefined;
  /** Columns by whose values files are laid out; fixed when the table is made. */
  readonly partitionBy?: readonly string[] | undefined;
  /** Who writes: the same appId and version is written once, however often it is tried. */
  readonly txn: { readonly appId: string; readonly version: number };
  /** The version on which the write is based, -1 for "no such table": TABLE_MOVED when it is another. */
  readonly expectedVersion?: number | undefined;
  /** Kept in the log; returned when the txn is found already done. */
  readonly info?: Readonly<Record<string, Json>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface WriteResult {
  readonly table: string;
  /** The version that holds the rows. */
  readonly version: number;
  readonly rowsWritten: number;
  readonly rowsRemoved: number;
  /** The txn had been written before; nothing was done now, the numbers are those of then. */
  readonly alreadyDone: boolean;
  readonly info: Readonly<Record<string, Json>>;
}

/** A file that holds the rows of a query. */
export interface ExportResult {
  /** On this machine. */
  readonly path: string;
  readonly rows: number;
  readonly bytes: number;
}

/** A merge: rows of the query meet rows of the table with the same values in the columns `on`. A null never matches. */
export interface MergeOptions extends Omit<WriteOptions, "mode" | "replaceWhere" | "partitionBy"> {
  readonly on: readonly string[];
  /** Rows of the table that are met: take the query's values in the query's columns, go, or stay. @default "update" */
  readonly whenMatched?: "update" | "delete" | "ignore" | undefined;
  /** Rows of the query that meet none. @default "insert" */
  readonly whenNotMatched?: "insert" | "ignore" | undefined;
  /** Rows of the table that are not met. @default "keep" */
  readonly whenNotMatchedBySource?: "keep" | "delete" | undefined;
}

export interface MergeResult extends WriteResult {
  readonly rowsInserted: number;
  readonly rowsUpdated: number;
  readonly rowsDeleted: number;
}

export interface VacuumOptions {
  readonly table: string;
  /** Versions of so many hours stay readable. @default the table's `delta.deletedFileRetentionDuration`, else 168 */
  readonly retentionHours?: number | undefined;
  /** Whether the retention may be shorter than a week (or the table's own): only when nothing reads or writes the table. */
  readonly allowShortRetention?: boolean | undefined;
  /** Says what would go, and removes nothing. @default false */
  readonly dryRun?: boolean | undefined;
}

export interface VacuumResult {
  /** Paths within the table that went, or would go. */
  readonly files: readonly string[];
  readonly bytes: number;
  readonly dryRun: boolean;
}

/** One commit of a table. */
export interface TableVersion {
  readonly version: number;
  /** `2026-01-31T12:00:00.000Z`; what `TableRef.timestamp` is compared with. */
  readonly timestamp: string;
  /** `WRITE`, `MERGE`, or what another writer calls its own. */
  readonly operation: string;
  /** What a write of a lake noted. */
  readonly info: Readonly<Record<string, Json>>;
}

/** A column in memory. Numbers (decimals as the nearest double), booleans (0, 1) and timestamps (ms since 1970 UTC, with fractions; dates too) miss as NaN, strings as null. */
export type ColumnValues =
  | { readonly type: "number" | "boolean" | "timestamp"; readonly values: Float64Array }
  | { readonly type: "string"; readonly values: (string | null)[] };

export interface ReadColumnsOptions {
  /** @default all */
  readonly columns?: readonly string[] | undefined;
  /** Columns to be read as text whatever their type: a bigint beyond 2^53, a decimal with all of its digits. */
  readonly as?: Readonly<Record<string, "string">> | undefined;
}

export interface Columns {
  readonly rowCount: number;
  readonly columns: Readonly<Record<string, ColumnValues>>;
}

/** Delta tables under one folder. */
export interface Lake {
  /**
   * The engine's own SQL. A package that generates SQL writes the Spark SQL subset and calls `query`, which is the same
   * on every engine; only what the subset lacks is generated once per dialect, as `lake.dialect` says, and given to
   * `native` (or to `write` with `dialect: lake.dialect`).
   */
  readonly dialect: Dialect;
  /** Names of all tables, sorted. */
  listTables(): Promise<string[]>;
  /** @throws LakeError TABLE_NOT_FOUND (with the nearest names), VERSION_NOT_FOUND, TABLE_UNSUPPORTED */
  snapshot(ref: TableRef): Promise<TableSnapshot>;
  /**
   * Runs one query in the checked subset of Spark SQL; parameters are written `:name`.
   * @throws LakeError UNSUPPORTED_SQL before anything runs, naming the function or clause
   */
  query(sql: string, o: QueryOptions): Promise<QueryResult>;
  /** Runs one SELECT in the engine's own SQL, see `dialect`; parameters are written `$name` in DuckDB's, `:name` in Spark's. */
  native(sql: string, o: QueryOptions): Promise<QueryResult>;
  /** Writes a query's rows in one atomic commit. @throws LakeError DISK_FULL, SCHEMA_MISMATCH, TABLE_MOVED, … */
  write(o: WriteOptions): Promise<WriteResult>;
  /**
   * Writes the rows of one query in Spark SQL to one file below `exportRoot`, whole or not at all; twice is once.
   * @throws LakeError EXPORT_PATH
   */
  exportFile(
    o: Omit<QueryOptions, "limit"> & {
      readonly sql: string;
      readonly format: "parquet" | "csv";
      /** Relative, of plain names: `daily/features.csv`. */
      readonly path: string;
    },
  ): Promise<ExportResult>;
  /**
   * Merges a query's rows into a table in one atomic commit; on losing a race it is worked out again.
   * @throws LakeError MERGE_AMBIGUOUS when several rows of the query would update one row; as `write` does
   */
  merge(o: MergeOptions): Promise<MergeResult>;
  /** The newest versions of a table, newest first. @default limit 20 */
  history(table: string, o?: { readonly limit?: number | undefined }): Promise<TableVersion[]>;
  /** Removes files that no version within the retention needs: of replaced rows, and of writers that were killed. */
  vacuum(o: VacuumOptions): Promise<VacuumResult>;
  /**
   * Reads whole columns for computing, without rows in between.
   * @throws LakeError UNSUPPORTED_TYPE for binary columns, and for a bigint beyond 2^53, which a number would round
   */
  readColumns(ref: TableRef, o?: ReadColumnsOptions): Promise<Columns>;
  /**
   * Reads a source as a stream, checks every row, and keeps a checked copy for views.
   * @throws LakeError SOURCE_…, or BAD_ROW naming file, line, column and value of the first bad row and how many there are
   */
  stage(o: StageOptions): Promise<Staged>;
  /**
   * Runs a query once and keeps its rows for views, with columns that a function computes of each row: they stream
   * through it, so there may be more than fit into memory. What the function throws is thrown.
   */
  stageQuery(o: StageQueryOptions): Promise<Staged>;
  close(): Promise<void>;
}
