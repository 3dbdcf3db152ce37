import type { SchedulerState, TaskStatus } from "./state.ts";
import { topologyOf } from "./topology.ts";

/** The status of a task, by node id. */
export type StatusOf = (id: string) => TaskStatus;

export const UNTOUCHED: TaskStatus = { state: "none", attempts: 0, lost: 0 };

/** Statuses in the order of the graph's nodes: a list is copied a hundred times faster than a record. */
const lists = new WeakMap<SchedulerState, readonly TaskStatus[]>();

/** The statuses of a run, in the order of its graph's nodes. */
export function statusesOf(state: SchedulerState): readonly TaskStatus[] {
  // A state that was stored and read again has its record only.
  return lists.get(state) ?? state.graph.nodes.map(({ id }) => state.tasks[id] ?? UNTOUCHED);
}

/** A state with these statuses; its record `tasks` is made when it is first looked at. */
export function withStatuses(state: Omit<SchedulerState, "tasks">, statuses: readonly TaskStatus[]): SchedulerState {
  let tasks: SchedulerState["tasks"] | undefined;
  const made: SchedulerState = {
    ...state,
    get tasks() {
      tasks ??= Object.fromEntries(state.graph.nodes.map(({ id }, index) => [id, statuses[index] ?? UNTOUCHED]));
      return tasks;
    },
  };
  lists.set(made, statuses);
  return made;
}

/** Looks tasks of a run up in a list of statuses. */
export function lookup({ graph }: Pick<SchedulerState, "graph">, statuses: readonly TaskStatus[]): StatusOf {
  const { indices } = topologyOf(graph);
  return (id) => statuses[indices.get(id) ?? -1] ?? UNTOUCHED;
}

/** What held of the former state alone ends with it; the error of a former attempt ends with the next one. */
export function changed(status: TaskStatus, to: Partial<TaskStatus>): TaskStatus {
  const { error, retryAt, asks, reason, ticket, granted, ...rest } = status;
  const made = { ...rest, ...to };
  const waits = to.state === "scheduled" || to.state === "queued";
  if (waits && error !== undefined) return { error, ...made };
  // Slots are held as long as the attempt that they were taken for runs.
  return ticket !== undefined && to.state === "running" ? { ...made, ticket } : made;
}
