import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  createRegistry,
  type Dag,
  type DagGraph,
  dataIntervalFor,
  normalMoment,
  scheduleText,
} from "@dagwright/engine";
import { type EngineClient, RunOverError, ScheduleNotFoundError } from "@dagwright/engine/client";
import { differenceOf, differenceText, dotOf, mermaidOf, textOf } from "@dagwright/engine/graph";
import { loadDagFiles } from "@dagwright/engine/loader";
import type { Settings } from "@dagwright/engine/settings";
import { openRunStore } from "@dagwright/engine/store";
import type { Command } from "commander";
import { z } from "zod";
import { oneOf, show, table, UsageError } from "./output.ts";
import { paramsText } from "./params-text.ts";
import { knownDags, settingsOf, withEngine } from "./session.ts";

interface DagsOptions {
  json: boolean;
  dags: string[];
}

const DRAWINGS: Readonly<Record<"ascii" | "mermaid" | "dot" | "json", (graph: DagGraph) => string>> = {
  ascii: textOf,
  mermaid: mermaidOf,
  dot: dotOf,
  json: (graph) => JSON.stringify(graph, null, 2),
};
const Format = z.enum(["ascii", "mermaid", "dot", "json"]);

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
        schedule: scheduleOf(graph),
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
  dags
    .command("show <dag>")
    .description("a DAG with its schedule, params and nodes; with --json its graph, file and next time")
    .option("--json", "print JSON", false)
    .option("--dags <path...>", "further DAG files or folders", [])
    .addHelpText("after", "\nExample:\n  $ dagwright dags show daily_ml_pipeline\n")
    .action(async (dagId: string, options: DagsOptions) => {
      const { registry, files } = await knownDags(settingsOf(), options.dags);
      const dag = registry.get(dagId);
      const shown = { ...dag.graph, file: files.get(dagId) ?? null, next: nextTime(dag) };
      show(shown, options.json, dagText);
    });
  dags
    .command("graph <dag>")
    .description("a DAG's graph, drawn or as JSON; or what makes it another than it was")
    .option("--format <format>", `one of ${Format.options.join(", ")}`)
    .option("--diff <other>", "another DAG file, a graph as JSON in a file, or a version that has run")
    .option("--json", "print JSON", false)
    .option("--dags <path...>", "further DAG files or folders", [])
    .addHelpText(
      "after",
      `
Examples:
  $ dagwright dags graph daily_ml_pipeline --format mermaid
  $ dagwright dags graph daily_ml_pipeline --diff 4a3f0c9d8e71
  $ git show main:workflows/daily.ts > /tmp/daily.ts && dagwright dags graph daily_ml_pipeline --diff /tmp/daily.ts
`,
    )
    .action(async (dagId: string, options: DagsOptions & { format?: string; diff?: string }) => {
      const wanted = oneOf("--format", options.format ?? "json", Format);
      const settings = settingsOf();
      const { graph } = (await knownDags(settings, options.dags)).registry.get(dagId);
      if (options.diff !== undefined) {
        const other = await otherGraph(settings, dagId, options.diff);
        show(differenceOf(other, graph), options.json, differenceText);
        return;
      }
      // As JSON unless it is said otherwise: what programs have read from the start.
      show(graph, options.json, DRAWINGS[wanted]);
    });
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

const GraphShape = z.looseObject({ dagId: z.string(), version: z.string(), nodes: z.array(z.looseObject({})) });

/** The graph that another file holds, or that a version of the run store had. */
async function otherGraph(settings: Settings, dagId: string, other: string): Promise<DagGraph> {
  if (existsSync(other)) {
    if (other.endsWith(".json")) return graphIn(other);
    const { dags } = await loadDagFiles([other], join(settings.home, "cache", "dags"));
    return createRegistry(dags).get(dagId).graph;
  }
  const store = await openRunStore(settings.store);
  try {
    const found = await store.getDag(dagId, other);
    if (found !== null) return found;
  } finally {
    await store.close();
  }
  throw new UsageError(
    `--diff is "${other}": there is neither such a file nor a version of ${dagId} that has run`,
    "A run's version: dagwright runs show RUN --json, field dagVersion",
  );
}

function graphIn(file: string): DagGraph {
  const value: unknown = JSON.parse(readFileSync(file, "utf8"));
  if (isGraph(value)) return value;
  throw new UsageError(`${file} holds no graph`, "Make one: dagwright dags graph DAG --format json > graph.json");
}

function isGraph(value: unknown): value is DagGraph {
  return GraphShape.safeParse(value).success;
}

function scheduleOf({ schedule }: Pick<DagGraph, "schedule">): string {
  return schedule === null ? "none" : scheduleText(schedule);
}

/** When its schedule fires next, by the code; null without one. */
function nextTime({ graph }: Dag): string | null {
  if (graph.schedule === null || graph.schedule.kind === "assets") return null;
  return normalMoment(dataIntervalFor(graph.schedule, new Date()).end);
}

function dagText(graph: DagGraph & { readonly file: string | null; readonly next: string | null }): string {
  const nodes = graph.nodes.map((node) => [node.id, node.kind, node.triggerRule, node.upstream.join(", ")]);
  return [
    `${graph.dagId} (version ${graph.version})`,
    ...(graph.description === undefined ? [] : [graph.description]),
    "",
    `schedule  ${scheduleOf(graph)}${graph.next === null ? "" : `, next at ${graph.next}`}`,
    ...(graph.owner === undefined ? [] : [`owner     ${graph.owner}`]),
    ...(graph.tags.length === 0 ? [] : [`tags      ${graph.tags.join(", ")}`]),
    `file      ${graph.file ?? "unknown"}`,
    "",
    paramsText(graph.params),
    "",
    table(["NODE", "KIND", "TRIGGER RULE", "AFTER"], nodes),
  ].join("\n");
}
