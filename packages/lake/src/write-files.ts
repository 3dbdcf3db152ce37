import { randomUUID } from "node:crypto";
import { link, mkdir, rm, stat, utimes } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { deltaToDuck } from "./column-types.ts";
import type { DataFiles } from "./data-files.ts";
import type { AddFile, DeltaField } from "./delta-actions.ts";
import type { Bindings, Session } from "./engine.ts";
import { LakeError } from "./errors.ts";
import { copiedStats, deltaStats, entries, parseStats } from "./file-stats.ts";
import { quoteIdentifier, quoteLiteral } from "./names.ts";
import type { StagedFile } from "./staged-file.ts";

/** How DuckDB writes a table's data files, and says what is in them. */
export const DATA_FILE =
  "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, DICTIONARY_SIZE_LIMIT 2500, RETURN_STATS true";

/** Data files of one attempt: made in scratch, moved into the table, and removed again when nothing refers to them. */
export class NewFiles {
  readonly #files: DataFiles;
  readonly #table: string;
  readonly #folder: string;
  readonly #moved: string[] = [];
  /** Names are like no other attempt's. */
  readonly #prefix = `part-${randomUUID()}`;

  constructor(files: DataFiles, table: string, scratch: string) {
    this.#files = files;
    this.#table = table;
    this.#folder = join(scratch, randomUUID());
  }

  /**
   * Writes the rows of a query over the table's columns.
   * @throws LakeError SCHEMA_MISMATCH when a column that may not be null is; WRITE_ARGUMENT for partitions Delta cannot name
   */
  async write(
    session: Session,
    rows: string,
    bindings: Bindings,
    fields: readonly DeltaField[],
    partitionColumns: readonly string[],
  ): Promise<AddFile[]> {
    const folder = join(this.#folder, randomUUID());
    await mkdir(folder, { recursive: true });
    // One file keeps the order of the rows; DuckDB fills several at once, as its threads come to them.
    const [target, layout] =
      partitionColumns.length > 0
        ? [
            folder,
            `FILENAME_PATTERN '${this.#prefix}-{i}', PARTITION_BY (${partitionColumns.map(quoteIdentifier).join(", ")})`,
          ]
        : [join(folder, `${this.#prefix}-0.parquet`), "PRESERVE_ORDER true"];
    const projection = fields
      .map((f) => `CAST(${quoteIdentifier(f.name)} AS ${deltaToDuck(f.type)}) AS ${quoteIdentifier(f.name)}`)
      .join(", ");
    const written = await session.rows(
      `COPY (SELECT ${projection} FROM (${rows}\n)) TO ${quoteLiteral(target)} (${DATA_FILE}, ${layout})`,
      bindings,
    );
    const files: { add: AddFile; path: string; key: string }[] = [];
    for (const [filename, count, , , columns, keys] of written) {
      if (Number(count) === 0) continue;
      const path = String(filename);
      const parts = relative(folder, path).split(sep);
      const { size, mtimeMs } = await stat(path);
      const values = new Map(entries(keys ?? null).map(([k, v]) => [k, v]));
      const add = {
        path: parts.map(encodeSegment).join("/"),
        partitionValues: Object.fromEntries(
          partitionColumns.map((p) => [p, partitionValue(fieldOf(fields, p), values.get(p))]),
        ),
        size,
        modificationTime: Math.round(mtimeMs),
        dataChange: true,
        stats: deltaStats(Number(count), copiedStats(columns ?? null, fields), fields),
      };
      checkNulls(this.#table, fields, add);
      files.push({ add, path, key: `${this.#table}/${parts.join("/")}` });
    }
    for (const { path, key } of files) {
      this.#moved.push(key);
      await this.#files.take(path, key);
    }
    return files.map((f) => f.add).sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /**
   * Takes a checked copy of a source as it is, without writing its rows again; the copy stays where it is.
   * @throws LakeError SCHEMA_MISMATCH when a column that may not be null is
   */
  async adopt(staged: StagedFile, fields: readonly DeltaField[]): Promise<AddFile[]> {
    if (staged.rows === 0) return [];
    await mkdir(this.#folder, { recursive: true });
    const name = `${this.#prefix}-0.parquet`;
    const path = join(this.#folder, name);
    await link(staged.path, path);
    // Its age counts from now: vacuum goes by it.
    const now = new Date();
    await utimes(path, now, now);
    const { size, mtimeMs } = await stat(path);
    const add = {
      ...{ path: name, partitionValues: {}, size, modificationTime: Math.round(mtimeMs), dataChange: true },
      stats: staged.stats,
    };
    checkNulls(this.#table, fields, add);
    const key = `${this.#table}/${name}`;
    this.#moved.push(key);
    await this.#files.take(path, key);
    return [add];
  }

  /** Removes what is left in scratch. */
  async close(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Removes all of the files from the table, as far as possible: what stays is for `vacuum`. */
  async undo(): Promise<void> {
    await this.#files.store.remove(this.#moved).catch(() => undefined);
  }
}

function checkNulls(table: string, fields: readonly DeltaField[], add: AddFile): void {
  const { nullCount = {} } = parseStats(add);
  const broken = fields.find(
    (f) => !f.nullable && (Number(nullCount[f.name] ?? 0) > 0 || add.partitionValues[f.name] === null),
  );
  if (!broken) return;
  throw new LakeError(
    "SCHEMA_MISMATCH",
    `The column ${broken.name} of the table ${table} takes no nulls; it got some.`,
    {
      field: "sql",
    },
  );
}

function encodeSegment(segment: string): string {
  return encodeURIComponent(segment).replaceAll("%3D", "=");
}

function fieldOf(fields: readonly DeltaField[], name: string): DeltaField {
  const field = fields.find((f) => f.name === name);
  if (!field) throw new LakeError("WRITE_ARGUMENT", `${name} is no column.`, { field: "partitionBy" });
  return field;
}

/** A partition's value as Delta's log writes it. */
function partitionValue(field: DeltaField, value: unknown): string | null {
  if (value === null || value === undefined) return null;
  const text = String(value);
  if (field.type === "string" && (text === "" || text === "__HIVE_DEFAULT_PARTITION__")) {
    throw new LakeError(
      "WRITE_ARGUMENT",
      `The partition column ${field.name} holds ${JSON.stringify(text)}, which Delta cannot tell from null.`,
      { field: "partitionBy", hint: "Write null or another text in its place, or partition by another column." },
    );
  }
  if (field.type !== "timestamp") return text;
  // DuckDB writes `1998-01-31 00:00:00.5+00`; this form means UTC to every reader.
  return `${text
    .replace(" ", "T")
    .replace(/\+00$/, "")
    .replace(/^([^.]*)$/, "$1.")
    .padEnd(26, "0")}Z`;
}
