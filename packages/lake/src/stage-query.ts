import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { DuckDBValue } from "@duckdb/node-api";
import type { ComputedColumns } from "./api.ts";
import { deltaToDuck, deltaToSpark, sparkToDelta } from "./column-types.ts";
import type { Bindings, Engine, Session } from "./engine.ts";
import { LakeError } from "./errors.ts";
import { copiedStats, deltaStats } from "./file-stats.ts";
import { quoteIdentifier, quoteLiteral } from "./names.ts";
import { type Scalar, toScalar } from "./scalars.ts";
import type { StagedFile } from "./staged-file.ts";
import { incomingColumns } from "./write-columns.ts";
import { DATA_FILE } from "./write-files.ts";

/** Computed rows that go to DuckDB in one statement. */
const ROWS_AT_ONCE = 20_000;

/** A query in DuckDB's SQL, on the session that can read what it names. */
interface Query {
  readonly session: Session;
  readonly sql: string;
  readonly bindings: Bindings;
}

/** Runs a query once and keeps its rows, with the columns that this process computes of each. */
export async function stageQuery(
  engine: Engine,
  query: Query,
  compute: ComputedColumns | undefined,
  signal: AbortSignal | undefined,
): Promise<StagedFile> {
  const path = join(engine.scratch, `${randomUUID()}.parquet`);
  if (compute === undefined) return await keep(query, path);
  const joined = join(engine.scratch, `${randomUUID()}.parquet`);
  try {
    await keep(query, joined);
    // A connection streams one result at a time: the rows are read on another than they are kept on.
    return await engine.session(signal, async (session) => {
      await session.run(`CREATE TEMP TABLE computed (${fieldsOf(compute).join(", ")})`);
      await engine.session(signal, (reader) => computeRows(reader, session, joined, compute, signal));
      const sql = `SELECT q.*, c.* FROM ${parquet(joined)} AS q POSITIONAL JOIN computed AS c`;
      return await keep({ session, sql, bindings: {} }, path);
    });
  } finally {
    await rm(joined, { force: true });
  }
}

/** Writes a query's rows to one Parquet file, in their order. */
async function keep({ session, sql, bindings }: Query, path: string): Promise<StagedFile> {
  const fields = await incomingColumns(session, sql, bindings);
  const casts = fields.map(({ name, type }) => {
    const column = quoteIdentifier(name);
    return `CAST(${column} AS ${deltaToDuck(type)}) AS ${column}`;
  });
  const [[, count, , , found] = []] = await session.rows(
    `COPY (SELECT ${casts.join(", ")} FROM (${sql}\n)) TO ${quoteLiteral(path)} (${DATA_FILE}, PRESERVE_ORDER true)`,
    bindings,
  );
  const rows = Number(count ?? 0);
  return {
    path,
    columns: fields.map(({ name, type }) => ({ name, type: deltaToSpark(type) ?? type })),
    rows,
    files: [],
    stats: deltaStats(rows, copiedStats(found ?? null, fields), fields),
  };
}

async function computeRows(
  reader: Session,
  writer: Session,
  path: string,
  compute: ComputedColumns,
  signal: AbortSignal | undefined,
): Promise<void> {
  // A query of no columns at all would give no rows either.
  const from = compute.from.length === 0 ? "NULL AS nothing" : compute.from.map(quoteIdentifier).join(", ");
  const structure = quoteLiteral(JSON.stringify([Object.fromEntries(typesOf(compute))]));
  const insert = `INSERT INTO computed SELECT unnest(from_json_strict(CAST($rows AS JSON), ${structure}), recursive := true)`;
  let waiting: Record<string, Scalar>[] = [];
  const flush = async () => {
    if (waiting.length > 0) await writer.run(insert, { rows: JSON.stringify(waiting) });
    waiting = [];
  };
  // What the caller's function throws is the caller's, and no failure of DuckDB.
  let thrown: { readonly error: unknown } | undefined;
  const add = (row: Readonly<Record<string, Scalar>>) => {
    try {
      const values = compute.row(row);
      waiting.push(Object.fromEntries(compute.columns.map(({ name }) => [name, values[name] ?? null])));
    } catch (error) {
      thrown = { error };
      throw error;
    }
  };
  try {
    await reader.stream(`SELECT ${from} FROM ${parquet(path)}`, {}, async (result) => {
      const [names, types] = [compute.from, result.columnTypes()];
      for (let chunk = await result.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
        signal?.throwIfAborted();
        const columns: DuckDBValue[][] = chunk.getColumns();
        for (let r = 0; r < chunk.rowCount; r++) {
          add(Object.fromEntries(names.map((name, c) => [name, toScalar(columns[c]![r]!, types[c]!, name)])));
        }
        if (waiting.length >= ROWS_AT_ONCE) await flush();
      }
      await flush();
    });
  } catch (error) {
    throw thrown === undefined ? error : thrown.error;
  }
}

const parquet = (path: string) => `read_parquet(${quoteLiteral(path)}, hive_partitioning = false)`;

const fieldsOf = (compute: ComputedColumns) =>
  typesOf(compute).map(([name, type]) => `${quoteIdentifier(name)} ${type}`);

function typesOf({ columns }: ComputedColumns): [name: string, duck: string][] {
  return columns.map(({ name, type }) => {
    const delta = sparkToDelta(type);
    if (delta !== undefined) return [name, deltaToDuck(delta)];
    throw new LakeError(
      "UNSUPPORTED_TYPE",
      `The computed column ${name} is of type ${type}, which a table cannot hold.`,
      {
        field: "compute",
      },
    );
  });
}
