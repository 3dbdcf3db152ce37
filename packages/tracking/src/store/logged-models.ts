import { randomUUID } from "node:crypto";
import { all, allOf, insert, one, run, type Work } from "../database/work.ts";
import { TrackingError } from "../errors.ts";
import {
  type LoggedModelOrderKey,
  loggedModelFilter,
  loggedModelOrder,
  type MeasuredOn,
} from "../search/logged-models.ts";
import { type Page, type Paging, pageOf } from "../search/pages.ts";
import { checkLoggedModelName, experimentNumber, type KeyValue, type MetricValue } from "./checks.ts";
import { checkActive, experimentRow } from "./experiments.ts";
import { grouped } from "./grouped.ts";
import { asLogged, type MetricRow } from "./run-data.ts";
import { someName } from "./some-name.ts";

export const LOGGED_MODEL_STATUSES = [
  "LOGGED_MODEL_PENDING",
  "LOGGED_MODEL_READY",
  "LOGGED_MODEL_UPLOAD_FAILED",
] as const;
export type LoggedModelStatus = (typeof LOGGED_MODEL_STATUSES)[number];

/** The tag that lists the registered versions made of a logged model. */
const VERSIONS_TAG = "mlflow.modelVersions";

export interface LoggedModelRow {
  readonly model_id: string;
  readonly experiment_id: number;
  readonly name: string;
  readonly artifact_uri: string;
  readonly status: LoggedModelStatus;
  readonly model_type: string;
  readonly source_run_id: string;
  readonly lifecycle: "active" | "deleted";
  readonly created_ms: number;
  readonly updated_ms: number;
}

export interface LoggedModelMetric {
  readonly runId: string;
  readonly key: string;
  readonly value: number;
  readonly timestamp: number;
  readonly step: number;
  readonly datasetName: string | null;
  readonly datasetDigest: string | null;
}

/** A model that a run logged, before or without being registered under a name. */
export interface LoggedModelRecord {
  readonly info: LoggedModelRow;
  readonly params: readonly KeyValue[];
  readonly tags: readonly KeyValue[];
  readonly metrics: readonly LoggedModelMetric[];
}

export interface CreateLoggedModel {
  readonly experimentId: string;
  /** Empty for one that is made up. */
  readonly name: string;
  readonly modelType: string;
  readonly sourceRunId: string;
  readonly params: readonly KeyValue[];
  readonly tags: readonly KeyValue[];
}

/** @throws EXPERIMENT_NOT_FOUND, EXPERIMENT_DELETED, INVALID_ARGUMENT */
export function* createLoggedModel(model: CreateLoggedModel): Work<LoggedModelRecord> {
  if (model.name !== "") checkLoggedModelName(model.name);
  const experiment = yield* experimentRow(model.experimentId);
  checkActive(experiment);
  const id = `m-${randomUUID().replaceAll("-", "")}`;
  const now = Date.now();
  yield* run(
    `INSERT INTO logged_models (model_id, experiment_id, name, artifact_uri, status, model_type, source_run_id,
       created_ms, updated_ms)
     VALUES (?, ?, ?, ?, 'LOGGED_MODEL_PENDING', ?, ?, ?, ?)`,
    id,
    experiment.id,
    model.name || someName(),
    `${experiment.artifact_location.replace(/\/$/, "")}/models/${id}/artifacts`,
    model.modelType,
    model.sourceRunId,
    now,
    now,
  );
  yield* insertParams(id, model.params);
  yield* insertTags(id, model.tags);
  return yield* getLoggedModel(id);
}

function insertParams(modelId: string, params: readonly KeyValue[]): Work<void> {
  return insert(
    "logged_model_params (model_id, key, value)",
    [...new Map(params.map(({ key, value }) => [key, value]))].map(([key, value]) => [modelId, key, value]),
    "ON CONFLICT (model_id, key) DO NOTHING",
  );
}

function insertTags(modelId: string, tags: readonly KeyValue[]): Work<void> {
  return insert(
    "logged_model_tags (model_id, key, value)",
    [...new Map(tags.map(({ key, value }) => [key, value]))].map(([key, value]) => [modelId, key, value]),
    "ON CONFLICT (model_id, key) DO UPDATE SET value = excluded.value",
  );
}

/** @throws LOGGED_MODEL_NOT_FOUND */
export function* loggedModelRow(modelId: string, deletedToo = false): Work<LoggedModelRow> {
  const row = yield* one<LoggedModelRow>("SELECT * FROM logged_models WHERE model_id = ?", modelId);
  if (row === undefined || (row.lifecycle === "deleted" && !deletedToo))
    throw new TrackingError("LOGGED_MODEL_NOT_FOUND", `Logged model with ID '${modelId}' not found.`, {
      field: "model_id",
    });
  return row;
}

export function* getLoggedModel(modelId: string, deletedToo = false): Work<LoggedModelRecord> {
  const [record] = yield* recordsOf([yield* loggedModelRow(modelId, deletedToo)]);
  return record!;
}

export function* finishLoggedModel(modelId: string, status: LoggedModelStatus): Work<LoggedModelRecord> {
  yield* loggedModelRow(modelId);
  yield* run("UPDATE logged_models SET status = ?, updated_ms = ? WHERE model_id = ?", status, Date.now(), modelId);
  return yield* getLoggedModel(modelId);
}

export function* deleteLoggedModel(modelId: string): Work<void> {
  yield* loggedModelRow(modelId, true);
  yield* run("UPDATE logged_models SET lifecycle = 'deleted', updated_ms = ? WHERE model_id = ?", Date.now(), modelId);
}

/** @throws PARAM_ALREADY_LOGGED for a param that has another value */
export function* logLoggedModelParams(modelId: string, params: readonly KeyValue[]): Work<void> {
  yield* loggedModelRow(modelId);
  yield* insertParams(modelId, params);
  const there = yield* all<KeyValue>("SELECT key, value FROM logged_model_params WHERE model_id = ?", modelId);
  const kept = new Map(there.map(({ key, value }) => [key, value]));
  const other = params.find(({ key, value }) => kept.get(key) !== value);
  if (other !== undefined)
    throw new TrackingError(
      "PARAM_ALREADY_LOGGED",
      `Changing param values is not allowed. Param with key='${other.key}' was already logged with value='${kept.get(other.key)}' for model ID='${modelId}'. Attempted logging new value '${other.value}'.`,
      { field: "params" },
    );
}

export function* setLoggedModelTags(modelId: string, tags: readonly KeyValue[]): Work<void> {
  yield* loggedModelRow(modelId);
  yield* insertTags(modelId, tags);
}

/** @throws TAG_NOT_FOUND */
export function* deleteLoggedModelTag(modelId: string, key: string): Work<void> {
  yield* loggedModelRow(modelId);
  if ((yield* run("DELETE FROM logged_model_tags WHERE model_id = ? AND key = ?", modelId, key)) === 0)
    throw new TrackingError("TAG_NOT_FOUND", `No tag with key '${key}' found for model with ID '${modelId}'.`, {
      field: "key",
    });
}

/** Notes at a logged model that a version was made of it, as MLflow's server does. */
export function* noteVersion(modelId: string, name: string, version: number): Work<void> {
  const tag = yield* one<KeyValue>(
    "SELECT key, value FROM logged_model_tags WHERE model_id = ? AND key = ?",
    modelId,
    VERSIONS_TAG,
  );
  const known: { name: string; version: number }[] = tag === undefined ? [] : JSON.parse(tag.value);
  const all = known.some((one) => one.name === name && Number(one.version) === version)
    ? known
    : [...known, { name, version }];
  // In Python's spacing, which its clients write too.
  const value = `[${all.map((one) => `{"name": ${JSON.stringify(one.name)}, "version": ${JSON.stringify(one.version)}}`).join(", ")}]`;
  yield* insertTags(modelId, [{ key: VERSIONS_TAG, value }]);
}

/** Keeps the points among these that were measured of logged models. @throws LOGGED_MODEL_NOT_FOUND */
export function* insertLoggedModelMetrics(runId: string, metrics: readonly MetricValue[]): Work<void> {
  const measured = metrics.filter(({ modelId }) => modelId !== undefined && modelId !== "");
  for (const modelId of new Set(measured.map((metric) => metric.modelId ?? ""))) yield* loggedModelRow(modelId, true);
  yield* insert(
    "logged_model_metrics (model_id, run_id, key, timestamp_ms, step, value, nan, dataset_name, dataset_digest)",
    measured.map(({ modelId = "", key, timestamp, step, value, datasetName, datasetDigest }) => {
      const nan = Number.isNaN(value);
      const on = [datasetName || null, datasetDigest || null];
      return [modelId, runId, key, timestamp, step, nan ? 0 : value, nan ? 1 : 0, ...on];
    }),
    "ON CONFLICT DO NOTHING",
  );
}

export interface LoggedModelSearch extends Paging {
  readonly experimentIds: readonly string[];
  readonly filter: string;
  readonly datasets: readonly MeasuredOn[];
  readonly orderBy: readonly LoggedModelOrderKey[];
}

export function* searchLoggedModels(search: LoggedModelSearch): Work<Page<LoggedModelRecord>> {
  const where = loggedModelFilter(search.filter, search.datasets);
  const order = loggedModelOrder(search.orderBy);
  const experiments = [...new Set(search.experimentIds.map(experimentNumber))];
  if (experiments.length === 0) return { items: [] };
  return yield* pageOf(search, function* (limit, offset) {
    const rows = yield* all<LoggedModelRow>(
      `SELECT m.* FROM logged_models m
       WHERE m.experiment_id IN (${experiments.map(() => "?").join(", ")}) AND m.lifecycle = 'active' ${where.sql}
       ORDER BY ${order.sql} LIMIT ? OFFSET ?`,
      ...experiments,
      ...where.values,
      ...order.values,
      limit,
      offset,
    );
    return yield* recordsOf(rows);
  });
}

interface ModelMetricRow extends MetricRow {
  readonly model_id: string;
  readonly dataset_name: string | null;
  readonly dataset_digest: string | null;
}

function* recordsOf(rows: readonly LoggedModelRow[]): Work<LoggedModelRecord[]> {
  const ids = rows.map(({ model_id }) => model_id);
  const keyed = function* (table: string) {
    const found = yield* allOf<KeyValue & { model_id: string }>(
      `SELECT model_id, key, value FROM ${table} WHERE model_id IN (?) ORDER BY model_id, key`,
      ids,
    );
    return grouped(found, ({ model_id }) => model_id);
  };
  const params = yield* keyed("logged_model_params");
  const tags = yield* keyed("logged_model_tags");
  const metrics = grouped(
    yield* allOf<ModelMetricRow>(
      "SELECT * FROM logged_model_metrics WHERE model_id IN (?) ORDER BY model_id, timestamp_ms, key, step",
      ids,
    ),
    ({ model_id }) => model_id,
  );
  const pairs = (found: readonly KeyValue[] | undefined) => (found ?? []).map(({ key, value }) => ({ key, value }));
  return rows.map((info) => ({
    info,
    params: pairs(params.get(info.model_id)),
    tags: pairs(tags.get(info.model_id)),
    metrics: (metrics.get(info.model_id) ?? []).map((row) => ({
      runId: row.run_id,
      key: row.key,
      value: asLogged(row),
      timestamp: row.timestamp_ms,
      step: row.step,
      datasetName: row.dataset_name,
      datasetDigest: row.dataset_digest,
    })),
  }));
}
