import { task } from "@dagwright/engine";
import { z } from "zod";
import { featureStore } from "../mcp-servers/feature-store/contract.ts";
import { modelRegistry } from "../mcp-servers/model-registry/contract.ts";
import { modelServing } from "../mcp-servers/model-serving/contract.ts";
import { spark } from "../mcp-servers/spark/contract.ts";
import { EndpointTestFailedError } from "./errors.ts";
import { CUSTOMER_FEATURES, dayOf, TableVersion } from "./tables.ts";

/**
 * Puts a version behind the model's endpoint, asks it one real prediction, and only then calls it `production` (the
 * former one `archived`). A failed test puts the former version back.
 */
export const deploy = task("deploy", {
  input: z.object({ model: z.string(), version: z.number(), features: TableVersion, asOf: z.iso.datetime() }),
  output: z.object({
    model: z.string(),
    version: z.number(),
    endpoint: z.string(),
    previousVersion: z.number().nullable(),
    archived: z.array(z.number()),
    example: z.object({
      customerId: z.number(),
      features: z.record(z.string(), z.number().nullable()),
      prediction: z.number(),
      probabilities: z.record(z.string(), z.number()),
    }),
  }),
  run: async ({ model, version, features, asOf }, ctx) => {
    const serving = ctx.mcp(modelServing);
    const customerId = await someCustomer();
    const { results } = await ctx.mcp(featureStore).call("get_online_features", {
      features: CUSTOMER_FEATURES.map((feature) => `customer_features:${feature}`),
      entityRows: [{ customer_id: customerId }],
    });
    const row = Object.fromEntries(
      Object.entries(results[0]?.values ?? {}).map(([feature, value]) => [
        feature.slice(feature.indexOf(":") + 1),
        typeof value === "number" ? value : null,
      ]),
    );
    const deployed = await serving.call("deploy_model", { model, version });
    const test = await serving.call("test_endpoint", { model, rows: [row] });
    const example = test.predictions[0];
    if (!test.ok || example === undefined || test.version !== version) {
      const restored = await serving.call("rollback_deployment", { model });
      throw new EndpointTestFailedError(model, version, test.message ?? "no prediction", restored.version);
    }
    const { archived } = await ctx.mcp(modelRegistry).call("transition_model_stage", {
      name: model,
      version,
      stage: "production",
      archiveExisting: true,
    });
    ctx.log.info("Deployed", { endpoint: deployed.endpoint, version, archived });
    return {
      model,
      version,
      endpoint: deployed.endpoint,
      previousVersion: deployed.previousVersion,
      archived,
      example: { customerId, features: row, prediction: example.prediction, probabilities: example.probabilities },
    };

    /** The lowest customer id that has features as of `asOf`. */
    async function someCustomer(): Promise<number> {
      const { rows } = await ctx.mcp(spark).call("run_spark_sql", {
        sql: "SELECT MIN(customer_id) AS customer_id FROM customer_features WHERE as_of = :as_of",
        views: { customer_features: features },
        params: { as_of: dayOf(asOf) },
      });
      return z.number().parse(rows[0]?.["customer_id"]);
    }
  },
});
