/** Where a run stands; the names are MLflow's. */
export type RunStatus = "RUNNING" | "FINISHED" | "FAILED" | "KILLED";

/** How a run can end. */
export type FinalRunStatus = Exclude<RunStatus, "RUNNING">;

/** One training (or other) run and what was logged to it. */
export interface TrackingRun {
  /** 32 hexadecimal digits. */
  readonly runId: string;
  readonly experiment: string;
  readonly name: string;
  readonly status: RunStatus;
  /** ISO-8601, UTC. */
  readonly startedAt: string;
  /** Absent while the run is RUNNING. */
  readonly endedAt?: string;
  readonly params: Readonly<Record<string, string>>;
  /** The latest value of each metric: that of the highest step, and of one step the one logged last. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly tags: Readonly<Record<string, string>>;
  /** The idempotency key it was started with. */
  readonly key?: string;
}

/** One logged value of a metric. */
export interface MetricPoint {
  readonly value: number;
  readonly step: number;
  /** ISO-8601, UTC. */
  readonly timestamp: string;
}

/** Stages of a model version. */
export const MODEL_STAGES = ["none", "staging", "production", "archived"] as const;
export type ModelStage = (typeof MODEL_STAGES)[number];

/** One version of a registered model: a run's model under a name and a number that is never given twice. */
export interface ModelVersion {
  readonly name: string;
  /** Counts from 1. */
  readonly version: number;
  readonly runId: string;
  readonly stage: ModelStage;
  readonly aliases: readonly string[];
  /** Empty when none was given. */
  readonly description: string;
  readonly tags: Readonly<Record<string, string>>;
  /** ISO-8601, UTC. */
  readonly createdAt: string;
  /** ISO-8601, UTC. */
  readonly updatedAt: string;
}

/** A name of the registry with all its versions, newest first. */
export interface RegisteredModel {
  readonly name: string;
  /** Null when every version was deleted. */
  readonly latest: number | null;
  /** The highest version in production; null when there is none. */
  readonly production: number | null;
  readonly versions: readonly ModelVersion[];
}

/** A version of a table, and what a run used it for: `training`, `validation`, … */
export interface TableUse {
  readonly table: string;
  readonly version: number;
  readonly context?: string | undefined;
}

/** What a run was made of. It is kept as MLflow keeps it: tables as the run's dataset inputs, the rest as tags. */
export interface Lineage {
  readonly dag?: string | undefined;
  /** Id of the DAG's run. */
  readonly dagRun?: string | undefined;
  /** A commit, or whatever names the code. */
  readonly codeVersion?: string | undefined;
  readonly tables?: readonly TableUse[] | undefined;
  /** Feature views and their versions. */
  readonly featureViews?: Readonly<Record<string, string>> | undefined;
}

/** A version with all that is known of how it came about. */
export interface VersionLineage {
  readonly version: ModelVersion;
  /** Null when the run is gone, or the version was registered without one. */
  readonly run: TrackingRun | null;
  readonly dag: string | null;
  readonly dagRun: string | null;
  readonly codeVersion: string | null;
  readonly tables: readonly { readonly table: string; readonly version: number; readonly context: string | null }[];
  readonly featureViews: Readonly<Record<string, string>>;
}

/** Names one version: by number, by stage (the highest version in it), or by alias. */
export type ModelVersionSelector =
  | { readonly name: string; readonly version: number }
  | { readonly name: string; readonly stage: ModelStage }
  | { readonly name: string; readonly alias: string };

/** What a run is started with. */
export interface StartRun {
  readonly experiment: string;
  /** @default the first 8 digits of the run id */
  readonly name?: string | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** Idempotency key: the same key gives the same run, whoever asks. */
  readonly key?: string | undefined;
  readonly lineage?: Lineage | undefined;
}

/** What is logged to a run in one step, all or nothing. */
export interface Batch {
  /** Kept as text. Write-once for each name. */
  readonly params?: Readonly<Record<string, string | number | boolean>> | undefined;
  readonly metrics?: Readonly<Record<string, number>> | undefined;
  /** Replace tags of the same name. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** Step of the metrics, an integer. @default 0 */
  readonly step?: number | undefined;
}

/** What a model version is registered with. */
export interface RegisterModel {
  readonly name: string;
  readonly runId: string;
  readonly description?: string | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** Idempotency key: the same key gives the same version. */
  readonly key?: string | undefined;
}

/** To which stage a version goes. */
export interface TransitionStage {
  readonly name: string;
  readonly version: number;
  readonly stage: ModelStage;
  /** Archives the other versions of that stage in the same transaction; counts for `staging` and `production`. */
  readonly archiveExisting: boolean;
  /** Aliases that point at the version from then on, in the same transaction too. @default none */
  readonly aliases?: readonly string[] | undefined;
}

/**
 * Experiments, runs, artifacts and the model registry: kept here (`openTracking`), or by an MLflow server
 * (`connectTracking`). Several processes may use the same one. Failures are `TrackingError`s; besides the codes named at
 * the methods any may throw TRACKING_BUSY, TRACKING_STORE_FAILED, TRACKING_UNREACHABLE (all retryable),
 * TRACKING_REFUSED, DISK_FULL and INVALID_ARGUMENT.
 */
export interface Tracking {
  /**
   * Starts a run. With a `key` known already, gives that run back: a FINISHED one as it is, one that is still RUNNING (its
   * process may have crashed) or has FAILED or was KILLED as RUNNING, to be completed.
   */
  startRun(run: StartRun): Promise<TrackingRun>;
  /**
   * Logs params, metrics and tags. Twice the same leaves the same: a param of the same value is no error, a metric equal
   * to the last one of its step adds no point to the history.
   * @throws RUN_NOT_FOUND, PARAM_ALREADY_LOGGED (another value than the one there; then nothing of the batch is written)
   */
  logBatch(runId: string, batch: Batch): Promise<void>;
  /** All logged values of a metric in the order of step, then time; empty when it was never logged. @throws RUN_NOT_FOUND */
  metricHistory(runId: string, metric: string): Promise<MetricPoint[]>;
  /**
   * Keeps a file of a run. A reader sees it whole or not at all; one of the same path is replaced.
   * @param path relative, segments joined by `/`; no `.` or `..`, no backslash
   * @throws RUN_NOT_FOUND, ARTIFACT_PATH
   */
  logArtifact(runId: string, path: string, bytes: Uint8Array): Promise<void>;
  /** @throws RUN_NOT_FOUND, ARTIFACT_PATH, ARTIFACT_NOT_FOUND */
  readArtifact(runId: string, path: string): Promise<Uint8Array>;
  /** Paths of all artifacts of a run, sorted. @throws RUN_NOT_FOUND */
  listArtifacts(runId: string): Promise<string[]>;
  /**
   * Where an artifact is, whether or not it is there: a file URL, or `runs:/<run>/<path>` on an MLflow server.
   * @throws RUN_NOT_FOUND, ARTIFACT_PATH
   */
  artifactUri(runId: string, path: string): Promise<string>;
  /** Adds to what is known of how a run came about; twice the same is once. @throws RUN_NOT_FOUND */
  logLineage(runId: string, lineage: Lineage): Promise<void>;
  /** Ends a run; the time of its first end under that status stays. @throws RUN_NOT_FOUND */
  finishRun(runId: string, status: FinalRunStatus): Promise<TrackingRun>;
  /** @throws RUN_NOT_FOUND */
  getRun(runId: string): Promise<TrackingRun>;
  /** Runs of an experiment, the newest first; none for an experiment without runs. @param limit @default 100 */
  searchRuns(search: { readonly experiment: string; readonly limit?: number | undefined }): Promise<TrackingRun[]>;
  /**
   * Makes a run's model the next version of a name; the first one makes the name.
   * @returns the version; `alreadyDone` when the key was known
   * @throws RUN_NOT_FOUND, KEY_ALREADY_USED (for a version of another model)
   */
  registerModel(model: RegisterModel): Promise<ModelVersion & { readonly alreadyDone: boolean }>;
  /**
   * Moves a version to a stage.
   * @returns the version as it is now, and which versions it sent to the archive; asked again, the same
   * @throws MODEL_NOT_FOUND, MODEL_VERSION_NOT_FOUND
   */
  transitionStage(
    transition: TransitionStage,
  ): Promise<{ readonly version: ModelVersion; readonly archived: number[] }>;
  /** Points an alias at a version; an alias points at one version of a model. @throws MODEL_NOT_FOUND, MODEL_VERSION_NOT_FOUND */
  setModelAlias(alias: {
    readonly name: string;
    readonly version: number;
    readonly alias: string;
  }): Promise<ModelVersion>;
  /** @throws MODEL_NOT_FOUND, MODEL_VERSION_NOT_FOUND */
  updateModelDescription(update: {
    readonly name: string;
    readonly version: number;
    readonly description: string;
  }): Promise<ModelVersion>;
  /**
   * Deletes a version; its run stays, its number is not given again.
   * @returns false when it had been deleted before
   * @throws MODEL_NOT_FOUND, MODEL_VERSION_NOT_FOUND (a number never given), MODEL_VERSION_IN_PRODUCTION
   */
  deleteModelVersion(version: { readonly name: string; readonly version: number }): Promise<boolean>;
  /** @throws MODEL_NOT_FOUND (with the nearest names), MODEL_VERSION_NOT_FOUND */
  getModelVersion(selector: ModelVersionSelector): Promise<ModelVersion>;
  /** All registered models by name. */
  listModels(): Promise<RegisteredModel[]>;
  /** Versions of a model, newest first; empty for a name nobody registered. */
  listModelVersions(name: string): Promise<ModelVersion[]>;
  /** How a version came about. @throws MODEL_NOT_FOUND, MODEL_VERSION_NOT_FOUND */
  versionLineage(selector: ModelVersionSelector): Promise<VersionLineage>;
  /** The versions that came of a table, of one version of it where that is given; the newest first of each model. */
  versionsFromTable(table: { readonly table: string; readonly version?: number | undefined }): Promise<ModelVersion[]>;
  /** Lets go of the database; afterwards every call fails. */
  close(): Promise<void>;
}
