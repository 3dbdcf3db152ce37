import { defineContract } from "@dagwright/mcp-kit/contract";
import { z } from "zod";

const Severity = z.enum(["critical", "warning", "info"]);

const ExpectationResult = z.object({
  type: z.string().describe("Great Expectations' name, e.g. expect_column_values_to_not_be_null."),
  kwargs: z.record(z.string(), z.unknown()),
  severity: Severity,
  notes: z.union([z.string(), z.array(z.string())]).optional(),
  success: z.boolean(),
  observed: z.unknown().describe("What was seen of the table or column as a whole; null for single values."),
  elementCount: z.number().nullable(),
  missingCount: z.number().nullable(),
  unexpectedCount: z.number().nullable(),
  unexpectedPercent: z.number().nullable().describe("Percent of the values that are not missing."),
  sample: z.array(z.record(z.string(), z.unknown())).describe("Up to 10 unexpected rows."),
  unexpectedValues: z.array(z.unknown()).optional().describe("Distinct values outside the expected set, up to 20."),
  missingValues: z.array(z.unknown()).optional().describe("Expected values that the column does not hold."),
  exception: z.string().optional().describe("Why the expectation could not be evaluated; it then counts as failed."),
});

/** Holds tables against expectation suites. */
export const dataQuality = defineContract({
  name: "data-quality",
  instructions: "Holds a table, at a version, against a suite of expectations and shows the rows that break them.",
  tools: {
    validate_data_quality: {
      description:
        "Validates a table against a named suite and keeps the report as a page; `success` is false when an expectation of severity critical fails.",
      input: z.object({
        table: z.string().min(1).describe("The Delta table that is looked at."),
        version: z.number().int().min(0).optional().describe("The newest when left out."),
        suite: z.string().min(1).describe("Name of a suite, as list_expectation_suites gives it."),
        interval: z
          .object({ start: z.iso.datetime(), end: z.iso.datetime() })
          .optional()
          .describe("Data interval, end exclusive: only rows dated before its end are looked at."),
      }),
      output: z.object({
        success: z.boolean(),
        suite: z.string(),
        table: z.string(),
        version: z.number(),
        reportUri: z.string().describe("The report (Data Docs) as an HTML page, a file URL."),
        results: z.array(ExpectationResult),
        statistics: z.object({
          evaluated: z.number(),
          successful: z.number(),
          failed: z.object({ critical: z.number(), warning: z.number(), info: z.number() }),
        }),
      }),
      annotations: { idempotent: true },
    },
    profile_data: {
      description:
        "Profiles a table and proposes a suite that it fulfils as it is, to be cut and widened by its owner.",
      input: z.object({
        table: z.string().min(1).describe("The Delta table that is looked at."),
        version: z.number().int().min(0).optional().describe("The newest when left out."),
      }),
      output: z.object({
        table: z.string(),
        version: z.number(),
        suite: z.object({
          name: z.string(),
          expectations: z.array(
            z.object({ type: z.string(), kwargs: z.record(z.string(), z.unknown()), severity: Severity }),
          ),
        }),
      }),
      annotations: { readOnly: true, idempotent: true },
    },
    list_expectation_suites: {
      description: "Lists the suites that tables can be validated against.",
      input: z.object({}),
      output: z.object({
        suites: z.array(z.object({ name: z.string(), expectations: z.number(), table: z.string().optional() })),
      }),
      annotations: { readOnly: true, idempotent: true },
    },
  },
});
