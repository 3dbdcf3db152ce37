import { SkipTask, task } from "@dagwright/engine";
import { z } from "zod";
import { modelRegistry } from "../mcp-servers/model-registry/contract.ts";
import { monitoring } from "../mcp-servers/monitoring/contract.ts";
import { training } from "../mcp-servers/training/contract.ts";
import { CUSTOMER_FEATURES, dayOf, TableVersion } from "./tables.ts";

/**
 * Measures how far the customer features have moved between the production model's training set and now: PSI and KS for
 * each feature, drift of the data set by the share of drifted features. Skips itself while no model is in production.
 */
export const driftCheck = task("drift_check", {
  input: z.object({
    model: z.string(),
    features: TableVersion,
    asOf: z.iso.datetime(),
    threshold: z.number(),
    driftShare: z.number(),
  }),
  output: z.object({
    decision: z.enum(["retrain_trigger", "skip_retraining"]),
    reason: z.string(),
    share: z.number(),
    driftedColumns: z.array(z.string()),
    psi: z.record(z.string(), z.number()),
    reportUri: z.string(),
  }),
  run: async ({ model, features, asOf, threshold, driftShare }, ctx) => {
    const details = await ctx
      .mcp(modelRegistry)
      .call("get_model_version_details", { name: model, stage: "production" });
    if (details.version === null) throw new SkipTask(`${model} has no production version to watch yet`);
    const { tags } = await ctx.mcp(training).call("get_model_metrics", { runId: details.version.runId });
    const reference = z
      .object({ "dagwright.train.table": z.string(), "dagwright.train.version": z.coerce.number() })
      .transform((tag) => ({ table: tag["dagwright.train.table"], version: tag["dagwright.train.version"] }))
      .parse(tags);
    const report = await ctx.mcp(monitoring).call("detect_model_drift", {
      reference,
      current: features,
      currentWhere: { column: "as_of", equals: dayOf(asOf) },
      columns: [...CUSTOMER_FEATURES],
      threshold,
      driftShare,
    });
    const { share, driftedColumns, reportUri } = report;
    const reason = `${driftedColumns.length} of ${report.columns.length} features drifted (PSI ≥ ${threshold}): ${driftedColumns.join(", ") || "none"}`;
    ctx.log.info("Drift measured", { share, driftedColumns });
    return {
      decision: report.drifted ? ("retrain_trigger" as const) : ("skip_retraining" as const),
      reason: `${reason}; share ${share.toFixed(2)} ${report.drifted ? "reaches" : "stays under"} ${driftShare}`,
      share,
      driftedColumns,
      psi: Object.fromEntries(report.columns.map(({ column, psi }) => [column, psi.score])),
      reportUri,
    };
  },
});
