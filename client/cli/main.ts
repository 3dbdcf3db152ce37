/** The `dagwright` command: one file a verb. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command, CommanderError } from "commander";
import { z } from "zod";
import { addApprovals } from "./approvals.ts";
import { addAssets } from "./assets.ts";
import { addBackfill } from "./backfill.ts";
import { addDags } from "./dags.ts";
import { addInit } from "./init.ts";
import { addMcp } from "./mcp.ts";
import { EXIT, showError } from "./output.ts";
import { addPools } from "./pools.ts";
import { addRun } from "./run.ts";
import { addRuns } from "./runs.ts";
import { addSchedules } from "./schedules.ts";
import { PROJECT } from "./session.ts";
import { addSetup } from "./setup.ts";
import { addTest } from "./test.ts";
import { addUp } from "./up.ts";
import { addWorker } from "./worker.ts";

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
  ...[addInit, addUp, addWorker, addRun, addTest, addDags, addRuns, addApprovals],
  ...[addSchedules, addBackfill, addPools, addAssets, addMcp],
])
  add(program);
addSetup(program);

try {
  await program.parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  else process.exitCode = showError(error, process.argv.includes("--json"));
}
// Connections of the Temporal client may linger; what was to be said has been said.
process.stdout.write("", () => process.exit());
