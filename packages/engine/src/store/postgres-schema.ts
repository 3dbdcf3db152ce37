import type { PoolClient } from "pg";
import { RunStoreTooNewError } from "./errors.ts";

/** Everything lies in a schema of its own, so that a database can be shared. */
export const SCHEMA = "dagwright";

/** Number of the lock that migrations take, of all openers of one database. */
const MIGRATION_LOCK = 7_310_054;

/**
 * One step per schema version; `dagwright.migrations` says which were applied. Never edit a step, add one. Columns have
 * the names and the order of those in SQLite, and text is ordered byte by byte, as there, whatever the database's locale.
 */
const MIGRATIONS = [
  `
  CREATE TABLE dagwright.runs (
    run_id text COLLATE "C" PRIMARY KEY,
    temporal_run_id text COLLATE "C" NOT NULL,
    dag_id text COLLATE "C" NOT NULL,
    dag_version text COLLATE "C" NOT NULL,
    logical_date text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    trigger text COLLATE "C" NOT NULL,
    started_at text COLLATE "C",
    ended_at text COLLATE "C",
    view text NOT NULL
  );
  CREATE INDEX runs_by_start ON dagwright.runs (started_at DESC NULLS LAST, run_id);
  CREATE INDEX runs_of_dag ON dagwright.runs (dag_id, started_at DESC NULLS LAST, run_id);
  CREATE TABLE dagwright.attempts (
    run_id text COLLATE "C" NOT NULL,
    temporal_run_id text COLLATE "C" NOT NULL,
    task_id text COLLATE "C" NOT NULL,
    attempt integer NOT NULL,
    state text COLLATE "C" NOT NULL,
    started_at text COLLATE "C" NOT NULL,
    ended_at text COLLATE "C",
    error text,
    log_file text,
    PRIMARY KEY (run_id, temporal_run_id, task_id, attempt)
  );
  CREATE TABLE dagwright.dag_versions (
    dag_id text COLLATE "C" NOT NULL,
    version text COLLATE "C" NOT NULL,
    graph text NOT NULL,
    PRIMARY KEY (dag_id, version)
  );
  CREATE TABLE dagwright.cached_outputs (
    key text COLLATE "C" PRIMARY KEY,
    output text NOT NULL,
    run_id text COLLATE "C" NOT NULL,
    at text COLLATE "C" NOT NULL
  );
  `,
];

/**
 * Brings a database's tables to this version's, in one transaction: all of it or nothing.
 *
 * @param place The database, for messages.
 * @throws RunStoreTooNewError
 */
export async function migratePostgres(client: PoolClient, place: string): Promise<void> {
  // Without the lock at first: a store that is up to date is only read, and needs no right to create anything.
  if ((await appliedTo(client, place)) === MIGRATIONS.length) return;
  await client.query("BEGIN");
  try {
    await client.query("SELECT pg_advisory_xact_lock($1)", [MIGRATION_LOCK]);
    const schemas = await client.query("SELECT 1 FROM pg_namespace WHERE nspname = $1", [SCHEMA]);
    // Asked first: IF NOT EXISTS wants the right to create even where there is nothing to create.
    if (schemas.rowCount === 0) await client.query(`CREATE SCHEMA ${SCHEMA}`);
    const applied = await appliedTo(client, place);
    if (applied === 0) {
      await client.query(
        `CREATE TABLE IF NOT EXISTS ${SCHEMA}.migrations (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())`,
      );
    }
    for (const [at, step] of MIGRATIONS.entries()) {
      if (at < applied) continue;
      await client.query(step);
      await client.query(`INSERT INTO ${SCHEMA}.migrations (version) VALUES ($1)`, [at + 1]);
    }
    await client.query("COMMIT");
  } catch (error) {
    // The connection may be what failed: then the server has rolled back already.
    await client.query("ROLLBACK").catch(() => undefined);
    throw error;
  }
}

async function appliedTo(client: PoolClient, place: string): Promise<number> {
  const tables = await client.query("SELECT to_regclass($1) IS NOT NULL AS there", [`${SCHEMA}.migrations`]);
  if (tables.rows[0]?.there !== true) return 0;
  const { rows } = await client.query<{ version: number }>(
    `SELECT coalesce(max(version), 0) AS version FROM ${SCHEMA}.migrations`,
  );
  const applied = rows[0]?.version ?? 0;
  if (applied > MIGRATIONS.length) throw new RunStoreTooNewError(place, applied, MIGRATIONS.length);
  return applied;
}
