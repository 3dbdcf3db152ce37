import type { Json } from "./graph.ts";
import type { CallbackName, RunState, RunView } from "./state.ts";

/** Which callback the end of a run calls for; none for one that was cancelled. */
export function callbackAfter(state: RunState): Exclude<CallbackName, "onDeadline"> | null {
  if (state === "success") return "onSuccess";
  return state === "failed" ? "onFailure" : null;
}

/** A run as its callbacks are told of it: without the outputs of its tasks, which may be large. */
export function eventOf({ callbacks: _, tasks, ...view }: RunView): Json {
  const told = Object.entries(tasks).map(([id, { state, attempts, error, reason }]) => [
    id,
    { state, attempts, ...(error === undefined ? {} : { error }), ...(reason === undefined ? {} : { reason }) },
  ]);
  // A view is JSON but for fields that are undefined.
  return JSON.parse(JSON.stringify({ ...view, tasks: Object.fromEntries(told) })) as Json;
}
