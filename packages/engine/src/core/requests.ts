import { type Clearing, placesToClear } from "./clear.ts";
import { isOver } from "./decide.ts";
import { placeNamed } from "./mapped.ts";
import type { Answer, Mark, Place, SchedulerEvent, SchedulerState } from "./state.ts";
import { viewOf } from "./view.ts";

/** Why a run that goes on does not do what it is asked to. */
export interface Refusal {
  readonly type: "refused";
  readonly code: "RUN_OVER" | "NO_SUCH_TASK" | "NOTHING_TO_CLEAR" | "NOT_WAITING";
  readonly message: string;
}

/** What asking for a clear means to a run that goes on. */
export function clearAsked(
  state: SchedulerState,
  { tasks, downstream = true }: Clearing,
  at: number,
): SchedulerEvent | Refusal {
  if (isOver(state.state)) return over();
  const places = placesToClear(state.graph, viewOf(state), { tasks }, true);
  for (const place of places) {
    const missing = missingPlace(state, place);
    if (missing !== null) return missing;
  }
  if (places.length === 0)
    return refused("NOTHING_TO_CLEAR", "No task of this run has failed: name those to run again");
  return { type: "clear", places, downstream, at };
}

/** What saying how a task has ended means to a run that goes on. `task`: a task, or an item as `measure[3]`. */
export function markAsked(
  state: SchedulerState,
  { task, ...mark }: Mark & { readonly task: string },
  at: number,
): SchedulerEvent | Refusal {
  if (isOver(state.state)) return over();
  const place = placeNamed(task);
  return missingPlace(state, place) ?? { type: "mark", ...place, ...mark, at };
}

/** What the answer to an approval means to a run. */
export function answerAsked(
  { graph, tasks }: SchedulerState,
  { task, ...answer }: Answer & { readonly task: string },
  at: number,
): SchedulerEvent | Refusal {
  if (tasks[task]?.asks !== undefined) return { type: "answer", id: task, ...answer, at };
  const open = graph.nodes.flatMap(({ id }) => (tasks[id]?.asks === undefined ? [] : [id]));
  const others = open.length > 0 ? `waiting: ${open.join(", ")}` : "none does";
  return refused("NOT_WAITING", `Task "${task}" waits for no approval; ${others}`);
}

/** Why something was asked for, and by whom, in words. */
export function wordsOf({ by, reason }: { readonly by?: string | undefined; readonly reason?: string | undefined }) {
  return [reason, by === undefined ? "" : `by ${by}`].filter(Boolean).join(" ") || "on request";
}

function missingPlace({ graph, tasks }: SchedulerState, { id, index }: Place): Refusal | null {
  const ids = graph.nodes.map((node) => node.id);
  if (!ids.includes(id)) return refused("NO_SUCH_TASK", `This run has no task "${id}"; it has: ${ids.join(", ")}`);
  const items = tasks[id]?.mapped?.length ?? 0;
  if (index === undefined || index < items) return null;
  return refused("NO_SUCH_TASK", `Task "${id}" has no item ${index}: it has ${items} (from 0) at the moment`);
}

/** Where an ended run is no longer asked: before it is closed. */
export function over(): Refusal {
  return refused("RUN_OVER", "The run has ended: try again when it is closed");
}

function refused(code: Refusal["code"], message: string): Refusal {
  return { type: "refused", code, message };
}
