import type { Json } from "../core/graph.ts";

/** An output that later runs may take. */
export interface CachedOutput {
  /** Stands for the task, its code and its input. */
  readonly key: string;
  readonly output: Json;
  /** The run that made it. */
  readonly runId: string;
  /** When, ISO-8601 in UTC. */
  readonly at: string;
}

/** Where tasks with a `cache` keep their outputs; a run store is one too. */
export interface TaskCache {
  getCachedOutput(key: string): CachedOutput | null | Promise<CachedOutput | null>;
  putCachedOutput(cached: CachedOutput): void | Promise<void>;
}

/** A cache that lasts as long as this process. */
export function memoryCache(): TaskCache {
  const kept = new Map<string, CachedOutput>();
  return {
    getCachedOutput: (key) => kept.get(key) ?? null,
    putCachedOutput: (cached) => {
      kept.set(cached.key, cached);
    },
  };
}
