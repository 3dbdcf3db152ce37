import type { RunView } from "@dagwright/engine";
import type { EngineClient, RunExplanation } from "@dagwright/engine/client";
import { nearest } from "@dagwright/mcp-kit/nearest";
import type { Command } from "commander";
import { taskLine } from "./live.ts";
import { show } from "./output.ts";
import { type RunFilterOptions, RunState, runFilter, runsText } from "./run-filter.ts";
import { addRunLogs } from "./run-logs.ts";
import { addRunPruning } from "./run-pruning.ts";
import { addRunSteering } from "./run-steering.ts";
import { knownDags, settingsOf, withEngine } from "./session.ts";

export function addRuns(program: Command): void {
  const runs = program.command("runs").description("runs, present and past");
  runs
    .command("list")
    .description("the newest runs first")
    .option("--dag <id>", "only of this DAG")
    .option("--state <state>", `only in this state: ${RunState.options.join(", ")}`)
    .option("--since <moment>", "only those started since a date, a moment, or so long ago (2h, 7d)")
    .option("--limit <n>", "how many", "20")
    .option("--json", "print JSON", false)
    .addHelpText("after", "\nExample:\n  $ dagwright runs list --dag daily_ml_pipeline --state failed --since 7d\n")
    .action(async (options: RunFilterOptions & { json: boolean }) => {
      const filter = runFilter(options);
      const found = await withEngine(settingsOf(), async (engine) => {
        const rows = await engine.listRuns(filter);
        if (rows.length === 0 && filter.dagId !== undefined) await warnOfUnknownDag(engine, filter.dagId);
        return rows;
      });
      show(found, options.json, runsText);
    });
  runs
    .command("show <run>")
    .description("a run with its tasks")
    .option("--json", "print JSON", false)
    .addHelpText("after", "\nExample:\n  $ dagwright runs show daily_ml_pipeline/1998-01-31T00:00:00Z\n")
    .action(async (runId: string, options: { json: boolean }) => {
      const read = async (engine: EngineClient) => {
        const view = await engine.getRun(runId);
        return options.json ? await engine.withOutputs(view) : view;
      };
      show(await withEngine(settingsOf(), read), options.json, runText);
    });
  runs
    .command("explain <run> [task]")
    .description("why a run and its tasks (or one, or an item as 'measure[3]') wait or failed, and what to do next")
    .option("--json", "print JSON", false)
    .addHelpText("after", "\nExample:\n  $ dagwright runs explain daily_ml_pipeline/1998-01-31T00:00:00Z\n")
    .action(async (runId: string, task: string | undefined, options: { json: boolean }) => {
      const items = task === undefined ? [] : [task];
      const told = await withEngine(settingsOf(), (engine) => engine.explainRun(runId, items));
      const tasks = task === undefined ? told.tasks : told.tasks.filter((one) => one.task === task);
      show({ ...told, tasks }, options.json, explanationText);
    });
  addRunLogs(runs);
  addRunSteering(runs);
  addRunPruning(runs);
}

/** Of a DAG without runs that nobody knows either, says on stderr which was probably meant. */
async function warnOfUnknownDag(engine: EngineClient, dagId: string): Promise<void> {
  const { dags } = await knownDags(settingsOf(), []);
  const known = new Set([...dags.map(({ id }) => id), ...(await engine.listRuns()).map((row) => row.dagId)]);
  if (known.has(dagId)) return;
  const meant = nearest(dagId, known);
  process.stderr.write(
    `No DAG "${dagId}" is known, and it has no runs${meant === undefined ? "" : `; did you mean "${meant}"?`}\n`,
  );
}

function explanationText({ runId, state, why, next, tasks }: RunExplanation): string {
  const width = Math.max(...tasks.map(({ task }) => task.length), 0);
  const lines = tasks.flatMap((one) => [
    `  ${one.task.padEnd(width)}  ${one.state}: ${one.why}`,
    ...(one.next === undefined ? [] : [`  ${" ".repeat(width)}  → ${one.next}`]),
    ...(one.log ?? []).map((line) => `  ${" ".repeat(width)}  | ${line}`),
  ]);
  return [`${runId}  ${state}: ${why}`, ...(next === undefined ? [] : [`→ ${next}`]), ...lines].join("\n");
}

function runText(view: RunView): string {
  const width = Math.max(...Object.keys(view.tasks).map((id) => id.length));
  const tasks = Object.entries(view.tasks).map(([id, task]) => `  ${taskLine(id, task, width)}`);
  const interval = `${view.dataInterval.start} – ${view.dataInterval.end}`;
  const reason = view.trigger === "signal" ? view.conf["reason"] : undefined;
  return [
    `${view.runId}  ${view.state}  (${view.trigger}, ${interval})`,
    ...(typeof reason === "string" ? [`  because ${reason}`] : []),
    ...tasks,
    ...(view.error ? [`${view.error.code}: ${view.error.message}`] : []),
    ...(view.notice === undefined ? [] : [view.notice]),
  ].join("\n");
}
