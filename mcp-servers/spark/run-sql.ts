import { randomUUID } from "node:crypto";
import type { Lake } from "@dagwright/lake";
import type { ToolArguments, ToolOutput } from "@dagwright/mcp-kit/contract";
import type { spark } from "./contract.ts";
import { SparkServerError } from "./errors.ts";

type Arguments = ToolArguments<typeof spark, "run_spark_sql">;
type Output = ToolOutput<typeof spark, "run_spark_sql">;

/** Rows a call returns at most; whole results stay in tables. */
const SAMPLE = 10;

/** Runs one Spark SQL query; with `write` or `export`, its rows go there and the sample is of what was written. */
export async function runSql(
  lake: Lake,
  { sql, views, params, write, export: file }: Arguments,
  o: { readonly idempotencyKey?: string; readonly signal?: AbortSignal },
): Promise<Output> {
  if (write && file)
    throw new SparkServerError(
      "OUTPUT_INVALID",
      "export",
      "Both write and export are given; one of them was expected.",
    );
  if (!write) {
    const sample = copied(await lake.query(sql, { views, params, limit: SAMPLE, signal: o.signal }));
    const exported = file ? await lake.exportFile({ ...file, sql, views, params, signal: o.signal }) : null;
    return { ...sample, written: null, exported: exported && { ...exported, format: file?.format ?? "" } };
  }
  const { table, version, rowsWritten, alreadyDone } = await lake.write({
    ...write,
    sql,
    views,
    params,
    txn: { appId: o.idempotencyKey ?? randomUUID(), version: 1 },
    signal: o.signal,
  });
  const sample = await lake.query(`SELECT * FROM written LIMIT ${SAMPLE}`, {
    views: { written: { table, version } },
    signal: o.signal,
  });
  return {
    ...copied(sample),
    rowCount: rowsWritten,
    written: { table, version, rows: rowsWritten, alreadyDone },
    exported: null,
  };
}

function copied({ columns, rows, rowCount }: Awaited<ReturnType<Lake["query"]>>) {
  return { columns: columns.map((c) => ({ ...c })), rows: rows.map((row) => ({ ...row })), rowCount };
}
