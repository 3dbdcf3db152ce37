/**
 * The tables, in SQLite's words; `inPostgres` says them in PostgreSQL's. A NaN is kept as `nan = 1` beside a value of 0,
 * because SQLite has no number for it.
 */
export const TABLES = `
  CREATE TABLE experiments (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, artifact_location TEXT NOT NULL,
    lifecycle TEXT NOT NULL DEFAULT 'active', created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE experiment_tags (
    experiment_id INTEGER NOT NULL REFERENCES experiments (id), key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (experiment_id, key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE runs (
    run_id TEXT PRIMARY KEY,
    experiment_id INTEGER NOT NULL REFERENCES experiments (id),
    name TEXT NOT NULL, user_id TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL CHECK (status IN ('RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED')),
    start_ms INTEGER NOT NULL, end_ms INTEGER,
    artifact_uri TEXT NOT NULL,
    lifecycle TEXT NOT NULL DEFAULT 'active',
    idempotency_key TEXT UNIQUE
  ) STRICT;
  CREATE INDEX runs_of_experiment ON runs (experiment_id, lifecycle, start_ms DESC, run_id);
  CREATE TABLE params (
    run_id TEXT NOT NULL REFERENCES runs (run_id), key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (run_id, key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE run_tags (
    run_id TEXT NOT NULL REFERENCES runs (run_id), key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (run_id, key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE metrics (
    run_id TEXT NOT NULL REFERENCES runs (run_id), key TEXT NOT NULL,
    timestamp_ms INTEGER NOT NULL, step INTEGER NOT NULL, value REAL NOT NULL, nan INTEGER NOT NULL,
    PRIMARY KEY (run_id, key, timestamp_ms, step, value, nan)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE latest_metrics (
    run_id TEXT NOT NULL REFERENCES runs (run_id), key TEXT NOT NULL,
    timestamp_ms INTEGER NOT NULL, step INTEGER NOT NULL, value REAL NOT NULL, nan INTEGER NOT NULL,
    PRIMARY KEY (run_id, key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE datasets (
    id TEXT PRIMARY KEY, experiment_id INTEGER NOT NULL REFERENCES experiments (id),
    name TEXT NOT NULL, digest TEXT NOT NULL, source_type TEXT NOT NULL, source TEXT NOT NULL,
    schema TEXT, profile TEXT,
    UNIQUE (experiment_id, name, digest)
  ) STRICT;
  CREATE TABLE dataset_inputs (
    run_id TEXT NOT NULL REFERENCES runs (run_id), dataset_id TEXT NOT NULL REFERENCES datasets (id),
    PRIMARY KEY (run_id, dataset_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX runs_of_dataset ON dataset_inputs (dataset_id);
  CREATE TABLE dataset_input_tags (
    run_id TEXT NOT NULL, dataset_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (run_id, dataset_id, key),
    FOREIGN KEY (run_id, dataset_id) REFERENCES dataset_inputs (run_id, dataset_id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE logged_models (
    model_id TEXT PRIMARY KEY, experiment_id INTEGER NOT NULL REFERENCES experiments (id),
    name TEXT NOT NULL, artifact_uri TEXT NOT NULL, status TEXT NOT NULL, model_type TEXT NOT NULL,
    source_run_id TEXT NOT NULL, lifecycle TEXT NOT NULL DEFAULT 'active',
    created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX models_of_experiment ON logged_models (experiment_id, created_ms);
  CREATE TABLE logged_model_params (
    model_id TEXT NOT NULL REFERENCES logged_models (model_id), key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (model_id, key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE logged_model_tags (
    model_id TEXT NOT NULL REFERENCES logged_models (model_id), key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (model_id, key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE logged_model_metrics (
    model_id TEXT NOT NULL REFERENCES logged_models (model_id), run_id TEXT NOT NULL, key TEXT NOT NULL,
    timestamp_ms INTEGER NOT NULL, step INTEGER NOT NULL, value REAL NOT NULL, nan INTEGER NOT NULL,
    dataset_name TEXT, dataset_digest TEXT,
    PRIMARY KEY (model_id, key, timestamp_ms, step, run_id)
  ) STRICT, WITHOUT ROWID;
  -- direction: whether the run read the model (in) or made it (out)
  CREATE TABLE run_models (
    run_id TEXT NOT NULL REFERENCES runs (run_id), model_id TEXT NOT NULL, direction TEXT NOT NULL, step INTEGER NOT NULL,
    PRIMARY KEY (run_id, direction, model_id, step)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE registered_models (
    name TEXT PRIMARY KEY, description TEXT NOT NULL DEFAULT '', last_version INTEGER NOT NULL DEFAULT 0,
    created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE registered_model_tags (
    name TEXT NOT NULL REFERENCES registered_models (name) ON UPDATE CASCADE ON DELETE CASCADE,
    key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (name, key)
  ) STRICT, WITHOUT ROWID;
  -- replaced_by: the version whose transition sent this one to the archive
  CREATE TABLE model_versions (
    name TEXT NOT NULL REFERENCES registered_models (name) ON UPDATE CASCADE ON DELETE CASCADE,
    version INTEGER NOT NULL,
    stage TEXT NOT NULL DEFAULT 'none' CHECK (stage IN ('none', 'staging', 'production', 'archived')),
    description TEXT NOT NULL DEFAULT '', source TEXT NOT NULL, storage_location TEXT NOT NULL,
    run_id TEXT NOT NULL, run_link TEXT NOT NULL DEFAULT '',
    created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL,
    idempotency_key TEXT UNIQUE,
    replaced_by INTEGER,
    PRIMARY KEY (name, version)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX versions_of_run ON model_versions (run_id);
  CREATE TABLE model_version_tags (
    name TEXT NOT NULL, version INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (name, version, key),
    FOREIGN KEY (name, version) REFERENCES model_versions (name, version) ON UPDATE CASCADE ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE model_aliases (
    name TEXT NOT NULL, alias TEXT NOT NULL, version INTEGER NOT NULL,
    PRIMARY KEY (name, alias),
    FOREIGN KEY (name, version) REFERENCES model_versions (name, version) ON UPDATE CASCADE ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;
`;

/** What a run reads and makes is kept in the order in which it was logged; what is older has no order. */
export const IN_ORDER = `
  ALTER TABLE dataset_inputs ADD COLUMN place INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE run_models ADD COLUMN place INTEGER NOT NULL DEFAULT 0;
`;

/** The experiment that is there from the start, as in MLflow. @param now SQL of the milliseconds since the epoch */
export function defaultExperiment(now: string): string {
  return `INSERT INTO experiments (id, name, artifact_location, created_ms, updated_ms)
    VALUES (0, 'Default', 'mlflow-artifacts:/0', ${now}, ${now}) ON CONFLICT DO NOTHING`;
}

/** SQLite's DDL in PostgreSQL's words. Text is ordered byte by byte, as in SQLite, whatever the database's locale. */
export function inPostgres(ddl: string): string {
  return ddl
    .replaceAll("INTEGER PRIMARY KEY", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY")
    .replaceAll("INTEGER", "BIGINT")
    .replaceAll("REAL", "DOUBLE PRECISION")
    .replaceAll(/\bTEXT\b/g, 'TEXT COLLATE "C"')
    .replaceAll(/\) STRICT(, WITHOUT ROWID)?;/g, ");");
}
