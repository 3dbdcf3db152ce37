/** A DAG's definition holds mistakes; all of them are listed. */
export class DagDefinitionError extends Error {
  readonly code = "INVALID_DAG";
  readonly retryable = false;
  readonly hint = "Mend the definition; nothing has been started.";
  constructor(
    readonly dagId: string,
    readonly mistakes: readonly string[],
  ) {
    const count = mistakes.length === 1 ? "a mistake" : `${mistakes.length} mistakes`;
    super(`DAG "${dagId}" has ${count}:\n${mistakes.map((one) => `- ${one}`).join("\n")}`);
    this.name = "DagDefinitionError";
  }
}

/** No DAG of that id is known. */
export class DagNotFoundError extends Error {
  readonly code = "DAG_NOT_FOUND";
  readonly retryable = false;
  readonly field = "dag";
  readonly hint: string;
  constructor(dagId: string, suggestion: string | undefined, known: readonly string[]) {
    super(`There is no DAG "${dagId}"${suggestion ? `; did you mean "${suggestion}"?` : ""}`);
    this.name = "DagNotFoundError";
    this.hint =
      known.length > 0
        ? `Known DAGs: ${known.join(", ")}. One of another file is known by --dags FILE.`
        : "No DAG is known: name a file with --dags.";
  }
}

/** Two DAGs of one registry share an id. */
export class DuplicateDagError extends Error {
  readonly code = "DUPLICATE_DAG";
  readonly retryable = false;
  readonly hint = "Give one of them another id.";
  constructor(readonly dagId: string) {
    super(`DAG "${dagId}" is defined twice`);
    this.name = "DuplicateDagError";
  }
}

/** A retraining controller's options do not make sense. */
export class InvalidControllerError extends Error {
  readonly code = "INVALID_CONTROLLER";
  readonly retryable = false;
  constructor(
    readonly field: string,
    value: unknown,
    expected: string,
  ) {
    super(`retrainingController: ${field} is ${JSON.stringify(value)}: expected ${expected}`);
    this.name = "InvalidControllerError";
  }
}

/** Params that the DAG's schema does not take. */
export class InvalidParamsError extends Error {
  readonly code = "INVALID_PARAMS";
  readonly retryable = false;
  readonly hint: string;
  constructor(
    dagId: string,
    readonly field: string,
    problems: readonly string[],
    known: readonly string[],
  ) {
    super(`Params of ${dagId}: ${problems.join("; ")}`);
    this.name = "InvalidParamsError";
    this.hint = known.length > 0 ? `${dagId} takes: ${known.join(", ")}` : `${dagId} takes no params.`;
  }
}

/** A logical date that is no date. */
export class InvalidLogicalDateError extends Error {
  readonly code = "INVALID_LOGICAL_DATE";
  readonly field = "logicalDate";
  readonly retryable = false;
  readonly hint = "Give a day such as 1998-01-31 or a moment such as 1998-01-31T00:00:00Z.";
  constructor(value: string, expected = "a calendar day or an ISO-8601 moment") {
    super(`The logical date is "${value}": expected ${expected}`);
    this.name = "InvalidLogicalDateError";
  }
}

/** A range of logical dates that cannot be backfilled. */
export class BackfillRangeError extends Error {
  readonly code = "INVALID_BACKFILL";
  readonly retryable = false;
  constructor(
    readonly field: string,
    message: string,
    readonly hint: string,
  ) {
    super(message);
    this.name = "BackfillRangeError";
  }
}

/** Wiring was called outside a DAG body. */
export class OutsideDagError extends Error {
  readonly code = "OUTSIDE_DAG";
  readonly retryable = false;
  readonly hint = "Call it inside the function given to defineDag.";
  constructor(what: string) {
    super(`${what} was called outside a DAG body`);
    this.name = "OutsideDagError";
  }
}

/** Thrown by a task to skip itself: no failure, and downstream nodes follow by their trigger rules. */
export class SkipTask extends Error {
  readonly code = "SKIP_TASK";
  constructor(readonly reason: string) {
    super(reason);
    this.name = "SkipTask";
  }
}

/** A task said something of an asset that is not among its outlets. */
export class AssetNotOutletError extends Error {
  readonly code = "ASSET_NOT_OUTLET";
  readonly retryable = false;
  readonly field = "asset";
  readonly hint: string;
  constructor(taskId: string, uri: string, outlets: readonly string[]) {
    super(`Task "${taskId}" cannot emit ${uri}: it is not among its outlets`);
    this.name = "AssetNotOutletError";
    this.hint = outlets.length > 0 ? `Its outlets: ${outlets.join(", ")}` : "It has none: give the task `outlets`.";
  }
}

/** What is said of an asset's update is no plain JSON, or too much of it. */
export class InvalidExtraError extends Error {
  readonly code = "INVALID_EXTRA";
  readonly retryable = false;
  readonly field = "extra";
  readonly hint = "Pass data by reference: the name of a table or file, and its version.";
  constructor(uri: string, problem: string) {
    super(`The extra of ${uri}: ${problem}`);
    this.name = "InvalidExtraError";
  }
}

/** A text that cannot be the uri of an asset. */
export class InvalidAssetError extends Error {
  readonly code = "INVALID_ASSET";
  readonly retryable = false;
  readonly field = "uri";
  constructor(problem: string) {
    super(`${problem[0]?.toUpperCase()}${problem.slice(1)}`);
    this.name = "InvalidAssetError";
  }
}
