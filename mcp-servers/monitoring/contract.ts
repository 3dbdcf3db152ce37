import { defineContract } from "@dagwright/mcp-kit/contract";
import { z } from "zod";

const TableVersion = z.object({
  table: z.string().min(1),
  version: z.number().int().min(0).optional().describe("The newest when left out."),
});

const Served = z
  .object({
    model: z.string().min(1).describe("A deployed model."),
    version: z.number().int().min(1).optional().describe("Answers of this version alone."),
    since: z.iso.datetime().describe("From this moment on."),
    until: z.iso.datetime().describe("Before this moment."),
  })
  .describe("The rows that a served model has answered; its answers are the columns `prediction` and `probability`.");

const RowFilter = z
  .object({ column: z.string().min(1), equals: z.union([z.string(), z.number(), z.boolean()]) })
  .describe("Only rows whose column equals the value; a date or timestamp is given as ISO-8601 text.");

const Share = z.number().min(0).max(1);

const Monitor = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/)
  .optional()
  .describe("Keeps a snapshot under this name, as a rule the model's, for `generate_monitoring_dashboard`.");

const At = z.iso.datetime().optional().describe("When the current rows were seen; now when left out.");

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

const RowCounts = z.object({ reference: z.number().int(), current: z.number().int() });
const ReportUri = z.string().describe("The report as JSON, a file URL.");
const PageUri = z.string().describe("The report as a page with plots, a file URL.");

/** Watches models and their data. */
export const monitoring = defineContract({
  name: "monitoring",
  instructions:
    "Measures how far the data a model sees has moved from the data it was trained on, how well it predicts, and how both went over time.",
  tools: {
    detect_model_drift: {
      description:
        "Compares columns of two tables, or of a table and what a served model was asked, by PSI and the Kolmogorov–Smirnov test; the data set has drifted when the share of columns drifted by PSI reaches `driftShare`.",
      input: z.object({
        reference: TableVersion.describe("The data that the model was trained on."),
        current: z
          .union([TableVersion, Served])
          .describe("The data of now: a table, or what a served model was asked."),
        referenceWhere: RowFilter.optional(),
        currentWhere: RowFilter.optional().describe("For a table only."),
        columns: z.array(z.string().min(1)).min(1).describe("Columns to compare."),
        threshold: z.number().positive().default(0.1).describe("PSI from which on a column has drifted."),
        ksThreshold: Share.default(0.05).describe("p-value of KS up to which a column has drifted."),
        driftShare: Share.default(0.5).describe("Share of drifted columns from which on the data has drifted."),
        monitor: Monitor,
        at: At,
      }),
      output: z.object({
        drifted: z.boolean(),
        share: z.number(),
        driftedColumns: z.array(z.string()),
        columns: z.array(ColumnReport),
        rows: RowCounts,
        reportUri: ReportUri,
        pageUri: PageUri,
      }),
      annotations: { idempotent: true },
    },
    monitor_model_performance: {
      description:
        "Measures predictions against what came true, with scikit-learn's definitions, beside a reference where one is given; `degraded` when a metric breaks its bound or falls by more than `maxDrop`.",
      input: z.object({
        current: TableVersion.describe("Predictions and what came true."),
        reference: TableVersion.optional().describe("The same of an earlier time, to compare with."),
        currentWhere: RowFilter.optional(),
        referenceWhere: RowFilter.optional(),
        task: z.enum(["classification", "regression"]).describe("Whether classes or numbers were predicted."),
        target: z.string().min(1).describe("Column of what came true."),
        prediction: z.string().min(1).optional().describe("Column of predicted labels or numbers."),
        probability: z
          .string()
          .min(1)
          .optional()
          .describe("Column of the positive label's probability; instead of `prediction`, for two labels."),
        positiveLabel: z
          .union([z.string(), z.number(), z.boolean()])
          .default(1)
          .describe("Of two labels the one that precision, recall and F1 are of."),
        probabilityThreshold: Share.default(0.5).describe("From which probability on a row counts as positive."),
        atLeast: z.record(z.string(), z.number()).default({}).describe('Lower bounds by metric, e.g. {"F1Score":0.8}.'),
        atMost: z.record(z.string(), z.number()).default({}).describe('Upper bounds by metric, e.g. {"MAE mean":5}.'),
        maxDrop: z
          .number()
          .min(0)
          .optional()
          .describe("By how much F1 (of a regression R²) may lie under the reference's; needs a reference."),
        monitor: Monitor,
        at: At,
      }),
      output: z.object({
        degraded: z.boolean(),
        failures: z.array(
          z.object({ metric: z.string(), value: z.number().nullable(), bound: z.number(), message: z.string() }),
        ),
        metrics: z.record(z.string(), z.number().nullable()).describe("By Evidently's names; null where not defined."),
        referenceMetrics: z.record(z.string(), z.number().nullable()).nullable(),
        rows: z.object({ current: z.number().int(), reference: z.number().int().nullable() }),
        reportUri: ReportUri,
        pageUri: PageUri,
      }),
      annotations: { idempotent: true },
    },
    generate_monitoring_dashboard: {
      description:
        "Writes a page with the drift and the metrics of a monitor over time, from the snapshots that the other tools have kept.",
      input: z.object({
        monitor: z.string().min(1).describe("The monitor whose measurements are shown."),
        since: z.iso.datetime().optional().describe("Only measurements from then on; all when left out."),
        title: z.string().min(1).optional().describe("The monitor's name when left out."),
      }),
      output: z.object({
        pageUri: z.string().describe("The page, a file URL; the same for the same monitor."),
        snapshots: z.number().int(),
        from: z.iso.datetime().nullable(),
        until: z.iso.datetime().nullable(),
        drifted: z.boolean().nullable().describe("Of the last snapshot that measured drift."),
        metrics: z.record(z.string(), z.number().nullable()).describe("Of the last snapshot that has metrics."),
      }),
      annotations: { idempotent: true },
    },
  },
});
