import { randomUUID } from "node:crypto";
import { openAsBlob } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { parseTable } from "arrow-js-ffi";
import { ParquetFile, wasmMemory } from "parquet-wasm";
import type { Columns, ColumnValues } from "./api.ts";
import { deltaToSpark } from "./column-types.ts";
import type { DataFiles } from "./data-files.ts";
import type { DeltaField } from "./delta-actions.ts";
import type { Engine } from "./engine.ts";
import { LakeError } from "./errors.ts";
import { nearestNames, quoteIdentifier, quoteLiteral } from "./names.ts";
import type { Snapshot } from "./replay.ts";
import { holdFiles } from "./table-files.ts";

/** The largest whole number up to which a JavaScript number holds all of them: 2^53 - 1. */
const MOST = Number.MAX_SAFE_INTEGER;
/** Rows that are taken over at once: what they need exists twice, in WASM and here. */
const ROWS_AT_ONCE = 1_000_000;

/**
 * Reads columns of a snapshot: DuckDB → uncompressed Parquet → Arrow, never rows in between.
 * @param as columns to be read as text, whatever they are
 */
export async function readColumns(
  engine: Engine,
  files: DataFiles,
  snapshot: Snapshot,
  names?: readonly string[],
  as: Readonly<Record<string, "string">> = {},
): Promise<Columns> {
  const fields = (names ?? snapshot.fields.map((f) => f.name)).map((name) => fieldOf(snapshot, name));
  for (const name of Object.keys(as)) fieldOf(snapshot, name);
  const wanted = fields.map((field) => ({ field, type: as[field.name] ?? kindOf(field) }));
  const path = join(engine.scratch, `${randomUUID()}.parquet`);
  try {
    // Numbers come as DOUBLE with NaN for null, so that Arrow's buffers are the result.
    const columns = wanted
      .map(({ field, type }, i) => `${columnSql(field, type, snapshot.fields.indexOf(field))} AS c${i}`)
      .join(", ");
    const rows = await files.use(async (held) => {
      const table = await holdFiles(held, snapshot);
      return await engine.session(undefined, async (session) => {
        const [[count] = []] = await session.rows(
          `COPY (SELECT ${columns || "1 AS one"} FROM (${table})) TO ${quoteLiteral(path)} (FORMAT parquet, COMPRESSION uncompressed)`,
        );
        return Number(count);
      });
    });
    const values = wanted.map(({ type }) =>
      type === "string" ? new Array<string | null>(rows).fill(null) : new Float64Array(rows),
    );
    if (rows > 0 && wanted.length > 0) await take(path, values);
    const result: Record<string, ColumnValues> = {};
    wanted.forEach(({ field, type }, i) => {
      const own = values[i]!;
      if (type === "string") result[field.name] = { type, values: Array.isArray(own) ? own : [] };
      else if (own instanceof Float64Array) result[field.name] = { type, values: own };
    });
    return { rowCount: rows, columns: result };
  } catch (error) {
    throw error instanceof LakeError ? outOfRange(snapshot, error) : error;
  } finally {
    await rm(path, { force: true });
  }
}

/** Fills each column from the file's column of its place, some row groups at a time. */
async function take(path: string, columns: readonly (Float64Array | (string | null)[])[]): Promise<void> {
  const file = await ParquetFile.fromFile(await openAsBlob(path));
  try {
    const metadata = file.metadata();
    const groups = Array.from({ length: metadata.numRowGroups() }, (_, i) => metadata.rowGroup(i).numRows());
    let at = 0;
    for (let first = 0; first < groups.length; ) {
      const rowGroups: number[] = [];
      for (let rows = 0; first < groups.length && rows < ROWS_AT_ONCE; first++) {
        rowGroups.push(first);
        rows += groups[first]!;
      }
      const ffi = (await file.read({ rowGroups })).intoFFI();
      // A copy: views die when WASM's memory grows.
      const table = parseTable(wasmMemory().buffer, ffi.arrayAddrs(), ffi.schemaAddr(), true);
      ffi.free();
      for (const [i, values] of columns.entries()) {
        const vector = table.getChild(`c${i}`);
        if (values instanceof Float64Array) {
          let here = at;
          for (const data of vector?.data ?? []) {
            values.set(data.values, here);
            here += data.length;
          }
        } else {
          for (let r = 0; vector && r < vector.length; r++) {
            const value: unknown = vector.get(r);
            values[at + r] = typeof value === "string" ? value : null;
          }
        }
      }
      at += table.numRows;
    }
  } finally {
    file.free();
  }
}

/** The lake's words for a number that is too large to be read as one. */
function outOfRange(snapshot: Snapshot, error: LakeError): LakeError {
  const [, column, value] = /beyond 2\^53: (\d+) (-?\d+)/.exec(error.message) ?? [];
  if (column === undefined) return error;
  const name = snapshot.fields[Number(column)]?.name ?? "";
  return new LakeError(
    "UNSUPPORTED_TYPE",
    `The column ${name} of the table ${snapshot.table} holds ${value}: a JavaScript number would round it.`,
    { field: "columns", hint: `Read it as text (as: { ${JSON.stringify(name)}: "string" }), or leave it out.` },
  );
}

function fieldOf(snapshot: Snapshot, name: string): DeltaField {
  const field = snapshot.fields.find((f) => f.name === name);
  if (field) return field;
  const names = snapshot.fields.map((f) => f.name);
  const near = nearestNames(name, names);
  throw new LakeError(
    "WRITE_ARGUMENT",
    `The table ${snapshot.table} has no column ${name}; it has ${names.join(", ")}.`,
    {
      field: "columns",
      ...(near.length > 0 ? { hint: `Did you mean ${near.join(" or ")}?` } : {}),
    },
  );
}

function kindOf(field: DeltaField): ColumnValues["type"] {
  switch (field.type) {
    case "string":
      return "string";
    case "boolean":
      return "boolean";
    case "date":
    case "timestamp":
      return "timestamp";
    case "binary":
      throw new LakeError(
        "UNSUPPORTED_TYPE",
        `The column ${field.name} is of type ${deltaToSpark(field.type)}, which has no column form.`,
      );
    default:
      return "number";
  }
}

function columnSql(field: DeltaField, type: ColumnValues["type"], place: number): string {
  const name = quoteIdentifier(field.name);
  if (type === "string") return field.type === "string" ? name : `CAST(${name} AS VARCHAR)`;
  const number = type === "timestamp" ? `epoch_us(CAST(${name} AS TIMESTAMPTZ)) / 1000.0` : name;
  const value = `coalesce(CAST(${number} AS DOUBLE), CAST('NaN' AS DOUBLE))`;
  if (field.type !== "long") return value;
  return `CASE WHEN ${name} BETWEEN -${MOST} AND ${MOST} OR ${name} IS NULL THEN ${value} ELSE error('beyond 2^53: ${place} ' || ${name}) END`;
}
