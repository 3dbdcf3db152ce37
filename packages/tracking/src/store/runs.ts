import { randomUUID } from "node:crypto";
import { all, insert, one, run, type Work } from "../database/work.ts";
import { TrackingError } from "../errors.ts";
import { type Page, type Paging, pageOf } from "../search/pages.ts";
import { runFilter, runOrder } from "../search/runs.ts";
import { experimentNumber, type KeyValue, keptTag } from "./checks.ts";
import { checkActive, experimentRow, type Lifecycle, stagesOf, type ViewType } from "./experiments.ts";
import { type RunData, runData } from "./run-data.ts";
import { someName } from "./some-name.ts";

export const RUN_STATUSES = ["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

/** The tag that names a run for people; `name` and it are always the same. */
export const RUN_NAME = "mlflow.runName";

/** The tag that carries an idempotency key, for clients that speak REST: see docs/tracking.md. */
export const KEY_TAG = "dagwright.key";

export interface RunRow {
  readonly run_id: string;
  readonly experiment_id: number;
  readonly name: string;
  readonly user_id: string;
  readonly status: RunStatus;
  readonly start_ms: number;
  readonly end_ms: number | null;
  readonly artifact_uri: string;
  readonly lifecycle: Lifecycle;
  readonly idempotency_key: string | null;
}

export interface RunRecord extends RunData {
  readonly info: RunRow;
}

export interface CreateRun {
  readonly experimentId: string;
  readonly userId: string;
  /** Empty for one that is made up. */
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly startTime: number;
  readonly tags: readonly KeyValue[];
}

/**
 * Starts a run. One that carries the tag `dagwright.key` is started once: asked again, the same is given back.
 * @throws EXPERIMENT_NOT_FOUND, EXPERIMENT_DELETED, INVALID_ARGUMENT
 */
export function* createRun({ experimentId, userId, name, startTime, tags }: CreateRun): Work<RunRecord> {
  const experiment = yield* experimentRow(experimentId);
  checkActive(experiment);
  // As they are: MLflow checks tags when they are set, not those that a run begins with.
  const tagged = tags.find(({ key }) => key === RUN_NAME)?.value;
  if (name !== "" && tagged !== undefined && tagged !== name)
    throw new TrackingError(
      "INVALID_ARGUMENT",
      `Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='${name}', mlflow.runName='${tagged}').`,
      { field: "run_name" },
    );
  const key = tags.find((tag) => tag.key === KEY_TAG)?.value ?? null;
  const called = name || tagged || someName();
  const runId = randomUUID().replaceAll("-", "");
  const made = yield* insertRun({
    runId,
    experimentId: experiment.id,
    name: called,
    userId,
    startTime,
    artifactUri: `${experiment.artifact_location.replace(/\/$/, "")}/${runId}/artifacts`,
    key,
  });
  if (made === undefined) {
    const known = yield* one<RunRow>("SELECT * FROM runs WHERE idempotency_key = ?", key);
    if (known === undefined) throw new TrackingError("RUN_NOT_FOUND", `The run of key "${key}" is gone.`);
    return yield* recordOf(known);
  }
  yield* setRunTags(runId, [...tags.filter((tag) => tag.key !== RUN_NAME), { key: RUN_NAME, value: called }]);
  return yield* recordOf(made);
}

/** Inserts a run; undefined when there is one of its key. */
export function insertRun(row: {
  readonly runId: string;
  readonly experimentId: number;
  readonly name: string;
  readonly userId: string;
  readonly startTime: number;
  readonly artifactUri: string;
  readonly key: string | null;
}): Work<RunRow | undefined> {
  return one<RunRow>(
    `INSERT INTO runs (run_id, experiment_id, name, user_id, status, start_ms, artifact_uri, idempotency_key)
     VALUES (?, ?, ?, ?, 'RUNNING', ?, ?, ?) ON CONFLICT (idempotency_key) DO NOTHING RETURNING *`,
    row.runId,
    row.experimentId,
    row.name,
    row.userId,
    row.startTime,
    row.artifactUri,
    row.key,
  );
}

/** @throws RUN_NOT_FOUND */
export function* runRow(runId: string): Work<RunRow> {
  const row = yield* one<RunRow>("SELECT * FROM runs WHERE run_id = ?", runId);
  if (row !== undefined) return row;
  throw new TrackingError("RUN_NOT_FOUND", `There is no run "${runId}".`, {
    field: "runId",
    hint: "A run id is what startRun returned; train_model answers it as runId.",
    mlflow: `Run with id=${runId} not found`,
  });
}

/** @throws RUN_NOT_FOUND, RUN_DELETED */
export function* activeRun(runId: string): Work<RunRow> {
  const row = yield* runRow(runId);
  if (row.lifecycle !== "active")
    throw new TrackingError(
      "RUN_DELETED",
      `The run ${runId} must be in the 'active' state. Current state is ${row.lifecycle}.`,
      { field: "runId", hint: "Restore it first." },
    );
  return row;
}

function* recordOf(row: RunRow): Work<RunRecord> {
  const data = yield* runData([row.run_id]);
  return { info: row, ...data.get(row.run_id)! };
}

export function* getRun(runId: string): Work<RunRecord> {
  return yield* recordOf(yield* runRow(runId));
}

export interface UpdateRun {
  readonly runId: string;
  readonly status?: RunStatus | undefined;
  /** Milliseconds since the epoch. */
  readonly endTime?: number | undefined;
  readonly name?: string | undefined;
}

export function* updateRun({ runId, status, endTime, name }: UpdateRun): Work<RunRow> {
  const row = yield* activeRun(runId);
  const called = name === undefined || name === "" ? row.name : name;
  yield* run(
    "UPDATE runs SET status = ?, end_ms = ?, name = ? WHERE run_id = ?",
    status ?? row.status,
    endTime ?? row.end_ms,
    called,
    runId,
  );
  if (called !== row.name) yield* setRunTags(runId, [{ key: RUN_NAME, value: called }]);
  return yield* runRow(runId);
}

export function* setRunLifecycle(runId: string, lifecycle: Lifecycle): Work<void> {
  yield* runRow(runId);
  yield* run("UPDATE runs SET lifecycle = ? WHERE run_id = ?", lifecycle, runId);
}

/** Sets tags of a run that is there; the tag of its name renames it, unless it is empty. */
export function* setRunTags(runId: string, tags: readonly KeyValue[]): Work<void> {
  const last = new Map(tags.map(({ key, value }) => [key, value]));
  yield* insert(
    "run_tags (run_id, key, value)",
    [...last].map(([key, value]) => [runId, key, value]),
    "ON CONFLICT (run_id, key) DO UPDATE SET value = excluded.value",
  );
  const name = last.get(RUN_NAME);
  if (name) yield* run("UPDATE runs SET name = ? WHERE run_id = ?", name, runId);
}

export function* setRunTag(runId: string, tag: KeyValue): Work<void> {
  const kept = keptTag(tag);
  yield* activeRun(runId);
  yield* setRunTags(runId, [kept]);
}

/** @throws TAG_NOT_FOUND */
export function* deleteRunTag(runId: string, key: string): Work<void> {
  yield* activeRun(runId);
  if ((yield* run("DELETE FROM run_tags WHERE run_id = ? AND key = ?", runId, key)) === 0)
    throw new TrackingError("TAG_NOT_FOUND", `No tag with name: ${key} in run with id ${runId}`, { field: "key" });
}

export interface RunSearch extends Paging {
  readonly experimentIds: readonly string[];
  readonly filter: string;
  readonly view: ViewType;
  readonly orderBy: readonly string[];
}

export function* searchRuns(search: RunSearch): Work<Page<RunRecord>> {
  const where = runFilter(search.filter);
  const order = runOrder(search.orderBy);
  const experiments = [...new Set(search.experimentIds.map(experimentNumber))];
  if (experiments.length === 0) return { items: [] };
  return yield* pageOf(search, function* (limit, offset) {
    const rows = yield* all<RunRow>(
      `SELECT r.* FROM runs r ${order.joins}
       WHERE r.experiment_id IN (${experiments.map(() => "?").join(", ")}) AND r.lifecycle IN (?, ?) ${where.sql}
       ORDER BY ${order.orderBy} LIMIT ? OFFSET ?`,
      ...order.values,
      ...experiments,
      ...stagesOf(search.view),
      ...where.values,
      limit,
      offset,
    );
    const data = yield* runData(rows.map(({ run_id }) => run_id));
    return rows.map((row) => ({ info: row, ...data.get(row.run_id)! }));
  });
}
