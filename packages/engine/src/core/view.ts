import { childRunIdOf } from "./child-run.ts";
import { isOver } from "./decide.ts";
import type { GraphNode } from "./graph.ts";
import type {
  MappedStatus,
  MappedView,
  RunInfo,
  RunView,
  SchedulerState,
  TaskProgress,
  TaskStatus,
  TaskView,
} from "./state.ts";
import { isFinal } from "./trigger-rules.ts";

/** A list of more items is shown without their moments and events, and without outputs that stand in the task's own. */
const LONG_LIST = 1_000;

/**
 * A run as JSON for people and programs.
 *
 * @param progress Latest progress by node id, for tasks that report any; shown while they run.
 */
export function viewOf(state: SchedulerState, progress: Readonly<Record<string, TaskProgress>> = {}): RunView {
  const { graph, run, params, startedAt, endedAt } = state;
  return {
    runId: run.id,
    dagId: graph.dagId,
    dagVersion: graph.version,
    logicalDate: run.logicalDate,
    dataInterval: run.dataInterval,
    trigger: run.trigger,
    conf: run.conf,
    params,
    state: state.state,
    ...(startedAt === undefined ? {} : { startedAt: iso(startedAt) }),
    ...(isOver(state.state) && endedAt !== undefined ? { endedAt: iso(endedAt) } : {}),
    output: state.output ?? null,
    ...(state.error === undefined ? {} : { error: state.error }),
    tasks: Object.fromEntries(
      graph.nodes.map((node) => [node.id, nodeViewOf(node, state.tasks[node.id], progress[node.id], run)]),
    ),
    ...(run.assetEvents === undefined ? {} : { assetEvents: run.assetEvents }),
    ...(run.noCache === true ? { noCache: true } : {}),
    ...(run.emitAssets === false ? { emitAssets: false } : {}),
  };
}

function nodeViewOf(
  node: GraphNode,
  status: TaskStatus | undefined,
  progress: TaskProgress | undefined,
  run: RunInfo,
): TaskView {
  const view = taskViewOf(status, progress);
  const child = node.dag === undefined || view.attempts === 0 ? undefined : childRunIdOf(node, run, view.clears);
  return child === undefined ? view : { ...view, childRunId: child };
}

/** A task, or an item of a mapped one, as JSON. */
export function taskViewOf(status: TaskStatus | undefined, progress: TaskProgress | undefined): TaskView {
  if (status === undefined) return { state: "none", attempts: 0, startedAt: null, endedAt: null };
  const {
    state,
    attempts,
    lost,
    startedAt,
    endedAt,
    output,
    error,
    reason,
    mapped,
    asks,
    retryAt,
    clears,
    cachedFrom,
    assetEvents,
  } = status;
  const shown = progress ?? (mapped === undefined ? undefined : progressOf(mapped));
  return {
    state,
    attempts,
    ...(lost > 0 ? { lost } : {}),
    startedAt: startedAt === undefined ? null : iso(startedAt),
    endedAt: endedAt === undefined ? null : iso(endedAt),
    ...(output === undefined ? {} : { output }),
    ...(error === undefined ? {} : { error }),
    ...(reason === undefined ? {} : { reason }),
    ...(clears ? { clears } : {}),
    ...(cachedFrom === undefined ? {} : { cachedFrom }),
    ...(assetEvents === undefined ? {} : { assetEvents }),
    ...(retryAt === undefined ? {} : { dueAt: iso(retryAt) }),
    ...(asks === undefined ? {} : { asks }),
    ...(state === "running" && shown !== undefined ? { progress: shown } : {}),
    ...(mapped === undefined ? {} : { mapped: mapped.map((item) => mappedViewOf(item, mapped.length, state)) }),
  };
}

function progressOf(mapped: readonly MappedStatus[]): TaskProgress {
  return { done: mapped.filter(({ state }) => isFinal(state)).length, total: mapped.length, note: "items" };
}

function mappedViewOf(item: MappedStatus, length: number, whole: TaskStatus["state"]): MappedView {
  const { startedAt, endedAt, output, asks: _, assetEvents, ...shown } = taskViewOf(item, undefined);
  const view = item.source === undefined ? shown : { ...shown, source: item.source };
  const told = output === undefined ? {} : { output };
  if (length <= LONG_LIST)
    return { ...view, startedAt, endedAt, ...told, ...(assetEvents === undefined ? {} : { assetEvents }) };
  return whole === "success" ? view : { ...view, ...told };
}

function iso(moment: number): string {
  return new Date(moment).toISOString();
}
