/** What a `SparkConnectError` may carry beside its code and message. */
export interface SparkConnectErrorDetail {
  /** Spark's error class, such as `TABLE_OR_VIEW_NOT_FOUND`, where the server names one. */
  readonly errorClass?: string;
  /** The five-character SQLSTATE, where the server names one. */
  readonly sqlState?: string;
  /** The argument at fault. */
  readonly field?: string;
  /** What to do next. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** Every code this client throws. */
export type SparkConnectErrorCode =
  | "SPARK_ADDRESS"
  | "SPARK_PARAMETER"
  | "SPARK_SQL"
  | "SPARK_UNAVAILABLE"
  | "SPARK_PROTOCOL"
  | "SPARK_INTERRUPTED"
  | "SPARK_CLOSED";

/** An error of the client or of the server: a stable code, a sentence, and Spark's error class where known. */
export class SparkConnectError extends Error {
  override readonly name: string = "SparkConnectError";
  readonly code: SparkConnectErrorCode;
  readonly errorClass?: string;
  readonly sqlState?: string;
  readonly field?: string;
  readonly hint?: string;

  constructor(code: SparkConnectErrorCode, message: string, detail: SparkConnectErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.code = code;
    if (detail.errorClass !== undefined) this.errorClass = detail.errorClass;
    if (detail.sqlState !== undefined) this.sqlState = detail.sqlState;
    if (detail.field !== undefined) this.field = detail.field;
    if (detail.hint !== undefined) this.hint = detail.hint;
  }
}

/** The server refused or failed a statement: code `SPARK_SQL`. */
export class SparkSqlError extends SparkConnectError {
  override readonly name = "SparkSqlError";
  constructor(message: string, detail: SparkConnectErrorDetail = {}) {
    super("SPARK_SQL", message, detail);
  }
}

/** The server cannot be reached, or was lost and did not come back: code `SPARK_UNAVAILABLE`. */
export class SparkUnavailableError extends SparkConnectError {
  override readonly name = "SparkUnavailableError";
  constructor(message: string, detail: SparkConnectErrorDetail = {}) {
    super("SPARK_UNAVAILABLE", message, detail);
  }
}

/** The caller's `AbortSignal` ended a statement: code `SPARK_INTERRUPTED`. */
export class SparkInterruptedError extends SparkConnectError {
  override readonly name = "SparkInterruptedError";
  constructor(operationId: string, cause: unknown) {
    super("SPARK_INTERRUPTED", `Operation ${operationId} was interrupted by its AbortSignal.`, { cause });
  }
}
