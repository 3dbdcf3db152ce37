import type { DagGraph, Json } from "../core/graph.ts";
import type { RunState, RunTrigger, RunView, TaskError } from "../core/state.ts";
import type { CachedOutput } from "./output-cache.ts";
import type { StoredAttempt, StoredRun, StoredRunHead } from "./run-store.ts";

/**
 * The rows of a run store, the same in every database: columns by name, moments as ISO-8601 text, values as JSON text.
 * What comes out was written by this store, so its JSON has the shape that went in.
 */

/** Columns of a run, in the order of `runValues`. */
export const RUN_COLUMNS = [
  "run_id",
  "temporal_run_id",
  "dag_id",
  "dag_version",
  "logical_date",
  "state",
  "trigger",
  "started_at",
  "ended_at",
  "view",
] as const;

/** Columns of an attempt, in the order of `attemptValues`. */
export const ATTEMPT_COLUMNS = [
  "run_id",
  "temporal_run_id",
  "task_id",
  "attempt",
  "state",
  "started_at",
  "ended_at",
  "error",
  "log_file",
] as const;

/** Columns of a cached output, in the order of `cachedValues`. */
export const CACHED_COLUMNS = ["key", "output", "run_id", "at"] as const;

/** Columns of a run in a list: all but its view, which may be large. */
export const HEAD_COLUMNS = RUN_COLUMNS.filter((column) => column !== "view");

/** Whether what is already kept of a run gives way to what is handed in. */
export const RUN_GIVES_WAY = `
  CASE WHEN runs.temporal_run_id = excluded.temporal_run_id
    THEN runs.ended_at IS NULL OR excluded.ended_at IS NOT NULL
    ELSE runs.started_at IS NULL OR excluded.started_at > runs.started_at
      OR (excluded.started_at = runs.started_at AND (runs.ended_at IS NULL OR excluded.ended_at IS NOT NULL))
  END`;

/** The same for an attempt. */
export const ATTEMPT_GIVES_WAY = `
  excluded.started_at > attempts.started_at
    OR (excluded.started_at = attempts.started_at AND (attempts.ended_at IS NULL OR excluded.ended_at IS NOT NULL))`;

/** The same for a cached output. */
export const CACHED_GIVES_WAY = "excluded.at >= cached_outputs.at";

/** `a = excluded.a, …` for all columns but the key's. */
export function assignments(columns: readonly string[], key: readonly string[]): string {
  return columns
    .filter((column) => !key.includes(column))
    .map((column) => `${column} = excluded.${column}`)
    .join(", ");
}

export function runValues({ view, temporalRunId }: StoredRun): (string | null)[] {
  const { runId, dagId, dagVersion, logicalDate, state, trigger, startedAt = null, endedAt = null } = view;
  const json = JSON.stringify(view);
  return [runId, temporalRunId, dagId, dagVersion, logicalDate, state, trigger, startedAt, endedAt, json];
}

export function attemptValues(attempt: StoredAttempt): (string | number | null)[] {
  const { runId, temporalRunId, taskId, state, startedAt, endedAt = null, error, logFile = null } = attempt;
  const json = error === undefined ? null : JSON.stringify(error);
  return [runId, temporalRunId, taskId, attempt.attempt, state, startedAt, endedAt, json, logFile];
}

export function cachedValues({ key, output, runId, at }: CachedOutput): string[] {
  return [key, JSON.stringify(output), runId, at];
}

export interface RunRow {
  readonly view: string;
  readonly temporal_run_id: string;
}

export function storedRun(row: RunRow): StoredRun {
  return { view: JSON.parse(row.view) as RunView, temporalRunId: row.temporal_run_id };
}

export interface HeadRow {
  readonly run_id: string;
  readonly temporal_run_id: string;
  readonly dag_id: string;
  readonly dag_version: string;
  readonly logical_date: string;
  readonly state: RunState;
  readonly trigger: RunTrigger;
  readonly started_at: string | null;
  readonly ended_at: string | null;
}

export function storedHead(row: HeadRow): StoredRunHead {
  return {
    runId: row.run_id,
    temporalRunId: row.temporal_run_id,
    dagId: row.dag_id,
    dagVersion: row.dag_version,
    logicalDate: row.logical_date,
    state: row.state,
    trigger: row.trigger,
    ...(row.started_at === null ? {} : { startedAt: row.started_at }),
    ...(row.ended_at === null ? {} : { endedAt: row.ended_at }),
  };
}

/** A value's JSON text with the key of its row. */
export interface ValueRow {
  readonly key: string;
  readonly text: string;
}

/** How many values are read at once: they may be large. */
export const VALUES_AT_ONCE = 50;

/** All values that pages give, each read from the last key of the one before. */
export async function* allValues(...tables: ((after: string) => Promise<ValueRow[]>)[]): AsyncIterable<string> {
  for (const page of tables) {
    for (let rows = await page(""); rows.length > 0; rows = await page(rows.at(-1)?.key ?? ""))
      for (const { text } of rows) yield text;
  }
}

export interface AttemptRow {
  readonly run_id: string;
  readonly temporal_run_id: string;
  readonly task_id: string;
  readonly attempt: number;
  readonly state: StoredAttempt["state"];
  readonly started_at: string;
  readonly ended_at: string | null;
  readonly error: string | null;
  readonly log_file: string | null;
}

export function storedAttempt(row: AttemptRow): StoredAttempt {
  return {
    runId: row.run_id,
    temporalRunId: row.temporal_run_id,
    taskId: row.task_id,
    attempt: row.attempt,
    state: row.state,
    startedAt: row.started_at,
    ...(row.ended_at === null ? {} : { endedAt: row.ended_at }),
    ...(row.error === null ? {} : { error: JSON.parse(row.error) as TaskError }),
    ...(row.log_file === null ? {} : { logFile: row.log_file }),
  };
}

export interface CachedRow {
  readonly key: string;
  readonly output: string;
  readonly run_id: string;
  readonly at: string;
}

export function storedOutput({ key, output, run_id, at }: CachedRow): CachedOutput {
  return { key, output: JSON.parse(output) as Json, runId: run_id, at };
}

export interface DagRow {
  readonly graph: string;
}

export function storedGraph({ graph }: DagRow): DagGraph {
  return JSON.parse(graph) as DagGraph;
}
