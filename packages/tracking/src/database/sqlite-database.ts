import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import SqliteDatabase from "better-sqlite3";
import { diskFull, TrackingError } from "../errors.ts";
import { SQLITE_STEPS } from "./sqlite-schema.ts";
import { useWal } from "./wal-mode.ts";
import type { Answer, Database, Request, SqlValue, Work } from "./work.ts";

/** How long a statement waits for another process's write. */
const BUSY_TIMEOUT_MS = 10_000;

/**
 * The SQLite file of tracking, in WAL mode: several processes read and write it at once, and one that is killed leaves
 * whole transactions.
 */
export class SqliteTrackingDatabase implements Database {
  readonly #sqlite: SqliteDatabase.Database;
  readonly #prepared = new Map<string, SqliteDatabase.Statement<SqlValue[]>>();

  /** Opens the file, creates it where there is none, and brings its schema up to date. @throws TRACKING_SCHEMA_NEWER */
  constructor(file: string) {
    mkdirSync(dirname(file), { recursive: true });
    this.#sqlite = translated(() => new SqliteDatabase(file, { timeout: BUSY_TIMEOUT_MS }));
    try {
      translated(() => {
        useWal(this.#sqlite, BUSY_TIMEOUT_MS);
        this.#sqlite.pragma("foreign_keys = ON");
        // LIKE tells upper from lower case, as in PostgreSQL; ILIKE does not.
        this.#sqlite.pragma("case_sensitive_like = ON");
        this.#sqlite.transaction(() => this.#migrate(file)).immediate();
      });
    } catch (error) {
      this.#sqlite.close();
      throw error;
    }
  }

  async read<T>(work: () => Work<T>): Promise<T> {
    return translated(() => this.#sqlite.transaction(() => this.#do(work())).deferred());
  }

  /** The write lock is held from the start: what the work reads stays true. */
  async write<T>(work: () => Work<T>): Promise<T> {
    return translated(() => this.#sqlite.transaction(() => this.#do(work())).immediate());
  }

  async close(): Promise<void> {
    this.#sqlite.close();
  }

  #do<T>(work: Work<T>): T {
    let step = work.next();
    while (step.done !== true) step = work.next(this.#answer(step.value));
    return step.value;
  }

  #answer(request: Request): Answer {
    if (request.kind === "lock") return NOTHING;
    if (request.kind === "sql") {
      const statement = this.#statement(request.sql);
      if (statement.reader) return { rows: statement.all(...request.values), changed: 0 };
      return { rows: [], changed: statement.run(...request.values).changes };
    }
    const { into, rows, then } = request;
    const marks = rows[0]?.map(() => "?").join(", ");
    const statement = this.#statement(`INSERT INTO ${into} VALUES (${marks}) ${then}`);
    let changed = 0;
    for (const row of rows) changed += statement.run(...row).changes;
    return { rows: [], changed };
  }

  #statement(sql: string): SqliteDatabase.Statement<SqlValue[]> {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const statement = this.#sqlite.prepare<SqlValue[]>(sql);
    // Searches have texts of their own: what is prepared longest is let go.
    if (this.#prepared.size >= MOST_PREPARED)
      for (const oldest of this.#prepared.keys()) {
        this.#prepared.delete(oldest);
        break;
      }
    this.#prepared.set(sql, statement);
    return statement;
  }

  #migrate(file: string): void {
    const version = Number(this.#sqlite.pragma("user_version", { simple: true }));
    if (version > SQLITE_STEPS.length)
      throw new TrackingError(
        "TRACKING_SCHEMA_NEWER",
        `The tracking database ${file} has schema version ${version}: this program knows versions up to ${SQLITE_STEPS.length}.`,
        { hint: "Use the newer program that wrote it, or another folder." },
      );
    for (const step of SQLITE_STEPS.slice(version)) this.#sqlite.exec(step);
    if (version < SQLITE_STEPS.length) this.#sqlite.pragma(`user_version = ${SQLITE_STEPS.length}`);
  }
}

const NOTHING: Answer = { rows: [], changed: 0 };

const MOST_PREPARED = 500;

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
