/** A suite, or what a suite is to be held against, is not well formed. */
export class InvalidSuiteError extends Error {
  readonly code = "INVALID_SUITE";
  readonly retryable = false;
  readonly field: string;

  constructor(suite: string, field: string, problem: string) {
    super(`Expectation suite "${suite}": ${field === "" ? "" : `${field}: `}${problem}`);
    this.name = "InvalidSuiteError";
    this.field = field;
  }
}

/** The data interval that a validation was given cannot be one. */
export class InvalidIntervalError extends Error {
  readonly code = "INVALID_INTERVAL";
  readonly retryable = false;
  readonly field = "interval";
  readonly hint = "Give start and end as ISO-8601 moments, start before end.";

  constructor(start: string, end: string) {
    super(
      `interval from "${start}" to "${end}" is not a data interval: expected two ISO-8601 moments, the first earlier`,
    );
    this.name = "InvalidIntervalError";
  }
}

/** An expectation cannot be evaluated on this table; the message says why. It becomes the result's `exception`. */
export class NotEvaluableError extends Error {}
