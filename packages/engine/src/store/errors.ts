/** What is to be done about a run store that cannot be reached, when nothing better is known. */
const START_IT =
  "Start the database or correct DAGWRIGHT_STORE_URL. Runs go on meanwhile, and their ends are kept when it is back.";

/** The run store's database cannot be reached or used now: it is down, hangs, is full, or does not let us in. */
export class RunStoreUnavailableError extends Error {
  readonly code = "RUN_STORE_UNAVAILABLE";
  readonly hint: string;
  readonly retryable: boolean;
  /** @param place The file, or the URL without its password. */
  constructor(
    place: string,
    why: string,
    { hint = START_IT, retryable = true, ...options }: ErrorOptions & { hint?: string; retryable?: boolean } = {},
  ) {
    super(`The run store at ${place} cannot be used: ${why}`, options);
    this.name = "RunStoreUnavailableError";
    this.hint = hint;
    this.retryable = retryable;
  }
}

/** The run store's database was reached and refused what it was asked. */
export class RunStoreRefusedError extends Error {
  readonly code = "RUN_STORE_REFUSED";
  readonly retryable = false;
  readonly hint: string;
  /** @param place The file, or the URL without its password. */
  constructor(place: string, why: string, { hint, ...options }: ErrorOptions & { hint?: string } = {}) {
    super(`The run store at ${place} refused: ${why}`, options);
    this.name = "RunStoreRefusedError";
    this.hint = hint ?? "The database's own log says more.";
  }
}

/** The run store was made by a later version of Dagwright, whose tables this one does not know. */
export class RunStoreTooNewError extends Error {
  readonly code = "RUN_STORE_TOO_NEW";
  readonly retryable = false;
  readonly hint = "Update Dagwright here, or use another store.";
  constructor(place: string, found: number, known: number) {
    super(`The run store at ${place} has schema version ${found}: expected at most ${known}`);
    this.name = "RunStoreTooNewError";
  }
}
