import { z } from "zod";
import { ToolError } from "./errors.ts";
import { nearest } from "./nearest.ts";

/**
 * Checks a tool's arguments against its input schema and fills in defaults. Unknown keys are refused at every depth
 * (a misspelt option must not be silently ignored).
 * @throws ToolError `INVALID_ARGUMENTS` that names every field at fault, its value and what was expected; `field` is the first.
 */
export function parseArguments<I extends z.ZodObject>(tool: string, schema: I, value: unknown): z.output<I> {
  const given = value ?? {};
  const unknown = unknownKeys(schema, given, []);
  const parsed = schema.safeParse(given);
  if (unknown.length === 0 && parsed.success) return parsed.data;
  const faults = [
    ...unknown,
    ...(parsed.success ? [] : parsed.error.issues.map((issue) => faultOf(issue, given, issue.path))),
  ];
  throw new ToolError("INVALID_ARGUMENTS", `${tool}: ${faults.map((fault) => fault.text).join(" ")}`, {
    field: faults[0]?.field,
    hint: `${tool} takes ${listed(Object.keys(schema.shape))}.`,
  });
}

/** JSON Schema of a tool's input as a caller writes it: defaults may be left out, unknown keys are refused. */
export function inputJsonSchema(schema: z.ZodObject): Record<string, unknown> {
  return z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema instanceof z.ZodObject && jsonSchema.additionalProperties === undefined)
        jsonSchema.additionalProperties = false;
    },
  });
}

interface Fault {
  readonly field: string;
  readonly text: string;
}

/** Keys that no schema on the way knows. Looks into objects, arrays, records and their optional, nullable and default wraps. */
function unknownKeys(schema: z.core.$ZodType, value: unknown, path: readonly PropertyKey[]): Fault[] {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodReadonly
  )
    return unknownKeys(schema.def.innerType, value, path);
  if (schema instanceof z.ZodPipe) return unknownKeys(schema.def.in, value, path);
  if (schema instanceof z.ZodArray && Array.isArray(value))
    return value.flatMap((item, index) => unknownKeys(schema.element, item, [...path, index]));
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  if (schema instanceof z.ZodRecord)
    return Object.entries(value).flatMap(([key, item]) => unknownKeys(schema.valueType, item, [...path, key]));
  if (!(schema instanceof z.ZodObject)) return [];
  const faults: Fault[] = [];
  for (const [key, item] of Object.entries(value)) {
    const known: z.core.$ZodType | undefined = Object.hasOwn(schema.shape, key) ? schema.shape[key] : undefined;
    if (known !== undefined) faults.push(...unknownKeys(known, item, [...path, key]));
    // A strict object refuses by itself; a loose one, or one with a catchall, takes the key.
    else if (schema.def.catchall === undefined || schema.def.catchall instanceof z.ZodNever)
      faults.push(unknownKey([...path, key], Object.keys(schema.shape)));
  }
  return faults;
}

function unknownKey(path: readonly PropertyKey[], known: readonly string[]): Fault {
  const field = fieldName(path);
  const meant = nearest(String(path.at(-1)), known);
  const advice =
    meant === undefined ? `expected ${listed(known)}` : `did you mean "${fieldName([...path.slice(0, -1), meant])}"?`;
  return { field, text: `"${field}" is not known: ${advice}${meant === undefined ? "." : ""}` };
}

function faultOf(issue: z.core.$ZodIssue, input: unknown, path: readonly PropertyKey[]): Fault {
  const field = fieldName(path);
  const found = valueAt(input, path);
  const is = found === undefined ? "is missing" : `is ${shown(found)}`;
  return { field, text: `"${field}" ${is}: expected ${expectation(issue)}.` };
}

/** The words of a zod issue after "expected". */
function expectation(issue: z.core.$ZodIssue): string {
  // A union without a message of its own says no more than "Invalid input".
  if (issue.code === "invalid_union" && issue.errors.length > 0 && issue.message === "Invalid input") {
    const arms = issue.errors.flatMap((arm) => {
      const first = arm[0];
      if (first === undefined) return [];
      return [first.path.length === 0 ? expectation(first) : `${fieldName(first.path)} to be ${expectation(first)}`];
    });
    return [...new Set(arms)].join(" or ");
  }
  const expected = /expected (.+?)(?:, received .*)?$/.exec(issue.message)?.[1];
  if (expected !== undefined) return withArticle(expected);
  const invalid = /^Invalid (.+)$/.exec(issue.message)?.[1];
  return invalid === undefined ? issue.message.replace(/\.$/, "") : `a valid ${invalid}`;
}

function fieldName(path: readonly PropertyKey[]): string {
  let name = "";
  for (const part of path) {
    if (typeof part === "number") name += `[${part}]`;
    else name += name === "" ? String(part) : `.${String(part)}`;
  }
  return name === "" ? "arguments" : name;
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const part of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Reflect.get(value, part);
  }
  return value;
}

/** A value in a message: JSON, at most 80 characters. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? "no arguments" : names.join(", ");
}

function withArticle(expected: string): string {
  return expected.replace(/^(?:number|string|boolean|record|array|object|int)\b/, (type) =>
    /^[aio]/.test(type) ? `an ${type}` : `a ${type}`,
  );
}
