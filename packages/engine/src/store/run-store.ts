import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import SqliteDatabase from "better-sqlite3";
import type { DagGraph } from "../core/graph.ts";
import type { RunState, RunView, TaskError } from "../core/state.ts";

import { OUTPUT_CACHE_TABLE, type OutputCache, outputCacheIn } from "./output-cache.ts";

/** How long a statement waits for another process's write, in milliseconds. */
const BUSY_TIMEOUT_MS = 10_000;

/** One step per schema version: `PRAGMA user_version` says how many were applied. Never edit a step, add one. */
const MIGRATIONS = [
  `
  CREATE TABLE runs (
    run_id TEXT PRIMARY KEY,
    temporal_run_id TEXT NOT NULL,
    dag_id TEXT NOT NULL,
    dag_version TEXT NOT NULL,
    logical_date TEXT NOT NULL,
    state TEXT NOT NULL,
    trigger TEXT NOT NULL,
    started_at TEXT,
    ended_at TEXT,
    view TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX runs_by_start ON runs (started_at);
  CREATE INDEX runs_of_dag ON runs (dag_id, started_at);
  CREATE TABLE attempts (
    run_id TEXT NOT NULL,
    temporal_run_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    state TEXT NOT NULL,
    started_at TEXT NOT NULL,
    ended_at TEXT,
    error TEXT,
    log_file TEXT,
    PRIMARY KEY (run_id, temporal_run_id, task_id, attempt)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE dag_versions (
    dag_id TEXT NOT NULL,
    version TEXT NOT NULL,
    graph TEXT NOT NULL,
    PRIMARY KEY (dag_id, version)
  ) STRICT, WITHOUT ROWID;
  `,
  OUTPUT_CACHE_TABLE,
];

/** A run as the store keeps it: its view, and which Temporal execution it was. */
export interface StoredRun {
  readonly view: RunView;
  readonly temporalRunId: string;
}

/** One attempt of one task. Moments are ISO-8601 in UTC. */
export interface StoredAttempt {
  readonly runId: string;
  /** The Temporal execution: a failed run that is started again has the same run id and another execution. */
  readonly temporalRunId: string;
  readonly taskId: string;
  /** Counts from 1; an attempt that was lost with its worker is overwritten by the one that takes its place. */
  readonly attempt: number;
  readonly state: "running" | "success" | "failed" | "skipped";
  readonly startedAt: string;
  readonly endedAt?: string | undefined;
  readonly error?: TaskError | undefined;
  /** The attempt's log, one JSON object a line. */
  readonly logFile?: string | undefined;
}

/** What to list. */
export interface RunFilter {
  readonly dagId?: string | undefined;
  readonly state?: RunState | undefined;
  /** @default 100 */
  readonly limit?: number | undefined;
}

/** Runs, attempts and DAG versions beyond Temporal's retention. Never needed for a run to make progress. */
export interface RunStore extends OutputCache {
  /** Keeps a run; a later call for the same run replaces it, except that a running view never replaces an ended one of the same execution. */
  saveRun(run: StoredRun): void;
  getRun(runId: string): StoredRun | null;
  /** Newest start first. */
  listRuns(filter?: RunFilter): StoredRun[];
  saveAttempt(attempt: StoredAttempt): void;
  /** Keeps several attempts at once, each as `saveAttempt` does. */
  saveAttempts(attempts: readonly StoredAttempt[]): void;
  /** Attempts of a run, in the order of their starts. */
  listAttempts(runId: string): StoredAttempt[];
  /** Keeps a DAG's graph by its id and version. */
  saveDag(graph: DagGraph): void;
  getDag(dagId: string, version: string): DagGraph | null;
  close(): void;
}

interface RunRow {
  readonly view: string;
  readonly temporal_run_id: string;
}

interface AttemptRow {
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

/**
 * Opens the run store, a SQLite file that several processes may use at once; makes it when it is missing.
 *
 * @param options.file The file, or ":memory:".
 */
export function openRunStore({ file }: { readonly file: string }): RunStore {
  if (file !== ":memory:") mkdirSync(dirname(file), { recursive: true });
  const db = new SqliteDatabase(file, { timeout: BUSY_TIMEOUT_MS });
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = NORMAL");
  migrate(db);

  const putRun = db.prepare(`
    INSERT INTO runs VALUES
      (@runId, @temporalRunId, @dagId, @dagVersion, @logicalDate, @state, @trigger, @startedAt, @endedAt, @view)
    ON CONFLICT (run_id) DO UPDATE SET
      temporal_run_id = excluded.temporal_run_id, dag_id = excluded.dag_id, dag_version = excluded.dag_version,
      logical_date = excluded.logical_date, state = excluded.state, trigger = excluded.trigger,
      started_at = excluded.started_at, ended_at = excluded.ended_at, view = excluded.view
    WHERE (runs.temporal_run_id = excluded.temporal_run_id AND (runs.ended_at IS NULL OR excluded.ended_at IS NOT NULL))
      OR (runs.temporal_run_id <> excluded.temporal_run_id
        AND (runs.started_at IS NULL OR excluded.started_at IS NULL OR excluded.started_at >= runs.started_at))`);
  const oneRun = db.prepare<[string], RunRow>("SELECT view, temporal_run_id FROM runs WHERE run_id = ?");
  const someRuns = db.prepare<[{ dagId: string | null; state: string | null; limit: number }], RunRow>(`
    SELECT view, temporal_run_id FROM runs
    WHERE (@dagId IS NULL OR dag_id = @dagId) AND (@state IS NULL OR state = @state)
    ORDER BY started_at DESC, run_id LIMIT @limit`);
  const putAttempt = db.prepare(`
    INSERT INTO attempts VALUES
      (@runId, @temporalRunId, @taskId, @attempt, @state, @startedAt, @endedAt, @error, @logFile)
    ON CONFLICT DO UPDATE SET
      state = excluded.state, started_at = excluded.started_at, ended_at = excluded.ended_at,
      error = excluded.error, log_file = excluded.log_file
    WHERE excluded.started_at >= attempts.started_at`);
  const someAttempts = db.prepare<[string], AttemptRow>(
    "SELECT * FROM attempts WHERE run_id = ? ORDER BY started_at, task_id, attempt",
  );
  const putDag = db.prepare("INSERT OR IGNORE INTO dag_versions VALUES (?, ?, ?)");
  const oneDag = db.prepare<[string, string], { graph: string }>(
    "SELECT graph FROM dag_versions WHERE dag_id = ? AND version = ?",
  );

  const saveAttempt: RunStore["saveAttempt"] = ({ endedAt, error, logFile, ...rest }) => {
    putAttempt.run({
      ...rest,
      endedAt: endedAt ?? null,
      error: error === undefined ? null : JSON.stringify(error),
      logFile: logFile ?? null,
    });
  };

  return {
    ...outputCacheIn(db),
    saveRun({ view, temporalRunId }) {
      putRun.run({
        runId: view.runId,
        temporalRunId,
        dagId: view.dagId,
        dagVersion: view.dagVersion,
        logicalDate: view.logicalDate,
        state: view.state,
        trigger: view.trigger,
        startedAt: view.startedAt ?? null,
        endedAt: view.endedAt ?? null,
        view: JSON.stringify(view),
      });
    },
    getRun(runId) {
      const row = oneRun.get(runId);
      return row === undefined ? null : storedRun(row);
    },
    listRuns({ dagId, state, limit = 100 } = {}) {
      return someRuns.all({ dagId: dagId ?? null, state: state ?? null, limit }).map(storedRun);
    },
    saveAttempt,
    saveAttempts: db.transaction((attempts) => attempts.forEach(saveAttempt)),
    listAttempts: (runId) => someAttempts.all(runId).map(storedAttempt),
    saveDag(graph) {
      putDag.run(graph.dagId, graph.version, JSON.stringify(graph));
    },
    getDag(dagId, version) {
      const row = oneDag.get(dagId, version);
      // Written by saveDag above, so it is a graph.
      return row === undefined ? null : (JSON.parse(row.graph) as DagGraph);
    },
    close: () => {
      db.close();
    },
  };
}

function migrate(db: SqliteDatabase.Database): void {
  // IMMEDIATE: of several processes that open a new store, one makes the tables and the others wait.
  db.transaction(() => {
    const applied = Number(db.pragma("user_version", { simple: true }));
    for (const step of MIGRATIONS.slice(applied)) db.exec(step);
    db.pragma(`user_version = ${MIGRATIONS.length}`);
  }).immediate();
}

function storedRun(row: RunRow): StoredRun {
  // Written by saveRun above, so it is a view.
  return { view: JSON.parse(row.view) as RunView, temporalRunId: row.temporal_run_id };
}

function storedAttempt(row: AttemptRow): StoredAttempt {
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
