import type { z } from "zod";
import { nearestName } from "./nearest-name.ts";

/** What is wrong with a value that a schema refused. */
interface Fault {
  /** Where it is, e.g. `space[0].low`. */
  readonly field: string;
  /** A sentence: the field, its value, what was expected. */
  readonly message: string;
  readonly hint?: string;
}

/**
 * Says the first thing that a schema found wrong.
 * @param root what the checked value is called
 */
export function faultOf({ issues }: z.ZodError, given: unknown, root: string): Fault {
  const issue = issues[0];
  if (issue === undefined) return { field: root, message: `${root} is wrong.` };
  let field = root;
  let value = given;
  for (const part of issue.path) {
    field += typeof part === "number" ? `[${part}]` : `.${String(part)}`;
    value = typeof value === "object" && value !== null ? Reflect.get(value, part) : undefined;
  }
  if (issue.code === "unrecognized_keys") {
    const [key = ""] = issue.keys;
    return { field: `${field}.${key}`, message: `${field} has "${key}", which is not known.` };
  }
  const isUnion = issue.code === "invalid_union" && "options" in issue && Array.isArray(issue.options);
  const options = isUnion ? issue.options.map(String) : [];
  const expected = options.length > 0 ? `one of ${options.join(", ")}` : expectationOf(issue);
  const meant = typeof value === "string" ? nearestName(value, options) : undefined;
  return {
    field,
    message: `${field} is ${shown(value)}: expected ${expected}.`,
    ...(meant !== undefined && { hint: `Did you mean "${meant}"?` }),
  };
}

/** The words of an issue after "expected"; of a union without words of its own, those of its arms. */
function expectationOf(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_union" && issue.message === "Invalid input") {
    const arms = issue.errors.flatMap(([first]) => (first === undefined ? [] : [expectationOf(first)]));
    if (arms.length > 0) return [...new Set(arms)].join(" or ");
  }
  const [, expected] = /expected (.+?)(?:, received .*)?$/s.exec(issue.message) ?? [];
  return (expected ?? issue.message).replace(/^(?:number|string|boolean|record|array|object|int)\b/, (type) =>
    /^[aio]/.test(type) ? `an ${type}` : `a ${type}`,
  );
}

function shown(value: unknown): string {
  if (value === undefined) return "missing";
  if (typeof value === "number") return String(value);
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
