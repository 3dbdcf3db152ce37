/** One thing that is wrong with a suite: where, and what was expected there. */
export interface SuiteProblem {
  /** Path to the value, as `expectations.1.kwargs.mostly`; empty for the suite as a whole. */
  readonly field: string;
  readonly problem: string;
}

/** Problems of a suite that its error's message tells; `problems` holds all of them. */
const TOLD = 20;

/** A suite is not well formed. */
export class InvalidSuiteError extends Error {
  readonly code = "INVALID_SUITE";
  readonly retryable = false;
  /** Of the first problem. */
  readonly field: string;
  /** Everything that is wrong, in the suite's order. */
  readonly problems: readonly SuiteProblem[];

  constructor(suite: string, problems: readonly SuiteProblem[]) {
    const told = problems.slice(0, TOLD).map(({ field, problem }) => (field === "" ? problem : `${field}: ${problem}`));
    const more = problems.length > TOLD ? `; and ${problems.length - TOLD} more` : "";
    super(`Expectation suite "${suite}": ${told.join("; ")}${more}`);
    this.name = "InvalidSuiteError";
    this.field = problems[0]?.field ?? "";
    this.problems = problems;
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

/** How many unexpected rows are to be shown is not a number of rows. */
export class InvalidSampleSizeError extends Error {
  readonly code = "INVALID_SAMPLE_SIZE";
  readonly retryable = false;
  readonly field = "sampleSize";

  constructor(size: number) {
    super(`sampleSize is ${size}: expected a whole number from 0`);
    this.name = "InvalidSampleSizeError";
  }
}

/** An expectation cannot be evaluated on this table; the message says why. It becomes the result's `exception`. */
export class NotEvaluableError extends Error {}
