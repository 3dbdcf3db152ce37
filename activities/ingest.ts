import { task } from "@dagwright/engine";
import { z } from "zod";
import { spark } from "../mcp-servers/spark/contract.ts";
import { DataInterval, TableVersion } from "./tables.ts";

/** What a purchases file must look like; `min` refuses e.g. a negative count. */
const PURCHASE_COLUMNS = [
  { name: "customer_id", type: "bigint", min: 1 },
  { name: "date", type: "date" },
  { name: "number_of_cds", type: "int", min: 1 },
  { name: "dollar_value", type: "double", min: 0 },
] as const;

/**
 * Brings everything of the source up to the interval's end that the table lacks into the table, in one commit.
 * A rerun of a day replaces that day's rows; exact duplicates are kept and counted; one malformed row refuses the file.
 */
export const ingest = task("ingest", {
  input: z.object({ source: z.string(), interval: DataInterval }),
  output: TableVersion.extend({
    rowsIngested: z.number(),
    rowsReplaced: z.number(),
    rowsInTable: z.number(),
    duplicateRows: z.number(),
    caughtUpRows: z.number(),
    newest: z.string().nullable(),
  }),
  run: async ({ source, interval }, ctx) => {
    ctx.log.info("Loading the source", { source, until: interval.end });
    const { caughtUp, alreadyDone, ...loaded } = await ctx.mcp(spark).call("load_data_to_spark", {
      source,
      table: "purchases",
      columns: [...PURCHASE_COLUMNS],
      incremental: { column: "date", interval },
    });
    ctx.log.info("Loaded", { ...loaded, alreadyDone });
    return { ...loaded, caughtUpRows: caughtUp.rows };
  },
});
