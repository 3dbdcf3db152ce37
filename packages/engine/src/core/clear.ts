import type { DagGraph } from "./graph.ts";
import type { RunSeed, RunView, TaskStatus, TaskView } from "./state.ts";
import { topologyOf } from "./topology.ts";
import { isFinal } from "./trigger-rules.ts";

/** What to clear of a run. */
export interface Clearing {
  /** Ids of tasks; what comes after them is cleared too. @default those that failed, or did not come to run */
  readonly tasks?: readonly string[] | undefined;
}

/** A run that is to begin anew: how its tasks stand, and which of them run again. */
export interface ClearedRun {
  readonly seed: RunSeed;
  /** In the order of the DAG. */
  readonly cleared: readonly string[];
}

/**
 * What a run begins with that runs again from some tasks on: those and all that comes after them are untouched, and
 * counted as cleared once more; the others keep their outputs.
 */
export function clearedRun(graph: DagGraph, view: RunView, { tasks }: Clearing): ClearedRun {
  const { dependents } = topologyOf(graph);
  const queue =
    tasks === undefined ? graph.nodes.map(({ id }) => id).filter((id) => didNotWork(view.tasks[id])) : [...tasks];
  const cleared = new Set<string>();
  for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
    if (cleared.has(id)) continue;
    cleared.add(id);
    queue.push(...(dependents.get(id) ?? []));
  }
  const seed = graph.nodes.map(
    ({ id }) => [id, cleared.has(id) ? untouched(view.tasks[id]) : kept(view.tasks[id])] as const,
  );
  return {
    seed: Object.fromEntries(seed.flatMap(([id, status]) => (status === null ? [] : [[id, status] as const]))),
    cleared: graph.nodes.map(({ id }) => id).filter((id) => cleared.has(id)),
  };
}

/** Failed, or kept from running by a failure, a cancel or the run's end: a task that chose to skip itself has worked. */
function didNotWork(task: TaskView | undefined): boolean {
  if (task === undefined || !isFinal(task.state)) return true;
  if (task.state === "failed" || task.state === "upstream_failed") return true;
  return task.state === "skipped" && task.attempts === 0 && (task.reason ?? "").startsWith("the run was cancelled");
}

function untouched(task: TaskView | undefined): TaskStatus {
  return { state: "none", attempts: 0, lost: 0, clears: (task?.clears ?? 0) + 1 };
}

function kept(task: TaskView | undefined): TaskStatus | null {
  if (task === undefined) return null;
  const { state, attempts, lost = 0, startedAt, endedAt, output, reason, clears } = task;
  return {
    ...{ state, attempts, lost },
    ...(startedAt === null ? {} : { startedAt: Date.parse(startedAt) }),
    ...(endedAt === null ? {} : { endedAt: Date.parse(endedAt) }),
    ...(output === undefined ? {} : { output }),
    ...(reason === undefined ? {} : { reason }),
    ...(clears === undefined ? {} : { clears }),
  };
}
