/** What MLflow's clients send: JSON of protocol buffers, and the same as query parameters. */
import { z } from "zod";
import { TrackingError } from "../errors.ts";

/** A text that must be there. */
export const Required = z.string().min(1);
/** A text that may be missing: then it is empty, as in a protocol buffer. */
export const Text = z.string().default("");
/** A whole number, also as text. */
export const Int = z.union([
  z.number().int(),
  z
    .string()
    .regex(/^-?\d{1,15}$/)
    .transform(Number),
]);
/** A number, also as text: JSON has no NaN and no Infinity. */
export const Double = z.union([
  z.number(),
  z
    .string()
    .regex(/^(NaN|-?Infinity|[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)$/)
    .transform(Number),
]);
export const Bool = z
  .union([z.boolean(), z.enum(["true", "false"]).transform((text) => text === "true")])
  .default(false);
/** Texts, also as a query parameter that is there once. */
export const Texts = z.preprocess(
  (value) => (typeof value === "string" ? [value] : value),
  z.array(z.string()).default([]),
);
export const KeyValues = z.array(z.object({ key: Required, value: Text })).default([]);

/** A run's id, which older clients call `run_uuid`. */
export const withRunId = (fields: unknown): unknown => {
  if (typeof fields !== "object" || fields === null) return fields;
  const runUuid = "run_uuid" in fields ? fields.run_uuid : undefined;
  const runId = "run_id" in fields ? fields.run_id : undefined;
  return { ...fields, run_id: runId || runUuid };
};

/** Leaves fields out that are null: a protocol buffer takes them for missing. */
function withoutNulls(fields: unknown): unknown {
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) return fields;
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

/** Fields of a request as a schema says. @throws INVALID_ARGUMENT in MLflow's words */
export function parsed<Schema extends z.ZodType>(schema: Schema, fields: unknown): z.output<Schema> {
  const result = schema.safeParse(withoutNulls(fields), { reportInput: true });
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = (issue?.path ?? [])
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`))
    .join("")
    .replace(/^\./, "");
  const value = issue?.input;
  const more = "See the API docs for more information about request parameters.";
  const message =
    value === undefined || value === "" || (Array.isArray(value) && value.length === 0)
      ? `Missing value for required parameter '${path}'. ${more}`
      : `Invalid value ${JSON.stringify(value)} for parameter '${path}' supplied:  Hint: Value was of type '${pythonType(value)}'. ${more}`;
  throw new TrackingError("INVALID_ARGUMENT", message, { field: path });
}

function pythonType(value: unknown): string {
  if (Array.isArray(value)) return "list";
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float";
  return { string: "str", boolean: "bool", object: "dict" }[String(typeof value)] ?? "NoneType";
}
