/** Every code this package throws, and what MLflow's REST API calls such a failure. */
export const MLFLOW_CODES = {
  INVALID_ARGUMENT: "INVALID_PARAMETER_VALUE",
  EXPERIMENT_NOT_FOUND: "RESOURCE_DOES_NOT_EXIST",
  EXPERIMENT_EXISTS: "RESOURCE_ALREADY_EXISTS",
  EXPERIMENT_DELETED: "INVALID_PARAMETER_VALUE",
  RUN_NOT_FOUND: "RESOURCE_DOES_NOT_EXIST",
  RUN_DELETED: "INVALID_PARAMETER_VALUE",
  PARAM_ALREADY_LOGGED: "INVALID_PARAMETER_VALUE",
  TAG_NOT_FOUND: "RESOURCE_DOES_NOT_EXIST",
  ARTIFACT_PATH: "INVALID_PARAMETER_VALUE",
  ARTIFACT_NOT_FOUND: "RESOURCE_DOES_NOT_EXIST",
  ARTIFACTS_ELSEWHERE: "INVALID_PARAMETER_VALUE",
  LOGGED_MODEL_NOT_FOUND: "RESOURCE_DOES_NOT_EXIST",
  MODEL_NOT_FOUND: "RESOURCE_DOES_NOT_EXIST",
  MODEL_EXISTS: "RESOURCE_ALREADY_EXISTS",
  MODEL_VERSION_NOT_FOUND: "RESOURCE_DOES_NOT_EXIST",
  MODEL_VERSION_IN_PRODUCTION: "INVALID_PARAMETER_VALUE",
  ALIAS_NOT_FOUND: "INVALID_PARAMETER_VALUE",
  KEY_ALREADY_USED: "INVALID_PARAMETER_VALUE",
  TRACKING_SCHEMA_NEWER: "INTERNAL_ERROR",
  TRACKING_BUSY: "TEMPORARILY_UNAVAILABLE",
  TRACKING_STORE_FAILED: "TEMPORARILY_UNAVAILABLE",
  TRACKING_UNREACHABLE: "TEMPORARILY_UNAVAILABLE",
  TRACKING_REFUSED: "INTERNAL_ERROR",
  DISK_FULL: "INTERNAL_ERROR",
} as const;
export type TrackingErrorCode = keyof typeof MLFLOW_CODES;

/** What a `TrackingError` may carry beside its code and message. */
interface TrackingErrorDetail {
  /** The argument at fault. */
  readonly field?: string;
  /** What to do next. */
  readonly hint?: string;
  /** Whether another attempt may succeed with nothing changed. @default false */
  readonly retryable?: boolean;
  /** The message in MLflow's own words, for its clients. @default the message */
  readonly mlflow?: string;
  readonly cause?: unknown;
}

/** An error of tracking: a stable code, a sentence, and where known the argument at fault and what to do next. */
export class TrackingError extends Error {
  override readonly name = "TrackingError";
  readonly code: TrackingErrorCode;
  readonly retryable: boolean;
  readonly field?: string;
  readonly hint?: string;
  readonly mlflow: string;

  constructor(code: TrackingErrorCode, message: string, detail: TrackingErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.code = code;
    this.retryable = detail.retryable ?? false;
    this.mlflow = detail.mlflow ?? message;
    if (detail.field !== undefined) this.field = detail.field;
    if (detail.hint !== undefined) this.hint = detail.hint;
  }
}

/** The error of an argument that is not what it must be. */
export function invalid(field: string, value: unknown, expected: string): TrackingError {
  return new TrackingError("INVALID_ARGUMENT", `${field} is ${JSON.stringify(value)}: expected ${expected}.`, {
    field,
  });
}

/** The error of a full disk. */
export function diskFull(what: string, cause: unknown): TrackingError {
  return new TrackingError("DISK_FULL", `No space left on the disk while writing ${what}; nothing of it is visible.`, {
    hint: "Free some space where the tracking folder lives, then try again.",
    cause,
  });
}
