import { nearestNames } from "@dagwright/lake";

/** A value that does not fit, for a message; from JavaScript it may be anything. */
export function shown(value: unknown): string {
  return typeof value === "bigint" ? `the BigInt ${value}` : String(JSON.stringify(value));
}

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

/** A feature view, a feature or a feature service that no definition knows. */
export class UnknownFeatureError extends Error {
  readonly code = "UNKNOWN_FEATURE";
  readonly retryable = false;
  readonly field: string;
  readonly hint: string;
  /** What was asked for. */
  readonly given: string;
  /** What there is of its kind. */
  readonly known: readonly string[];

  constructor(
    field: string,
    kind: "feature view" | "feature" | "feature service",
    given: string,
    known: readonly string[],
  ) {
    super(`There is no ${kind} "${given}"`);
    this.name = "UnknownFeatureError";
    this.field = field;
    this.given = given;
    this.known = known;
    const [near] = nearestNames(given, known);
    this.hint = near === undefined ? `Known: ${known.join(", ") || "none"}` : `Did you mean "${near}"?`;
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

/** The transformation of an on-demand view failed, or gave what the view does not define. */
export class FeatureTransformationError extends Error {
  readonly code = "FEATURE_TRANSFORMATION_FAILED";
  readonly retryable = false;
  readonly field = "features";
  readonly hint = "A transformation must take nulls, and give every feature of its view in its type.";

  constructor(view: string, problem: string, cause?: unknown) {
    super(`The transformation of "${view}" failed: ${problem}`, cause === undefined ? undefined : { cause });
    this.name = "FeatureTransformationError";
  }
}

/** Online features of a view were asked for before any were materialised. */
export class FeatureViewNotMaterializedError extends Error {
  readonly code = "FEATURE_VIEW_NOT_MATERIALIZED";
  readonly retryable = true;
  readonly field = "features";
  readonly hint: string;

  constructor(view: string) {
    super(`Feature view "${view}" was never materialised into this online store`);
    this.name = "FeatureViewNotMaterializedError";
    this.hint = `Materialise it first: materialize({ views: ["${view}"], until: … }).`;
  }
}

/** The online store does not answer. */
export class OnlineStoreUnavailableError extends Error {
  readonly code = "ONLINE_STORE_UNAVAILABLE";
  readonly retryable = true;
  readonly hint: string;

  /** @param where Without user and password. */
  constructor(where: string, cause: unknown) {
    const [why = ""] = (cause instanceof Error ? cause.message || cause.name : String(cause)).split("\n");
    super(`The online store at ${where} does not answer: ${why}`, { cause });
    this.name = "OnlineStoreUnavailableError";
    this.hint = `Is Redis running at ${where}, and reachable from here? Nothing is lost: try again, or materialise again.`;
  }
}

/** The definitions that are applied changed since the plan was made. */
export class RegistryMovedError extends Error {
  readonly code = "REGISTRY_MOVED";
  readonly retryable = false;
  readonly hint = "Look at a new plan, and apply that.";

  constructor(planned: number, now: number) {
    super(
      `The feature registry is at version ${now}, the plan was made for ${planned} and would now do something else`,
    );
    this.name = "RegistryMovedError";
  }
}
