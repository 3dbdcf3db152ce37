/** Every code this package throws. */
export type TrackingErrorCode =
  | "INVALID_ARGUMENT"
  | "RUN_NOT_FOUND"
  | "PARAM_ALREADY_LOGGED"
  | "ARTIFACT_PATH"
  | "ARTIFACT_NOT_FOUND"
  | "MODEL_NOT_FOUND"
  | "MODEL_VERSION_NOT_FOUND"
  | "MODEL_VERSION_IN_PRODUCTION"
  | "KEY_ALREADY_USED"
  | "TRACKING_SCHEMA_NEWER"
  | "TRACKING_BUSY"
  | "TRACKING_STORE_FAILED"
  | "DISK_FULL";

/** What a `TrackingError` may carry beside its code and message. */
interface TrackingErrorDetail {
  /** The argument at fault. */
  readonly field?: string;
  /** What to do next. */
  readonly hint?: string;
  /** Whether another attempt may succeed with nothing changed. @default false */
  readonly retryable?: boolean;
  readonly cause?: unknown;
}

/** An error of tracking: a stable code, a sentence, and where known the argument at fault and what to do next. */
export class TrackingError extends Error {
  override readonly name = "TrackingError";
  readonly code: TrackingErrorCode;
  readonly retryable: boolean;
  readonly field?: string;
  readonly hint?: string;

  constructor(code: TrackingErrorCode, message: string, detail: TrackingErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.code = code;
    this.retryable = detail.retryable ?? false;
    if (detail.field !== undefined) this.field = detail.field;
    if (detail.hint !== undefined) this.hint = detail.hint;
  }
}

/** The error of a full disk. */
export function diskFull(what: string, cause: unknown): TrackingError {
  return new TrackingError("DISK_FULL", `No space left on the disk while writing ${what}; nothing of it is visible.`, {
    hint: "Free some space where the tracking folder lives, then try again.",
    cause,
  });
}
