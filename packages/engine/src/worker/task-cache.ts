import type { Json } from "../core/graph.ts";
import { cacheKeyOf, isFresh } from "../execution/cache-key.ts";
import type { DagRegistry } from "../language/registry.ts";
import type { AttemptRequest, AttemptResult, CacheRequest } from "../sandbox/protocol.ts";
import type { RunStore } from "../store/run-store.ts";
import { patiently } from "./store-patience.ts";

const UNUSABLE = "The output cache could not be used";

/**
 * Takes the output that an earlier run kept for the same task, code and input; else runs the task and keeps its output.
 * Without a run store there is nothing to take and nothing is kept. A store that fails costs a run of the task, no more.
 */
export async function throughCache(
  { registry, store }: { readonly registry: DagRegistry; readonly store: RunStore | null },
  input: Json,
  { dagId, nodeId, run }: AttemptRequest,
  { ttlMs, version, read }: CacheRequest,
  attempt: () => Promise<AttemptResult>,
): Promise<AttemptResult> {
  const key = keyOf(registry, dagId, nodeId, input, version);
  if (store === null || key === null) return await attempt();
  const found = read ? await patiently(UNUSABLE, store.getCachedOutput(key)) : null;
  if (found && isFresh(found.at, ttlMs, Date.now())) return { output: found.output, cachedFrom: found.runId };
  const result = await attempt();
  const kept = { key, output: result.output, runId: run.id, at: new Date().toISOString() };
  await patiently(UNUSABLE, store.putCachedOutput(kept));
  return result;
}

function keyOf(registry: DagRegistry, dagId: string, nodeId: string, input: Json, version?: string): string | null {
  const task = guarded(() => registry.get(dagId))?.tasks.get(nodeId);
  return task === undefined ? null : cacheKeyOf(task, input, version);
}

function guarded<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    console.error(`${UNUSABLE}: ${error instanceof Error ? error.message : error}`);
    return null;
  }
}
