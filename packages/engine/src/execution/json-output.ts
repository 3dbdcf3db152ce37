import type { Json } from "../core/graph.ts";
import { STORED } from "../core/stored-value.ts";
import { finalFailure, type TaskOutcome } from "./outcome.ts";

/** Largest output of a task, in bytes of JSON: beyond it, data goes by reference. */
export const MAX_OUTPUT_BYTES = 134_217_728;

/** A task's value as its output, or why it cannot be one. `what` names the task. */
export function outcomeOfValue(value: unknown, what: string): TaskOutcome {
  const problem = notJson(value, "");
  if (problem !== null) {
    return finalFailure({
      code: "INVALID_OUTPUT",
      message: `Output of ${what}: ${problem}`,
      hint: "Outputs are JSON: text, finite numbers, true, false, null, lists and plain objects.",
    });
  }
  const text = JSON.stringify(value ?? null);
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_OUTPUT_BYTES) return outputTooLarge(what, bytes, MAX_OUTPUT_BYTES);
  // Checked above to be JSON; a copy, so that nothing the task still holds can change it.
  return { type: "success", output: JSON.parse(text) as Json };
}

/** The outcome of a task whose output has more bytes of JSON than it may have. */
export function outputTooLarge(what: string, bytes: number, most: number): TaskOutcome {
  return finalFailure({
    code: "OUTPUT_TOO_LARGE",
    message: `Output of ${what} has ${bytes} bytes as JSON: at most ${most} are allowed`,
    hint: "Pass data by reference: write it to a table or file and return its name and version.",
  });
}

/** Why a value is not JSON, with the place; null when it is. A missing field (`undefined`) is left out, as JSON does. */
function notJson(value: unknown, at: string): string | null {
  const here = at === "" ? "it" : `"${at.slice(1)}"`;
  switch (typeof value) {
    case "string":
    case "boolean":
    case "undefined":
      return null;
    case "number":
      return Number.isFinite(value) ? null : `${here} is ${value}`;
    case "object":
      break;
    default:
      return `${here} is a ${typeof value}`;
  }
  if (value === null) return null;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) {
    return `${here} is a ${value.constructor?.name ?? "strange object"}`;
  }
  for (const [key, item] of Object.entries(value)) {
    if (key === STORED) return `${here} has a field "${STORED}", a name that is reserved`;
    const problem = notJson(item, `${at}.${key}`);
    if (problem !== null) return problem;
  }
  return null;
}
