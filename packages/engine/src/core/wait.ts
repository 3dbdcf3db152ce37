import type { Json } from "./graph.ts";
import type { TaskError } from "./state.ts";

/**
 * When a `wait` that starts at `at` is over, in milliseconds since 1970.
 *
 * @param input `{ delayMs }`, or `{ until }` with an ISO-8601 moment.
 * @returns The error `INVALID_MOMENT` when `until` is none.
 */
export function dueOf(input: Json, at: number): number | TaskError {
  const { delayMs, until } = fieldsOf(input);
  if (typeof delayMs === "number") return at + delayMs;
  const due = typeof until === "string" ? Date.parse(until) : Number.NaN;
  if (!Number.isNaN(due)) return due;
  const message = `It waits until ${JSON.stringify(until ?? null)}: expected an ISO-8601 moment`;
  return { code: "INVALID_MOMENT", message, retryable: false };
}

function fieldsOf(input: Json): { readonly [key: string]: Json } {
  // What is neither a list nor plain has fields.
  return typeof input === "object" && input !== null && !Array.isArray(input)
    ? (input as { readonly [key: string]: Json })
    : {};
}
