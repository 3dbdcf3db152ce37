import type { DagGraph } from "../core/graph.ts";
import type { RunState, RunView, TaskError } from "../core/state.ts";
import type { OutputCache } from "./output-cache.ts";

/** A run as the store keeps it: its view, and which Temporal execution it was. */
export interface StoredRun {
  readonly view: RunView;
  readonly temporalRunId: string;
}

/** A run in a list: what can be said of it without its tasks, params and output, which may be large. */
export interface StoredRunHead
  extends Pick<
    RunView,
    "runId" | "dagId" | "dagVersion" | "logicalDate" | "state" | "trigger" | "startedAt" | "endedAt"
  > {
  readonly temporalRunId: string;
}

/** One attempt of one task. Moments are ISO-8601 in UTC. */
export interface StoredAttempt {
  readonly runId: string;
  /** The Temporal execution: a failed run that is started again has the same run id and another execution. */
  readonly temporalRunId: string;
  readonly taskId: string;
  /** Counts from 1; an attempt that was lost with its worker is overwritten by the one that takes its place. */
  readonly attempt: number;
  readonly state: "running" | "success" | "failed" | "skipped";
  readonly startedAt: string;
  readonly endedAt?: string | undefined;
  readonly error?: TaskError | undefined;
  /** The attempt's log, one JSON object a line. */
  readonly logFile?: string | undefined;
}

/** What to list. */
export interface RunFilter {
  readonly dagId?: string | undefined;
  readonly state?: RunState | undefined;
  /** @default 100 */
  readonly limit?: number | undefined;
}

/** Which runs have long been over, by run id. */
export interface OldRunFilter {
  /** Those that ended before, and those that started before and have no end; ISO-8601 in UTC. */
  readonly before: string;
  readonly dagId?: string | undefined;
  /** Those whose run id comes after this one. @default all */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** How much was removed from a store. */
export interface Removed {
  readonly runs: number;
  readonly attempts: number;
  readonly cachedOutputs: number;
}

/**
 * Runs, attempts and DAG versions beyond Temporal's retention. Never needed for a run to make progress. All that it keeps
 * may be handed to it again, by several processes at once and in any order: the newest stays.
 *
 * Every method throws RunStoreUnavailableError when the database cannot be reached, and RunStoreRefusedError when it is
 * reached and says no.
 */
export interface RunStore extends OutputCache {
  /**
   * Keeps a run. It replaces what is kept of the same run, except that a running view never replaces an ended one of the
   * same execution, and an execution never one that started later.
   */
  saveRun(run: StoredRun): Promise<void>;
  getRun(runId: string): Promise<StoredRun | null>;
  /** Newest start first. */
  listRuns(filter?: RunFilter): Promise<StoredRunHead[]>;
  /** Keeps an attempt; a running one never replaces one that ended, unless it started later. */
  saveAttempt(attempt: StoredAttempt): Promise<void>;
  /** Keeps several attempts at once, each as `saveAttempt` does. */
  saveAttempts(attempts: readonly StoredAttempt[]): Promise<void>;
  /** Attempts of a run, in the order of their starts. */
  listAttempts(runId: string): Promise<StoredAttempt[]>;
  /** Keeps a DAG's graph by its id and version. */
  saveDag(graph: DagGraph): Promise<void>;
  getDag(dagId: string, version: string): Promise<DagGraph | null>;
  /** By run id. */
  listOldRuns(filter: OldRunFilter): Promise<StoredRunHead[]>;
  /**
   * Removes a run with its attempts and with the outputs of it that `cache` may take; nothing if another execution of the
   * run has taken its place.
   */
  removeRun(run: Pick<StoredRunHead, "runId" | "temporalRunId">): Promise<Removed>;
  /** The JSON text of every view and every output for `cache` that is kept. */
  valueTexts(): AsyncIterable<string>;
  /** Lets go of the database. Twice is once. */
  close(): Promise<void>;
}
