import { connectPostgres } from "./postgres-connection.ts";
import { SCHEMA } from "./postgres-schema.ts";
import type { Removed, RunStore } from "./run-store.ts";
import {
  ATTEMPT_COLUMNS,
  ATTEMPT_GIVES_WAY,
  type AttemptRow,
  allValues,
  assignments,
  attemptValues,
  CACHED_COLUMNS,
  CACHED_GIVES_WAY,
  type CachedRow,
  cachedValues,
  type DagRow,
  HEAD_COLUMNS,
  type HeadRow,
  RUN_COLUMNS,
  RUN_GIVES_WAY,
  type RunRow,
  runValues,
  storedAttempt,
  storedGraph,
  storedHead,
  storedOutput,
  storedRun,
  VALUES_AT_ONCE,
  type ValueRow,
} from "./stored-rows.ts";

/** A run store in PostgreSQL, and the way to see whether it is there. */
export interface PostgresRunStore extends RunStore {
  /**
   * Makes the tables where they are missing. Every other method does so too, when it first reaches the database.
   * @throws RunStoreUnavailableError, RunStoreRefusedError, RunStoreTooNewError
   */
  ready(): Promise<void>;
}

const PUT_RUN = put("runs", RUN_COLUMNS, ["run_id"], RUN_GIVES_WAY);
const PUT_ATTEMPT = put(
  "attempts",
  ATTEMPT_COLUMNS,
  ["run_id", "temporal_run_id", "task_id", "attempt"],
  ATTEMPT_GIVES_WAY,
);
const PUT_CACHED = put("cached_outputs", CACHED_COLUMNS, ["key"], CACHED_GIVES_WAY);
const SOME_RUNS = `
  SELECT ${HEAD_COLUMNS.join(", ")} FROM ${SCHEMA}.runs
  WHERE ($1::text IS NULL OR dag_id = $1) AND ($2::text IS NULL OR state = $2)
  ORDER BY started_at DESC NULLS LAST, run_id LIMIT $3`;
const SOME_ATTEMPTS = `
  SELECT * FROM ${SCHEMA}.attempts WHERE run_id = $1 ORDER BY started_at, task_id, attempt, temporal_run_id`;
const OLD_RUNS = `
  SELECT ${HEAD_COLUMNS.join(", ")} FROM ${SCHEMA}.runs
  WHERE coalesce(ended_at, started_at) < $1 AND ($2::text IS NULL OR dag_id = $2) AND run_id > $3
  ORDER BY run_id LIMIT $4`;
const REMOVE_RUN = `
  WITH gone AS (DELETE FROM ${SCHEMA}.runs WHERE run_id = $1 AND temporal_run_id = $2 RETURNING run_id),
    attempt AS (DELETE FROM ${SCHEMA}.attempts WHERE run_id IN (SELECT run_id FROM gone) RETURNING 1),
    cached AS (DELETE FROM ${SCHEMA}.cached_outputs WHERE run_id IN (SELECT run_id FROM gone) RETURNING 1)
  SELECT (SELECT count(*)::int FROM gone) AS runs, (SELECT count(*)::int FROM attempt) AS attempts,
    (SELECT count(*)::int FROM cached) AS "cachedOutputs"`;

/**
 * The run store in a PostgreSQL database (12 or later), in a schema `dagwright` that it makes itself.
 *
 * @param url postgres://user:password@host:port/database; what it leaves out is taken from PGHOST, PGPASSWORD and so on.
 * @param timeoutMs How long a statement may take. @default 10000
 */
export function openPostgresRunStore(url: string, timeoutMs?: number): PostgresRunStore {
  const db = connectPostgres(url, timeoutMs);
  const one = async <Row extends object, T>(
    text: string,
    values: readonly string[],
    map: (row: Row) => T,
  ): Promise<T | null> => {
    const [row] = await db.rows<Row>(text, values);
    return row === undefined ? null : map(row);
  };
  const values = (table: string, key: string, text: string) => (after: string) =>
    db.rows<ValueRow>(
      `SELECT ${key} AS key, ${text} AS text FROM ${SCHEMA}.${table}
       WHERE ${key} > $1 ORDER BY ${key} LIMIT ${VALUES_AT_ONCE}`,
      [after],
    );
  return {
    ready: () => db.ready(),
    async saveRun(run) {
      await db.rows(PUT_RUN, runValues(run));
    },
    getRun: (runId) =>
      one<RunRow, ReturnType<typeof storedRun>>(
        `SELECT view, temporal_run_id FROM ${SCHEMA}.runs WHERE run_id = $1`,
        [runId],
        storedRun,
      ),
    async listRuns({ dagId = null, state = null, limit = 100 } = {}) {
      return (await db.rows<HeadRow>(SOME_RUNS, [dagId, state, limit])).map(storedHead);
    },
    async saveAttempt(attempt) {
      await db.rows(PUT_ATTEMPT, attemptValues(attempt));
    },
    async saveAttempts(attempts) {
      await Promise.all(attempts.map((attempt) => db.rows(PUT_ATTEMPT, attemptValues(attempt))));
    },
    async listAttempts(runId) {
      return (await db.rows<AttemptRow>(SOME_ATTEMPTS, [runId])).map(storedAttempt);
    },
    async saveDag(graph) {
      const values = [graph.dagId, graph.version, JSON.stringify(graph)];
      await db.rows(`INSERT INTO ${SCHEMA}.dag_versions VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, values);
    },
    getDag: (dagId, version) =>
      one<DagRow, ReturnType<typeof storedGraph>>(
        `SELECT graph FROM ${SCHEMA}.dag_versions WHERE dag_id = $1 AND version = $2`,
        [dagId, version],
        storedGraph,
      ),
    async listOldRuns({ before, dagId = null, after = "", limit }) {
      return (await db.rows<HeadRow>(OLD_RUNS, [before, dagId, after, limit])).map(storedHead);
    },
    async removeRun({ runId, temporalRunId }) {
      const [removed] = await db.rows<Removed>(REMOVE_RUN, [runId, temporalRunId]);
      return removed ?? { runs: 0, attempts: 0, cachedOutputs: 0 };
    },
    valueTexts: () => allValues(values("runs", "run_id", "view"), values("cached_outputs", "key", "output")),
    getCachedOutput: (key) =>
      one<CachedRow, ReturnType<typeof storedOutput>>(
        `SELECT * FROM ${SCHEMA}.cached_outputs WHERE key = $1`,
        [key],
        storedOutput,
      ),
    async putCachedOutput(cached) {
      await db.rows(PUT_CACHED, cachedValues(cached));
    },
    close: () => db.close(),
  };
}

function put(table: string, columns: readonly string[], key: readonly string[], givesWay: string): string {
  return `
    INSERT INTO ${SCHEMA}.${table} AS ${table} (${columns.join(", ")})
    VALUES (${columns.map((_, at) => `$${at + 1}`).join(", ")})
    ON CONFLICT (${key.join(", ")}) DO UPDATE SET ${assignments(columns, key)} WHERE ${givesWay}`;
}
