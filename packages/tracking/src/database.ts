import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import SqliteDatabase from "better-sqlite3";
import { diskFull, TrackingError } from "./errors.ts";

/** How long a statement waits for another process's write. */
const BUSY_TIMEOUT_MS = 10_000;

/** One step per schema version: `PRAGMA user_version` says how many were applied. Never edit a step, add one. */
const MIGRATIONS = [
  `
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
  `,
];

/** The SQLite file of tracking: transactions, and failures in this package's words. */
export class Database {
  readonly #sqlite: SqliteDatabase.Database;

  /** Opens the file, creates it where there is none, and brings its schema up to date. @throws TRACKING_SCHEMA_NEWER */
  constructor(file: string) {
    mkdirSync(dirname(file), { recursive: true });
    this.#sqlite = translated(() => new SqliteDatabase(file, { timeout: BUSY_TIMEOUT_MS }));
    try {
      translated(() => {
        this.#sqlite.pragma("journal_mode = WAL");
        this.#sqlite.pragma("foreign_keys = ON");
      });
      this.write(() => this.#migrate(file));
    } catch (error) {
      this.#sqlite.close();
      throw error;
    }
  }

  /** Runs a function in one transaction that has the write lock from its start: what it reads stays true. */
  write<T>(work: () => T): T {
    return translated(() => this.#sqlite.transaction(work).immediate());
  }

  /** Runs a function over one state of the database. */
  read<T>(work: () => T): T {
    return translated(() => this.#sqlite.transaction(work).deferred());
  }

  /** Rows of a query; `Row` is what the statement selects. */
  all<Row>(sql: string, ...values: readonly SqlValue[]): Row[] {
    return translated(() => this.#sqlite.prepare<SqlValue[], Row>(sql).all(...values));
  }

  /** The first row of a query. */
  one<Row>(sql: string, ...values: readonly SqlValue[]): Row | undefined {
    return translated(() => this.#sqlite.prepare<SqlValue[], Row>(sql).get(...values));
  }

  /** Runs a statement; returns how many rows it changed. */
  run(sql: string, ...values: readonly SqlValue[]): number {
    return translated(() => this.#sqlite.prepare<SqlValue[]>(sql).run(...values).changes);
  }

  close(): void {
    this.#sqlite.close();
  }

  #migrate(file: string): void {
    const version = Number(this.#sqlite.pragma("user_version", { simple: true }));
    if (version > MIGRATIONS.length)
      throw new TrackingError(
        "TRACKING_SCHEMA_NEWER",
        `The tracking database ${file} has schema version ${version}: this program knows versions up to ${MIGRATIONS.length}.`,
        { hint: "Use the newer program that wrote it, or another folder." },
      );
    for (const step of MIGRATIONS.slice(version)) this.#sqlite.exec(step);
    if (version < MIGRATIONS.length) this.#sqlite.pragma(`user_version = ${MIGRATIONS.length}`);
  }
}

type SqlValue = string | number | null;

function translated<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof TrackingError) throw error;
    if (error instanceof SqliteDatabase.SqliteError) {
      if (error.code === "SQLITE_FULL") throw diskFull("the tracking database", error);
      const busy = /^SQLITE_(BUSY|LOCKED)/.test(error.code);
      throw new TrackingError(
        busy ? "TRACKING_BUSY" : "TRACKING_STORE_FAILED",
        busy
          ? `The tracking database was locked by another process for more than ${BUSY_TIMEOUT_MS / 1000} s.`
          : `The tracking database failed: ${error.message}.`,
        { retryable: true, cause: error },
      );
    }
    throw error;
  }
}
