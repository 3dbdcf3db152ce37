/** A definition or a request names something that cannot be. */
export class InvalidFeatureDefinitionError extends Error {
  readonly code = "INVALID_FEATURE_DEFINITION";
  readonly retryable = false;
  readonly field: string;

  constructor(subject: string, field: string, problem: string) {
    super(`${subject}: ${field === "" ? "" : `${field}: `}${problem}`);
    this.name = "InvalidFeatureDefinitionError";
    this.field = field;
  }
}

/** A feature view or a feature that no definition knows. */
export class UnknownFeatureError extends Error {
  readonly code = "UNKNOWN_FEATURE";
  readonly retryable = false;
  readonly field: string;
  readonly hint: string;
  /** What was asked for. */
  readonly given: string;
  /** What there is of its kind. */
  readonly known: readonly string[];

  constructor(field: string, kind: "feature view" | "feature", given: string, known: readonly string[]) {
    super(`There is no ${kind} "${given}"`);
    this.name = "UnknownFeatureError";
    this.field = field;
    this.given = given;
    this.known = known;
    this.hint = `Known: ${known.join(", ") || "none"}`;
  }
}

/** A request for features that cannot be answered as it stands. */
export class InvalidFeatureRequestError extends Error {
  readonly code = "INVALID_FEATURE_REQUEST";
  readonly retryable = false;
  readonly field: string;
  readonly hint?: string;

  constructor(field: string, problem: string, hint?: string) {
    super(`${field}: ${problem}`);
    this.name = "InvalidFeatureRequestError";
    this.field = field;
    if (hint !== undefined) this.hint = hint;
  }
}

/** A table does not hold what a feature view says it holds. */
export class FeatureTableMismatchError extends Error {
  readonly code = "FEATURE_TABLE_MISMATCH";
  readonly retryable = false;
  readonly field = "table";
  readonly hint =
    "Bring the feature view's definition and the query that writes its table to the same columns and types.";

  constructor(subject: string, table: string, problems: readonly string[]) {
    super(`Table "${table}" does not fit ${subject}: ${problems.join("; ")}`);
    this.name = "FeatureTableMismatchError";
  }
}
