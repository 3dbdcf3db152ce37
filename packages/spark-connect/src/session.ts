import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { type RecordBatch, tableFromIPC } from "apache-arrow";
import { parseAddress } from "./address.ts";
import { SparkConnectError, SparkInterruptedError, SparkUnavailableError } from "./errors.ts";
import { literal, type SparkValue } from "./parameters.ts";
import { decodeResponse, type ExecuteResponse, encode } from "./protocol.ts";
import { asSparkError, isDropped, isGrpcError, openTransport, type Transport } from "./transport.ts";

const CLIENT_TYPE = "dagwright";
/** `INTERRUPT_TYPE_OPERATION_ID` of Spark 4.1.1. */
const ONE_OPERATION = 3;
const SMALL_CALL_MS = 10_000;

/** How a statement runs. */
export interface SqlOptions {
  /** Values of the statement's `:name`s; bound by the server, never pasted into the text. @default {} */
  readonly params?: Readonly<Record<string, SparkValue>>;
  /** Ends the statement, here and on the server. */
  readonly signal?: AbortSignal;
}

/** How a session is opened. */
export interface SessionOptions {
  /** How often in a row a dropped stream is taken up again with nothing received in between. @default 5 */
  readonly maxReattaches?: number;
  /** Wait before the first of them, in milliseconds; doubled each time, at most 5 s. @default 50 */
  readonly reattachDelayMs?: number;
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
  /** Releases the session on the server and closes the connection; safe to call twice. */
  close(): Promise<void>;
}

/** Opens a session on `remote`, such as `sc://localhost:15002`; the first statement is what reaches the server. */
export function connect(remote: string, options: SessionOptions = {}): SparkSession {
  const address = parseAddress(remote);
  const sessionId = address.sessionId ?? randomUUID();
  const who = { sessionId, userContext: { userId: address.userId ?? "dagwright" }, clientType: CLIENT_TYPE };
  const session = new Operations(
    openTransport(address),
    who,
    options.maxReattaches ?? 5,
    options.reattachDelayMs ?? 50,
  );
  return {
    sessionId,
    sql: (query, sqlOptions) => session.sql(query, sqlOptions),
    async execute(query, sqlOptions) {
      for await (const _ of session.sql(query, sqlOptions));
    },
    close: () => session.close(),
  };
}

class Operations {
  #closed = false;
  readonly #transport: Transport;
  readonly #who: Readonly<Record<string, unknown>>;
  readonly #maxReattaches: number;
  readonly #delayMs: number;

  constructor(transport: Transport, who: Readonly<Record<string, unknown>>, maxReattaches: number, delayMs: number) {
    this.#transport = transport;
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
    this.#transport.close();
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
      void this.#quietly("Interrupt", encode("InterruptRequest", { ...ids, interruptType: ONE_OPERATION }));
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    let lastResponseId: string | undefined;
    let drops = 0;
    let dropped: unknown;
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
          }
          dropped = undefined;
        } catch (error) {
          if (signal?.aborted) throw new SparkInterruptedError(operationId, signal.reason);
          if (!isGrpcError(error)) throw error;
          // Nothing came back: whether the statement began is unknown, and only the caller may run it twice.
          if (!isDropped(error) || lastResponseId === undefined) throw asSparkError(error);
          dropped = error;
        }
        drops += 1;
        if (drops > this.#maxReattaches)
          throw new SparkUnavailableError(`Operation ${operationId} dropped ${drops} times in a row.`, {
            cause: dropped,
          });
        await delay(Math.min(this.#delayMs * 2 ** (drops - 1), 5000));
        if (signal?.aborted) throw new SparkInterruptedError(operationId, signal.reason);
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
