import type SqliteDatabase from "better-sqlite3";
import { RunStoreTooNewError } from "./errors.ts";

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
  `
  CREATE TABLE cached_outputs (
    key TEXT PRIMARY KEY,
    output TEXT NOT NULL,
    run_id TEXT NOT NULL,
    at TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
];

/**
 * Brings a store's tables to this version's.
 * @throws RunStoreTooNewError
 */
export function migrateSqlite(db: SqliteDatabase.Database, file: string): void {
  // IMMEDIATE: of several processes that open a new store, one makes the tables and the others wait.
  db.transaction(() => {
    const applied = Number(db.pragma("user_version", { simple: true }));
    if (applied > MIGRATIONS.length) throw new RunStoreTooNewError(file, applied, MIGRATIONS.length);
    for (const step of MIGRATIONS.slice(applied)) db.exec(step);
    db.pragma(`user_version = ${MIGRATIONS.length}`);
  }).immediate();
}
