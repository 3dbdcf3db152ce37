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
        delimiter: z.string().optional().describe("One character; a comma when left out, a tab in files named .tsv."),
        quote: z.string().optional().describe("One character, or empty for none; a double quote when left out."),
        header: z.boolean().default(true).describe("Whether the first line names the columns."),
        encoding: z.string().optional().describe("Such as windows-1252; utf-8 when left out."),
        nullText: z.string().optional().describe("What stands for null, beside the empty field."),
      })
      .optional()
      .describe("How CSV is written, where it is not a comma-separated file with a header in UTF-8."),
    table: TableName.describe("The Delta table that the rows go to; made when it is not there."),
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
      .min(1)
      .describe("What the source holds: every column, by name."),
    incremental: z
      .object({
        column: z.string().describe("A date column that is not nullable."),
        interval: z.object({ start: Instant.describe("Inclusive."), end: Instant.describe("Exclusive.") }),
      })
      .describe("Which days are loaded: their rows replace those that the table has of them."),
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

const Export = z.object({
  format: z.enum(["parquet", "csv"]),
  path: z
    .string()
    .regex(
      /^[A-Za-z0-9_][\w.-]{0,127}(\/[A-Za-z0-9_][\w.-]{0,127}){0,8}$/,
      "a relative path of plain names, such as daily/features.csv",
    )
    .describe("Below the folder of exports; replaced when it is there."),
});

const Params = z.record(z.string(), Scalar).default({}).describe("Values of the :name parameters.");

const runSql = {
  description:
    "Runs one Spark SQL query over tables and returns a sample of its rows; writes them to a Delta table, or exports them as a Parquet or CSV file, where asked to.",
  input: z.object({
    sql: z.string().min(1).describe("One SELECT; parameters are written :name."),
    views: z.record(z.string(), TableRef).describe("What the names in FROM stand for."),
    params: Params,
    export: Export.optional().describe("Not together with write."),
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
          .optional()
          .describe("Of mode replace_where: the rows that go."),
      })
      .optional()
      .describe("Where the rows are kept; without it only the sample is returned."),
  }),
  output: z.object({
    columns: z.array(z.object({ name: z.string(), type: z.string() })),
    rows: z.array(z.record(z.string(), Scalar)).describe("At most 10. Infinity and NaN are shown as null."),
    rowCount: z.number(),
    written: Written.extend({ alreadyDone: z.boolean() }).nullable(),
    exported: z
      .object({ path: z.string(), format: z.string(), rows: z.number(), bytes: z.number() })
      .nullable()
      .describe("The file that holds the rows."),
  }),
  annotations: { destructive: true, idempotent: true },
} as const;

const Expression = z.string().min(1).max(10_000).describe("A Spark SQL expression over the columns there are.");
const Column = z.string().min(1);
const As = z.string().min(1).max(255).describe("The new column's name.");

const Transformation = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("select"),
    columns: z
      .array(z.union([Column, z.object({ column: Column, as: As })]))
      .min(1)
      .describe("Columns to keep, in this order; some under another name."),
  }),
  z.object({ type: z.literal("filter"), condition: Expression }),
  z.object({ type: z.literal("add_column"), as: As, expression: Expression }),
  z.object({
    type: z.literal("aggregate"),
    groupBy: z.array(Column).describe("Empty for one row over all."),
    aggregations: z
      .array(
        z.object({
          function: z.enum(["count", "count_distinct", "sum", "avg", "min", "max", "stddev", "variance", "median"]),
          column: Column.optional().describe("Left out only for count: then rows are counted."),
          as: As,
        }),
      )
      .min(1),
  }),
  z.object({
    type: z.literal("join"),
    with: TableRef,
    on: z.array(Column).min(1).describe("Columns of the same name on both sides."),
    how: z.enum(["inner", "left", "left_semi", "left_anti"]).default("left"),
  }),
  z.object({
    type: z.literal("window"),
    function: z.enum(["row_number", "rank", "dense_rank", "lag", "lead", "count", "sum", "avg", "min", "max"]),
    column: Column.optional().describe("Left out only for row_number, rank, dense_rank and count."),
    as: As,
    partitionBy: z.array(Column).default([]),
    orderBy: z.array(z.object({ column: Column, descending: z.boolean().default(false) })).default([]),
    offset: z.number().int().min(1).default(1).describe("Of lag and lead, in rows."),
    preceding: z
      .number()
      .int()
      .min(0)
      .optional()
      .describe("Rows before the current one that count, sum, avg, min and max look at; all of them when left out."),
  }),
]);

const createFeatures = {
  description:
    "Builds a feature table by transformations in order: select, filter, aggregate, join, add_column, window. The same on every engine.",
  input: z.object({
    source: TableRef.describe("The table that is transformed."),
    transformations: z.array(Transformation).min(1).max(100).describe("Steps, each over what the one before gave."),
    params: Params,
    output: z
      .object({
        table: TableName,
        mode: z.enum(["append", "overwrite"]).default("overwrite"),
        partitionBy: z.array(z.string()).optional(),
      })
      .describe("The table that keeps the features."),
  }),
  output: Written.extend({
    columns: z.array(z.object({ name: z.string(), type: z.string() })),
    sample: z.array(z.record(z.string(), Scalar)).describe("At most 10 rows. Infinity and NaN are shown as null."),
    sql: z.string().describe("The query that the transformations came to."),
    alreadyDone: z.boolean(),
  }),
  annotations: { destructive: true, idempotent: true },
} as const;

const dataStatistics = {
  description:
    "Statistics of a table's columns: rows, nulls, different values, least, greatest; mean, standard deviation and quartiles of numbers; the most frequent values of texts.",
  input: z.object({
    source: TableRef.describe("The table that is described."),
    columns: z.array(z.string()).min(1).optional().describe("All when left out."),
    top: z.number().int().min(0).max(50).default(5).describe("How many frequent values of a text or boolean column."),
  }),
  output: z.object({
    table: z.string(),
    version: z.number(),
    rows: z.number(),
    columns: z.array(
      z.object({
        name: z.string(),
        type: z.string(),
        nulls: z.number(),
        distinct: z.number().describe("Different values that are not null."),
        min: Scalar,
        max: Scalar,
        mean: z.number().nullable(),
        stddev: z.number().nullable().describe("Of a sample (n − 1)."),
        quartiles: z.object({ q25: z.number(), q50: z.number(), q75: z.number() }).nullable(),
        top: z.array(z.object({ value: Scalar, rows: z.number() })).nullable(),
      }),
    ),
  }),
  annotations: { readOnly: true, idempotent: true },
} as const;

const trainTestSplit = {
  description:
    "Splits a table's rows into a train and a test table by the MD5 of seed and key: the same rows on any engine, exactly round(rows × testFraction) of them for the test, or that many of every stratum.",
  input: z.object({
    source: TableRef.describe("The table that is split."),
    key: z.array(z.string()).min(1).describe("Columns that identify a row."),
    testFraction: z.number().gt(0).lt(1).default(0.2).describe("Share of the rows that go to the test table."),
    seed: z.number().int().default(42).describe("Another seed gives another split."),
    stratify: z.string().optional().describe("A column each of whose values (null too) is split by itself."),
    train: TableName.describe("The table that the training rows overwrite."),
    test: TableName.describe("The table that the test rows overwrite."),
  }),
  output: z.object({ train: Written, test: Written }),
  annotations: { destructive: true, idempotent: true },
} as const;

/** Tables: loading, Spark SQL, features, splitting, statistics. */
export const spark = defineContract({
  name: "spark",
  instructions:
    "Loads data into Delta tables, runs Spark SQL over them, builds features, splits and describes them. Data stays in tables; calls pass (table, version).",
  tools: {
    load_data_to_spark: loadData,
    run_spark_sql: runSql,
    create_features_spark: createFeatures,
    train_test_split_spark: trainTestSplit,
    get_data_statistics: dataStatistics,
  },
});
