/** A DAG file that is missing, does not compile, throws, or exports no DAG. */
export class BrokenDagFileError extends Error {
  readonly code = "DAG_FILE_BROKEN";
  readonly retryable = false;
  readonly hint: string = "Mend the file; `dagwright test FILE` shows the same error faster.";
  constructor(
    readonly file: string,
    why: string,
    options?: ErrorOptions,
  ) {
    super(`DAG file ${file}: ${why}`, options);
    this.name = "BrokenDagFileError";
  }

  /** The message in one line, for those who tell of several files. */
  get line(): string {
    return this.message.replaceAll(/\s*\n[\s-]*/g, " ");
  }
}

/** There is nothing where a DAG file should be. */
export class MissingDagFileError extends BrokenDagFileError {
  override readonly hint = `Correct the path; one that is relative counts from ${process.cwd()}.`;
  constructor(file: string) {
    super(file, "there is no such file or folder");
    this.name = "MissingDagFileError";
  }
}
