import type { z } from "zod";

/** What is wrong with one field. */
export interface Problem {
  /** Dotted path; empty for the whole value. */
  readonly field: string;
  /** "minF1" is "high": expected number */
  readonly message: string;
}

/**
 * What zod found wrong with a value, in words that name field, value and what was expected.
 *
 * @param shown The text of a value as it may be shown, before it is cut. @default all of it
 */
export function problemsOf(
  issues: readonly z.core.$ZodIssue[],
  given: unknown,
  shown: (text: string) => string = (text) => text,
): Problem[] {
  return issues.map((issue) => {
    const field = issue.path.join(".");
    const value = inWords(valueAt(given, issue.path), shown);
    return { field, message: `${field === "" ? "it" : `"${field}"`} is ${value}: ${sentence(issue)}` };
  });
}

function valueAt(given: unknown, path: readonly PropertyKey[]): unknown {
  let at = given;
  for (const step of path) {
    at = typeof at === "object" && at !== null ? Object.getOwnPropertyDescriptor(at, step)?.value : undefined;
  }
  return at;
}

/** A value as a person would say it, cut where it is long. */
function inWords(value: unknown, shown: (text: string) => string): string {
  if (value === undefined) return "missing";
  const text = shown(
    typeof value === "bigint" || typeof value === "number"
      ? String(value)
      : (JSON.stringify(value) ?? `a ${typeof value}`),
  );
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

/** "expected number" out of zod's "Invalid input: expected number, received string": the value stands beside it. */
function sentence({ message }: z.core.$ZodIssue): string {
  return message.replace(/^Invalid input: /, "").replace(/, received .*$/, "");
}
