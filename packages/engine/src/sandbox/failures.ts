import { ActivityFailure, ApplicationFailure, CancelledFailure, TimeoutFailure } from "@temporalio/workflow";
import { durationText } from "../core/duration-text.ts";
import type { GraphNode } from "../core/graph.ts";
import { isTaskError } from "../core/is-task-error.ts";
import { totalTimeoutError } from "../core/retries.ts";
import type { Place, SchedulerEvent, TaskError } from "../core/state.ts";
import { FAILURE } from "./protocol.ts";

/** What an attempt that did not succeed means to the scheduler. */
export function eventOfFailure(
  { policy, sensor }: Pick<GraphNode, "policy" | "sensor">,
  place: Place,
  thrown: unknown,
  at: number,
  /** How long the attempt was given, when that is less than its policy's timeout. */
  withinMs?: number,
): SchedulerEvent {
  const cause = thrown instanceof ActivityFailure ? thrown.cause : thrown;
  if (sensor !== undefined && isTimeOver(cause)) {
    const message = `What it looks for was not there within ${durationText(sensor.timeoutMs)}`;
    if (sensor.onTimeout === "skip") return { type: "task_skipped", ...place, reason: message, at };
    return { type: "task_failed", ...place, error: { code: "SENSOR_TIMEOUT", message, retryable: false }, at };
  }
  if (cause instanceof TimeoutFailure) {
    if (cause.timeoutType === "HEARTBEAT") return { type: "task_lost", ...place, at };
    if (withinMs !== undefined && (cause.timeoutType === "SCHEDULE_TO_CLOSE" || withinMs <= policy.timeoutMs))
      return { type: "task_failed", ...place, error: totalTimeoutError(policy.totalTimeoutMs), at };
    const message = `The attempt took longer than its timeout of ${durationText(policy.timeoutMs)}`;
    return { type: "task_failed", ...place, error: { code: "TASK_TIMEOUT", message, retryable: true }, at };
  }
  if (cause instanceof ApplicationFailure) {
    // "WorkerShutdown" is what Temporal itself says when a worker's activity did not end in time.
    if (cause.type === FAILURE.workerShutdown || cause.type === "WorkerShutdown")
      return { type: "task_lost", ...place, at };
    if (cause.type === FAILURE.versionMismatch)
      return { type: "task_refused", ...place, error: taskErrorOf(cause), at };
    if (cause.type === FAILURE.skip) return { type: "task_skipped", ...place, reason: cause.message, at };
    return { type: "task_failed", ...place, error: taskErrorOf(cause), at };
  }
  const message = cause instanceof Error ? cause.message : String(cause);
  const code = cause instanceof CancelledFailure ? "CANCELLED" : "TASK_FAILED";
  return { type: "task_failed", ...place, error: { code, message, retryable: true }, at };
}

/** A sensor's time ends with its last "not yet", when another look would come too late, or in the middle of a look. */
function isTimeOver(cause: unknown): boolean {
  if (cause instanceof TimeoutFailure) return cause.timeoutType === "SCHEDULE_TO_CLOSE";
  return cause instanceof ApplicationFailure && cause.type === FAILURE.notYet;
}

/** Our own workers say it in full; a worker in another language says it as its SDK does. */
function taskErrorOf({ type, message, nonRetryable, details }: ApplicationFailure): TaskError {
  const [detail] = details ?? [];
  return isTaskError(detail) ? detail : { code: type || "TASK_FAILED", message, retryable: nonRetryable !== true };
}
