import { task } from "@dagwright/engine";
import { z } from "zod";
import { workflows } from "../mcp-servers/workflows/contract.ts";

/** Starts one retraining run of a DAG and says why; a second attempt finds the run that the first one started. */
export const retrainTrigger = task("retrain_trigger", {
  input: z.object({ dag: z.string(), reason: z.string(), logicalDate: z.string(), requestedBy: z.string() }),
  output: z.object({ runId: z.string(), state: z.string() }),
  run: async ({ dag, reason, logicalDate, requestedBy }, ctx) => {
    const { runId, state } = await ctx.mcp(workflows).call("start_workflow", {
      dag,
      logicalDate,
      runId: `${dag}/retraining-${logicalDate.slice(0, 10)}`,
      conf: { retraining: true, reason, requestedBy },
    });
    ctx.log.info("Retraining", { runId, state, reason });
    return { runId, state };
  },
});
