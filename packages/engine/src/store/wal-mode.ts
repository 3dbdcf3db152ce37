import SqliteDatabase from "better-sqlite3";

const PAUSE_MS = 5;

/**
 * Brings a database to WAL mode. Of several processes that do so with a new file at once SQLite tells some at once that
 * it is locked, whatever their time-out: they try again.
 *
 * @param patienceMs How long, at most.
 */
export function useWal(database: SqliteDatabase.Database, patienceMs: number): void {
  for (const until = Date.now() + patienceMs; ; ) {
    try {
      database.pragma("journal_mode = WAL");
      return;
    } catch (error) {
      const isBusy = error instanceof SqliteDatabase.SqliteError && error.code.startsWith("SQLITE_BUSY");
      if (!isBusy || Date.now() > until) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    }
  }
}
