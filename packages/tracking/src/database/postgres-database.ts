import pg from "pg";
import { TrackingError } from "../errors.ts";
import { defaultExperiment, IN_ORDER, inPostgres, TABLES } from "./schema.ts";
import type { Answer, Database, Request, Work } from "./work.ts";

/** Everything lies in a schema of its own, so that a database can be shared. */
const SCHEMA = "dagwright_tracking";

/** Number of the lock that migrations take, of all openers of one database. */
const MIGRATION_LOCK = 7_310_055;

/** One step per schema version; `dagwright_tracking.migrations` says which were applied. Never edit a step, add one. */
const STEPS: readonly string[] = [
  `${inPostgres(TABLES)} ${defaultExperiment("CAST(extract(epoch FROM now()) * 1000 AS BIGINT)")};`,
  inPostgres(IN_ORDER),
];

const MOST_CONNECTIONS = 10;
const CONNECT_TIMEOUT_MS = 3_000;
const STATEMENT_TIMEOUT_MS = 60_000;

/** How often work is begun anew that met a deadlock or a dead connection. */
const MOST_ATTEMPTS = 4;

/** Values of one statement: the protocol counts them in 16 bits. */
const MOST_VALUES = 30_000;

/** A PostgreSQL database (12 or later) with the tables of tracking, in a schema that it makes itself. */
export class PostgresTrackingDatabase implements Database {
  readonly #pool: pg.Pool;
  readonly #place: string;
  #migrated: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  /** @param url postgres://user:password@host:port/database; what it leaves out is taken from PGHOST, PGPASSWORD and so on */
  constructor(url: string) {
    const { host, pathname } = new URL(url);
    this.#place = `postgres://${host}${pathname}`;
    this.#pool = new pg.Pool({
      connectionString: url,
      max: MOST_CONNECTIONS,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: STATEMENT_TIMEOUT_MS,
      keepAlive: true,
      allowExitOnIdle: true,
      application_name: "dagwright-tracking",
      options: `-c search_path=${SCHEMA}`,
      types: { getTypeParser: parserOf },
    });
    // A connection that breaks while nobody uses it is no event: without a listener it would end the process.
    this.#pool.on("error", () => {});
    this.#pool.on("connect", (client) => {
      client.on("error", () => {});
    });
  }

  read<T>(work: () => Work<T>): Promise<T> {
    return this.#transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", work);
  }

  write<T>(work: () => Work<T>): Promise<T> {
    return this.#transaction("BEGIN", work);
  }

  close(): Promise<void> {
    this.#closed ??= this.#pool.end();
    return this.#closed;
  }

  /** Makes the tables where they are missing; every other method does so too. @throws TRACKING_STORE_FAILED, TRACKING_SCHEMA_NEWER */
  ready(): Promise<void> {
    this.#migrated ??= this.#withClient((client) => migrate(client, this.#place)).catch((error: unknown) => {
      this.#migrated = undefined;
      throw this.#failure(error);
    });
    return this.#migrated;
  }

  async #transaction<T>(begin: string, work: () => Work<T>): Promise<T> {
    await this.ready();
    for (let attempt = 1; ; attempt++) {
      let committing = false;
      try {
        return await this.#withClient(async (client) => {
          await client.query(begin);
          const result = await carryOut(client, work());
          committing = true;
          await client.query("COMMIT");
          return result;
        });
      } catch (error) {
        if (error instanceof TrackingError) throw error;
        // A connection that breaks on COMMIT does not say whether the server had heard it.
        if (committing || attempt === MOST_ATTEMPTS || !mayBeRepeated(error)) throw this.#failure(error);
      }
    }
  }

  async #withClient<T>(use: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    try {
      const result = await use(client);
      client.release();
      return result;
    } catch (error) {
      // A refusal of ours leaves the connection sound; whatever else it was, the connection is not used again.
      if (error instanceof TrackingError) {
        const sound = await client.query("ROLLBACK").then(
          () => true,
          () => false,
        );
        client.release(!sound);
      } else client.release(true);
      throw error;
    }
  }

  #failure(cause: unknown): Error {
    if (cause instanceof TrackingError) return cause;
    if (cause instanceof pg.DatabaseError && /^22/.test(cause.code ?? ""))
      return new TrackingError("INVALID_ARGUMENT", `PostgreSQL cannot keep a value: ${cause.message}.`, {
        hint: "Texts cannot hold the character 0; whole numbers are at most 2⁵³.",
        cause,
      });
    const why = cause instanceof AggregateError ? String(cause.errors[0]) : String(cause);
    return new TrackingError("TRACKING_STORE_FAILED", `The tracking database ${this.#place} failed: ${why}.`, {
      retryable: true,
      hint: "Is it running, and may this user create a schema in it? DAGWRIGHT_TRACKING_URL says where it is.",
      cause,
    });
  }
}

async function carryOut<T>(client: pg.PoolClient, work: Work<T>): Promise<T> {
  let step = work.next();
  while (step.done !== true) step = work.next(await answer(client, step.value));
  return step.value;
}

async function answer(client: pg.PoolClient, request: Request): Promise<Answer> {
  if (request.kind === "lock") {
    await client.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [request.name]);
    return { rows: [], changed: 0 };
  }
  if (request.kind === "sql") {
    const { rows, rowCount } = await client.query<object>(numbered(request.sql), [...request.values]);
    return { rows, changed: rowCount ?? 0 };
  }
  const { into, rows, then } = request;
  const width = rows[0]?.length ?? 1;
  const most = Math.floor(MOST_VALUES / width);
  let changed = 0;
  for (let at = 0; at < rows.length; at += most) {
    const some = rows.slice(at, at + most);
    const marks = some.map((row) => `(${row.map(() => "?").join(", ")})`).join(", ");
    const { rowCount } = await client.query(numbered(`INSERT INTO ${into} VALUES ${marks} ${then}`), some.flat());
    changed += rowCount ?? 0;
  }
  return { rows: [], changed };
}

/** `?` as `$1`, `$2`, …; statements hold no `?` but for values. */
function numbered(sql: string): string {
  let count = 0;
  return sql.replaceAll("?", () => `$${++count}`);
}

/** 64-bit integers as numbers: all of ours are milliseconds, steps and counts below 2⁵³. */
function parserOf(oid: number): (text: string) => unknown {
  return oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid);
}

/**
 * Deadlocks, serialization failures, and connections that turned out to be dead: the transaction did not happen. And what
 * is missing or there already though the work had looked: somebody else has changed it in between, and the work done anew
 * will see that.
 */
function mayBeRepeated(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return /^(40|57P0|23503|23505)/.test(error.code ?? "");
  return error instanceof Error && /ECONNRESET|EPIPE|Connection terminated unexpectedly/.test(String(error));
}

async function migrate(client: pg.PoolClient, place: string): Promise<void> {
  if ((await appliedTo(client, place)) === STEPS.length) return;
  await client.query("BEGIN");
  await client.query("SELECT pg_advisory_xact_lock($1)", [MIGRATION_LOCK]);
  const schemas = await client.query("SELECT 1 FROM pg_namespace WHERE nspname = $1", [SCHEMA]);
  if (schemas.rowCount === 0) await client.query(`CREATE SCHEMA ${SCHEMA}`);
  const applied = await appliedTo(client, place);
  await client.query(
    "CREATE TABLE IF NOT EXISTS migrations (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())",
  );
  for (const [at, step] of STEPS.entries()) {
    if (at < applied) continue;
    await client.query(step);
    await client.query("INSERT INTO migrations (version) VALUES ($1)", [at + 1]);
  }
  await client.query("COMMIT");
}

async function appliedTo(client: pg.PoolClient, place: string): Promise<number> {
  const tables = await client.query("SELECT to_regclass($1) IS NOT NULL AS there", [`${SCHEMA}.migrations`]);
  if (tables.rows[0]?.there !== true) return 0;
  const { rows } = await client.query<{ version: number }>(
    "SELECT coalesce(max(version), 0) AS version FROM migrations",
  );
  const applied = rows[0]?.version ?? 0;
  if (applied > STEPS.length)
    throw new TrackingError(
      "TRACKING_SCHEMA_NEWER",
      `The tracking database ${place} has schema version ${applied}: this program knows versions up to ${STEPS.length}.`,
      { hint: "Use the newer program that made it, or another database." },
    );
  return applied;
}
