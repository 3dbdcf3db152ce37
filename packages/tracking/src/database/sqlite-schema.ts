import { defaultExperiment, IN_ORDER, TABLES } from "./schema.ts";

/** The first version's tables, which came before MLflow's API. */
const FIRST = `
  CREATE TABLE experiments (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE runs (
    run_id TEXT PRIMARY KEY,
    experiment_id INTEGER NOT NULL REFERENCES experiments (id),
    name TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('RUNNING', 'FINISHED', 'FAILED', 'KILLED')),
    started_ms INTEGER NOT NULL,
    ended_ms INTEGER,
    key TEXT UNIQUE
  ) STRICT;
  CREATE INDEX runs_of_experiment ON runs (experiment_id, started_ms);
  CREATE TABLE params (
    run_id TEXT NOT NULL REFERENCES runs (run_id), name TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (run_id, name)
  ) STRICT, WITHOUT ROWID;
  -- A value of NULL is NaN, which SQLite has no number for.
  CREATE TABLE metrics (
    id INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL REFERENCES runs (run_id), name TEXT NOT NULL,
    step INTEGER NOT NULL, logged_ms INTEGER NOT NULL, value REAL
  ) STRICT;
  CREATE INDEX metrics_of_run ON metrics (run_id, name, step, id);
  CREATE TABLE tags (
    run_id TEXT NOT NULL REFERENCES runs (run_id), name TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (run_id, name)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE models (name TEXT PRIMARY KEY, last_version INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  -- replaced_by: the version whose transition sent this one to the archive.
  CREATE TABLE model_versions (
    name TEXT NOT NULL REFERENCES models (name),
    version INTEGER NOT NULL,
    run_id TEXT NOT NULL REFERENCES runs (run_id),
    stage TEXT NOT NULL DEFAULT 'none' CHECK (stage IN ('none', 'staging', 'production', 'archived')),
    description TEXT NOT NULL,
    tags TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    key TEXT UNIQUE,
    replaced_by INTEGER,
    PRIMARY KEY (name, version)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE model_aliases (
    name TEXT NOT NULL, alias TEXT NOT NULL, version INTEGER NOT NULL,
    PRIMARY KEY (name, alias),
    FOREIGN KEY (name, version) REFERENCES model_versions (name, version) ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;
`;

/** From the first version's tables to those of MLflow's API. Artifacts stay where they are: `artifacts/<run>/…`. */
const TO_MLFLOW = `
  ALTER TABLE experiments RENAME TO old_experiments;
  ALTER TABLE runs RENAME TO old_runs;
  ALTER TABLE params RENAME TO old_params;
  ALTER TABLE metrics RENAME TO old_metrics;
  ALTER TABLE tags RENAME TO old_tags;
  ALTER TABLE models RENAME TO old_models;
  ALTER TABLE model_versions RENAME TO old_model_versions;
  ALTER TABLE model_aliases RENAME TO old_model_aliases;
  DROP INDEX runs_of_experiment;
  DROP INDEX metrics_of_run;
  ${TABLES}
  INSERT INTO experiments (id, name, artifact_location, created_ms, updated_ms)
    SELECT id, name, 'mlflow-artifacts:/' || id, started, started FROM (
      SELECT e.id, e.name, coalesce((SELECT min(started_ms) FROM old_runs r WHERE r.experiment_id = e.id), 0) AS started
      FROM old_experiments e);
  INSERT INTO runs (run_id, experiment_id, name, status, start_ms, end_ms, artifact_uri, idempotency_key)
    SELECT run_id, experiment_id, name, status, started_ms, ended_ms, 'mlflow-artifacts:/' || run_id, key FROM old_runs;
  INSERT INTO params (run_id, key, value) SELECT run_id, name, value FROM old_params;
  INSERT INTO run_tags (run_id, key, value) SELECT run_id, name, value FROM old_tags;
  INSERT INTO run_tags (run_id, key, value) SELECT run_id, 'mlflow.runName', name FROM old_runs WHERE true
    ON CONFLICT DO NOTHING;
  INSERT INTO metrics (run_id, key, timestamp_ms, step, value, nan)
    SELECT run_id, name, logged_ms, step, coalesce(value, 0), value IS NULL FROM old_metrics WHERE true
    ON CONFLICT DO NOTHING;
  INSERT INTO latest_metrics (run_id, key, timestamp_ms, step, value, nan)
    SELECT run_id, name, logged_ms, step, coalesce(value, 0), value IS NULL FROM (
      SELECT *, row_number() OVER (PARTITION BY run_id, name ORDER BY step DESC, id DESC) AS place FROM old_metrics)
    WHERE place = 1;
  INSERT INTO registered_models (name, last_version, created_ms, updated_ms)
    SELECT m.name, last_version, coalesce(min(created_ms), 0), coalesce(max(updated_ms), 0)
    FROM old_models m LEFT JOIN old_model_versions v ON v.name = m.name GROUP BY m.name;
  INSERT INTO model_versions (name, version, stage, description, source, storage_location, run_id, created_ms, updated_ms,
      idempotency_key, replaced_by)
    SELECT name, version, stage, description, 'runs:/' || run_id || '/model',
      'mlflow-artifacts:/' || run_id || '/model', run_id, created_ms, updated_ms, key, replaced_by
    FROM old_model_versions;
  INSERT INTO model_version_tags (name, version, key, value)
    SELECT v.name, v.version, t.key, t.value FROM old_model_versions v, json_each(v.tags) t;
  INSERT INTO model_aliases (name, alias, version) SELECT name, alias, version FROM old_model_aliases;
  DROP TABLE old_model_aliases;
  DROP TABLE old_model_versions;
  DROP TABLE old_models;
  DROP TABLE old_tags;
  DROP TABLE old_metrics;
  DROP TABLE old_params;
  DROP TABLE old_runs;
  DROP TABLE old_experiments;
  ${defaultExperiment("CAST(unixepoch('subsec') * 1000 AS INTEGER)")};
`;

/** One step per schema version: `PRAGMA user_version` says how many were applied. Never edit a step, add one. */
export const SQLITE_STEPS: readonly string[] = [FIRST, TO_MLFLOW, IN_ORDER];
