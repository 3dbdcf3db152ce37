import { z } from "zod";
import type { TaskError } from "../core/state.ts";
import { problemsOf } from "../language/problems.ts";
import type { TaskOutcome } from "./outcome.ts";

/** Longest text that is kept of a message or stack, in characters: an error travels through every history. */
const LONGEST = 4_000;

/** Takes out of a text what must not be told; all of it is told by default. */
type Shown = (text: string) => string;

const AS_IT_IS: Shown = (text) => text;

/** How a thrown thing is told. */
export interface Telling {
  /** Sees each text before it is cut: half a secret would be known no more. @default all is shown */
  readonly shown?: Shown | undefined;
  /** Codes of errors, and names of their classes, that no further attempt can mend. @default none */
  readonly noRetryOn?: readonly string[] | undefined;
}

/** The outcome of an attempt that threw: skipped for `SkipTask` (of any copy of this package), else failed. */
export function outcomeOfThrown(thrown: unknown, { shown, noRetryOn = [] }: Telling = {}): TaskOutcome {
  const { code, reason } = fieldsOf(thrown);
  if (code === "SKIP_TASK" && typeof reason === "string") return { type: "skipped", reason };
  const error = taskErrorOf(thrown, shown);
  const final = noRetryOn.length > 0 && [error.code, ...classesOf(thrown)].some((name) => noRetryOn.includes(name));
  return { type: "failed", error: final ? { ...error, retryable: false } : error };
}

/** The names of an error's class and its ancestors', and the name that it gives itself: by name, across copies of a module. */
function classesOf(thrown: unknown): readonly string[] {
  const names: string[] = [];
  if (typeof thrown !== "object" || thrown === null) return names;
  const { name } = fieldsOf(thrown);
  if (typeof name === "string") names.push(name);
  for (let at: unknown = Object.getPrototypeOf(thrown); typeof at === "object" && at !== null; ) {
    const { constructor: made } = at;
    if (typeof made === "function" && made !== Object) names.push(made.name);
    at = Object.getPrototypeOf(at);
  }
  return names;
}

/**
 * Any thrown thing as a `TaskError`. What has `code` (text) and `message` keeps them, with `field`, `hint` and
 * `retryable` (default true); a zod error is not retryable; all else is `TASK_FAILED` with its stack.
 */
export function taskErrorOf(thrown: unknown, shown: Shown = AS_IT_IS): TaskError {
  if (thrown instanceof z.core.$ZodError) {
    const [first] = problemsOf(thrown.issues, undefined);
    const message = shown(z.prettifyError(thrown)).slice(0, LONGEST);
    return { code: "INVALID_DATA", message, ...(first?.field ? { field: first.field } : {}), retryable: false };
  }
  const { code, message, field, hint, retryable, name, stack } = fieldsOf(thrown);
  const coded = typeof code === "string" && code !== "";
  const text =
    typeof message === "string" && message !== "" ? message : typeof name === "string" ? name : String(thrown);
  return {
    code: coded ? code : "TASK_FAILED",
    message: shown(text).slice(0, LONGEST),
    ...(typeof field === "string" ? { field } : {}),
    ...(typeof hint === "string" ? { hint } : {}),
    retryable: retryable !== false,
    // An error with a code was thrown on purpose: where from is of no use to who reads it.
    ...(!coded && typeof stack === "string" ? { stack: shown(stack).slice(0, LONGEST) } : {}),
  };
}

function fieldsOf(thrown: unknown): Readonly<Record<string, unknown>> {
  if (typeof thrown !== "object" || thrown === null) return {};
  // Errors keep message, stack and name off their own enumerable fields, so they are read one by one.
  const names = ["code", "message", "field", "hint", "retryable", "reason", "name", "stack"];
  return Object.fromEntries(names.map((name) => [name, Reflect.get(thrown, name)]));
}
