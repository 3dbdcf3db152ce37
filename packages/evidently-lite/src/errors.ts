/** Every code that this package throws. */
export type DriftErrorCode =
  | "INVALID_INPUT"
  | "EMPTY_COLUMN"
  | "DIFFERENT_COLUMNS"
  | "UNKNOWN_METHOD"
  | "METHOD_NOT_APPLICABLE"
  | "NOT_A_NUMBER"
  | "UNKNOWN_LABEL"
  | "UNKNOWN_METRIC"
  | "INVALID_SNAPSHOT";

/** What was asked cannot be computed; the same call fails again. */
export class DriftError extends Error {
  override readonly name = "DriftError";
  readonly code: DriftErrorCode;
  readonly field: string;
  readonly retryable = false;

  constructor(code: DriftErrorCode, field: string, message: string) {
    super(message);
    this.code = code;
    this.field = field;
  }
}
