import { randomUUID } from "node:crypto";
import type { Column, Lake } from "@dagwright/lake";
import type { ToolArguments, ToolOutput } from "@dagwright/mcp-kit/contract";
import type { spark } from "./contract.ts";
import { SparkServerError } from "./errors.ts";
import { knownColumn, quoted } from "./sql.ts";

type Arguments = ToolArguments<typeof spark, "train_test_split_spark">;
type Output = ToolOutput<typeof spark, "train_test_split_spark">;

/** Types whose text is the same on every engine. */
const KEY_TYPES = ["bigint", "int", "smallint", "tinyint", "string", "date", "timestamp", "boolean"];

/**
 * Ranks rows by md5(seed, key values: texts joined by U+001F, null as U+0000's picture U+2400) and takes the first
 * round(n × testFraction) for the test, of all rows or of each stratum (halves are rounded up). Both tables are overwritten, ordered by key.
 */
export async function trainTestSplit(
  lake: Lake,
  args: Arguments,
  o: { readonly idempotencyKey?: string; readonly signal?: AbortSignal },
): Promise<Output> {
  const { key, seed, testFraction, train, test, stratify } = args;
  if (new Set([args.source.table, train, test]).size < 3) {
    throw new SparkServerError(
      "SPLIT_TABLES",
      "train",
      `source (${args.source.table}), train (${train}) and test (${test}) must be three tables.`,
    );
  }
  const source = await lake.snapshot(args.source);
  const texts = key.map((name) => keyText(source.table, source.columns, name));
  const hash = `md5(concat(:seed, ${texts.map((text) => `:separator, ${text}`).join(", ")}))`;
  const hashed = { seed: String(seed), separator: "\u001F", missing: "\u2400" };
  const keys = key.map(quoted).join(", ");
  const views = { src: { table: source.table, version: source.version } };
  const { rows } = await lake.query(`SELECT count(*) AS n FROM (SELECT DISTINCT ${keys} FROM src)`, {
    views,
    signal: o.signal,
  });
  const distinct = Number(rows[0]?.n);
  if (distinct !== source.rowCount) {
    throw new SparkServerError(
      "SPLIT_KEY",
      "key",
      `The key (${key.join(", ")}) does not identify the rows of ${source.table}: ${source.rowCount} rows, ${distinct} different keys.`,
    );
  }
  const stratum =
    stratify === undefined
      ? undefined
      : quoted(
          knownColumn(
            stratify,
            source.columns.map((c) => c.name),
            "stratify",
          ),
        );
  const partition = stratum === undefined ? "" : `PARTITION BY ${stratum}`;
  const id = o.idempotencyKey ?? randomUUID();
  const columns = source.columns.map((c) => quoted(c.name)).join(", ");
  const part = async (table: string, comparison: "<=" | ">") => {
    const written = await lake.write({
      table,
      sql: `SELECT ${columns} FROM (
              SELECT *, row_number() OVER (${partition} ORDER BY ${hash}, ${keys}) AS __rank, count(*) OVER (${partition}) AS __rows
              FROM src)
            WHERE __rank ${comparison} floor(__rows * :test_fraction + 0.5D) ORDER BY ${keys}`,
      views,
      params: { ...hashed, test_fraction: testFraction },
      mode: "overwrite",
      partitionBy: [],
      txn: { appId: `${id}/${table}`, version: 1 },
      signal: o.signal,
    });
    return { table, version: written.version, rows: written.rowsWritten };
  };
  return { train: await part(train, ">"), test: await part(test, "<=") };
}

function keyText(table: string, columns: readonly Column[], name: string): string {
  const column = columns.find((c) => c.name === name);
  if (!column || !KEY_TYPES.includes(column.type)) {
    const what = column
      ? `is of type ${column.type}`
      : `is no column of ${table} (${columns.map((c) => c.name).join(", ")})`;
    throw new SparkServerError(
      "SPLIT_KEY",
      "key",
      `key ${name} ${what}; one of type ${KEY_TYPES.join(", ")} was expected.`,
    );
  }
  const value = column.type === "timestamp" ? `unix_micros(${quoted(name)})` : quoted(name);
  return `coalesce(CAST(${value} AS STRING), :missing)`;
}
