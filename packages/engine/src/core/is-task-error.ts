import type { TaskError } from "./state.ts";

/** Whether a value has what a task's error needs. */
export function isTaskError(value: unknown): value is TaskError {
  if (typeof value !== "object" || value === null) return false;
  return (
    "code" in value &&
    typeof value.code === "string" &&
    "message" in value &&
    typeof value.message === "string" &&
    "retryable" in value &&
    typeof value.retryable === "boolean"
  );
}
