import type SqliteDatabase from "better-sqlite3";
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
  getCachedOutput(key: string): CachedOutput | null;
  /** Keeps an output; a later one of the same key replaces it. */
  putCachedOutput(cached: CachedOutput): void;
}

export const OUTPUT_CACHE_TABLE = `
  CREATE TABLE cached_outputs (
    key TEXT PRIMARY KEY,
    output TEXT NOT NULL,
    run_id TEXT NOT NULL,
    at TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

/** The output cache in a run store's database. */
export function outputCacheIn(db: SqliteDatabase.Database): OutputCache {
  const one = db.prepare<[string], { output: string; run_id: string; at: string }>(
    "SELECT output, run_id, at FROM cached_outputs WHERE key = ?",
  );
  const put = db.prepare("INSERT OR REPLACE INTO cached_outputs VALUES (?, ?, ?, ?)");
  return {
    getCachedOutput(key) {
      const row = one.get(key);
      // Written by putCachedOutput below, so it is JSON.
      return row === undefined ? null : { key, output: JSON.parse(row.output) as Json, runId: row.run_id, at: row.at };
    },
    putCachedOutput({ key, output, runId, at }) {
      put.run(key, JSON.stringify(output), runId, at);
    },
  };
}
