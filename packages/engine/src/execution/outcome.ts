import { durationText } from "../core/duration-text.ts";
import type { GraphNode, Json } from "../core/graph.ts";
import type { Emitted, TaskError } from "../core/state.ts";

/** How an attempt ended: what a shell reports to the scheduler. */
export type TaskOutcome =
  | { readonly type: "success"; readonly output: Json; readonly emitted?: readonly Emitted[] }
  | { readonly type: "skipped"; readonly reason: string }
  /** Of a sensor: what it looks for is not there yet. */
  | { readonly type: "not_yet" }
  | { readonly type: "failed"; readonly error: TaskError };

/** What becomes of a sensor that has looked for too long. */
export function sensorTimedOut({ timeoutMs, onTimeout }: NonNullable<GraphNode["sensor"]>): TaskOutcome {
  const message = `What it looks for was not there within ${durationText(timeoutMs)}`;
  return onTimeout === "skip"
    ? { type: "skipped", reason: message }
    : finalFailure({ code: "SENSOR_TIMEOUT", message });
}

/** A failure that no further attempt can mend. */
export function finalFailure(error: Omit<TaskError, "retryable">): TaskOutcome {
  return { type: "failed", error: { ...error, retryable: false } };
}
