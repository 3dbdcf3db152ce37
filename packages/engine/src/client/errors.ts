import { readMoment, workflowIdFor } from "../language/logical-date.ts";

/** Nothing answers at Temporal's address, or it answers and refuses us. */
export class TemporalUnreachableError extends Error {
  readonly code = "TEMPORAL_UNREACHABLE";
  readonly retryable = true;
  readonly hint: string;
  constructor(address: string, why: string, options?: ErrorOptions) {
    super(`Temporal does not answer at ${address}: ${why}`, options);
    this.name = "TemporalUnreachableError";
    this.hint = `Start a server of our own (dagwright up), or set TEMPORAL_ADDRESS to one that runs; TLS and API key must fit it.`;
  }
}

/** There is no run of that id, neither on the Temporal server nor in the run store. */
export class RunNotFoundError extends Error {
  readonly code = "RUN_NOT_FOUND";
  readonly retryable = false;
  readonly field = "runId";
  readonly hint: string;
  constructor(runId: string) {
    super(`There is no run "${runId}"`);
    this.name = "RunNotFoundError";
    const [, dagId, date = ""] = /^([^/]+)\/(.+)$/s.exec(runId) ?? [];
    const moment = readMoment(date);
    const full = dagId === undefined || moment === null ? runId : workflowIdFor(dagId, moment);
    this.hint =
      full === runId
        ? "Run ids look like <dag id>/<logical date>; `dagwright runs list` shows them."
        : `The run of that date would be "${full}"; \`dagwright runs list\` shows which there are.`;
  }
}

/** A run cannot have that id. */
export class InvalidRunIdError extends Error {
  readonly code = "INVALID_RUN_ID";
  readonly retryable = false;
  readonly field = "runId";
  readonly hint = "Leave it out: a run is then named by its DAG and logical date.";
  constructor(runId: string, expected: string) {
    super(`The run id is ${JSON.stringify(runId)}: expected ${expected}`);
    this.name = "InvalidRunIdError";
  }
}

/** The run has ended: there is nothing left to pause, resume or cancel. */
export class RunOverError extends Error {
  readonly code = "RUN_OVER";
  readonly retryable = false;
  readonly field = "runId";
  constructor(runId: string, verb: string) {
    super(`Run "${runId}" has ended: it is too late to ${verb}`);
    this.name = "RunOverError";
  }
}

/** The task of that run waits for no approval. */
export class NotWaitingError extends Error {
  readonly code = "NOT_WAITING";
  readonly retryable = false;
  readonly field = "task";
  readonly hint = "`dagwright approvals list` shows what waits for an answer.";
  constructor(message: string) {
    super(message);
    this.name = "NotWaitingError";
  }
}

/** The run was thought to have ended, and goes on: somebody has started it again. */
export class RunActiveError extends Error {
  readonly code = "RUN_ACTIVE";
  readonly retryable = true;
  readonly field = "runId";
  readonly hint: string;
  constructor(runId: string) {
    super(`Run "${runId}" has begun again in the meantime`);
    this.name = "RunActiveError";
    this.hint = `See how it stands: dagwright runs show ${runId}`;
  }
}

/** The run has no such task, or its mapped task no such item. */
export class TaskNotInRunError extends Error {
  readonly code = "NO_SUCH_TASK";
  readonly retryable = false;
  constructor(
    message: string,
    readonly hint: string,
    readonly field: "task" | "tasks" = "tasks",
  ) {
    super(message);
    this.name = "TaskNotInRunError";
  }
}

/** A run that goes on keeps its params. */
export class ParamsFixedError extends Error {
  readonly code = "PARAMS_FIXED";
  readonly retryable = false;
  readonly field = "params";
  readonly hint: string;
  constructor(runId: string) {
    super(`Run "${runId}" has not ended: its params cannot be changed`);
    this.name = "ParamsFixedError";
    this.hint = `Wait for its end, or: dagwright runs cancel ${runId}`;
  }
}

/** The run itself refuses what it is asked for. */
export class RunRefusedError extends Error {
  readonly code = "RUN_REFUSED";
  readonly retryable = false;
  constructor(runId: string, verb: string, why: string) {
    super(`Run "${runId}" refuses to ${verb}: ${why}`);
    this.name = "RunRefusedError";
  }
}

/** There is nothing to clear, or the run's DAG is not known here. */
export class NothingToClearError extends Error {
  readonly code = "NOTHING_TO_CLEAR";
  readonly retryable = false;
  readonly field = "tasks";
  constructor(
    message: string,
    readonly hint: string,
  ) {
    super(message);
    this.name = "NothingToClearError";
  }
}

/** A run has to be asked, but no worker is there to answer for it. */
export class NoWorkerError extends Error {
  readonly code = "NO_WORKER";
  readonly retryable = true;
  readonly hint =
    "Start a worker: dagwright worker. If one runs, a light task of many seconds may keep it from answering: look at the run before you ask again, for what you asked may yet take effect";
  constructor(taskQueue: string) {
    super(`No worker answers on task queue "${taskQueue}"`);
    this.name = "NoWorkerError";
  }
}

/** What was asked for is kept in the run store, and this client has none. */
export class NoRunStoreError extends Error {
  readonly code = "NO_RUN_STORE";
  readonly retryable = false;
  readonly hint = "Connect with a run store: connectEngine({ store: await openRunStore(place) })";
  constructor(what: string) {
    super(`There is no run store to ${what} in`);
    this.name = "NoRunStoreError";
  }
}

/** Runs that ended less than a day ago are not forgotten: what they are in the middle of could not be told. */
export class PruneTooRecentError extends Error {
  readonly code = "PRUNE_TOO_RECENT";
  readonly retryable = false;
  readonly field = "before";
  readonly hint = "Say a date or a moment at least a day ago, such as 90d";
  constructor(before: string) {
    super(`before is ${JSON.stringify(before)}: expected a moment at least a day ago`);
    this.name = "PruneTooRecentError";
  }
}

/** The retraining controller of that model does not run. */
export class ControllerNotFoundError extends Error {
  readonly code = "CONTROLLER_NOT_FOUND";
  readonly retryable = false;
  readonly field = "model";
  readonly hint = "Export retrainingController({ model, dag }) from a DAG file: the worker starts it.";
  constructor(model: string) {
    super(`No retraining controller runs for model "${model}"`);
    this.name = "ControllerNotFoundError";
  }
}

/** Nobody has set that pool, and no task has asked it for slots. */
export class PoolNotFoundError extends Error {
  readonly code = "POOL_NOT_FOUND";
  readonly retryable = false;
  readonly field = "pool";
  readonly hint: string;
  constructor(name: string) {
    super(`There is no pool "${name}"`);
    this.name = "PoolNotFoundError";
    this.hint = `Make it: dagwright pools set ${name} 4. Until then a task that names it finds one slot.`;
  }
}

/** A pool cannot be set to that. */
export class InvalidPoolError extends Error {
  readonly code = "INVALID_POOL";
  readonly retryable = false;
  readonly hint = "dagwright pools set gpu 4";
  constructor(
    readonly field: string,
    value: unknown,
    expected: string,
  ) {
    super(`Pool: ${field} is ${JSON.stringify(value) ?? String(value)}: expected ${expected}`);
    this.name = "InvalidPoolError";
  }
}

/** There is a backfill of that id, whatever became of it. */
export class BackfillExistsError extends Error {
  readonly code = "BACKFILL_EXISTS";
  readonly retryable = false;
  readonly field = "id";
  readonly hint: string;
  constructor(backfillId: string) {
    super(`There is a backfill "${backfillId}" already`);
    this.name = "BackfillExistsError";
    this.hint = `See it: dagwright backfill show ${backfillId}; or give another --id.`;
  }
}

/** There is no backfill of that id on the Temporal server. */
export class BackfillNotFoundError extends Error {
  readonly code = "BACKFILL_NOT_FOUND";
  readonly retryable = false;
  readonly field = "backfillId";
  readonly hint = "Backfill ids look like backfill/<dag id>/<id>; `dagwright backfill list` shows them.";
  constructor(backfillId: string) {
    super(`There is no backfill "${backfillId}"`);
    this.name = "BackfillNotFoundError";
  }
}

/** The backfill has ended: there is nothing left to cancel. */
export class BackfillOverError extends Error {
  readonly code = "BACKFILL_OVER";
  readonly retryable = false;
  readonly field = "backfillId";
  constructor(backfillId: string, state: string) {
    super(`Backfill "${backfillId}" has ended (${state}): it cannot be cancelled`);
    this.name = "BackfillOverError";
  }
}

/** The DAG has no schedule on the server. */
export class ScheduleNotFoundError extends Error {
  readonly code = "NO_SCHEDULE";
  readonly retryable = false;
  readonly field = "dag";
  readonly hint = "Create it with `dagwright schedules sync`; a DAG without `schedule` has none.";
  constructor(dagId: string) {
    super(`DAG "${dagId}" has no schedule on the Temporal server`);
    this.name = "ScheduleNotFoundError";
  }
}

/** The DAG waits for no assets on the server. */
export class NoAssetScheduleError extends Error {
  readonly code = "NO_SCHEDULE";
  readonly retryable = false;
  readonly field = "dag";
  readonly hint =
    "`dagwright assets list` shows which DAGs wait for assets; one whose code has `onAssets` waits from `dagwright schedules sync` on.";
  constructor(dagId: string) {
    super(`DAG "${dagId}" waits for no assets on the Temporal server`);
    this.name = "NoAssetScheduleError";
  }
}

/** Nothing has ever been said of that asset. */
export class AssetNotFoundError extends Error {
  readonly code = "ASSET_NOT_FOUND";
  readonly retryable = false;
  readonly field = "uri";
  readonly hint = "`dagwright assets list` shows those that have had events, or are waited for.";
  constructor(uri: string) {
    super(`There is no asset "${uri}": it has had no event, and no DAG waits for it`);
    this.name = "AssetNotFoundError";
  }
}

/** Temporal refused a request for a reason that has no error of its own here. */
export class TemporalRequestError extends Error {
  readonly code = "TEMPORAL_REQUEST_FAILED";
  readonly retryable: boolean;
  constructor(what: string, why: string, retryable: boolean, options?: ErrorOptions) {
    super(`Temporal refused to ${what}: ${why}`, options);
    this.name = "TemporalRequestError";
    this.retryable = retryable;
  }
}

/** A certificate or key for TLS cannot be read. */
export class TlsFileError extends Error {
  readonly code = "TLS_FILE";
  readonly retryable = false;
  readonly hint =
    "TEMPORAL_TLS_SERVER_CA_CERT_PATH, TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH name files in PEM.";
  constructor(
    readonly file: string,
    cause: unknown,
  ) {
    super(`The TLS file ${file} cannot be read: ${cause instanceof Error ? cause.message : cause}`, { cause });
    this.name = "TlsFileError";
  }
}
