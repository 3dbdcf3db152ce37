import { setTimeout as pause } from "node:timers/promises";
import { clearedRun, markedRun, namesToClear, placesToClear, withUpstream } from "../core/clear.ts";
import { isOver } from "../core/decide.ts";
import type { DagGraph, Json } from "../core/graph.ts";
import { placeNamed } from "../core/mapped.ts";
import type { RunView } from "../core/state.ts";
import { UPDATE_CLEAR, UPDATE_MARK_FAILED, UPDATE_MARK_SUCCESS } from "../sandbox/protocol.ts";
import type { ClearedTasks, ClearRun, MarkTask } from "./engine-client.ts";
import { NothingToClearError, ParamsFixedError } from "./errors.ts";
import type { ClientGround } from "./ground.ts";
import { checkNewParams } from "./new-params.ts";
import type { RunCalls } from "./run-calls.ts";
import { mustHaveTask } from "./task-of-run.ts";

/** How long a run that is over may take to be closed, in milliseconds: its callbacks run until then. */
const CLOSING_PATIENCE_MS = 10_000;

/** Reaches into runs, whether they go on or have ended. */
export class Interventions {
  constructor(
    private readonly ground: ClientGround,
    private readonly runs: RunCalls,
  ) {}

  async clear(runId: string, clearing: ClearRun = {}): Promise<ClearedTasks> {
    const { view, closed } = await this.settled(runId);
    const graph = await this.graphOf(view);
    const { downstream = true, params = {}, dryRun = false } = clearing;
    if (!closed && Object.keys(params).length > 0) throw new ParamsFixedError(runId);
    // A run that its DAG, as it is now, could not take up waits for params that fit that, and not what it took before.
    if (view.error?.code !== "INVALID_PARAMS") checkNewParams(graph, params);
    const tasks = tasksToClear(graph, view, clearing, !closed);
    if (tasks?.length === 0) throw nothingToClear(view);
    if (!closed) {
      const places = placesToClear(graph, view, { tasks }, true);
      if (places.length === 0) throw nothingToClear(view);
      const cleared = namesToClear(graph, view, places, downstream);
      if (!dryRun) await this.runs.ask(UPDATE_CLEAR, runId, { tasks, downstream });
      return { cleared, temporalRunId: await this.executionOf(runId) };
    }
    // Items of mapped tasks read the new params, too.
    const anew = { ...view, params: { ...paramsOf(view), ...params } };
    const { seed, cleared } = clearedRun(graph, anew, { tasks, downstream });
    if (cleared.length === 0) throw nothingToClear(view);
    const temporalRunId = dryRun
      ? await this.executionOf(runId)
      : await this.runs.startAnew({ view, params: anew.params, seed });
    return { cleared, temporalRunId };
  }

  async mark(runId: string, { task, as, output, by, reason }: MarkTask): Promise<{ temporalRunId: string }> {
    const { view, closed } = await this.settled(runId);
    const remark = { ...(by === undefined ? {} : { by }), ...(reason === undefined ? {} : { reason }) };
    const given = output === undefined ? {} : { output };
    if (!closed) {
      const update = as === "success" ? UPDATE_MARK_SUCCESS : UPDATE_MARK_FAILED;
      await this.runs.ask(update, runId, { task, ...given, ...remark });
      return { temporalRunId: await this.executionOf(runId) };
    }
    const graph = await this.graphOf(view);
    mustHaveTask(view, task, { known: graph.nodes.map(({ id }) => id) });
    const seed = markedRun(graph, view, placeNamed(task), { as, ...given, by, comment: reason }, Date.now());
    return { temporalRunId: await this.runs.startAnew({ view, params: paramsOf(view), seed }) };
  }

  /** A run that goes on, or one that Temporal too has closed: in between it can neither be asked nor begin anew. */
  private async settled(runId: string): Promise<{ view: RunView; closed: boolean }> {
    for (const until = Date.now() + CLOSING_PATIENCE_MS; ; await pause(200)) {
      const read = await this.runs.read(runId);
      if (read.closed || !isOver(read.view.state) || Date.now() > until) return read;
    }
  }

  private async graphOf({ runId, dagId, dagVersion, state }: RunView): Promise<DagGraph> {
    if (dagVersion === "" && !isOver(state))
      throw new NothingToClearError(
        `Run "${runId}" has not begun: none of its tasks has run`,
        `What it waits for: dagwright runs explain ${runId}`,
      );
    const graph = (await this.ground.store?.getDag(dagId, dagVersion)) ?? null;
    if (graph !== null) return graph;
    const message = `The graph of ${dagId} version "${dagVersion}" is not in this run store`;
    throw new NothingToClearError(message, "Start the run again: dagwright run, with the same logical date.");
  }

  private async executionOf(runId: string): Promise<string> {
    const found = await this.ground.store?.getRun(runId);
    if (found) return found.temporalRunId;
    return (await this.ground.temporal.workflow.getHandle(runId).describe()).runId;
  }
}

/** The tasks that are meant, by name; undefined: those that failed. */
function tasksToClear(
  graph: DagGraph,
  view: RunView,
  { tasks, upstream = false, onlyFailed = false }: ClearRun,
  goesOn: boolean,
): readonly string[] | undefined {
  if (tasks === undefined) return undefined;
  for (const task of tasks) mustHaveTask(view, task, { known: graph.nodes.map(({ id }) => id) });
  const ids = tasks.map((task) => placeNamed(task).id);
  const before = upstream ? withUpstream(graph, ids).filter((id) => !ids.includes(id)) : [];
  const named = [...tasks, ...before];
  if (!onlyFailed) return named;
  const failed = placesToClear(graph, view, {}, goesOn);
  const isMeant = (id: string, index: number | undefined) =>
    named.includes(id) || (index !== undefined && named.includes(`${id}[${index}]`));
  return failed.flatMap(({ id, index }) => (isMeant(id, index) ? [index === undefined ? id : `${id}[${index}]`] : []));
}

function nothingToClear({ runId, tasks }: RunView): NothingToClearError {
  const known = Object.keys(tasks).join(", ");
  return new NothingToClearError(
    `No task of run "${runId}" that is meant has failed`,
    `Name tasks to run again: ${known}`,
  );
}

function paramsOf({ params }: RunView): { readonly [key: string]: Json } {
  if (typeof params !== "object" || params === null) return {};
  return Object.fromEntries(Object.entries(params));
}
