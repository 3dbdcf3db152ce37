/** Runs, attempts and DAG versions, kept in SQLite beyond Temporal's retention. */
export { openRunStore, type RunFilter, type RunStore, type StoredAttempt, type StoredRun } from "./run-store.ts";
