/** There is no connection, or secret, of that name. */
export class ConnectionNotFoundError extends Error {
  readonly code: "CONNECTION_NOT_FOUND" | "SECRET_NOT_FOUND";
  readonly retryable = false;
  constructor(
    kind: "connection" | "secret",
    readonly field: string,
    readonly hint: string,
    looked: readonly string[] = [],
  ) {
    const where = looked.length === 0 ? "" : `; looked in: ${looked.join(", ")}`;
    super(`There is no ${kind} "${field}"${where}`);
    this.name = "ConnectionNotFoundError";
    this.code = kind === "connection" ? "CONNECTION_NOT_FOUND" : "SECRET_NOT_FOUND";
  }
}

/** A connection was found, and is not what it must be. Its message holds no value of it. */
export class InvalidConnectionError extends Error {
  readonly code = "INVALID_CONNECTION";
  readonly retryable = false;
  readonly hint = 'A connection is a JSON object, such as {"host": "db.internal", "password": "…"}, or a URL.';
  constructor(
    readonly field: string,
    problem: string,
  ) {
    super(`Connection "${field}": ${problem}`);
    this.name = "InvalidConnectionError";
  }
}
