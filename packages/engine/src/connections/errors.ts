/** The command that prints connections, or secrets, failed. Nothing of what it printed is told. */
export class ConnectionCommandError extends Error {
  readonly code = "CONNECTION_COMMAND_FAILED";
  readonly retryable = true;
  readonly hint: string;
  constructor(
    readonly field: string,
    program: string,
    name: string,
    why: string,
  ) {
    super(`${field}: ${program} failed for "${name}": ${why}`);
    this.name = "ConnectionCommandError";
    this.hint = `Run the command of ${field} by hand, as the worker's user, with ${name} as its last argument.`;
  }
}

/** The file of connections, or secrets, cannot be read. Nothing of what is in it is told. */
export class ConnectionFileError extends Error {
  readonly code = "CONNECTION_FILE_INVALID";
  readonly retryable = false;
  readonly hint = 'It is one JSON object of names: {"warehouse": {"url": "…"}}; a file of secrets holds texts.';
  constructor(
    readonly field: string,
    problem: string,
  ) {
    super(`${field}: ${problem}`);
    this.name = "ConnectionFileError";
  }
}
