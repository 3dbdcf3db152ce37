/** Every code the spark server adds to those of the lake. */
export type SparkErrorCode =
  | "INTERVAL_INVALID"
  | "INCREMENTAL_COLUMN"
  | "COLUMNS_INVALID"
  | "SOURCE_ENDS_BEFORE_INTERVAL"
  | "SPLIT_TABLES"
  | "SPLIT_KEY"
  | "COLUMN_UNKNOWN"
  | "COLUMN_TAKEN"
  | "TRANSFORMATION_INVALID"
  | "EXPRESSION_INVALID"
  | "OUTPUT_INVALID";

/** Bad input to a tool of the spark server; another attempt cannot mend it. */
export class SparkServerError extends Error {
  override readonly name = "SparkServerError";
  readonly code: SparkErrorCode;
  readonly field: string;
  readonly retryable = false;

  constructor(code: SparkErrorCode, field: string, message: string) {
    super(message);
    this.code = code;
    this.field = field;
  }
}
