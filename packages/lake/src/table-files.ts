import { deltaToDuck } from "./column-types.ts";
import type { HeldFiles } from "./data-files.ts";
import type { AddFile, DeltaField } from "./delta-actions.ts";
import { LakeError } from "./errors.ts";
import { quoteIdentifier, quoteLiteral } from "./names.ts";
import type { Snapshot } from "./replay.ts";

/** The key of an add action's file: the log's path is URL-encoded and relative to the table. */
export function dataKey(table: string, path: string): string {
  return `${table}/${dataPath(table, path)}`;
}

/** The path of a file within its table, decoded. */
export function dataPath(table: string, path: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    throw new LakeError("TABLE_UNREADABLE", `The log of the table ${table} names a file that is no URL: ${path}.`);
  }
  if (decoded.startsWith("/") || /^[a-z][a-z0-9+.-]*:/i.test(decoded) || decoded.split("/").includes("..")) {
    throw new LakeError("TABLE_UNSUPPORTED", `The table ${table} refers to a file outside of it: ${decoded}.`);
  }
  return decoded;
}

/** Makes files of a snapshot readable, then gives the SQL that selects the table's columns from them. */
export async function holdFiles(
  held: HeldFiles,
  snapshot: Snapshot,
  files: readonly AddFile[] = snapshot.files,
  withFile = false,
): Promise<string> {
  await held.hold(files.map((f) => ({ key: dataKey(snapshot.table, f.path), size: f.size })));
  return selectFiles(snapshot, files, (f) => held.path(dataKey(snapshot.table, f.path)), withFile);
}

/**
 * SQL that selects a table's columns from some of its files. Partition columns come from the log, not from the files; a
 * column that a file lacks, because it was added later, is null.
 * @param withFile adds the column `__file`, the file's path on disk
 */
function selectFiles(
  snapshot: Snapshot,
  files: readonly AddFile[],
  pathOf: (file: AddFile) => string,
  withFile: boolean,
): string {
  const partitions = snapshot.metaData.partitionColumns;
  const inFiles = snapshot.fields.filter((f) => !partitions.includes(f.name));
  const nothing = inFiles.map((f) => cast(f, "NULL")).join(", ");
  const keyOf = (file: AddFile) => JSON.stringify(partitions.map((p) => file.partitionValues[p] ?? null));
  // Whatever files are left out, the others' rows come in the order of the whole table.
  const groups = new Map<string, AddFile[]>(snapshot.files.map((file) => [keyOf(file), []]));
  for (const file of files) groups.get(keyOf(file))?.push(file);
  if (files.length === 0) {
    const none = snapshot.fields.map((f) => cast(f, "NULL")).join(", ");
    return `SELECT ${none}${withFile ? ", '' AS __file" : ""} WHERE false`;
  }
  return [...groups.values()]
    .filter((group) => group.length > 0)
    .map((group) => {
      const columns = snapshot.fields.map((f) => {
        if (!partitions.includes(f.name)) return cast(f, quoteIdentifier(f.name));
        // Delta writes null as null or as the empty string.
        const value = group[0]!.partitionValues[f.name] ?? "";
        return cast(f, value === "" ? "NULL" : quoteLiteral(value));
      });
      const paths = group.map((f) => quoteLiteral(pathOf(f))).join(", ");
      const named = withFile ? ", filename = '__file'" : "";
      const read = `SELECT * FROM read_parquet([${paths}], hive_partitioning = false, union_by_name = true${named})`;
      const whole = nothing === "" ? read : `SELECT ${nothing} WHERE false UNION ALL BY NAME ${read}`;
      return `SELECT ${columns.join(", ")}${withFile ? ", __file" : ""} FROM (${whole})`;
    })
    .join(" UNION ALL ");
}

function cast(field: DeltaField, sql: string): string {
  return `CAST(${sql} AS ${deltaToDuck(field.type)}) AS ${quoteIdentifier(field.name)}`;
}
