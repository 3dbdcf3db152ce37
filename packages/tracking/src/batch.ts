import type { Batch } from "./api.ts";
import { invalid } from "./errors.ts";

/** @throws INVALID_ARGUMENT naming what is no metric, step or text */
export function checkBatch({ metrics = {}, tags = {}, step = 0 }: Batch): void {
  if (!Number.isSafeInteger(step)) throw invalid("step", step, "an integer");
  for (const [name, value] of Object.entries(metrics))
    if (typeof value !== "number") throw invalid(`metrics.${name}`, value, "a number");
  for (const [name, value] of Object.entries(tags))
    if (typeof value !== "string") throw invalid(`tags.${name}`, value, "text");
}

/** @throws INVALID_ARGUMENT for what is no name: empty, or over 500 characters */
export function checkName(field: string, name: string): void {
  if (typeof name !== "string" || name.trim() === "" || name.length > 500)
    throw invalid(field, name, "text of 1 to 500 characters");
}

/** A model's name becomes a file's name where it is served. */
export function checkServableName(name: string): void {
  if (typeof name === "string" && /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/.test(name)) return;
  throw invalid(
    "name",
    name,
    'letters, digits, "_", "-" and "." (at most 128), beginning with a letter, a digit or "_"',
  );
}

/** Time in milliseconds that never stands still: what is logged later is later, also within one millisecond. */
export function risingClock(): () => number {
  let last = 0;
  return () => {
    last = Math.max(Date.now(), last + 1);
    return last;
  };
}
