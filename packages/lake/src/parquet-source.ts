import { constants } from "node:fs";
import { copyFile, link, open, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { StageOptions } from "./api.ts";
import { deltaToSpark, duckToDelta } from "./column-types.ts";
import { Engine, type Session } from "./engine.ts";
import { LakeError } from "./errors.ts";
import { type ColumnStats, deltaStats } from "./file-stats.ts";
import { syncPath } from "./file-store.ts";
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

const MAGIC = Buffer.from("PAR1");
/** Bytes after the footer: its length and the magic. */
const TRAILER = 8;

interface Column {
  readonly name: string;
  /** In DuckDB's words. */
  readonly type: string;
}

/** What the values of a file turned out to be. */
interface Found {
  readonly rows: number;
  readonly columns: ReadonlyMap<string, ColumnStats>;
}

/**
 * Copies a Parquet file and checks the copy: every value is decoded, the wanted columns are the file's own, and what its
 * footer says of each row group's values is true, for readers skip row groups by it. The copy is on disk then.
 * @returns undefined where the file must be read and written anew, be it wrong or only different
 */
export async function takeParquet(
  file: SourceFile,
  o: StageOptions,
  limits: { readonly memoryLimit: string; readonly threads: number },
  path: string,
): Promise<StagedFile | undefined> {
  const folder = dirname(path);
  const footer = await footerOf(file.path);
  if (!footer) return undefined;
  // A file that is nothing but the footer tells what the footer does: it is judged while the rest is copied.
  const told = join(folder, "footer.parquet");
  await writeFile(told, Buffer.concat([MAGIC, footer]));
  const copying = copy(file.path, path);
  const opening = Engine.open({ ...limits, scratch: folder, folders: [], files: [path, told], foreign: true });
  // Whichever fails is told below, where it is awaited.
  for (const begun of [copying, opening]) begun.catch(() => undefined);
  let taken: StagedFile | undefined;
  try {
    const engine = await opening;
    taken = await engine.session(o.signal, async (session) => {
      const columns = await columnsOf(session, told);
      const groups = columns && areWanted(columns, o) && (await rowGroups(session, told, columns.length));
      await copying;
      // A source may change at any time: what is checked is the copy.
      if (!columns || !groups || !(await footerOf(path))?.equals(footer)) return undefined;
      // The way to the disk and the reading do not wait for each other; a commit then finds the bytes there.
      const [found] = await Promise.all([scan(session, path, columns, groups), syncPath(path)]);
      return found && !breaksRules(found.columns, o) ? staged(file, path, columns, found) : undefined;
    });
  } catch (error) {
    // What cannot be read is told by whoever reads it the long way.
    if (!(error instanceof LakeError && error.code === "SQL_FAILED")) throw error;
  } finally {
    await Promise.allSettled([copying, opening.then((engine) => engine.close())]);
    if (!taken) await rm(path, { force: true });
  }
  return taken;
}

async function copy(from: string, to: string): Promise<void> {
  // What was copied beside it from a bucket is nobody else's.
  if (from.startsWith(`${dirname(to)}/`)) await link(from, to);
  else await copyFile(from, to, constants.COPYFILE_FICLONE);
}

/** The end of a Parquet file that describes it: the footer, its length and the magic. @returns undefined where there is none */
async function footerOf(path: string): Promise<Buffer | undefined> {
  const handle = await open(path, "r");
  try {
    const { size } = await handle.stat();
    const end = async (length: number) => {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length);
      return bytesRead === length ? buffer : undefined;
    };
    const last = size < TRAILER + MAGIC.length ? undefined : await end(TRAILER);
    if (!last?.subarray(-MAGIC.length).equals(MAGIC)) return undefined;
    const length = last.readUInt32LE(0) + TRAILER;
    return length <= size - MAGIC.length ? await end(length) : undefined;
  } finally {
    await handle.close();
  }
}

function staged(
  file: SourceFile,
  path: string,
  columns: readonly Column[],
  { rows, columns: stats }: Found,
): StagedFile {
  const described = columns.map(({ name, type }) => ({ name, type: deltaOf(type), nullable: true, metadata: {} }));
  return {
    ...{ path, rows, files: [file.name] },
    columns: described.map(({ name, type }) => ({ name, type: deltaToSpark(type) ?? type })),
    stats: deltaStats(rows, stats, described),
  };
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

/**
 * At which row each row group begins, if their sizes, compressions and encodings are those of a table's files. What the
 * footer tells of them is then in the table `chunk`.
 */
async function rowGroups(session: Session, path: string, columns: number): Promise<number[] | undefined> {
  const list = (names: ReadonlySet<string>) => `[${[...names].map(quoteLiteral).join(", ")}]`;
  await session.run(
    `CREATE TEMP TABLE chunk AS SELECT row_group_id, row_group_num_rows, column_id, stats_null_count, stats_min_value, stats_max_value,
       coalesce(min_is_exact, true) AS exact_min, coalesce(max_is_exact, true) AS exact_max,
       compression IN ${list(COMPRESSIONS)} AND list_has_all(${list(ENCODINGS)}, regexp_split_to_array(encodings, ',\\s*'))
         AND NOT coalesce((stats_min_value IS NULL AND stats_min IS NOT NULL) OR (stats_max_value IS NULL AND stats_max IS NOT NULL)
           OR stats_min <> stats_min_value OR stats_max <> stats_max_value, false) AS usual
     FROM parquet_metadata(${quoteLiteral(path)})`,
  );
  const rows = await session.rows(
    `SELECT any_value(row_group_num_rows), count(*), bool_and(coalesce(usual, false)) FROM chunk GROUP BY row_group_id ORDER BY row_group_id`,
  );
  const starts: number[] = [];
  let total = 0;
  for (const [count, chunks, usual] of rows) {
    if (Number(chunks) !== columns || Number(count) > MOST || usual !== true) return undefined;
    starts.push(total);
    total += Number(count);
  }
  const isFine = rows.length === 1 || (rows.length > 1 && total / rows.length >= FEWEST);
  return total > 0 && isFine ? starts : undefined;
}

/**
 * Reads the file whole, and compares what `chunk` tells of it.
 * @returns undefined where its footer tells something else than its values, or there are NaNs
 */
async function scan(
  session: Session,
  path: string,
  columns: readonly Column[],
  starts: readonly number[],
): Promise<Found | undefined> {
  const group = starts.length === 1 ? { of: "0", by: "" } : { of: groupOf(starts), by: "GROUP BY g" };
  const values = columns.map(({ name }, i) => {
    const column = quoteIdentifier(name);
    return `count(${column}) AS count_${i}, min(${column}) AS min_${i}, max(${column}) AS max_${i}`;
  });
  await session.run(
    `CREATE TEMP TABLE read AS SELECT ${group.of} AS g, count(*) AS n, ${values.join(", ")}
     FROM read_parquet(${quoteLiteral(path)}, hive_partitioning = false, file_row_number = true) ${group.by}`,
  );
  // A column after the other: rows of thousands of values are what DuckDB is slow with.
  const compared = await session.rows(columns.map(({ type }, i) => comparison(i, type)).join(" UNION ALL "));
  const found = new Map<string, ColumnStats>();
  let rows = 0;
  for (const [i, count, nulls, min, max, isTrue, groups] of compared) {
    const name = columns[Number(i)]?.name;
    if (isTrue !== true || Number(groups) !== starts.length || name === undefined) return undefined;
    rows = Number(count);
    const bounds = typeof min === "string" && typeof max === "string" ? { min, max } : {};
    found.set(name, { nulls: String(nulls), ...bounds });
  }
  return found.size === columns.length ? { rows, columns: found } : undefined;
}

/** SQL of one row about a column: what its values are in all, and whether the footer tells each row group's as they are. */
function comparison(i: number, type: string): string {
  const bound = (side: "min" | "max", order: "<=" | ">=") => {
    const [told, actual] = [`TRY_CAST(stats_${side}_value AS ${type})`, `${side}_${i}`];
    return `(stats_${side}_value IS NULL OR coalesce(${told} = ${actual} OR (NOT exact_${side} AND ${told} ${order} ${actual}), false))`;
  };
  const isFloat = type === "DOUBLE" || type === "FLOAT";
  return `SELECT ${i}, sum(n), sum(n - count_${i}), min(min_${i})::VARCHAR, max(max_${i})::VARCHAR,
      bool_and(coalesce(row_group_num_rows = n, false) AND coalesce(stats_null_count = n - count_${i}, true)
        AND ${bound("min", "<=")} AND ${bound("max", ">=")}${
          // NaNs are beyond what footers tell: readers disagree on where they stand. For DuckDB they come last.
          isFloat ? ` AND NOT coalesce(isnan(max_${i}), false)` : ""
        }), count(*)
    FROM read FULL JOIN (FROM chunk WHERE column_id = ${i}) ON row_group_id = g`;
}

/** SQL of the row group that a row is in, by where the groups begin. */
function groupOf(starts: readonly number[]): string {
  // So small a number needs no hash to group by; it cannot be wrong, for a number that does not fit is an error.
  const type = starts.length <= 256 ? "UTINYINT" : "UINTEGER";
  const size = starts[1] ?? MOST;
  if (starts.every((start, i) => start === i * size)) return `CAST(file_row_number // ${size} AS ${type})`;
  const choose = (from: number, until: number): string => {
    if (until - from === 1) return `${from}::${type}`;
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
