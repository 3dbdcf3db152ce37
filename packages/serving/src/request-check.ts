import type { z } from "zod";
import { ServingError, type ServingErrorCode } from "./errors.ts";

/**
 * Checks the body of a request; the error names the first field at fault as `features.total_spent` or `rows[3].age`.
 * @throws ServingError UNKNOWN_FEATURE, MISSING_FEATURE, INVALID_FEATURE, INVALID_REQUEST
 */
export function checkBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const key = issue.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [];
  const path = [...issue.path, ...key];
  const field = path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    return text === "" ? String(part) : `${text}.${String(part)}`;
  }, "");
  const isFeature = path[0] === "features" ? path.length === 2 : path[0] === "rows" && path.length === 3;
  const given = at(body, path);
  const is = `${field === "" ? "The body" : field} is ${given === undefined ? "missing" : JSON.stringify(given)?.slice(0, 80)}`;
  const [code, message]: [ServingErrorCode, string] = !isFeature
    ? ["INVALID_REQUEST", key.length > 0 ? `There is no field ${field}.` : `${is}: ${issue.message}.`]
    : key.length > 0
      ? ["UNKNOWN_FEATURE", `${field} is not a feature of the model.`]
      : given === undefined
        ? ["MISSING_FEATURE", `${is}: expected a number or null.`]
        : ["INVALID_FEATURE", `${is}: expected a number or null.`];
  throw new ServingError(code, message, { field });
}

function at(body: unknown, path: readonly PropertyKey[]): unknown {
  let value = body;
  for (const part of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Reflect.get(value, part);
  }
  return value;
}
