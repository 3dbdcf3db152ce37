/** Runs, attempts and DAG versions, kept in SQLite or PostgreSQL beyond Temporal's retention; large values in an object store. */
export { largePayloads } from "../objects/large-payloads.ts";
export { ObjectMissingError, type ObjectStore, openObjectFolder } from "../objects/object-store.ts";
export { RunStoreRefusedError, RunStoreTooNewError, RunStoreUnavailableError } from "./errors.ts";
export { type OpenRunStore, openRunStore, type RunStorePlace } from "./open-run-store.ts";
export type { CachedOutput } from "./output-cache.ts";
export type { RunFilter, RunStore, StoredAttempt, StoredRun, StoredRunHead } from "./run-store.ts";
