import pg from "pg";
import { RunStoreRefusedError, RunStoreTooNewError, RunStoreUnavailableError } from "./errors.ts";
import { migratePostgres } from "./postgres-schema.ts";

/** Most connections of one process. */
const MOST_CONNECTIONS = 5;

/** How long making a connection, or waiting for a free one, may take, in milliseconds. */
const CONNECT_TIMEOUT_MS = 3_000;

/** How long an idle connection is kept, in milliseconds. */
const IDLE_TIMEOUT_MS = 30_000;

/** How long a statement may take, in milliseconds. */
const STATEMENT_TIMEOUT_MS = 10_000;

/** What may be sent in a millisecond, in characters, before a statement is given more time: 10 MB in a second. */
const CHARACTERS_PER_MS = 10_000;

/** A database that is there only in part: shutting down, starting, full, out of connections, a standby. By SQLSTATE. */
const UNAVAILABLE = /^(08|25|28|3D|40|53|55|57|58|XX)/;

/** A connection that the server has closed: by SQLSTATE. */
const CLOSED = /^(08|57P0)/;

/** A PostgreSQL database with the run store's tables. */
export interface PostgresConnection {
  /**
   * Runs one statement, which must be idempotent: it is repeated when its connection turns out to be dead.
   * @throws RunStoreUnavailableError, RunStoreRefusedError
   */
  rows<Row extends pg.QueryResultRow>(text: string, values: readonly (string | number | null)[]): Promise<Row[]>;
  /** Makes the tables, or waits until somebody has; what `rows` does by itself. */
  ready(): Promise<void>;
  close(): Promise<void>;
}

/** A database's URL without its password, and without parameters, which may hold one too. */
export function withoutPassword(url: string): string {
  const { protocol, username, host, pathname } = new URL(url);
  return `${protocol}//${username === "" ? "" : `${username}@`}${host}${pathname}`;
}

/**
 * Connects to a database when it is first needed, and again whenever it was away.
 *
 * @param timeoutMs How long a statement may take. @default 10000, and more for one that carries much
 */
export function connectPostgres(url: string, timeoutMs: number = STATEMENT_TIMEOUT_MS): PostgresConnection {
  const place = withoutPassword(url);
  const pool = new pg.Pool({
    connectionString: url,
    max: MOST_CONNECTIONS,
    connectionTimeoutMillis: Math.min(CONNECT_TIMEOUT_MS, timeoutMs),
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    // Counted here: it also ends what a server that hangs would never end.
    query_timeout: timeoutMs,
    keepAlive: true,
    // A command that has nothing else to do is not held up by an idle connection.
    allowExitOnIdle: true,
    application_name: "dagwright",
  });
  // A connection that breaks while nobody uses it is no event: without a listener it would end the process.
  pool.on("error", () => {});
  pool.on("connect", (client) => {
    client.on("error", () => {});
  });
  const withClient = async <T>(use: (client: pg.PoolClient) => Promise<T>): Promise<T> => {
    const client = await pool.connect().catch((error: unknown) => {
      throw storeError(place, error);
    });
    try {
      const result = await use(client);
      client.release();
      return result;
    } catch (error) {
      // Whatever state the connection is in, it is not used again.
      client.release(true);
      throw error;
    }
  };
  let migrated: Promise<void> | undefined;
  const ready = () => {
    migrated ??= withClient((client) => migratePostgres(client, place)).catch((error: unknown) => {
      migrated = undefined;
      throw storeError(place, error);
    });
    return migrated;
  };
  const asked = async <Row extends pg.QueryResultRow>(text: string, values: readonly (string | number | null)[]) => {
    const size = values.reduce<number>((sum, value) => sum + (typeof value === "string" ? value.length : 0), 0);
    const query = { text, values: [...values], query_timeout: timeoutMs + Math.ceil(size / CHARACTERS_PER_MS) };
    return (await withClient((client) => client.query<Row>(query))).rows;
  };
  let closed: Promise<void> | undefined;
  return {
    ready,
    async rows<Row extends pg.QueryResultRow>(text: string, values: readonly (string | number | null)[]) {
      await ready();
      // As many dead connections as there may be, and then a new one.
      for (let dead = 0; ; dead++) {
        try {
          return await asked<Row>(text, values);
        } catch (error) {
          if (!wasClosed(error) || dead === MOST_CONNECTIONS) throw storeError(place, error);
        }
      }
    },
    close: () => {
      closed ??= pool.end();
      return closed;
    },
  };
}

/** Whether a connection of the pool turned out to be dead: another one may be alive. */
function wasClosed(error: unknown): boolean {
  // One that could not be made is not made by asking again.
  if (error instanceof RunStoreUnavailableError) return false;
  if (error instanceof pg.DatabaseError) return CLOSED.test(error.code ?? "");
  return error instanceof Error && /ECONNRESET|EPIPE|Connection terminated/.test(`${codeOf(error)} ${error.message}`);
}

function storeError(place: string, cause: unknown): Error {
  if (!(cause instanceof Error)) return new RunStoreUnavailableError(place, String(cause), { cause });
  if (cause instanceof RunStoreTooNewError || cause instanceof RunStoreUnavailableError) return cause;
  const sqlState = cause instanceof pg.DatabaseError ? (cause.code ?? "") : undefined;
  if (sqlState?.startsWith("28")) {
    const hint = "Correct user and password: in DAGWRIGHT_STORE_URL, in PGPASSWORD, or in ~/.pgpass.";
    return new RunStoreUnavailableError(place, cause.message, { cause, hint, retryable: false });
  }
  if (sqlState?.startsWith("3D")) {
    const hint = "Create it: createdb, with the name that DAGWRIGHT_STORE_URL ends in.";
    return new RunStoreUnavailableError(place, cause.message, { cause, hint, retryable: false });
  }
  if (sqlState !== undefined && !UNAVAILABLE.test(sqlState)) {
    const hint = "The user may not create tables: GRANT CREATE ON DATABASE, or let an owner make schema dagwright.";
    return new RunStoreRefusedError(place, cause.message, { cause, ...(sqlState === "42501" ? { hint } : {}) });
  }
  return new RunStoreUnavailableError(place, whyOf(cause), { cause });
}

/** Node says of a name with several addresses only that all failed: the first of their reasons. */
function whyOf(error: Error): string {
  const [first] = error instanceof AggregateError ? error.errors : [];
  return (first instanceof Error ? first.message : error.message) || codeOf(error) || error.name;
}

function codeOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : "";
}
