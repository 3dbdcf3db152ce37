import { isOver } from "./decide.ts";
import type { RunView, SchedulerState, TaskProgress, TaskStatus, TaskView } from "./state.ts";

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
    tasks: Object.fromEntries(graph.nodes.map(({ id }) => [id, taskViewOf(state.tasks[id], progress[id])])),
  };
}

function taskViewOf(status: TaskStatus | undefined, progress: TaskProgress | undefined): TaskView {
  if (status === undefined) return { state: "none", attempts: 0, startedAt: null, endedAt: null };
  const { state, attempts, lost, startedAt, endedAt, output, error, reason } = status;
  return {
    state,
    attempts,
    ...(lost > 0 ? { lost } : {}),
    startedAt: startedAt === undefined ? null : iso(startedAt),
    endedAt: endedAt === undefined ? null : iso(endedAt),
    ...(output === undefined ? {} : { output }),
    ...(error === undefined ? {} : { error }),
    ...(reason === undefined ? {} : { reason }),
    ...(state === "running" && progress !== undefined ? { progress } : {}),
  };
}

function iso(moment: number): string {
  return new Date(moment).toISOString();
}
