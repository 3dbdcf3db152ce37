import { task } from "@dagwright/engine";
import { z } from "zod";
import { dataQuality } from "../mcp-servers/data-quality/contract.ts";
import { QualityFailedError } from "./errors.ts";
import { DataInterval, TableVersion } from "./tables.ts";

/**
 * Holds a table against its expectation suite. A failed expectation of severity `critical` fails the run and
 * shows a sample of the rows; one of severity `warning` is reported and the run goes on; one of severity `info` is only
 * written to the log.
 */
export const quality = task("quality", {
  input: TableVersion.extend({ suite: z.string(), interval: DataInterval }),
  output: TableVersion.extend({
    suite: z.string(),
    verdict: z.enum(["passed", "passed_with_warnings"]),
    evaluated: z.number(),
    warnings: z.array(z.string()),
    /** The report as a page. */
    reportUri: z.string(),
  }),
  run: async ({ table, version, suite, interval }, ctx) => {
    const report = await ctx.mcp(dataQuality).call("validate_data_quality", { table, version, suite, interval });
    const failed = report.results.filter((result) => !result.success);
    for (const result of failed) ctx.log.warn("Expectation failed", { ...result });
    ctx.log.info("Validation report", { reportUri: report.reportUri });
    if (!report.success) {
      throw new QualityFailedError(
        suite,
        `${table} version ${version}`,
        failed.filter((result) => result.severity === "critical"),
      );
    }
    const warnings = failed
      .filter(({ severity }) => severity === "warning")
      .map(
        ({ type, kwargs, unexpectedCount }) =>
          `${type} ${JSON.stringify(kwargs)}${unexpectedCount === null ? "" : `: ${unexpectedCount} rows`}`,
      );
    const verdict = warnings.length > 0 ? ("passed_with_warnings" as const) : ("passed" as const);
    return {
      table,
      version,
      suite,
      verdict,
      evaluated: report.statistics.evaluated,
      warnings,
      reportUri: report.reportUri,
    };
  },
});
