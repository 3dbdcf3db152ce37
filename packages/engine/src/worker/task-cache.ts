import { createHash } from "node:crypto";
import { z } from "zod";
import type { Json } from "../core/graph.ts";
import type { DagRegistry } from "../language/registry.ts";
import type { AttemptRequest, AttemptResult, CacheRequest } from "../sandbox/protocol.ts";
import type { RunStore } from "../store/run-store.ts";

/**
 * Takes the output that an earlier run kept for the same task, code and input; else runs the task and keeps its output.
 * Without a run store there is nothing to take and nothing is kept. A store that fails costs a run of the task, no more.
 */
export async function throughCache(
  { registry, store }: { readonly registry: DagRegistry; readonly store: RunStore | null },
  input: Json,
  { dagId, nodeId, run }: AttemptRequest,
  { ttlMs, version = "", read }: CacheRequest,
  attempt: () => Promise<AttemptResult>,
): Promise<AttemptResult> {
  const key = keyOf(registry, dagId, nodeId, input, version);
  if (store === null || key === null) return await attempt();
  const found = read ? guarded(() => store.getCachedOutput(key)) : null;
  if (found && (ttlMs === undefined || Date.now() - Date.parse(found.at) < ttlMs)) {
    return { output: found.output, cachedFrom: found.runId };
  }
  const result = await attempt();
  guarded(() => store.putCachedOutput({ key, output: result.output, runId: run.id, at: new Date().toISOString() }));
  return result;
}

/** What an output is kept by: the task, its code and schemas, its input, and the version that its author gave. */
function keyOf(registry: DagRegistry, dagId: string, nodeId: string, input: Json, version: string): string | null {
  const task = guarded(() => registry.get(dagId))?.tasks.get(nodeId);
  if (task === undefined) return null;
  const schemas = [task.input, task.output].map((schema) =>
    guarded(() => z.toJSONSchema(schema, { unrepresentable: "any", io: "input" })),
  );
  const parts = [task.name, task.run.toString(), schemas, version, sorted(input)];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/** The same JSON with its fields in order: the same input gives the same text. */
function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map((item: Json) => sorted(item));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, field]: [string, Json]) => [key, sorted(field)]));
}

function guarded<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    console.error(`The output cache could not be used: ${error instanceof Error ? error.message : error}`);
    return null;
  }
}
