import { randomUUID } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { parseTable } from "arrow-js-ffi";
import { readParquet, wasmMemory } from "parquet-wasm";
import type { Columns, ColumnValues } from "./api.ts";
import { deltaToSpark } from "./column-types.ts";
import type { DataFiles } from "./data-files.ts";
import type { DeltaField } from "./delta-actions.ts";
import type { Engine } from "./engine.ts";
import { LakeError } from "./errors.ts";
import { nearestNames, quoteIdentifier, quoteLiteral } from "./names.ts";
import type { Snapshot } from "./replay.ts";
import { holdFiles } from "./table-files.ts";

/** Reads columns of a snapshot: DuckDB → uncompressed Parquet → Arrow, never rows in between. */
export async function readColumns(
  engine: Engine,
  files: DataFiles,
  snapshot: Snapshot,
  names?: readonly string[],
): Promise<Columns> {
  const fields = (names ?? snapshot.fields.map((f) => f.name)).map((name) => fieldOf(snapshot, name));
  const path = join(engine.scratch, `${randomUUID()}.parquet`);
  try {
    // Numbers come as DOUBLE with NaN for null, so that Arrow's buffers are the result.
    const columns = fields.map((f, i) => `${columnSql(f)} AS c${i}`).join(", ");
    const rows = await files.use(async (held) => {
      const table = await holdFiles(held, snapshot);
      return await engine.session(undefined, async (session) => {
        const [[count] = []] = await session.rows(
          `COPY (SELECT ${columns || "1 AS one"} FROM (${table})) TO ${quoteLiteral(path)} (FORMAT parquet, COMPRESSION uncompressed)`,
        );
        return Number(count);
      });
    });
    const ffi = readParquet(await readFile(path)).intoFFI();
    const table = parseTable(
      wasmMemory().buffer,
      ffi.arrayAddrs(),
      ffi.schemaAddr(),
      /* copy: views die when WASM's memory grows */ true,
    );
    ffi.free();
    const result: Record<string, ColumnValues> = {};
    fields.forEach((field, i) => {
      const type = kindOf(field);
      if (type === "string") {
        const values = new Array<string | null>(rows).fill(null);
        const vector = table.getChild(`c${i}`);
        for (let r = 0; r < rows && vector; r++) {
          const value: unknown = vector.get(r);
          values[r] = typeof value === "string" ? value : null;
        }
        result[field.name] = { type, values };
      } else {
        const values = new Float64Array(rows);
        let at = 0;
        for (const data of table.getChild(`c${i}`)?.data ?? []) {
          values.set(data.values, at);
          at += data.length;
        }
        result[field.name] = { type, values };
      }
    });
    return { rowCount: rows, columns: result };
  } finally {
    await rm(path, { force: true });
  }
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

function columnSql(field: DeltaField): string {
  const name = quoteIdentifier(field.name);
  const kind = kindOf(field);
  if (kind === "string") return name;
  const number = kind === "timestamp" ? `epoch_us(CAST(${name} AS TIMESTAMPTZ)) / 1000.0` : name;
  return `coalesce(CAST(${number} AS DOUBLE), CAST('NaN' AS DOUBLE))`;
}
