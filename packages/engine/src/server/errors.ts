/** The `temporal` program is not on this machine and could not be fetched. */
export class TemporalBinaryMissingError extends Error {
  readonly code = "TEMPORAL_BINARY_MISSING";
  readonly retryable = false;
  readonly hint =
    "Install the Temporal CLI by hand (https://docs.temporal.io/cli) so that `temporal` is on the PATH, or set TEMPORAL_ADDRESS to a server that runs.";
  constructor(readonly tried: readonly string[]) {
    super(
      `The program \`temporal\` is missing and could not be fetched. Tried:\n${tried.map((one) => `- ${one}`).join("\n")}`,
    );
    this.name = "TemporalBinaryMissingError";
  }
}

/** A port that the Temporal server needs is taken. */
export class PortInUseError extends Error {
  readonly code = "PORT_IN_USE";
  readonly retryable = false;
  readonly hint: string;
  constructor(
    readonly port: number,
    what: string,
    variable: string,
  ) {
    super(`Port ${port}, meant for ${what}, is in use by another program`);
    this.name = "PortInUseError";
    this.hint = `Set ${variable} to a free port; or, if a Temporal server is there already, use it: TEMPORAL_ADDRESS=127.0.0.1:${port}`;
  }
}

/** The Temporal server ended or did not answer after its start. */
export class TemporalServerFailedError extends Error {
  readonly code = "TEMPORAL_SERVER_FAILED";
  readonly retryable = true;
  readonly hint: string;
  constructor(why: string, logFile: string, lastLines: string) {
    super(`The Temporal server did not start: ${why}${lastLines ? `\n${lastLines}` : ""}`);
    this.name = "TemporalServerFailedError";
    this.hint = `See ${logFile}`;
  }
}
