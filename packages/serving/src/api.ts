import type { LoggedPrediction, PredictionWindow } from "./prediction-log.ts";
import type { FeatureRow, Prediction } from "./served-model.ts";

/** A version to put behind a model's endpoint. */
export type DeployRequest = {
  /** The model's name. */
  readonly model: string;
  readonly version: number;
  /** The tracking run that made it. */
  readonly runId: string;
} & ({ readonly modelBytes: Uint8Array } | { readonly modelPath: string });

/** What a deployment left. */
export interface Deployed {
  readonly model: string;
  readonly version: number;
  readonly runId: string;
  /** Of the server process; stays over reloads. */
  readonly deploymentId: string;
  /** `http://127.0.0.1:<port>` */
  readonly endpoint: string;
  /** The version it took over from; null when there was none. */
  readonly previousVersion: number | null;
  /** True when this version was being served already. */
  readonly alreadyDone: boolean;
}

/** How a model's deployment stands. All but `model` is null, and nothing runs, where nothing was deployed. */
export interface DeploymentStatus {
  readonly model: string;
  /** The server of the record answers, and proves to be that server. */
  readonly running: boolean;
  /** It runs, and serves the version of the record. */
  readonly healthy: boolean;
  readonly version: number | null;
  readonly runId: string | null;
  readonly previousVersion: number | null;
  /** Null when it does not run; so are the next three. */
  readonly endpoint: string | null;
  readonly pid: number | null;
  readonly deploymentId: string | null;
  /** ISO-8601, UTC. */
  readonly startedAt: string | null;
}

/** What a prediction asked of an endpoint came to. */
export interface EndpointTest {
  /** Every row has its prediction. */
  readonly ok: boolean;
  readonly endpoint: string | null;
  /** The version that answered. */
  readonly version: number | null;
  /** One for each row; empty unless `ok`. */
  readonly predictions: readonly Prediction[];
  /** Of the request, in milliseconds. */
  readonly latencyMs: number;
  /** Why it is not `ok`; null when it is. */
  readonly message: string | null;
}

/**
 * Prediction servers, one for each model, each in a process that outlives this one, and the records of them in a folder.
 * Any number of processes may use the same folder. Failures are `ServingError`s.
 */
export interface Deployments {
  /**
   * Puts a version behind the model's endpoint: reloads the living server in place, else starts one, on the former port
   * if it is free. When it fails, what was served before is still served.
   * @throws INVALID_ARGUMENT, MODEL_FILE_UNREADABLE, MODEL_INVALID, MODEL_VERSION_CHANGED (other bytes than this version was
   * deployed with), RELOAD_FAILED, SERVER_START_FAILED, DEPLOYMENT_LOCKED, DISK_FULL
   */
  deploy(request: DeployRequest): Promise<Deployed>;
  status(model: string): Promise<DeploymentStatus>;
  /** Every model that was deployed, by name; stopped ones too. */
  list(): Promise<DeploymentStatus[]>;
  /**
   * Puts the version before the present one back, or ends the server and forgets the deployment when there is none.
   * @param options.key idempotency key: called again with the key of the last rollback, it leaves things as they are
   */
  rollback(model: string, options?: { readonly key?: string | undefined }): Promise<DeploymentStatus>;
  /** Ends the server; its record stays, so that `restore` starts it again. */
  stop(model: string): Promise<void>;
  /**
   * Starts the server of every record that has none living. One that cannot start holds up no other: its log says why.
   * @returns those it started
   */
  restore(): Promise<DeploymentStatus[]>;
  /** What the model's servers have answered in a window, all versions; a day's are kept for 30 days, up to 256 MiB. */
  predictions(model: string, window: PredictionWindow): Promise<LoggedPrediction[]>;
  /** Asks the endpoint for predictions; that they fail is an answer. */
  test(model: string, rows: readonly FeatureRow[]): Promise<EndpointTest>;
}
