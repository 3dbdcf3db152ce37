import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import SqliteDatabase from "better-sqlite3";
import { RunStoreRefusedError, RunStoreUnavailableError } from "./errors.ts";
import type { RunStore } from "./run-store.ts";
import { migrateSqlite } from "./sqlite-schema.ts";
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
import { useWal } from "./wal-mode.ts";

/** How long a statement waits for another process's write, in milliseconds. */
const BUSY_TIMEOUT_MS = 10_000;

/** What SQLite says of a statement that can never work here; all else is the file, the disk or another process. */
const REFUSALS = /^SQLITE_(ERROR|CONSTRAINT|MISMATCH|RANGE|TOOBIG|AUTH|MISUSE)/;

const DISK_HINT = "Look at the file, its permissions and the free space of its disk.";

/**
 * The run store in a SQLite file that several processes may use at once; made when it is missing. Statements run at once
 * in the calling thread: they take less time than handing them on would.
 *
 * @param file ":memory:" for one that nobody else sees.
 * @throws RunStoreUnavailableError, RunStoreTooNewError
 */
export function openSqliteRunStore(file: string): RunStore {
  const db = asked(file, () => {
    if (file !== ":memory:") mkdirSync(dirname(file), { recursive: true });
    return new SqliteDatabase(file, { timeout: BUSY_TIMEOUT_MS });
  });
  try {
    return asked(file, () => {
      useWal(db, BUSY_TIMEOUT_MS);
      db.pragma("synchronous = NORMAL");
      migrateSqlite(db, file);
      return storeIn(db, file);
    });
  } catch (error) {
    db.close();
    throw error;
  }
}

function storeIn(db: SqliteDatabase.Database, file: string): RunStore {
  const put = (table: string, columns: readonly string[], key: readonly string[], givesWay: string) =>
    db.prepare<(string | number | null)[]>(`
      INSERT INTO ${table} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})
      ON CONFLICT (${key.join(", ")}) DO UPDATE SET ${assignments(columns, key)} WHERE ${givesWay}`);
  const putRun = put("runs", RUN_COLUMNS, ["run_id"], RUN_GIVES_WAY);
  const oneRun = db.prepare<[string], RunRow>("SELECT view, temporal_run_id FROM runs WHERE run_id = ?");
  const someRuns = db.prepare<[{ dagId: string | null; state: string | null; limit: number }], HeadRow>(`
    SELECT ${HEAD_COLUMNS.join(", ")} FROM runs
    WHERE (@dagId IS NULL OR dag_id = @dagId) AND (@state IS NULL OR state = @state)
    ORDER BY started_at DESC, run_id LIMIT @limit`);
  const attemptKey = ["run_id", "temporal_run_id", "task_id", "attempt"];
  const putAttempt = put("attempts", ATTEMPT_COLUMNS, attemptKey, ATTEMPT_GIVES_WAY);
  const someAttempts = db.prepare<[string], AttemptRow>(
    "SELECT * FROM attempts WHERE run_id = ? ORDER BY started_at, task_id, attempt, temporal_run_id",
  );
  const putDag = db.prepare("INSERT OR IGNORE INTO dag_versions VALUES (?, ?, ?)");
  const oneDag = db.prepare<[string, string], DagRow>(
    "SELECT graph FROM dag_versions WHERE dag_id = ? AND version = ?",
  );
  const putCached = put("cached_outputs", CACHED_COLUMNS, ["key"], CACHED_GIVES_WAY);
  const oneCached = db.prepare<[string], CachedRow>("SELECT * FROM cached_outputs WHERE key = ?");
  const oldRuns = db.prepare<[{ before: string; dagId: string | null; after: string; limit: number }], HeadRow>(`
    SELECT ${HEAD_COLUMNS.join(", ")} FROM runs
    WHERE coalesce(ended_at, started_at) < @before AND (@dagId IS NULL OR dag_id = @dagId) AND run_id > @after
    ORDER BY run_id LIMIT @limit`);
  const dropRun = db.prepare<[string, string]>("DELETE FROM runs WHERE run_id = ? AND temporal_run_id = ?");
  const dropAttempts = db.prepare<[string]>("DELETE FROM attempts WHERE run_id = ?");
  const dropCached = db.prepare<[string]>("DELETE FROM cached_outputs WHERE run_id = ?");
  const values = (table: string, key: string, text: string) => {
    const page = db.prepare<[string], ValueRow>(
      `SELECT ${key} AS key, ${text} AS text FROM ${table} WHERE ${key} > ? ORDER BY ${key} LIMIT ${VALUES_AT_ONCE}`,
    );
    return (after: string) => ask(() => page.all(after));
  };
  const ask = async <T>(work: () => T): Promise<T> => asked(file, work);

  return {
    saveRun: (run) => ask(() => void putRun.run(...runValues(run))),
    getRun: (runId) => ask(() => mapped(oneRun.get(runId), storedRun)),
    listRuns: ({ dagId = null, state = null, limit = 100 } = {}) =>
      ask(() => someRuns.all({ dagId, state, limit }).map(storedHead)),
    saveAttempt: (attempt) => ask(() => void putAttempt.run(...attemptValues(attempt))),
    saveAttempts: (attempts) =>
      ask(() =>
        db.transaction(() => {
          for (const attempt of attempts) putAttempt.run(...attemptValues(attempt));
        })(),
      ),
    listAttempts: (runId) => ask(() => someAttempts.all(runId).map(storedAttempt)),
    saveDag: (graph) => ask(() => void putDag.run(graph.dagId, graph.version, JSON.stringify(graph))),
    getDag: (dagId, version) => ask(() => mapped(oneDag.get(dagId, version), storedGraph)),
    listOldRuns: ({ before, dagId = null, after = "", limit }) =>
      ask(() => oldRuns.all({ before, dagId, after, limit }).map(storedHead)),
    removeRun: ({ runId, temporalRunId }) =>
      ask(() =>
        db.transaction(() => {
          const { changes: runs } = dropRun.run(runId, temporalRunId);
          if (runs === 0) return { runs, attempts: 0, cachedOutputs: 0 };
          return { runs, attempts: dropAttempts.run(runId).changes, cachedOutputs: dropCached.run(runId).changes };
        })(),
      ),
    valueTexts: () => allValues(values("runs", "run_id", "view"), values("cached_outputs", "key", "output")),
    getCachedOutput: (key) => ask(() => mapped(oneCached.get(key), storedOutput)),
    putCachedOutput: (cached) => ask(() => void putCached.run(...cachedValues(cached))),
    close: async () => {
      db.close();
    },
  };
}

function mapped<Row, T>(row: Row | undefined, map: (row: Row) => T): T | null {
  return row === undefined ? null : map(row);
}

/** Does what SQLite is asked; its errors, and those of the file system, are said in our words. */
function asked<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof SqliteDatabase.SqliteError && REFUSALS.test(cause.code))
      throw new RunStoreRefusedError(file, cause.message, { cause });
    if (cause instanceof SqliteDatabase.SqliteError || (cause instanceof Error && "syscall" in cause))
      throw new RunStoreUnavailableError(file, cause.message, { cause, hint: DISK_HINT });
    throw cause;
  }
}
