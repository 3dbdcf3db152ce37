/** What a `LakeError` may carry beside its code and message. */
export interface LakeErrorDetail {
  /** The argument at fault. */
  readonly field?: string;
  /** What to do next. */
  readonly hint?: string;
  /** Whether another attempt may succeed with nothing changed. @default false */
  readonly retryable?: boolean;
  readonly cause?: unknown;
}

/** Every code a lake throws. */
export type LakeErrorCode =
  | "TABLE_NOT_FOUND"
  | "TABLE_NAME"
  | "TABLE_UNSUPPORTED"
  | "TABLE_UNREADABLE"
  | "TABLE_MOVED"
  | "TABLE_CONTENDED"
  | "VERSION_NOT_FOUND"
  | "VIEW_NAME"
  | "UNSUPPORTED_SQL"
  | "SQL_SYNTAX"
  | "SQL_FAILED"
  | "PARAM_MISSING"
  | "PARAM_TYPE"
  | "UNSUPPORTED_TYPE"
  | "SCHEMA_MISMATCH"
  | "WRITE_ARGUMENT"
  | "MERGE_AMBIGUOUS"
  | "DISK_FULL"
  | "OUT_OF_MEMORY"
  | "LAKE_CLOSED"
  | "ENGINE_UNAVAILABLE"
  | "ENGINE_ADDRESS"
  | "EXPORT_PATH"
  | "STORE_LOCATION"
  | "STORE_DENIED"
  | "STORE_UNAVAILABLE"
  | "SOURCE_OUTSIDE_ROOTS"
  | "SOURCE_NOT_FOUND"
  | "SOURCE_IS_DIRECTORY"
  | "SOURCE_EMPTY"
  | "SOURCE_HEADER"
  | "SOURCE_FORMAT"
  | "SOURCE_COLUMNS"
  | "SOURCE_DIALECT"
  | "SOURCE_UNREADABLE"
  | "BAD_ROW";

/** An error of the lake: a stable code, a sentence, and where known the argument at fault and what to do next. */
export class LakeError extends Error {
  override readonly name = "LakeError";
  readonly code: LakeErrorCode;
  readonly retryable: boolean;
  readonly field?: string;
  readonly hint?: string;

  constructor(code: LakeErrorCode, message: string, detail: LakeErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.code = code;
    this.retryable = detail.retryable ?? false;
    if (detail.field !== undefined) this.field = detail.field;
    if (detail.hint !== undefined) this.hint = detail.hint;
  }
}

/** The error of a full disk, however it was reported. */
export function diskFull(what: string, cause: unknown): LakeError {
  return new LakeError("DISK_FULL", `No space left on the disk while writing ${what}; nothing of it is visible.`, {
    hint: "Free some space where the lake's folder lives, or move the folder to a larger disk, then run it again.",
    cause,
  });
}

const NO_SPACE = /no space left on device|ENOSPC|disk is full|max_temp_directory_size|disk quota exceeded/i;

/** Whether an error of Node or DuckDB says that the disk is full. */
export function isDiskFull(error: unknown): boolean {
  return error instanceof Error && (NO_SPACE.test(error.message) || ("code" in error && error.code === "ENOSPC"));
}
