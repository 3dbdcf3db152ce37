import { SkipTask, task } from "@dagwright/engine";
import { z } from "zod";
import { modelRegistry } from "../mcp-servers/model-registry/contract.ts";
import { training } from "../mcp-servers/training/contract.ts";
import { TableVersion } from "./tables.ts";

/**
 * Second half of the gate of promotion (the first, `good_enough`, stands in the DAG): the candidate's ROC AUC must beat
 * the champion's on the same validation rows. Without a champion there is nothing to beat.
 */
export const register = task("register", {
  input: z.object({ model: z.string(), runId: z.string(), validation: TableVersion }),
  output: z.object({
    name: z.string(),
    version: z.number(),
    runId: z.string(),
    champion: z.object({ version: z.number(), rocAuc: z.number() }).nullable(),
    rocAuc: z.number(),
  }),
  run: async ({ model, runId, validation }, ctx) => {
    const registry = ctx.mcp(modelRegistry);
    const { version: champion } = await registry.call("get_model_version_details", {
      name: model,
      stage: "production",
    });
    const contenders = champion === null || champion.runId === runId ? [runId] : [runId, champion.runId];
    const { models } = await ctx
      .mcp(training)
      .call("compare_models", { runIds: contenders, validation, label: "label" });
    const aucOf = (id: string) => models.find((one) => one.runId === id)?.metrics.roc_auc ?? 0;
    const rocAuc = aucOf(runId);
    if (champion !== null && champion.runId !== runId && rocAuc <= aucOf(champion.runId)) {
      throw new SkipTask(
        `ROC AUC ${rocAuc.toFixed(4)} does not beat the champion's ${aucOf(champion.runId).toFixed(4)} (version ${champion.version}) on the same ${validation.table} rows`,
      );
    }
    const { name, version } = await registry.call("register_model", { name: model, runId });
    ctx.log.info("Registered", { name, version, rocAuc });
    const beaten =
      champion === null || champion.runId === runId
        ? null
        : { version: champion.version, rocAuc: aucOf(champion.runId) };
    return { name, version, runId, champion: beaten, rocAuc };
  },
});
