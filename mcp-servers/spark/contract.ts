import { defineContract } from "@dagwright/mcp-kit/contract";
import { z } from "zod";

const TableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, "a table name: a letter or _, then letters, digits and _, at most 128");

const TableRef = z.object({
  table: TableName,
  version: z.number().int().min(0).optional().describe("The newest when left out."),
});

const Written = z.object({ table: z.string(), version: z.number(), rows: z.number() });

const Scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

const Instant = z.union([z.iso.datetime({ offset: true }), z.iso.date()]);

const loadData = {
  description:
    "Loads CSV, JSON lines, Parquet or a Delta table into a table, incrementally by a date column, in one commit: rows dated within the interval replace the table's rows of those days; older rows are added for days the table lacks.",
  input: z.object({
    source: z
      .string()
      .min(1)
      .describe(
        "A file, a pattern (*, **, ?, {a,b}), a folder of files or a Delta table, on disk or below s3://bucket/prefix.",
      ),
    format: z
      .enum(["csv", "jsonl", "parquet", "delta"])
      .optional()
      .describe("What the ending of the name says when left out; .gz and .zst are unpacked."),
    csv: z
      .object({
        delimiter: z.string().optional().describe("One character; a comma when left out."),
        quote: z.string().optional().describe("One character, or empty for none; a double quote when left out."),
        header: z.boolean().default(true),
        encoding: z.string().optional().describe("Such as windows-1252; utf-8 when left out."),
        nullText: z.string().optional().describe("What stands for null, beside the empty field."),
      })
      .optional()
      .describe("How CSV is written, where it is not a comma-separated file with a header in UTF-8."),
    table: TableName,
    columns: z
      .array(
        z.object({
          name: z.string().min(1),
          type: z.union([
            z.enum(["bigint", "int", "double", "string", "date", "timestamp", "boolean"]),
            z.templateLiteral(["decimal(", z.number().int(), ",", z.number().int(), ")"]),
          ]),
          nullable: z.boolean().default(false).describe("Whether an empty field is null; otherwise it is an error."),
          min: z.number().optional().describe("The least number allowed."),
        }),
      )
      .min(1),
    incremental: z.object({
      column: z.string().describe("A date column that is not nullable."),
      interval: z.object({ start: Instant.describe("Inclusive."), end: Instant.describe("Exclusive.") }),
    }),
    partitionByMonth: z.boolean().default(true).describe("Adds the column month (yyyy-MM) and lays files out by it."),
  }),
  output: z.object({
    table: z.string(),
    version: z.number(),
    rowsIngested: z.number().describe("Rows this call wrote, caught-up rows included."),
    rowsReplaced: z.number().describe("Rows of the interval's days that were removed for them."),
    rowsInTable: z.number(),
    duplicateRows: z.number().describe("Exact repetitions among the rows ingested, kept."),
    caughtUp: z.object({
      rows: z.number(),
      from: z.string().nullable().describe("Oldest day caught up."),
      until: z.string().nullable().describe("Newest day caught up, inclusive."),
    }),
    newest: z.string().nullable().describe("The newest day in the table."),
    alreadyDone: z.boolean().describe("An earlier attempt of this call had written everything."),
  }),
  annotations: { destructive: true, idempotent: true },
} as const;

const runSql = {
  description: "Runs one Spark SQL query over tables and returns a sample of its rows, or writes them to a table.",
  input: z.object({
    sql: z.string().min(1).describe("One SELECT; parameters are written :name."),
    views: z.record(z.string(), TableRef).describe("What the names in FROM stand for."),
    params: z.record(z.string(), Scalar).default({}),
    write: z
      .object({
        table: TableName,
        mode: z.enum(["append", "overwrite", "replace_where"]),
        partitionBy: z.array(z.string()).optional(),
        replaceWhere: z
          .object({
            column: z.string(),
            from: z.string().optional().describe("Inclusive."),
            until: z.string().optional().describe("Exclusive."),
            equals: Scalar.optional(),
          })
          .optional(),
      })
      .optional(),
  }),
  output: z.object({
    columns: z.array(z.object({ name: z.string(), type: z.string() })),
    rows: z.array(z.record(z.string(), Scalar)).describe("At most 10."),
    rowCount: z.number(),
    written: Written.extend({ alreadyDone: z.boolean() }).nullable(),
  }),
  annotations: { destructive: true, idempotent: true },
} as const;

const trainTestSplit = {
  description:
    "Splits a table's rows into a train and a test table by the MD5 of seed and key: the same rows on any engine, exactly round(rows × testFraction) of them for the test.",
  input: z.object({
    source: TableRef,
    key: z.array(z.string()).min(1).describe("Columns that identify a row."),
    testFraction: z.number().gt(0).lt(1).default(0.2),
    seed: z.number().int().default(42),
    train: TableName,
    test: TableName,
  }),
  output: z.object({ train: Written, test: Written }),
  annotations: { destructive: true, idempotent: true },
} as const;

/** Tables: loading, Spark SQL, splitting. */
export const spark = defineContract({
  name: "spark",
  instructions:
    "Loads data into Delta tables, runs Spark SQL over them and splits them. Data stays in tables; calls pass (table, version).",
  tools: { load_data_to_spark: loadData, run_spark_sql: runSql, train_test_split_spark: trainTestSplit },
});
