import { createHash } from "node:crypto";
import { z } from "zod";
import type { Json } from "../core/graph.ts";
import type { TaskDefinition } from "../language/task-definition.ts";

/** What an output is kept by: the task, its code and schemas, its input, and the version that its author gave. */
export function cacheKeyOf(task: TaskDefinition, input: Json, version = ""): string {
  const schemas = [task.input, task.output].map(jsonSchemaOf);
  const parts = [task.name, task.run.toString(), schemas, version, sorted(input)];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/** Whether an output that was kept at `at` (ISO-8601) may still be taken at `now`. */
export function isFresh(at: string, ttlMs: number | undefined, now: number): boolean {
  return ttlMs === undefined || now - Date.parse(at) < ttlMs;
}

/** The same JSON with its fields in order: the same input gives the same text. */
function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map((item: Json) => sorted(item));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, field]: [string, Json]) => [key, sorted(field)]));
}

/** Null for what has no JSON schema. */
function jsonSchemaOf(schema: z.ZodType): unknown {
  try {
    return z.toJSONSchema(schema, { unrepresentable: "any", io: "input" });
  } catch {
    return null;
  }
}
