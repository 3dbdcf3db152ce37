import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { z } from "zod";
import { addApprovals } from "./approvals.ts";
import { addAssets } from "./assets.ts";
import { addBackfill } from "./backfill.ts";
import { addDags } from "./dags.ts";
import { addFeatures } from "./features.ts";
import { addInit } from "./init.ts";
import { addMcp } from "./mcp.ts";
import { addPools } from "./pools.ts";
import { addRun } from "./run.ts";
import { addRuns } from "./runs.ts";
import { addSchedules } from "./schedules.ts";
import { PROJECT } from "./session.ts";
import { addSetup } from "./setup.ts";
import { addTest } from "./test.ts";
import { addTracking } from "./tracking.ts";
import { addUp } from "./up.ts";
import { addWorker } from "./worker.ts";

/** All verbs of the `dagwright` command, with their options and help. */
export function dagwrightProgram(): Command {
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8")));
  const program = new Command("dagwright")
    .description("ML pipelines as typed DAGs in TypeScript, durable on Temporal, every stage an MCP tool")
    .version(version)
    .showHelpAfterError("(add --help for usage)")
    .showSuggestionAfterError()
    .exitOverride();
  for (const add of [
    ...[addInit, addSetup, addUp, addWorker, addRun, addTest, addDags, addRuns, addApprovals],
    ...[addSchedules, addBackfill, addPools, addAssets, addFeatures, addMcp, addTracking],
  ])
    add(program);
  return program;
}
