/** Runs, attempts and DAG versions, kept in SQLite beyond Temporal's retention. */
export { ObjectMissingError, type ObjectStore, openObjectFolder } from "../objects/object-store.ts";
export { openRunStore, type RunFilter, type RunStore, type StoredAttempt, type StoredRun } from "./run-store.ts";
