import type { Json } from "../core/graph.ts";
import type { TaskError } from "../core/state.ts";

/** How an attempt ended: what a shell reports to the scheduler. */
export type TaskOutcome =
  | { readonly type: "success"; readonly output: Json }
  | { readonly type: "skipped"; readonly reason: string }
  | { readonly type: "failed"; readonly error: TaskError };

/** A failure that no further attempt can mend. */
export function finalFailure(error: Omit<TaskError, "retryable">): TaskOutcome {
  return { type: "failed", error: { ...error, retryable: false } };
}
