/** What a failed tool call tells its caller; the JSON of an `isError` answer. */
export interface ToolErrorData {
  /** Stable, upper snake case, e.g. `TABLE_NOT_FOUND`. */
  readonly code: string;
  /** An English sentence that names the field, its value and what was expected. */
  readonly message: string;
  /** The argument that is at fault, e.g. `params.minF1`. */
  readonly field?: string;
  /** What to do next. */
  readonly hint?: string;
  /** `false`: another attempt would fail the same way. */
  readonly retryable: boolean;
}

/**
 * A tool call that failed. Servers may throw it (or any error with a `code` and a `message`); callers get it.
 *
 * Codes of this package: `INVALID_ARGUMENTS`, `INVALID_OUTPUT`, `INTERNAL_ERROR`, `UNKNOWN_TOOL`, `UNKNOWN_SERVER`,
 * `POOL_CLOSED`, `CONNECTION_FAILED`, `CONNECTION_CLOSED`, `UNAUTHORIZED`, `TIMEOUT`, `PROTOCOL_ERROR`,
 * `INVALID_CONFIG`, `PORT_IN_USE`.
 */
export class ToolError extends Error implements ToolErrorData {
  override readonly name: string = "ToolError";
  readonly code: string;
  readonly field?: string;
  readonly hint?: string;
  readonly retryable: boolean;

  /**
   * @param code stable, upper snake case
   * @param message a sentence that names the field, its value and what was expected
   * @param details `retryable` is false unless said otherwise
   */
  constructor(
    code: string,
    message: string,
    details: {
      readonly field?: string | undefined;
      readonly hint?: string | undefined;
      readonly retryable?: boolean;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    if (details.field !== undefined) this.field = details.field;
    if (details.hint !== undefined) this.hint = details.hint;
    this.retryable = details.retryable ?? false;
  }
}

/**
 * Reads anything thrown as tool error data. An error with an upper-snake-case `code`, a `message` and a boolean
 * `retryable` is passed on as it is, whatever its class; so is plain data of that shape. Everything else is
 * `INTERNAL_ERROR` with the message, retryable: it may be a file system's or a network's passing trouble.
 */
export function toolErrorData(thrown: unknown): ToolErrorData {
  const given = readToolErrorData(thrown);
  if (given !== undefined) return given;
  const message = thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
  return { code: "INTERNAL_ERROR", message, retryable: true };
}

/** Reads data of the shape of {@link ToolErrorData}; `undefined` when it is something else. `retryable` defaults to false. */
export function readToolErrorData(value: unknown): ToolErrorData | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const code = property(value, "code");
  const message = property(value, "message");
  const retryable = property(value, "retryable");
  if (typeof code !== "string" || typeof message !== "string") return undefined;
  // Node's own errors carry a code too (ENOENT, ERR_…), but say nothing of another attempt.
  if (retryable === undefined && "errno" in value) return undefined;
  if (retryable === undefined && /^(ERR_|E[A-Z]+$)/.test(code)) return undefined;
  if (!/^[A-Z][A-Z0-9_]*$/.test(code)) return undefined;
  const field = property(value, "field");
  const hint = property(value, "hint");
  return {
    code,
    message,
    ...(typeof field === "string" ? { field } : {}),
    ...(typeof hint === "string" ? { hint } : {}),
    retryable: retryable === true,
  };
}

function property(object: object, name: string): unknown {
  return Reflect.get(object, name);
}
