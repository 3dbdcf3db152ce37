import type { RunView } from "@dagwright/engine";
import type { EngineClient, RunExplanation } from "@dagwright/engine/client";
import type { Command } from "commander";
import { z } from "zod";
import { taskLine } from "./live.ts";
import { parseJsonObject, show, table, UsageError } from "./output.ts";
import { addRunLogs, noSuchTask } from "./run-logs.ts";
import { settingsOf, withEngine } from "./session.ts";

const RunState = z.enum(["queued", "running", "paused", "success", "failed", "cancelled"]);

export function addRuns(program: Command): void {
  const runs = program.command("runs").description("runs, present and past");
  runs
    .command("list")
    .description("the newest runs first")
    .option("--dag <id>", "only of this DAG")
    .option("--state <state>", `only in this state: ${RunState.options.join(", ")}`)
    .option("--limit <n>", "how many", "20")
    .option("--json", "print JSON", false)
    .addHelpText("after", "\nExample:\n  $ dagwright runs list --dag daily_ml_pipeline --state failed\n")
    .action(async (options: { dag?: string; state?: string; limit: string; json: boolean }) => {
      const state = options.state === undefined ? undefined : stateOf(options.state);
      const found = await withEngine(settingsOf(), (engine) =>
        engine.listRuns({
          limit: limitOf(options.limit),
          ...(options.dag === undefined ? {} : { dagId: options.dag }),
          ...(state === undefined ? {} : { state }),
        }),
      );
      show(found, options.json, (rows) =>
        table(
          ["RUN", "STATE", "TRIGGER", "STARTED", "ENDED"],
          rows.map((row) => [row.runId, row.state, row.trigger, row.startedAt ?? "", row.endedAt ?? ""]),
        ),
      );
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
    .description("why a run and its tasks wait or failed, and what to do next")
    .option("--json", "print JSON", false)
    .addHelpText("after", "\nExample:\n  $ dagwright runs explain daily_ml_pipeline/1998-01-31T00:00:00Z\n")
    .action(async (runId: string, task: string | undefined, options: { json: boolean }) => {
      const told = await withEngine(settingsOf(), (engine) => engine.explainRun(runId));
      const tasks = task === undefined ? told.tasks : told.tasks.filter((one) => one.task === task);
      if (task !== undefined && tasks.length === 0)
        throw noSuchTask(
          runId,
          task,
          told.tasks.map((one) => one.task),
        );
      show({ ...told, tasks }, options.json, explanationText);
    });
  addRunLogs(runs);
  runs
    .command("clear <run> [tasks...]")
    .description(
      "run an ended run again from these tasks on (default: from those that failed); the others keep their outputs",
    )
    .option("--params <json>", "other params than it had, as a JSON object", "{}")
    .option("--json", "print JSON", false)
    .addHelpText("after", "\nExample:\n  $ dagwright runs clear daily_ml_pipeline/1998-01-31T00:00:00Z train\n")
    .action(async (runId: string, tasks: string[], options: { params: string; json: boolean }) => {
      const params = parseJsonObject("--params", options.params);
      const done = await withEngine(settingsOf(), (engine) =>
        engine.clearRun(runId, { params, ...(tasks.length === 0 ? {} : { tasks }) }),
      );
      show({ runId, ...done }, options.json, ({ cleared }) => `${runId} runs again from: ${cleared.join(", ")}`);
    });
  for (const verb of ["pause", "resume", "cancel"] as const) {
    runs
      .command(`${verb} <run>`)
      .description(`${verb} a run`)
      .option("--reason <text>", "why, kept with the run")
      .option("--json", "print JSON", false)
      .addHelpText(
        "after",
        `\nExample:\n  $ dagwright runs ${verb} daily_ml_pipeline/1998-01-31T00:00:00Z --reason "wrong source"\n`,
      )
      .action(async (runId: string, options: { reason?: string; json: boolean }) => {
        const why = options.reason === undefined ? {} : { reason: options.reason };
        await withEngine(settingsOf(), (engine) =>
          verb === "pause"
            ? engine.pauseRun(runId, why)
            : verb === "resume"
              ? engine.resumeRun(runId, why)
              : engine.cancelRun(runId, why),
        );
        show({ runId, requested: verb }, options.json, () => `${runId}: ${verb} requested`);
      });
  }
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

function stateOf(text: string): z.infer<typeof RunState> {
  const parsed = RunState.safeParse(text);
  if (!parsed.success) throw new UsageError(`--state is "${text}": expected one of ${RunState.options.join(", ")}`);
  return parsed.data;
}

function limitOf(text: string): number {
  const parsed = z.coerce.number().int().min(1).max(1000).safeParse(text);
  if (!parsed.success) throw new UsageError(`--limit is "${text}": expected a whole number from 1 to 1000`);
  return parsed.data;
}

function runText(view: RunView): string {
  const width = Math.max(...Object.keys(view.tasks).map((id) => id.length));
  const tasks = Object.entries(view.tasks).map(([id, task]) => `  ${taskLine(id, task, width)}`);
  const interval = `${view.dataInterval.start} – ${view.dataInterval.end}`;
  return [
    `${view.runId}  ${view.state}  (${view.trigger}, ${interval})`,
    ...tasks,
    ...(view.error ? [`${view.error.code}: ${view.error.message}`] : []),
  ].join("\n");
}
