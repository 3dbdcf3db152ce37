import { RunStoreUnavailableError } from "./errors.ts";
import { openPostgresRunStore } from "./postgres-run-store.ts";
import type { RunStore } from "./run-store.ts";
import { openSqliteRunStore } from "./sqlite-run-store.ts";

/** Where a run store is: a SQLite file, or a PostgreSQL database by its URL. */
export type RunStorePlace = { readonly file: string } | { readonly url: string };

export interface OpenRunStore {
  /** How long a statement of PostgreSQL may take, in milliseconds. @default 10000 */
  readonly timeoutMs?: number;
  /** Told when the database does not answer at once. @default nobody is told */
  readonly warn?: (message: string) => void;
}

/**
 * Opens the run store, and makes it when it is missing. Several processes may use it at once. A PostgreSQL that does not
 * answer is no reason not to start: it is asked again by every call.
 *
 * @throws RunStoreTooNewError, RunStoreRefusedError; of a file also RunStoreUnavailableError
 */
export async function openRunStore(place: RunStorePlace, { timeoutMs, warn }: OpenRunStore = {}): Promise<RunStore> {
  if ("file" in place) return openSqliteRunStore(place.file);
  const store = openPostgresRunStore(place.url, timeoutMs);
  try {
    await store.ready();
  } catch (error) {
    if (!(error instanceof RunStoreUnavailableError)) {
      await store.close();
      throw error;
    }
    warn?.(`${error.message}. ${error.hint}`);
  }
  return store;
}
