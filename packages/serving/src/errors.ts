/** Every code this package throws or answers over HTTP. */
export type ServingErrorCode =
  | "INVALID_ARGUMENT"
  | "INVALID_REQUEST"
  | "UNKNOWN_FEATURE"
  | "MISSING_FEATURE"
  | "INVALID_FEATURE"
  | "NOT_FOUND"
  | "MODEL_PATH_OUTSIDE"
  | "MODEL_FILE_UNREADABLE"
  | "MODEL_INVALID"
  | "MODEL_VERSION_CHANGED"
  | "RECORD_UNREADABLE"
  | "DEPLOYMENT_LOCKED"
  | "SERVER_START_FAILED"
  | "RELOAD_FAILED"
  | "DISK_FULL"
  | "INTERNAL_ERROR";

/** What a `ServingError` may carry beside its code and message. */
interface ServingErrorDetail {
  /** The argument at fault. */
  readonly field?: string | undefined;
  /** What to do next. */
  readonly hint?: string;
  /** Whether another attempt may succeed with nothing changed. @default false */
  readonly retryable?: boolean;
  readonly cause?: unknown;
}

/** An error of serving: a stable code, a sentence, and where known the argument at fault and what to do next. */
export class ServingError extends Error {
  override readonly name = "ServingError";
  readonly code: ServingErrorCode;
  readonly retryable: boolean;
  readonly field?: string;
  readonly hint?: string;

  constructor(code: ServingErrorCode, message: string, detail: ServingErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.code = code;
    this.retryable = detail.retryable ?? false;
    if (detail.field !== undefined) this.field = detail.field;
    if (detail.hint !== undefined) this.hint = detail.hint;
  }
}

/** The `code` of an error of Node (ENOENT, ESRCH, …). */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** What an error says, whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
