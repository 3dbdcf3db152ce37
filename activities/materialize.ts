import { task } from "@dagwright/engine";
import { z } from "zod";
import { featureStore } from "../mcp-servers/feature-store/contract.ts";

/** Brings the newest feature values up to `until` into the online store; a newer value is never overwritten. */
export const materialize = task("materialize", {
  input: z.object({ views: z.array(z.string()).min(1), until: z.iso.datetime() }),
  output: z.object({ views: z.array(z.object({ name: z.string(), rows: z.number(), entities: z.number() })) }),
  run: async ({ views, until }, ctx) => {
    const result = await ctx.mcp(featureStore).call("materialize_features", { views, until });
    return { views: result.views.map(({ name, rows, entities }) => ({ name, rows, entities })) };
  },
});
