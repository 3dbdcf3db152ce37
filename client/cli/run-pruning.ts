import type { PrunedRuns } from "@dagwright/engine/client";
import type { Command } from "commander";
import { agreed } from "./agreement.ts";
import { show } from "./output.ts";
import { momentOf } from "./run-filter.ts";
import { settingsOf, withEngine } from "./session.ts";

interface PruneOptions {
  before: string;
  dag?: string;
  dryRun: boolean;
  yes: boolean;
  json: boolean;
}

/** How many of the runs are named before a person is asked. */
const NAMED = 20;

export function addRunPruning(runs: Command): void {
  runs
    .command("prune")
    .description(
      "forget runs that ended long ago, with their attempts, cached outputs, and large values that nothing else refers to",
    )
    .requiredOption(
      "--before <moment>",
      "those that ended before a date, a moment, or so long ago (90d); a day at least",
    )
    .option("--dag <id>", "only of this DAG")
    .option("--dry-run", "say which runs it would be, and change nothing", false)
    .option("--yes", "do not ask", false)
    .option("--json", "print JSON", false)
    .addHelpText(
      "after",
      `
A run that was pruned counts as one that never was: a backfill of its date runs it again.

Examples:
  $ dagwright runs prune --before 90d --dry-run
  $ dagwright runs prune --before 2026-01-01 --dag measure_all --yes
`,
    )
    .action(async ({ before, dag, dryRun, yes, json }: PruneOptions) => {
      const which = { before: momentOf("--before", before), ...(dag === undefined ? {} : { dagId: dag }) };
      const done = await withEngine(settingsOf(), async (engine) => {
        const wouldBe = dryRun || !yes ? await engine.pruneRuns({ ...which, dryRun: true }) : null;
        if (dryRun) return wouldBe;
        if (wouldBe !== null && wouldBe.runIds.length > 0) {
          if (!(await agreed(`prune ${countOf(wouldBe)}?`, namesOf(wouldBe), json))) return null;
        }
        // Also without runs: a former attempt may have been ended before it came to the large values.
        return await engine.pruneRuns(which);
      });
      if (done === null) return;
      show({ ...done, ...(dryRun ? { dryRun } : {}) }, json, dryRun ? wouldPrune : pruned);
    });
}

function wouldPrune(report: PrunedRuns): string {
  return report.runIds.length === 0 ? `No run ended before ${report.before}` : `Would prune:\n${namesOf(report)}`;
}

function pruned(report: PrunedRuns): string {
  const { attempts, cachedOutputs, objects, bytes, before } = report;
  return [
    `Pruned ${countOf(report)} that ended before ${before}`,
    `${attempts} attempts, ${cachedOutputs} cached outputs, ${objects} large values (${(bytes / 2 ** 20).toFixed(1)} MiB)`,
  ].join("\n");
}

function countOf({ runIds }: PrunedRuns): string {
  return `${runIds.length} ${runIds.length === 1 ? "run" : "runs"}`;
}

function namesOf({ runIds }: PrunedRuns): string {
  const rest = runIds.length - NAMED;
  return [...runIds.slice(0, NAMED), ...(rest > 0 ? [`and ${rest} more`] : [])].map((line) => `  ${line}`).join("\n");
}
