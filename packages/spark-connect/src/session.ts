import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { type RecordBatch, tableFromIPC } from "apache-arrow";
import { parseAddress, type SparkAddress } from "./address.ts";
import { SparkConnectError, SparkInterruptedError, SparkUnavailableError } from "./errors.ts";
import { literal, type SparkValue } from "./parameters.ts";
import { decodeResponse, type ExecuteResponse, encode } from "./protocol.ts";
import { inlineParameters } from "./sql-text.ts";
import { asSparkError, isDropped, isGrpcError, isUnsent, openTransport, type Transport } from "./transport.ts";

const CLIENT_TYPE = "dagwright";
/** `INTERRUPT_TYPE_OPERATION_ID` of Spark 4.1.1. */
const ONE_OPERATION = 3;
/** `SaveMode` of `WriteOperation`. */
const SAVE_MODES = { append: 1, overwrite: 2, error: 3, ignore: 4 } as const;
const SMALL_CALL_MS = 60_000;
/** The server keeps what it has sent, for a stream that drops, until it hears that so many messages have been read. */
const RELEASED_AT_ONCE = 16;

/** How a statement runs. */
export interface SqlOptions {
  /** Values of the statement's `:name`s; bound by the server, never pasted into the text. @default {} */
  readonly params?: Readonly<Record<string, SparkValue>>;
  /** Ends the statement, here and on the server. */
  readonly signal?: AbortSignal;
}

/** How a session is opened. */
export interface SessionOptions {
  /** How often in a row a dropped stream is taken up again with nothing received in between, or a server that cannot be reached is tried again. @default 5 */
  readonly maxReattaches?: number;
  /** Wait before the first of them, in milliseconds; doubled each time, at most 5 s. @default 50 */
  readonly reattachDelayMs?: number;
  /** Certificates in PEM of the authorities that the server's is signed by. @default the well-known ones */
  readonly rootCertificates?: Uint8Array;
}

/** Files to read, as `spark.read.format(…).schema(…).options(…).load(paths)` does. */
export interface DataSource {
  /** Such as `parquet`, `csv` or `delta`. */
  readonly format: string;
  /** As the server sees them. */
  readonly paths: readonly string[];
  readonly options?: Readonly<Record<string, string>>;
  /** Columns in DDL, such as `a INT, b STRING`. @default what the files say */
  readonly schema?: string;
}

/** Where a query's rows go, as `df.write.format(…).mode(…).partitionBy(…).save(path)` does. */
export interface WriteTarget {
  readonly format: string;
  /** A folder, as the server sees it. */
  readonly path: string;
  /** What happens when there is something at `path` already. @default "error" */
  readonly mode?: "append" | "overwrite" | "error" | "ignore";
  readonly partitionBy?: readonly string[];
  readonly options?: Readonly<Record<string, string>>;
}

/** One session on a Spark Connect server: its temporary views and settings last until `close`. */
export interface SparkSession {
  /** A UUID. */
  readonly sessionId: string;
  /**
   * Runs one statement and streams its rows as Arrow batches; DDL and writes have run when the first batch, or the
   * end, is reached. Nothing is sent before the first read. Throws `SparkSqlError`, `SparkUnavailableError`,
   * `SparkInterruptedError`, or `SparkConnectError` for a parameter that cannot be bound.
   */
  sql(query: string, options?: SqlOptions): AsyncGenerator<RecordBatch, void, undefined>;
  /** Runs one statement to its end and drops its rows: DDL, writes, settings. */
  execute(query: string, options?: SqlOptions): Promise<void>;
  /** Writes the rows of one query to files. Parameters are put into the text as literals, see `inlineParameters`. */
  write(query: string, target: WriteTarget, options?: SqlOptions): Promise<void>;
  /** Gives files a name for FROM that lasts as long as the session; a view of that name is replaced. */
  createTempView(name: string, source: DataSource, options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Sets properties of the session, such as `spark.sql.session.timeZone`. */
  configure(settings: Readonly<Record<string, string>>): Promise<void>;
  /** Another session, with views and settings of its own, on the same connection; each is closed by itself. */
  newSession(): SparkSession;
  /** Releases the session on the server and closes the connection; safe to call twice. */
  close(): Promise<void>;
}

/** Opens a session on `remote`, such as `sc://localhost:15002`; the first statement is what reaches the server. */
export function connect(remote: string, options: SessionOptions = {}): SparkSession {
  const address = parseAddress(remote);
  return openSession(
    shared(openTransport(address, options.rootCertificates)),
    address,
    address.sessionId ?? randomUUID(),
    options,
  );
}

/** A connection that closes with the last session that uses it. */
interface SharedTransport {
  use(): Transport;
  release(): void;
}

function shared(transport: Transport): SharedTransport {
  let users = 0;
  return {
    use: () => {
      users += 1;
      return transport;
    },
    release: () => {
      users -= 1;
      if (users === 0) transport.close();
    },
  };
}

function openSession(
  transport: SharedTransport,
  address: SparkAddress,
  sessionId: string,
  options: SessionOptions,
): SparkSession {
  const who = { sessionId, userContext: { userId: address.userId ?? "dagwright" }, clientType: CLIENT_TYPE };
  const session = new Operations(transport, who, options.maxReattaches ?? 5, options.reattachDelayMs ?? 50);
  return {
    sessionId,
    sql: (query, sqlOptions) => session.sql(query, sqlOptions),
    async execute(query, sqlOptions) {
      for await (const _ of session.sql(query, sqlOptions));
    },
    write: (query, target, { params = {}, signal } = {}) =>
      session.command(
        {
          writeOperation: {
            input: { sql: { query: inlineParameters(query, params) } },
            source: target.format,
            path: target.path,
            mode: SAVE_MODES[target.mode ?? "error"],
            partitioningColumns: target.partitionBy ?? [],
            options: target.options ?? {},
          },
        },
        signal,
      ),
    createTempView: (name, { format, paths, options: readOptions = {}, schema }, { signal } = {}) => {
      const dataSource = { format, paths, options: readOptions, ...(schema === undefined ? {} : { schema }) };
      return session.command({ createDataframeView: { input: { read: { dataSource } }, name, replace: true } }, signal);
    },
    configure: (settings) => session.configure(settings),
    newSession: () => openSession(transport, address, randomUUID(), options),
    close: () => session.close(),
  };
}

class Operations {
  #closed = false;
  readonly #shared: SharedTransport;
  readonly #transport: Transport;
  readonly #who: Readonly<Record<string, unknown>>;
  readonly #maxReattaches: number;
  readonly #delayMs: number;

  constructor(shared: SharedTransport, who: Readonly<Record<string, unknown>>, maxReattaches: number, delayMs: number) {
    this.#shared = shared;
    this.#transport = shared.use();
    this.#who = who;
    this.#maxReattaches = maxReattaches;
    this.#delayMs = delayMs;
  }

  /** As Spark's own clients do: the statement goes as a command, and the relation it answers is then read. */
  async *sql(query: string, { params = {}, signal }: SqlOptions = {}): AsyncGenerator<RecordBatch, void, undefined> {
    const namedArguments = Object.fromEntries(
      Object.entries(params).map(([name, value]) => [name, { literal: literal(name, value) }]),
    );
    const command = { sqlCommand: { input: { sql: { query, namedArguments } } } };
    let relation: Uint8Array | undefined;
    for await (const { sqlCommandResult } of this.#run({ command }, signal)) relation ??= sqlCommandResult?.relation;
    if (relation === undefined) return;
    for await (const { arrowBatch } of this.#run({ root: relation }, signal))
      if (arrowBatch !== undefined) yield* tableFromIPC(arrowBatch.data).batches;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#quietly("ReleaseSession", encode("ReleaseSessionRequest", this.#who));
    this.#shared.release();
  }

  /** Runs one command to its end. */
  async command(command: Readonly<Record<string, unknown>>, signal: AbortSignal | undefined): Promise<void> {
    for await (const _ of this.#run({ command }, signal));
  }

  async configure(settings: Readonly<Record<string, string>>): Promise<void> {
    const pairs = Object.entries(settings).map(([key, value]) => ({ key, value }));
    const request = encode("ConfigRequest", { ...this.#who, operation: { set: { pairs } } });
    try {
      await this.#transport.unary("Config", request, SMALL_CALL_MS);
    } catch (error) {
      throw isGrpcError(error) ? asSparkError(error) : error;
    }
  }

  /** A busy server may hear of the interruption before it has begun: it is told again, which is harmless. */
  async #interrupt(request: Buffer): Promise<void> {
    for (const pauseMs of [0, 200, 1000, 5000]) {
      await delay(pauseMs, undefined, { ref: false });
      if (this.#closed) return;
      await this.#quietly("Interrupt", request);
    }
  }

  /** Runs one plan to its end; a stream that drops is taken up again after the last message received. */
  async *#run(
    plan: Readonly<Record<string, unknown>>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<ExecuteResponse> {
    if (this.#closed)
      throw new SparkConnectError("SPARK_CLOSED", "The session is closed; open another with connect().");
    const operationId = randomUUID();
    if (signal?.aborted) throw new SparkInterruptedError(operationId, signal.reason);
    const ids = { ...this.#who, operationId };
    const reattachable = [{ reattachOptions: { reattachable: true } }];
    const first = encode("ExecutePlanRequest", { ...ids, plan, requestOptions: reattachable });
    let stream = this.#transport.stream("ExecutePlan", first);
    const onAbort = () => {
      stream.cancel();
      void this.#interrupt(encode("InterruptRequest", { ...ids, interruptType: ONE_OPERATION }));
    };
    const release = (responseId: string | undefined) => {
      if (responseId === undefined) return;
      void this.#quietly("ReleaseExecute", encode("ReleaseExecuteRequest", { ...ids, releaseUntil: { responseId } }));
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    let lastResponseId: string | undefined;
    let received = 0;
    let drops = 0;
    let dropped: unknown;
    let unsent = false;
    try {
      for (;;) {
        try {
          for await (const bytes of stream) {
            const response = decodeResponse(bytes);
            if (signal?.aborted) throw new SparkInterruptedError(operationId, signal.reason);
            if (response.responseId !== undefined) lastResponseId = response.responseId;
            drops = 0;
            if (response.resultComplete !== undefined) return;
            yield response;
            if (++received % RELEASED_AT_ONCE === 0) release(response.responseId);
          }
          dropped = undefined;
        } catch (error) {
          if (signal?.aborted) throw new SparkInterruptedError(operationId, signal.reason);
          if (!isGrpcError(error)) throw error;
          // Nothing came back: whether the statement began is unknown, and only the caller may run it twice.
          unsent = lastResponseId === undefined && isUnsent(error);
          if (!isDropped(error) || (lastResponseId === undefined && !unsent)) throw asSparkError(error);
          dropped = error;
        }
        drops += 1;
        if (drops > this.#maxReattaches && unsent && isGrpcError(dropped)) throw asSparkError(dropped);
        if (drops > this.#maxReattaches)
          throw new SparkUnavailableError(`Operation ${operationId} dropped ${drops} times in a row.`, {
            cause: dropped,
          });
        await delay(Math.min(this.#delayMs * 2 ** (drops - 1), 5000));
        if (signal?.aborted) throw new SparkInterruptedError(operationId, signal.reason);
        if (unsent) {
          stream = this.#transport.stream("ExecutePlan", first);
          continue;
        }
        const after = lastResponseId === undefined ? {} : { lastResponseId };
        stream = this.#transport.stream("ReattachExecute", encode("ReattachExecuteRequest", { ...ids, ...after }));
      }
    } finally {
      signal?.removeEventListener("abort", onAbort);
      stream.cancel();
      void this.#quietly("ReleaseExecute", encode("ReleaseExecuteRequest", { ...ids, releaseAll: {} }));
    }
  }

  /** A call whose failure changes nothing for the caller: the server cleans up by itself, later. */
  async #quietly(method: string, request: Buffer): Promise<void> {
    await this.#transport.unary(method, request, SMALL_CALL_MS).catch(() => undefined);
  }
}
