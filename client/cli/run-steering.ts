import { userInfo } from "node:os";
import type { ClearRun, EngineClient, RunRow } from "@dagwright/engine/client";
import type { Command } from "commander";
import { z } from "zod";
import { agreed } from "./agreement.ts";
import { checkClearedParams } from "./cleared-params.ts";
import { EXIT, oneOf, parseJson, parseJsonObject, show, showError, UsageError } from "./output.ts";
import { type RunFilterOptions, RunState, runFilter, runsText } from "./run-filter.ts";
import { settingsOf, withEngine } from "./session.ts";

/** How many runs one request steers at most. */
const MOST_RUNS = "1000";

interface ClearOptions {
  downstream: boolean;
  upstream: boolean;
  failed: boolean;
  params: string;
  dryRun: boolean;
  json: boolean;
  dags: string[];
}

interface MarkOptions {
  as: string;
  output?: string;
  by: string;
  reason?: string;
  json: boolean;
}

interface SteerOptions extends RunFilterOptions {
  by: string;
  reason?: string;
  yes: boolean;
  json: boolean;
}

/** Verbs that change what becomes of runs. */
export function addRunSteering(runs: Command): void {
  runs
    .command("clear <run> [tasks...]")
    .description(
      "run tasks again (default: those that failed) and all that comes after them; the others keep their outputs",
    )
    .option("--no-downstream", "what comes after them does not run again")
    .option("--upstream", "what comes before them runs again too", false)
    .option("--failed", "of these tasks only those that failed or did not come to run", false)
    .option("--params <json>", "other params than it had, as a JSON object; of a run that has ended", "{}")
    .option("--dry-run", "say what would run again, and change nothing", false)
    .option("--json", "print JSON", false)
    .option("--dags <path...>", "further DAG files or folders, to check --params by", [])
    .addHelpText(
      "after",
      `
Examples:
  $ dagwright runs clear daily_ml_pipeline/1998-01-31T00:00:00Z train --dry-run
  $ dagwright runs clear measure_all/2026-01-31T00:00:00Z 'measure[3]' --no-downstream
`,
    )
    .action(async (runId: string, tasks: string[], options: ClearOptions) => {
      const clearing: ClearRun = {
        params: parseJsonObject("--params", options.params),
        ...{ downstream: options.downstream, upstream: options.upstream },
        ...{ onlyFailed: options.failed, dryRun: options.dryRun },
        ...(tasks.length === 0 ? {} : { tasks }),
      };
      const done = await withEngine(settingsOf(), async (engine, store) => {
        await checkClearedParams(engine, store, runId, clearing.params ?? {}, options.dags);
        return await engine.clearRun(runId, clearing);
      });
      show({ runId, ...done, ...(options.dryRun ? { dryRun: true } : {}) }, options.json, ({ cleared }) =>
        options.dryRun
          ? `Would run again:\n${cleared.map((task) => `  ${task}`).join("\n")}`
          : `${runId} runs again: ${cleared.join(", ")}`,
      );
    });
  runs
    .command("mark <run> <task>")
    .description("say how a task ended, in its place; what hangs on it and has not run is decided anew")
    .requiredOption("--as <state>", "success or failed")
    .option("--output <json>", "its output as JSON, with --as success (default: the one it has, or null)")
    .option("--by <name>", "who says so", userInfo().username)
    .option("--reason <text>", "why, kept with the run")
    .option("--json", "print JSON", false)
    .addHelpText(
      "after",
      `\nExample:\n  $ dagwright runs mark daily_ml_pipeline/1998-01-31T00:00:00Z quality --as success --reason "checked by hand"\n`,
    )
    .action(async (runId: string, task: string, options: MarkOptions) => {
      const as = oneOf("--as", options.as, z.enum(["success", "failed"]));
      if (as === "failed" && options.output !== undefined)
        throw new UsageError("--output goes with --as success: a task that failed has none");
      const { by, reason } = options;
      const given = options.output === undefined ? {} : { output: parseJson("--output", options.output) };
      const why = reason === undefined ? {} : { reason };
      const done = await withEngine(settingsOf(), (engine) =>
        engine.markTask(runId, { task, as, by, ...given, ...why }),
      );
      show(
        { runId, task, as, by, ...given, ...why, ...done },
        options.json,
        () => `${runId} ${task}: marked ${as} by ${by}`,
      );
    });
  for (const verb of ["pause", "resume", "cancel"] as const) {
    runs
      .command(`${verb} [runs...]`)
      .description(`${verb} runs, by their ids or by --dag and --state`)
      .option("--dag <id>", "all of this DAG that have not ended")
      .option("--state <state>", `all in this state: ${RunState.options.slice(0, 3).join(", ")}`)
      .option("--by <name>", "who asks for it", userInfo().username)
      .option("--reason <text>", "why, kept with the run")
      .option("--yes", "do not ask before runs that were found by --dag or --state", false)
      .option("--json", "print JSON", false)
      .addHelpText(
        "after",
        `
Examples:
  $ dagwright runs ${verb} daily_ml_pipeline/1998-01-31T00:00:00Z --reason "wrong source"
  $ dagwright runs ${verb} --dag daily_ml_pipeline --state running --yes
`,
      )
      .action(async (runIds: string[], options: SteerOptions) => {
        process.exitCode = await steer(verb, runIds, options);
      });
  }
}

type Verb = "pause" | "resume" | "cancel";

/** What became of one run. */
interface Steered {
  readonly runId: string;
  readonly requested: Verb;
  readonly error?: unknown;
}

async function steer(verb: Verb, runIds: readonly string[], options: SteerOptions): Promise<number> {
  const { by, reason, json } = options;
  const byFilter = options.dag !== undefined || options.state !== undefined;
  if (byFilter === runIds.length > 0)
    throw new UsageError(
      `Name runs, or say which by --dag and --state${byFilter ? ": not both" : ""}`,
      `dagwright runs ${verb} --help`,
    );
  const remark = { by, ...(reason === undefined ? {} : { reason }) };
  return await withEngine(settingsOf(), async (engine) => {
    const meant = byFilter ? await chosen(engine, verb, options) : runIds;
    if (meant === null) return EXIT.ok;
    const done: Steered[] = [];
    for (const runId of meant) {
      try {
        if (verb === "pause") await engine.pauseRun(runId, remark);
        else if (verb === "resume") await engine.resumeRun(runId, remark);
        else await engine.cancelRun(runId, remark);
        done.push({ runId, requested: verb });
      } catch (error) {
        // One run, and what is wrong with it is what there is to say.
        if (!byFilter && meant.length === 1) throw error;
        showError(error, false);
        done.push({ runId, requested: verb, error: errorJson(error) });
      }
    }
    const [first] = done;
    const line = (one: Steered) => `${one.runId}: ${one.error === undefined ? `${verb} requested` : "refused"}`;
    if (!byFilter && first !== undefined && done.length === 1) show(first, json, line);
    else show(done, json, (all) => (all.length === 0 ? "No run is meant" : all.map(line).join("\n")));
    return done.some(({ error }) => error !== undefined) ? EXIT.failed : EXIT.ok;
  });
}

/** The runs that a filter means, after a person has agreed; null when they have not. */
async function chosen(engine: EngineClient, verb: Verb, options: SteerOptions): Promise<string[] | null> {
  const { yes, json, ...filter } = options;
  const wanted = runFilter({ ...filter, limit: MOST_RUNS });
  const rows = (await engine.listRuns(wanted)).filter(({ state }) => ["queued", "running", "paused"].includes(state));
  if (rows.length === 0 || yes) return ids(rows);
  const question = `${verb} ${rows.length} ${rows.length === 1 ? "run" : "runs"}?`;
  return (await agreed(question, runsText(rows), json)) ? ids(rows) : null;
}

function ids(rows: readonly RunRow[]): string[] {
  return rows.map(({ runId }) => runId);
}

const Failure = z.object({
  code: z.string().default("INTERNAL_ERROR"),
  message: z.string(),
  hint: z.string().optional(),
});

function errorJson(error: unknown): z.infer<typeof Failure> {
  const parsed = Failure.safeParse(error);
  return parsed.success ? parsed.data : { code: "INTERNAL_ERROR", message: String(error) };
}
