/** A DAG file that is missing, does not compile, throws, or exports no DAG. */
export class BrokenDagFileError extends Error {
  readonly code = "DAG_FILE_BROKEN";
  readonly retryable = false;
  readonly hint = "Mend the file; `dagwright test FILE` shows the same error faster.";
  constructor(
    readonly file: string,
    why: string,
    options?: ErrorOptions,
  ) {
    super(`DAG file ${file}: ${why}`, options);
    this.name = "BrokenDagFileError";
  }
}
