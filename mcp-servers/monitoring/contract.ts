import { defineContract } from "@dagwright/mcp-kit/contract";
import { z } from "zod";

const TableVersion = z.object({
  table: z.string().min(1),
  version: z.number().int().min(0).optional().describe("The newest when left out."),
});

const RowFilter = z
  .object({ column: z.string().min(1), equals: z.union([z.string(), z.number(), z.boolean()]) })
  .describe("Only rows whose column equals the value; a date or timestamp is given as ISO-8601 text.");

const Share = z.number().min(0).max(1);

const ColumnReport = z.object({
  column: z.string(),
  psi: z.object({ score: z.number(), threshold: z.number(), drifted: z.boolean() }),
  ks: z
    .object({
      score: z.number().describe("p-value"),
      statistic: z.number(),
      threshold: z.number(),
      drifted: z.boolean(),
    })
    .nullable()
    .describe("Null for a column of text or booleans."),
  drifted: z.boolean().describe("By PSI."),
});

/** Watches models and their data. */
export const monitoring = defineContract({
  name: "monitoring",
  instructions: "Measures how far the data a model sees has moved from the data it was trained on.",
  tools: {
    detect_model_drift: {
      description:
        "Compares columns of two tables by PSI and the Kolmogorov–Smirnov test; the data set has drifted when the share of columns drifted by PSI reaches `driftShare`.",
      input: z.object({
        reference: TableVersion,
        current: TableVersion,
        referenceWhere: RowFilter.optional(),
        currentWhere: RowFilter.optional(),
        columns: z.array(z.string().min(1)).min(1),
        threshold: z.number().positive().default(0.1).describe("PSI from which on a column has drifted."),
        ksThreshold: Share.default(0.05).describe("p-value of KS up to which a column has drifted."),
        driftShare: Share.default(0.5),
      }),
      output: z.object({
        drifted: z.boolean(),
        share: z.number(),
        driftedColumns: z.array(z.string()),
        columns: z.array(ColumnReport),
        rows: z.object({ reference: z.number().int(), current: z.number().int() }),
        reportUri: z.string().describe("The report as JSON, a file URL."),
      }),
      annotations: { idempotent: true },
    },
  },
});
