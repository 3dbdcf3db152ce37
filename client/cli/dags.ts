import { type DagGraph, scheduleText } from "@dagwright/engine";
import { type EngineClient, RunOverError, ScheduleNotFoundError } from "@dagwright/engine/client";
import type { Command } from "commander";
import { show, table } from "./output.ts";
import { knownDags, settingsOf, withEngine } from "./session.ts";

interface DagsOptions {
  json: boolean;
  dags: string[];
}

export function addDags(program: Command): void {
  const dags = program.command("dags").description("the DAGs this project knows");
  dags
    .command("list")
    .description("every DAG with its schedule")
    .option("--json", "print JSON", false)
    .option("--dags <path...>", "further DAG files or folders", [])
    .addHelpText("after", "\nExample:\n  $ dagwright dags list --json\n")
    .action(async (options: DagsOptions) => {
      const { dags: known, files } = await knownDags(settingsOf(), options.dags);
      const rows = known.map(({ graph }) => ({
        dagId: graph.dagId,
        version: graph.version,
        schedule: graph.schedule === null ? "none" : scheduleText(graph.schedule),
        nodes: graph.nodes.length,
        description: graph.description ?? "",
        file: files.get(graph.dagId) ?? "",
      }));
      show(rows, options.json, (all) =>
        table(
          ["DAG", "VERSION", "SCHEDULE", "NODES", "DESCRIPTION"],
          all.map((one) => [one.dagId, one.version, one.schedule, String(one.nodes), one.description]),
        ),
      );
    });
  for (const [verb, text] of [
    ["show", "a DAG with its params and nodes"],
    ["graph", "a DAG's graph as JSON"],
  ] as const) {
    dags
      .command(`${verb} <dag>`)
      .description(text)
      .option("--json", "print JSON", false)
      .option("--dags <path...>", "further DAG files or folders", [])
      .addHelpText("after", `\nExample:\n  $ dagwright dags ${verb} daily_ml_pipeline\n`)
      .action(async (dagId: string, options: DagsOptions) => {
        const { registry } = await knownDags(settingsOf(), options.dags);
        show(registry.get(dagId).graph, options.json || verb === "graph", dagText);
      });
  }
  for (const verb of ["pause", "unpause"] as const) {
    dags
      .command(`${verb} <dag>`)
      .description(`${verb} the schedule of a DAG`)
      .option("--note <text>", "why, kept with the schedule")
      .option("--runs", `${verb === "pause" ? "pause" : "resume"} its runs in flight as well`, false)
      .option("--json", "print JSON", false)
      .addHelpText("after", `\nExample:\n  $ dagwright dags ${verb} daily_ml_pipeline --note "source is being moved"\n`)
      .action(async (dagId: string, options: { note?: string; runs: boolean; json: boolean }) => {
        const runs = await withEngine(settingsOf(), (engine) => setPaused(engine, dagId, verb === "pause", options));
        show({ dagId, paused: verb === "pause", runs }, options.json, () =>
          [`${dagId}: ${verb}d`, ...runs.map((runId) => `${runId}: ${verb === "pause" ? "paused" : "resumed"}`)].join(
            "\n",
          ),
        );
      });
  }
}

/** How many runs in flight of a DAG are paused or resumed with it. */
const MOST_RUNS = 1_000;

/** Pauses or unpauses the schedule of a DAG, and with `runs` its runs in flight; gives their ids. */
async function setPaused(
  engine: EngineClient,
  dagId: string,
  paused: boolean,
  { note, runs }: { note?: string; runs: boolean },
): Promise<string[]> {
  try {
    await (paused ? engine.pauseSchedule(dagId, note) : engine.unpauseSchedule(dagId, note));
  } catch (error) {
    // A DAG that runs on demand only has runs, too.
    if (!runs || !(error instanceof ScheduleNotFoundError)) throw error;
  }
  const changed: string[] = [];
  if (!runs) return changed;
  const remark = note === undefined ? {} : { reason: note };
  for (const { runId } of await engine.listRuns({ dagId, state: paused ? "running" : "paused", limit: MOST_RUNS })) {
    try {
      await (paused ? engine.pauseRun(runId, remark) : engine.resumeRun(runId, remark));
      changed.push(runId);
    } catch (error) {
      // It has ended in the meantime.
      if (!(error instanceof RunOverError)) throw error;
    }
  }
  return changed;
}

function dagText(graph: DagGraph): string {
  const nodes = graph.nodes.map((node) => [node.id, node.kind, node.triggerRule, node.upstream.join(", ")]);
  return [
    `${graph.dagId} (version ${graph.version})  ${graph.schedule === null ? "none" : scheduleText(graph.schedule)}`,
    graph.description ?? "",
    "",
    table(["NODE", "KIND", "TRIGGER RULE", "AFTER"], nodes),
    "",
    `params: ${JSON.stringify(graph.params)}`,
  ].join("\n");
}
