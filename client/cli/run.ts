import { planRun, type RunView } from "@dagwright/engine";
import type { EngineClient } from "@dagwright/engine/client";
import { isTemporalRunning } from "@dagwright/engine/server";
import type { Command } from "commander";
import pc from "picocolors";
import { liveView } from "./live.ts";
import { EXIT, parseJsonObject, show } from "./output.ts";
import { knownDags, settingsOf, withEngine } from "./session.ts";
import { openStack } from "./stack.ts";

interface RunOptions {
  params: string;
  conf: string;
  logicalDate?: string;
  runId?: string;
  cache: boolean;
  wait: boolean;
  json: boolean;
  dags: string[];
}

export function addRun(program: Command): void {
  program
    .command("run <dag>")
    .description("start a run of a DAG")
    .option("--params <json>", "params as a JSON object", "{}")
    .option("--conf <json>", "free data for the run, as a JSON object", "{}")
    .option("--logical-date <date>", "the day (1998-01-31) or moment the run is for")
    .option("--run-id <id>", "a run id of your own instead of DAG/logical date")
    .option("--no-cache", "tasks with a cache run all the same, and renew it")
    .option("--wait", "show the run until it ends; without a running server, start one for as long as it takes", false)
    .option("--json", "print the run as JSON and nothing else on stdout", false)
    .option("--dags <path...>", "further DAG files or folders", [])
    .addHelpText("after", "\nExample:\n  $ dagwright run daily_ml_pipeline --logical-date 1998-02-01 --wait\n")
    .action(async (dagId: string, options: RunOptions) => {
      process.exitCode = await run(dagId, options);
    });
}

async function run(dagId: string, options: RunOptions): Promise<number> {
  const settings = settingsOf();
  const { registry } = await knownDags(settings, options.dags);
  const params = parseJsonObject("--params", options.params);
  const conf = parseJsonObject("--conf", options.conf);
  const logicalDate = options.logicalDate;
  // Wrong params or dates are refused here, before anything is started.
  planRun(registry.get(dagId), {
    runId: "check",
    params,
    conf,
    ...(logicalDate === undefined ? {} : { logicalDate }),
    trigger: "manual",
    now: new Date(),
  });
  const note = (line: string) => process.stderr.write(`${pc.dim(line)}\n`);
  const ownStack =
    options.wait &&
    settings.temporal.external === null &&
    !(await isTemporalRunning({ home: settings.home, port: settings.temporal.port }))
      ? await openStack({ settings, dags: options.dags, log: note })
      : null;
  try {
    return await withEngine(settings, async (engine) => {
      const { runId, outcome } = await engine.startRun({
        dagId,
        params,
        conf,
        ...(logicalDate === undefined ? {} : { logicalDate }),
        ...(options.runId === undefined ? {} : { runId: options.runId }),
        noCache: !options.cache,
      });
      if (outcome === "already_done") note(`${runId} is already done; this is what it gave`);
      if (outcome === "already_running") note(`${runId} is already running`);
      if (!options.wait && outcome !== "already_done") {
        show({ runId, outcome }, options.json, () => `${outcome === "started" ? "Started" : "Running"} ${runId}`);
        return EXIT.ok;
      }
      const view = await watch(engine, runId, note);
      show(options.json ? await engine.withOutputs(view) : view, options.json, runText);
      return view.state === "success" ? EXIT.ok : EXIT.failed;
    });
  } finally {
    await ownStack?.close();
  }
}

/** Shows a run on stderr until it has ended. */
export async function watch(engine: EngineClient, runId: string, note: (line: string) => void): Promise<RunView> {
  if ((await engine.workersPolling()) === 0)
    note("No worker polls this task queue: the run waits for one (dagwright worker).");
  const live = liveView(process.stderr);
  const view = await engine.waitForRun(runId, { onChange: (changed) => live.update(changed) });
  live.update(view);
  live.end();
  return view;
}

function runText(view: RunView): string {
  if (view.state === "success")
    return `${pc.green("✔")} ${view.runId} success\n${JSON.stringify(view.output, null, 2)}`;
  const { error } = view;
  return `${pc.red("✖")} ${view.runId} ${view.state}${error ? `\n${error.code}: ${error.message}${error.hint ? `\n${error.hint}` : ""}` : ""}`;
}
