import { task } from "@dagwright/engine";
import { z } from "zod";
import { featureStore } from "../mcp-servers/feature-store/contract.ts";
import { spark } from "../mcp-servers/spark/contract.ts";
import { FeatureViewMismatchError } from "./errors.ts";
import { dayOf, daysBefore, HORIZON_DAYS, TableVersion } from "./tables.ts";

/**
 * The features of every customer as of a moment: only purchases before it are read. Spark SQL. Sums of doubles are rounded,
 * because their last bits depend on the order of adding, which no engine promises.
 */
export const CUSTOMER_FEATURES_SQL = `
  SELECT
    customer_id,
    CAST(:as_of AS TIMESTAMP) AS event_timestamp,
    COUNT(*) AS total_purchases,
    ROUND(SUM(dollar_value), 2) AS total_spent,
    ROUND(ROUND(SUM(dollar_value), 2) / COUNT(*), 6) AS avg_purchase_value,
    DATEDIFF(TO_DATE(:as_of), MAX(date)) AS days_since_last_purchase,
    DATEDIFF(TO_DATE(:as_of), MIN(date)) AS tenure_days,
    COUNT(*) * 30.0D / GREATEST(DATEDIFF(TO_DATE(:as_of), MIN(date)), 1) AS purchase_frequency,
    SUM(number_of_cds) / COUNT(*) AS cds_per_purchase,
    :as_of AS as_of
  FROM purchases
  WHERE date < TO_DATE(:as_of)
  GROUP BY customer_id
`;

/**
 * Writes the customer features as of `asOf` (for serving) and as of the training cut, `HORIZON_DAYS` before it.
 * Each moment is one partition (`as_of`) that a rerun replaces.
 */
export const features = task("features", {
  input: z.object({ table: z.string(), version: z.number().int().optional(), asOf: z.iso.datetime() }),
  output: TableVersion.extend({ asOf: z.string(), customers: z.number(), customersAtCut: z.number() }),
  run: async ({ table, version, asOf }, ctx) => {
    const { views } = await ctx.mcp(featureStore).call("list_feature_views", {});
    const view = views.find(({ name }) => name === "customer_features");
    const moments = [daysBefore(asOf, HORIZON_DAYS), asOf];
    const written: { version: number; rows: number }[] = [];
    for (const [index, moment] of moments.entries()) {
      const day = dayOf(moment);
      ctx.progress({ done: index, total: moments.length, note: `as of ${day}` });
      const result = await ctx.mcp(spark).call("run_spark_sql", {
        sql: CUSTOMER_FEATURES_SQL,
        views: { purchases: { table, version } },
        params: { as_of: day },
        write: {
          table: "customer_features",
          mode: "replace_where",
          replaceWhere: { column: "as_of", equals: day },
          partitionBy: ["as_of"],
        },
      });
      const given = new Set(result.columns.map(({ name }) => name));
      const missing = view?.features.map(({ name }) => name).filter((name) => !given.has(name)) ?? [];
      if (missing.length > 0) throw new FeatureViewMismatchError("customer_features", missing);
      if (result.written) written.push(result.written);
    }
    const [atCut, now] = written;
    return {
      table: "customer_features",
      version: now?.version ?? 0,
      asOf,
      customers: now?.rows ?? 0,
      customersAtCut: atCut?.rows ?? 0,
    };
  },
});
