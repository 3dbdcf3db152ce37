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

/** Outputs of tasks by what they were made from. */
export interface OutputCache {
  getCachedOutput(key: string): Promise<CachedOutput | null>;
  /** Keeps an output; one of the same key replaces it unless it is older. */
  putCachedOutput(cached: CachedOutput): Promise<void>;
}
