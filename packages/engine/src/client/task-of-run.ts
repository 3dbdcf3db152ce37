import { nearest } from "@dagwright/mcp-kit/nearest";
import { placeNamed } from "../core/mapped.ts";
import type { RunView } from "../core/state.ts";
import { TaskNotInRunError } from "./errors.ts";

/**
 * @param task A task, or an item of a mapped one: `measure[3]`.
 * @param o.known Ids of all its tasks. @default those of the view; none of a run that waits for its plan
 * @param o.field What the caller calls the task.
 * @throws TaskNotInRunError unless the run has it; suggests the nearest.
 */
export function mustHaveTask(
  { runId, tasks }: RunView,
  task: string,
  { known = Object.keys(tasks), field = "tasks" }: { known?: readonly string[]; field?: "task" | "tasks" } = {},
): void {
  const { id, index } = placeNamed(task);
  if (!known.includes(id)) {
    const meant = nearest(id, known);
    const message = `Run "${runId}" has no task "${id}"${meant === undefined ? "" : `; did you mean "${meant}"?`}`;
    throw new TaskNotInRunError(message, `It has: ${known.join(", ")}`, field);
  }
  const items = tasks[id]?.mapped?.length ?? 0;
  if (index === undefined || index < items) return;
  const has = items === 0 ? "it has no items" : `it has ${items}, 0 to ${items - 1}`;
  throw new TaskNotInRunError(
    `Task "${id}" of run "${runId}" has no item ${index}: ${has}`,
    "Items count from 0.",
    field,
  );
}

/**
 * The same of a task that somebody may have named in order to see it. A run that waits for its plan knows no tasks yet:
 * of it nothing is said.
 * @throws TaskNotInRunError
 */
export function mustHaveNamed(view: RunView, task: string | undefined): void {
  if (task !== undefined && Object.keys(view.tasks).length > 0) mustHaveTask(view, task, { field: "task" });
}
