import { join } from "node:path";
import type { CsvView, View } from "./api.ts";
import { deltaToDuck } from "./column-types.ts";
import type { AddFile } from "./delta-actions.ts";
import type { DeltaLog, Snapshot } from "./delta-log.ts";
import type { Session } from "./engine.ts";
import { LakeError } from "./errors.ts";
import { checkViewName, quoteIdentifier, quoteLiteral } from "./names.ts";

/** The file of an add action on disk: the log's path is URL-encoded and relative to the table. */
export function filePath(folder: string, path: string): string {
  const decoded = decodeURIComponent(path);
  if (decoded.startsWith("/") || /^[a-z][a-z0-9+.-]+:/i.test(decoded) || decoded.split("/").includes("..")) {
    throw new LakeError("TABLE_UNSUPPORTED", `The table in ${folder} refers to a file outside of it: ${decoded}.`);
  }
  return join(folder, decoded);
}

/**
 * SQL that selects a table's columns from some of its files; partition columns come from the log, not from the files.
 * @param withFile adds the column `__file`, the file's path on disk
 */
export function selectFiles(snapshot: Snapshot, files: readonly AddFile[], withFile = false): string {
  const groups = new Map<string, AddFile[]>();
  const partitions = snapshot.metaData.partitionColumns;
  for (const file of files) {
    const key = JSON.stringify(partitions.map((p) => file.partitionValues[p] ?? null));
    const group = groups.get(key);
    if (group) group.push(file);
    else groups.set(key, [file]);
  }
  const column = (name: string, type: string, sql: string) =>
    `CAST(${sql} AS ${deltaToDuck(type)}) AS ${quoteIdentifier(name)}`;
  if (groups.size === 0) {
    return `SELECT ${snapshot.fields.map((f) => column(f.name, f.type, "NULL")).join(", ")}${withFile ? ", '' AS __file" : ""} WHERE false`;
  }
  return [...groups.values()]
    .map((group) => {
      const columns = snapshot.fields.map((f) => {
        if (!partitions.includes(f.name)) return column(f.name, f.type, quoteIdentifier(f.name));
        // Delta writes null as null or as the empty string.
        const value = group[0]!.partitionValues[f.name];
        return column(
          f.name,
          f.type,
          value === null || value === undefined || value === "" ? "NULL" : quoteLiteral(value),
        );
      });
      const paths = group.map((f) => quoteLiteral(filePath(snapshot.folder, f.path))).join(", ");
      return `SELECT ${columns.join(", ")}${withFile ? ", filename AS __file" : ""} FROM read_parquet([${paths}], hive_partitioning = false, filename = ${withFile})`;
    })
    .join(" UNION ALL ");
}

const CSV_TYPES = {
  bigint: "BIGINT",
  int: "INTEGER",
  double: "DOUBLE",
  string: "VARCHAR",
  date: "DATE",
  timestamp: "TIMESTAMPTZ",
  boolean: "BOOLEAN",
} as const;

function selectCsv(view: CsvView): string {
  const columns = view.columns.map((c) => `${quoteLiteral(c.name)}: ${quoteLiteral(CSV_TYPES[c.type])}`).join(", ");
  return `SELECT * FROM read_csv(${quoteLiteral(view.csv)}, columns = {${columns}}, auto_detect = false, header = false, delim = ',', quote = '"', escape = '"', nullstr = '', allow_quoted_nulls = false, strict_mode = true, max_line_size = 16777216)`;
}

/** Defines the views of a query on its session. Several names of one unpinned table see the same version. */
export async function defineViews(
  session: Session,
  log: DeltaLog,
  views: Readonly<Record<string, View>>,
  isStaged: (path: string) => boolean,
  base?: Snapshot,
): Promise<void> {
  const newest = new Map<string, Snapshot>(base ? [[base.table, base]] : []);
  for (const [name, view] of Object.entries(views)) {
    checkViewName(name);
    let sql: string;
    if ("csv" in view) {
      if (!isStaged(view.csv)) {
        throw new LakeError("SOURCE_OUTSIDE_ROOTS", `The view ${name} is no file staged by stageCsv.`, {
          field: "views",
        });
      }
      sql = selectCsv(view);
    } else {
      const seen = view.version === undefined ? newest.get(view.table) : undefined;
      const snapshot = seen ?? (await log.get(view.table, view.version));
      if (view.version === undefined) newest.set(view.table, snapshot);
      sql = selectFiles(snapshot, [...snapshot.files.values()]);
    }
    await session.run(`CREATE TEMP VIEW ${quoteIdentifier(name)} AS ${sql}`);
  }
}
