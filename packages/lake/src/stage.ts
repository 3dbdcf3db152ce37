import { randomUUID } from "node:crypto";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { SourceColumn, StageOptions } from "./api.ts";
import { deltaToDuck, deltaToSpark, duckToDelta, sparkToDelta, widens } from "./column-types.ts";
import { csvSource } from "./csv-source.ts";
import { DataFiles } from "./data-files.ts";
import { DeltaLog } from "./delta-log.ts";
import { Engine, type Session } from "./engine.ts";
import { diskFull, isDiskFull, LakeError } from "./errors.ts";
import { copiedStats, deltaStats } from "./file-stats.ts";
import { diagnoseJson, jsonSql } from "./json-source.ts";
import { quoteIdentifier, quoteLiteral } from "./names.ts";
import { takeParquet } from "./parquet-source.ts";
import { checkWhole } from "./source-bytes.ts";
import { type Located, locate, type SourceFile, type SourceRoots } from "./source-files.ts";
import { isDecimal, sourceType } from "./source-values.ts";
import type { StagedFile } from "./staged-file.ts";
import { holdFiles } from "./table-files.ts";
import { DATA_FILE } from "./write-files.ts";

/** Several files of more bytes than this are read one after the other. */
const READ_AT_ONCE = 256e6;

/** What a staging is made with. */
export interface StageContext extends Omit<SourceRoots, "scratch"> {
  readonly scratch: string;
  readonly memoryLimit: string;
  readonly threads: number;
}

/**
 * Reads sources once, as a stream, and keeps a checked and typed copy. The reader is a DuckDB of its own that may touch
 * nothing but the files that were found: the one that runs people's queries never sees a source.
 */
export async function stageSource(o: StageOptions, context: StageContext): Promise<StagedFile> {
  checkColumns(o.columns ?? []);
  const folder = join(context.scratch, `stage-${randomUUID()}`);
  await mkdir(folder);
  const draft = join(folder, "checked.parquet");
  try {
    const sources = typeof o.source === "string" ? [o.source] : o.source;
    if (sources.length === 0) throw new LakeError("SOURCE_NOT_FOUND", "source names nothing.", { field: "source" });
    const found: Located[] = [];
    for (const [i, source] of sources.entries()) {
      found.push(await locate(source, o.format, { ...context, scratch: join(folder, String(i)) }));
    }
    const read = await readAll(found, o, context, folder, draft);
    const path = join(context.scratch, `${randomUUID()}.parquet`);
    await rename(draft, path);
    return { ...read, path };
  } catch (error) {
    throw isDiskFull(error) ? diskFull("a checked copy of the source", error) : error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readAll(
  found: readonly Located[],
  o: StageOptions,
  context: StageContext,
  folder: string,
  path: string,
): Promise<StagedFile> {
  const [first, ...more] = found;
  if (first?.format === "delta") {
    if (more.length > 0)
      throw new LakeError("SOURCE_FORMAT", "Of Delta tables one is read at a time.", { field: "source" });
    return await readTable(first, o, context, folder, path);
  }
  const { format = "csv" } = first ?? {};
  const files = found.flatMap((one) => (one.format !== "delta" && one.format === format ? one.files : []));
  if (found.some((one) => one.format !== format)) {
    throw new LakeError(
      "SOURCE_FORMAT",
      `The sources are of several formats: ${found.map((f) => f.format).join(", ")}.`,
      { field: "source" },
    );
  }
  const [only, ...others] = files;
  if (format === "parquet" && only && others.length === 0) {
    const taken = await takeParquet(only, o, context, path);
    if (taken) return taken;
  }
  const reader = await readerOf(format, files, o, folder);
  const sizes = await Promise.all(reader.paths.map(async (one) => (await stat(one)).size));
  // Of several files DuckDB reads one with each thread, and keeps the later ones whole until their turn to be written.
  const inTurn = sizes.length > 1 && sizes.reduce((sum, size) => sum + size, 0) > READ_AT_ONCE;
  const engine = await Engine.open({
    ...context,
    ...(inTurn ? { threads: 1 } : {}),
    scratch: folder,
    folders: [folder],
    files: reader.paths,
    foreign: true,
  });
  const stop = new AbortController();
  const whole = wholenessOf(
    format === "parquet" ? [] : files,
    AbortSignal.any([stop.signal, ...(o.signal ? [o.signal] : [])]),
  );
  try {
    const staged = await engine.session(o.signal, async (session) => {
      const sql = await reader.sql(session);
      return await copy(
        session,
        sql,
        o,
        path,
        files.map((f) => f.name),
        inTurn,
      );
    });
    await whole;
    return staged;
  } catch (error) {
    if (!(error instanceof LakeError)) throw error;
    await whole;
    if (error.code !== "SQL_FAILED") throw error;
    await reader.diagnose(o.signal);
    throw unreadable(error, files);
  } finally {
    stop.abort();
    await engine.close();
  }
}

/** Looks at packed files while DuckDB reads them. */
function wholenessOf(files: readonly SourceFile[], signal: AbortSignal): Promise<unknown> {
  const whole = Promise.all(files.map((file) => checkWhole(file, signal)));
  // It is awaited once DuckDB is done, which may be later than it fails.
  whole.catch(() => undefined);
  return whole;
}

/** How a format is read. */
interface Reader {
  readonly paths: readonly string[];
  readonly sql: (session: Session) => Promise<string>;
  readonly diagnose: (signal: AbortSignal | undefined) => Promise<void>;
}

async function readerOf(
  format: "csv" | "jsonl" | "parquet",
  files: readonly SourceFile[],
  o: StageOptions,
  folder: string,
): Promise<Reader> {
  const paths = files.map((f) => f.path);
  if (format === "parquet") {
    const list = paths.map(quoteLiteral).join(", ");
    const read = `SELECT * FROM read_parquet([${list}], hive_partitioning = false, union_by_name = true)`;
    return { paths, sql: (session) => typed(session, read, o, files), diagnose: async () => {} };
  }
  const { columns } = o;
  if (!columns) {
    throw new LakeError("SOURCE_COLUMNS", `Files of the format ${format} need columns: their names and types.`, {
      field: "columns",
    });
  }
  if (format === "jsonl") {
    const sql = async () => jsonSql(files, columns);
    return { paths, sql, diagnose: (signal) => diagnoseJson(files, columns, signal) };
  }
  const csv = await csvSource(files, columns, o.csv, folder);
  return { paths: csv.paths, sql: async () => csv.sql, diagnose: csv.diagnose };
}

async function readTable(
  { store, table }: Extract<Located, { format: "delta" }>,
  o: StageOptions,
  context: StageContext,
  folder: string,
  path: string,
): Promise<StagedFile> {
  const folders = store.local ? [store.localPath(table), folder] : [folder];
  const engine = await Engine.open({ ...context, scratch: folder, folders, foreign: true });
  try {
    const log = new DeltaLog(store, engine, (name) => name);
    const snapshot = await log.get(table, o.version);
    const data = new DataFiles(store, join(folder, "objects"), 0);
    return await data.use(async (held) => {
      const rows = await holdFiles(held, snapshot);
      return await engine.session(o.signal, async (session) =>
        copy(session, await typed(session, rows, o), o, path, [`${store.root}/${table}`]),
      );
    });
  } catch (error) {
    if (!(error instanceof LakeError) || error.code !== "SQL_FAILED") throw error;
    throw unreadable(error, [{ name: `${store.root}/${table}`, path: `${store.root}/${table}` }]);
  } finally {
    await engine.close();
    store.close();
  }
}

/** The wanted columns of files that have types of their own, when those fit without losing anything. */
async function typed(
  session: Session,
  read: string,
  o: StageOptions,
  files: readonly SourceFile[] = [],
): Promise<string> {
  const result = await session.run(`${read} LIMIT 0`);
  const own = new Map(result.columnNames().map((name, i) => [name, result.columnType(i).toString()]));
  const wanted = o.columns ?? [...own.keys()].map((name) => ({ name, nullable: true }));
  const problems: string[] = [];
  const unfit: { readonly name: string; readonly delta: string; readonly target: string }[] = [];
  const columns = wanted.map((column) => {
    const duck = own.get(column.name);
    const name = quoteIdentifier(column.name);
    if (duck === undefined) {
      problems.push(`${column.name} is missing`);
      return name;
    }
    const delta = duckToDelta(duck);
    if (delta === undefined) {
      throw new LakeError(
        "UNSUPPORTED_TYPE",
        `The column ${column.name} of the source is of type ${duck}, which a table cannot hold.`,
        {
          field: "columns",
          hint: "Name the columns to be read without it.",
        },
      );
    }
    const type = "type" in column ? sourceType(column) : deltaToDuck(delta);
    const target = duckToDelta(type) ?? delta;
    if (!widens(delta, target)) unfit.push({ name: column.name, delta, target });
    const checks = [
      ...(column.nullable === true ? [] : [`${name} IS NOT NULL`]),
      ...("min" in column && column.min !== undefined ? [`coalesce(${name} >= ${column.min}, true)`] : []),
    ];
    const value = `CAST(${name} AS ${type})`;
    const message = quoteLiteral(`bad row: column ${column.name} holds `);
    return checks.length === 0
      ? `${value} AS ${name}`
      : `CASE WHEN ${checks.join(" AND ")} THEN ${value} ELSE error(${message} || coalesce(${name}::VARCHAR, 'null')) END AS ${name}`;
  });
  for (const { name, delta, target } of unfit) {
    const which = files.length > 1 ? await fileUnfit(session, files, name, target) : undefined;
    const at = which ? `${name} of ${which.file}` : name;
    problems.push(`${at} is ${deltaToSpark(which?.delta ?? delta)}, not ${deltaToSpark(target)}`);
  }
  if (problems.length > 0) {
    const has = [...own].map(([name, duck]) => `${name} ${deltaToSpark(duckToDelta(duck) ?? "") ?? duck}`).join(", ");
    throw new LakeError(
      "SOURCE_HEADER",
      `The source does not have the columns wanted: ${problems.join("; ")}. It has ${has}.`,
      {
        field: "columns",
      },
    );
  }
  return `SELECT ${columns.join(", ")} FROM (${read})`;
}

/** The first of several Parquet files whose column does not fit, and of which type it is there. */
async function fileUnfit(session: Session, files: readonly SourceFile[], name: string, target: string) {
  const paths = files.map((file) => quoteLiteral(file.path)).join(", ");
  const rows = await session.rows(
    `SELECT file_name, duckdb_type FROM parquet_schema([${paths}]) WHERE name = ${quoteLiteral(name)}`,
  );
  const types = new Map(rows.map(([path, type]) => [String(path), duckToDelta(String(type))]));
  for (const file of files) {
    const delta = types.get(file.path);
    if (delta !== undefined && !widens(delta, target)) return { file: file.name, delta };
  }
  return undefined;
}

async function copy(
  session: Session,
  sql: string,
  o: StageOptions,
  path: string,
  files: readonly string[],
  inTurn = false,
): Promise<StagedFile> {
  const types = await session.run(`${sql} LIMIT 0`);
  const columns = types.columnNames().map((name, i) => {
    const delta = duckToDelta(types.columnType(i).toString());
    return { name, type: (delta && deltaToSpark(delta)) ?? types.columnType(i).toString().toLowerCase() };
  });
  const [[, count, , , found] = []] = await session.rows(
    // One thread keeps the order by itself, and then writes rows as they come.
    `COPY (${sql}) TO ${quoteLiteral(path)} (${DATA_FILE}, PRESERVE_ORDER ${!inTurn})`,
  );
  const rows = Number(count);
  if (rows === 0 && (o.columns || files.length === 0)) {
    throw new LakeError("SOURCE_EMPTY", `The source ${files.join(", ")} holds no rows.`, { field: "source" });
  }
  const fields = columns.flatMap(({ name, type }) => {
    const delta = sparkToDelta(type);
    return delta === undefined ? [] : [{ name, type: delta, nullable: true, metadata: {} }];
  });
  return { path, columns, rows, files, stats: deltaStats(rows, copiedStats(found ?? null, fields), fields) };
}

function checkColumns(columns: readonly SourceColumn[]): void {
  const known = new Set(["bigint", "int", "double", "string", "date", "timestamp", "boolean"]);
  const wrong = columns.find((c) => !known.has(c.type) && !isDecimal(c.type));
  if (wrong) {
    throw new LakeError(
      "SOURCE_COLUMNS",
      `The column ${wrong.name} is of type ${wrong.type}, which is none of ${[...known].join(", ")}, decimal(p,s).`,
      {
        field: "columns",
      },
    );
  }
}

function unreadable(error: LakeError, files: readonly SourceFile[]): LakeError {
  // DuckDB speaks of the files that it was given; people know them by other names.
  const message = files.reduce((text, f) => text.replaceAll(f.path, f.name), error.message).split("\n\n")[0];
  if (/bad row: /.test(error.message)) {
    const what = /bad row: (.*)/s.exec(error.message)?.[1];
    return new LakeError("BAD_ROW", `${files.map((f) => f.name).join(", ")}: ${what}. Nothing was written.`, {
      field: "source",
    });
  }
  const [first, ...more] = files.filter(({ name }) => !message?.includes(name));
  const which =
    first === undefined || more.length < files.length - 1
      ? ""
      : ` ${first.name}${more.length > 0 ? ` (and ${more.length} more)` : ""}`;
  return new LakeError("SOURCE_UNREADABLE", `The source${which} cannot be read: ${message}`, {
    field: "source",
    cause: error,
  });
}
