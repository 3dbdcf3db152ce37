/** One failed expectation, as far as an error message needs it. */
interface FailedExpectation {
  readonly type: string;
  readonly kwargs: unknown;
  readonly unexpectedCount?: number | null | undefined;
  readonly observed?: unknown;
  readonly sample?: readonly unknown[] | undefined;
}

/** The data broke an expectation of severity `error`; another attempt on the same data would break it again. */
export class QualityFailedError extends Error {
  readonly code = "QUALITY_FAILED";
  readonly retryable = false;
  readonly hint =
    "Mend the source and run the same logical date again, or lower the expectation's severity in the suite if the data is right.";

  constructor(suite: string, table: string, failed: readonly FailedExpectation[]) {
    const lines = failed.map((one) => {
      const count =
        one.unexpectedCount === null || one.unexpectedCount === undefined ? "" : `, ${one.unexpectedCount} rows`;
      const observed =
        one.observed === undefined || one.observed === null ? "" : `, observed ${JSON.stringify(one.observed)}`;
      const sample = one.sample && one.sample.length > 0 ? `, e.g. ${JSON.stringify(one.sample.slice(0, 3))}` : "";
      return `${one.type} ${JSON.stringify(one.kwargs)}${count}${observed}${sample}`;
    });
    super(`Suite "${suite}" fails on ${table}: ${lines.join("; ")}`);
    this.name = "QualityFailedError";
  }
}

/** The table that a feature query wrote is not what the feature view declares. */
export class FeatureViewMismatchError extends Error {
  readonly code = "FEATURE_VIEW_MISMATCH";
  readonly retryable = false;
  readonly hint = "Bring the SQL in activities/features.ts and the feature view's definition to the same columns.";

  constructor(view: string, missing: readonly string[]) {
    super(`Feature view "${view}" declares columns that the feature query does not give: ${missing.join(", ")}`);
    this.name = "FeatureViewMismatchError";
  }
}

/** A freshly deployed version did not answer its test prediction; the former version serves again. */
export class EndpointTestFailedError extends Error {
  readonly code = "ENDPOINT_TEST_FAILED";
  readonly retryable = true;
  readonly hint = "See the prediction server's log under the serving folder; the former version is back in place.";

  constructor(model: string, version: number, message: string, restored: number | null) {
    const after =
      restored === null
        ? "no former version to go back to: the endpoint is stopped"
        : `rolled back to version ${restored}`;
    super(`The endpoint of ${model} version ${version} failed its test prediction (${message}); ${after}`);
    this.name = "EndpointTestFailedError";
  }
}
