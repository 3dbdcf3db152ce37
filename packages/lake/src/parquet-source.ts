import { constants } from "node:fs";
import { copyFile, link, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { DuckDBValue } from "@duckdb/node-api";
import type { StageOptions } from "./api.ts";
import { deltaToSpark, duckToDelta } from "./column-types.ts";
import { Engine, type Session } from "./engine.ts";
import { LakeError } from "./errors.ts";
import { type ColumnStats, deltaStats } from "./file-stats.ts";
import { quoteIdentifier, quoteLiteral } from "./names.ts";
import type { SourceFile } from "./source-files.ts";
import { sourceType } from "./source-values.ts";
import type { StagedFile } from "./staged-file.ts";

/*
 * A Parquet file that is already what this lake would write is not written again: it is copied, and the copy is read
 * whole. Whatever is unusual about a file sends it the long way, where its rows are read and written: nothing is lost by
 * a check that is too strict.
 */

/** How the values of a type lie in a file of a table, by DuckDB's name of the type. */
const STORED: Readonly<Record<string, readonly string[]>> = {
  BIGINT: ["INT64"],
  INTEGER: ["INT32"],
  SMALLINT: ["INT32"],
  TINYINT: ["INT32"],
  DOUBLE: ["DOUBLE"],
  FLOAT: ["FLOAT"],
  VARCHAR: ["BYTE_ARRAY"],
  BLOB: ["BYTE_ARRAY"],
  BOOLEAN: ["BOOLEAN"],
  DATE: ["INT32"],
  "TIMESTAMP WITH TIME ZONE": ["INT64"],
  DECIMAL: ["INT32", "INT64", "FIXED_LEN_BYTE_ARRAY"],
};
/** What Spark, delta-rs and DuckDB all unpack. */
const COMPRESSIONS = new Set(["UNCOMPRESSED", "SNAPPY", "GZIP", "ZSTD", "LZ4_RAW"]);
/** What all of them decode: Spark does not know BYTE_STREAM_SPLIT. */
const ENCODINGS = new Set([
  ...["PLAIN", "RLE", "BIT_PACKED", "PLAIN_DICTIONARY", "RLE_DICTIONARY"],
  ...["DELTA_BINARY_PACKED", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"],
]);
/** Rows of a row group: few make a file slow to read, many cannot be shared among threads. */
const [FEWEST, MOST] = [10_000, 2_000_000];
/** Of wider files the statistics are not compared. */
const WIDEST = 300;

interface Column {
  readonly name: string;
  /** In DuckDB's words. */
  readonly type: string;
}

/**
 * Copies a Parquet file and checks the copy: every value is decoded, the wanted columns are the file's own, and what its
 * footer says of each row group's values is true, for readers skip row groups by it.
 * @returns undefined where the file must be read and written anew, be it wrong or only different
 */
export async function takeParquet(
  file: SourceFile,
  o: StageOptions,
  limits: { readonly memoryLimit: string; readonly threads: number },
  path: string,
): Promise<StagedFile | undefined> {
  const folder = dirname(path);
  // What was copied here from a bucket is nobody else's; a source may still change, so that its copy is what is checked.
  if (file.path.startsWith(`${folder}/`)) await link(file.path, path);
  else await copyFile(file.path, path, constants.COPYFILE_FICLONE);
  const engine = await Engine.open({ ...limits, scratch: folder, folders: [], files: [path], macros: false });
  let taken: StagedFile | undefined;
  try {
    taken = await engine.session(o.signal, async (session) => {
      const columns = await columnsOf(session, path);
      if (!columns || !areWanted(columns, o)) return undefined;
      const groups = await rowGroups(session, path, columns.length);
      if (!groups) return undefined;
      const found = await scan(session, path, columns, groups);
      if (!found || breaksRules(found.columns, o)) return undefined;
      const described = columns.map(({ name, type }) => ({ name, type: deltaOf(type) }));
      return {
        ...{ path, rows: found.rows, files: [file.name] },
        columns: described.map(({ name, type }) => ({ name, type: deltaToSpark(type) ?? type })),
        stats: deltaStats(
          found.rows,
          found.columns,
          described.map((field) => ({ ...field, nullable: true, metadata: {} })),
        ),
      };
    });
  } catch (error) {
    // What cannot be read is told by whoever reads it the long way.
    if (!(error instanceof LakeError && error.code === "SQL_FAILED")) throw error;
  } finally {
    await engine.close();
    if (!taken) await rm(path, { force: true });
  }
  return taken;
}

/** The file's columns, if all of them lie as a table's do. */
async function columnsOf(session: Session, path: string): Promise<Column[] | undefined> {
  const literal = quoteLiteral(path);
  const [[encryption, spark] = []] = await session.rows(
    `SELECT encryption_algorithm, (SELECT count(*) FROM parquet_kv_metadata(${literal}) WHERE decode(key) LIKE 'org.apache.spark.legacy%'
       OR (decode(key) = 'org.apache.spark.version' AND decode(value) SIMILAR TO '[0-2][.].*')) FROM parquet_file_metadata(${literal})`,
  );
  // Files of old Sparks count days and moments by another calendar.
  if (encryption !== null || Number(spark) > 0) return undefined;
  const [root, ...rows] = await session.rows(
    `SELECT name, type, duckdb_type, repetition_type, num_children, converted_type, logical_type FROM parquet_schema(${literal})`,
  );
  if (root === undefined || Number(root[4]) !== rows.length) return undefined;
  const columns: Column[] = [];
  for (const [name, stored, type, repetition, children, converted, logical] of rows) {
    const known = STORED[String(type).replace(/^DECIMAL\(.*\)$/, "DECIMAL")] ?? [];
    const plain = (children === null || Number(children) === 0) && repetition !== "REPEATED";
    const micros = converted === "TIMESTAMP_MICROS" || /isAdjustedToUTC=1.*MICROS=Micro/.test(String(logical));
    if (!plain || !known.includes(String(stored))) return undefined;
    if (type === "TIMESTAMP WITH TIME ZONE" && !micros) return undefined;
    if (columns.some((column) => column.name.toLowerCase() === String(name).toLowerCase())) return undefined;
    columns.push({ name: String(name), type: String(type) });
  }
  return columns.length > 0 && columns.length <= WIDEST ? columns : undefined;
}

function areWanted(columns: readonly Column[], o: StageOptions): boolean {
  if (!o.columns) return true;
  const wanted = o.columns.map((column) => [column.name, duckToDelta(sourceType(column))]);
  return JSON.stringify(wanted) === JSON.stringify(columns.map(({ name, type }) => [name, deltaOf(type)]));
}

/** At which row each row group begins, if their sizes, compressions and encodings are those of a table's files. */
async function rowGroups(session: Session, path: string, columns: number): Promise<number[] | undefined> {
  const rows = await session.rows(
    `SELECT row_group_id, any_value(row_group_num_rows), count(*), list(DISTINCT compression)::VARCHAR[], list(DISTINCT encodings)::VARCHAR[],
       bool_or((stats_min_value IS NULL AND stats_min IS NOT NULL) OR (stats_max_value IS NULL AND stats_max IS NOT NULL)
         OR stats_min <> stats_min_value OR stats_max <> stats_max_value)
     FROM parquet_metadata(${quoteLiteral(path)}) GROUP BY row_group_id ORDER BY row_group_id`,
  );
  const starts: number[] = [];
  let total = 0;
  for (const [, count, chunks, compressions, encodings, odd] of rows) {
    const unpacked = texts(compressions).every((name) => COMPRESSIONS.has(name));
    const decoded = texts(encodings).every((names) => names.split(/,\s*/).every((name) => ENCODINGS.has(name)));
    if (Number(chunks) !== columns || Number(count) > MOST || odd === true || !unpacked || !decoded) return undefined;
    starts.push(total);
    total += Number(count);
  }
  const isFine = rows.length === 1 || (rows.length > 1 && total / rows.length >= FEWEST);
  return total > 0 && isFine ? starts : undefined;
}

function texts(value: DuckDBValue | undefined): string[] {
  return typeof value === "object" && value !== null && "items" in value && Array.isArray(value.items)
    ? value.items.map(String)
    : [];
}

/** Reads the file whole. @returns undefined where its footer tells something else than its values, or there are NaNs */
async function scan(
  session: Session,
  path: string,
  columns: readonly Column[],
  starts: readonly number[],
): Promise<{ readonly rows: number; readonly columns: ReadonlyMap<string, ColumnStats> } | undefined> {
  const literal = quoteLiteral(path);
  const each = (sql: (name: string, column: Column, i: number) => string) =>
    columns.map((column, i) => sql(quoteIdentifier(column.name), column, i)).join(", ");
  const isFloat = ({ type }: Column) => type === "DOUBLE" || type === "FLOAT";
  // NaNs are beyond what footers tell: readers disagree on where they stand. For DuckDB they come last.
  const hasNaN = (i: number, column: Column) => (isFloat(column) ? `bool_or(isnan(read.max_${i}))` : "false");
  const said = (i: number, what: string) => `any_value(${what}) FILTER (WHERE column_id = ${i})`;
  const bound = (i: number, side: "min" | "max", type: string) => {
    const [told, actual] = [`TRY_CAST(told.${side}_${i} AS ${type})`, `read.${side}_${i}`];
    const loose = side === "min" ? `${told} <= ${actual}` : `${told} >= ${actual}`;
    return `(told.${side}_${i} IS NULL OR coalesce(${told} = ${actual} OR (NOT told.exact_${side}_${i} AND ${loose}), false))`;
  };
  const [row = []] = await session.rows(
    `WITH read AS (
       SELECT ${groupOf(starts)} AS g, count(*) AS n, ${each((name, _, i) => `count(${name}) AS count_${i}, min(${name}) AS min_${i}, max(${name}) AS max_${i}`)}
       FROM read_parquet(${literal}, hive_partitioning = false, file_row_number = true) GROUP BY g),
     told AS (
       SELECT row_group_id AS g, any_value(row_group_num_rows) AS n, ${each((_, __, i) => `${said(i, "stats_null_count")} AS nulls_${i}, ${said(i, "stats_min_value")} AS min_${i}, ${said(i, "stats_max_value")} AS max_${i}, coalesce(${said(i, "min_is_exact")}, true) AS exact_min_${i}, coalesce(${said(i, "max_is_exact")}, true) AS exact_max_${i}`)}
       FROM parquet_metadata(${literal}) GROUP BY row_group_id)
     SELECT coalesce(sum(read.n), 0), count(*) = ${starts.length} AND bool_and(coalesce(read.n = told.n, false)),
       ${each((_, column, i) => `sum(count_${i}), min(read.min_${i})::VARCHAR, max(read.max_${i})::VARCHAR, ${hasNaN(i, column)}, bool_and(coalesce(told.nulls_${i} = read.n - count_${i}, true) AND ${bound(i, "min", column.type)} AND ${bound(i, "max", column.type)})`)}
     FROM read FULL JOIN told ON read.g = told.g`,
  );
  const [rows, sameGroups] = row;
  const found = new Map<string, ColumnStats>();
  for (const [i, { name }] of columns.entries()) {
    const [count, min, max, nans, isTrue] = row.slice(2 + 5 * i);
    if (nans === true || isTrue !== true) return undefined;
    const bounds = typeof min === "string" && typeof max === "string" ? { min, max } : {};
    found.set(name, { nulls: String(BigInt(Number(rows)) - BigInt(Number(count))), ...bounds });
  }
  return sameGroups === true ? { rows: Number(rows), columns: found } : undefined;
}

/** SQL of the row group that a row is in, by where the groups begin. */
function groupOf(starts: readonly number[]): string {
  const size = starts[1] ?? MOST;
  if (starts.every((start, i) => start === i * size)) return `file_row_number // ${size}`;
  const choose = (from: number, until: number): string => {
    if (until - from === 1) return String(from);
    const middle = (from + until) >> 1;
    return `CASE WHEN file_row_number < ${starts[middle]} THEN ${choose(from, middle)} ELSE ${choose(middle, until)} END`;
  };
  return choose(0, starts.length);
}

/** Whether a value is missing or too small: that row is found and named the long way. */
function breaksRules(found: ReadonlyMap<string, ColumnStats>, o: StageOptions): boolean {
  return (o.columns ?? []).some(({ name, nullable, min }) => {
    const stats = found.get(name);
    const tooSmall = min !== undefined && stats?.min !== undefined && !(Number(stats.min) >= min);
    return tooSmall || (nullable !== true && stats?.nulls !== "0");
  });
}

function deltaOf(duck: string): string {
  return duckToDelta(duck) ?? duck;
}
