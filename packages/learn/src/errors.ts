/** Every code that this package throws. */
export type LearnErrorCode =
  | "UNKNOWN_ALGORITHM"
  | "UNSUPPORTED_TASK"
  | "UNKNOWN_PARAM"
  | "INVALID_PARAM"
  | "INVALID_SEED"
  | "EMPTY_DATA"
  | "LENGTH_MISMATCH"
  | "DUPLICATE_FEATURE"
  | "MISSING_FEATURE"
  | "INVALID_VALUE"
  | "INVALID_TARGET"
  | "INVALID_WEIGHT"
  | "ONE_CLASS"
  | "TOO_LARGE"
  | "INVALID_PREPROCESSING"
  | "UNKNOWN_CATEGORY"
  | "INVALID_MODEL"
  | "UNSUPPORTED_ONNX"
  | "INVALID_FOLDS"
  | "INVALID_METRIC_INPUT"
  | "INVALID_SPACE"
  | "INVALID_SAMPLER"
  | "INVALID_PRUNER"
  | "INVALID_TRIAL"
  | "INVALID_STUDY";

/** Bad input to training, prediction, a metric, a model file or a study; another attempt cannot mend it. */
export class LearnError extends Error {
  override readonly name = "LearnError";
  readonly code: LearnErrorCode;
  readonly retryable = false;
  /** The argument at fault, e.g. `params.n_estimators`. */
  readonly field?: string;
  /** What to do next. */
  readonly hint?: string;

  constructor(code: LearnErrorCode, message: string, detail: { readonly field?: string; readonly hint?: string } = {}) {
    super(message);
    this.code = code;
    if (detail.field !== undefined) this.field = detail.field;
    if (detail.hint !== undefined) this.hint = detail.hint;
  }
}
