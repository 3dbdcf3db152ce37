import { randomUUID } from "node:crypto";
import { all, allOf, insert, one, run, type Work } from "../database/work.ts";
import { invalid, TrackingError } from "../errors.ts";
import { type Page, type Paging, pageOf } from "../search/pages.ts";
import {
  checkDataset,
  checkInputTag,
  checkMetric,
  checkRunId,
  type KeyValue,
  keptBatch,
  keptParam,
  type LoggedBatch,
  type MetricValue,
} from "./checks.ts";
import { insertLoggedModelMetrics } from "./logged-models.ts";
import { asLogged, type DatasetInput, insertRunModels, type MetricRow, type ModelOutput } from "./run-data.ts";
import { activeRun, setRunTags } from "./runs.ts";

/** Logs a batch, all of it or nothing. @throws RUN_NOT_FOUND, RUN_DELETED, INVALID_ARGUMENT, PARAM_ALREADY_LOGGED */
export function* logBatch(runId: string, batch: LoggedBatch): Work<void> {
  checkRunId(runId);
  const { metrics, params, tags } = keptBatch(batch);
  yield* activeRun(runId);
  yield* insertParams(runId, params);
  yield* insertMetrics(runId, metrics);
  yield* setRunTags(runId, tags);
}

export function* logMetric(runId: string, metric: MetricValue): Work<void> {
  checkMetric(metric);
  yield* activeRun(runId);
  yield* insertMetrics(runId, [metric]);
}

export function* logParam(runId: string, param: KeyValue): Work<void> {
  const kept = keptParam(param);
  yield* activeRun(runId);
  yield* insertParams(runId, [kept]);
}

/** @throws PARAM_ALREADY_LOGGED for a param that has another value */
export function* insertParams(runId: string, params: readonly KeyValue[]): Work<void> {
  if (params.length === 0) return;
  yield* insert(
    "params (run_id, key, value)",
    params.map(({ key, value }) => [runId, key, value]),
    "ON CONFLICT (run_id, key) DO NOTHING",
  );
  const there = yield* allOf<KeyValue>(
    "SELECT key, value FROM params WHERE run_id = ? AND key IN (?)",
    params.map(({ key }) => key),
    [runId],
  );
  const kept = new Map(there.map(({ key, value }) => [key, value]));
  const other = params.filter(({ key, value }) => kept.get(key) !== value);
  const [first] = other;
  if (first === undefined) return;
  const old = kept.get(first.key);
  throw new TrackingError(
    "PARAM_ALREADY_LOGGED",
    `params.${first.key} of run ${runId} is ${JSON.stringify(old)} already: it cannot become ${JSON.stringify(first.value)}.`,
    {
      field: `params.${first.key}`,
      hint: "Params are written once; log what changes as a metric or a tag.",
      mlflow:
        params.length === 1
          ? `Changing param values is not allowed. Param with key='${first.key}' was already logged with value='${old}' for run ID='${runId}'. Attempted logging new value '${first.value}'.`
          : `Changing param values is not allowed. Params were already logged='[${other
              .map(({ key, value }) => `{'key': '${key}', 'old_value': '${kept.get(key)}', 'new_value': '${value}'}`)
              .join(", ")}]' for run ID='${runId}'.`,
    },
  );
}

/** Adds points to metrics; a point that is there already is not added again. */
export function* insertMetrics(runId: string, metrics: readonly MetricValue[]): Work<void> {
  if (metrics.length === 0) return;
  const columns = "(run_id, key, timestamp_ms, step, value, nan)";
  const rowOf = ({ key, timestamp, step, value }: MetricValue) => {
    const nan = Number.isNaN(value);
    return [runId, key, timestamp, step, nan ? 0 : value, nan ? 1 : 0];
  };
  yield* insert(`metrics ${columns}`, metrics.map(rowOf), "ON CONFLICT DO NOTHING");
  // The latest of each: one statement must not meet a row twice.
  const latest = new Map<string, MetricValue>();
  for (const metric of metrics) {
    const former = latest.get(metric.key);
    if (former === undefined || isLater(metric, former)) latest.set(metric.key, metric);
  }
  yield* insert(
    `latest_metrics ${columns}`,
    [...latest.values()].map(rowOf),
    `ON CONFLICT (run_id, key) DO UPDATE SET timestamp_ms = excluded.timestamp_ms, step = excluded.step,
       value = excluded.value, nan = excluded.nan
     WHERE (excluded.step, excluded.timestamp_ms, excluded.value)
       > (latest_metrics.step, latest_metrics.timestamp_ms, latest_metrics.value)`,
  );
  yield* insertLoggedModelMetrics(runId, metrics);
}

/** What MLflow takes for the latest: the highest step, then the latest time, then the greatest value. */
function isLater(one: MetricValue, other: MetricValue): boolean {
  if (one.step !== other.step) return one.step > other.step;
  if (one.timestamp !== other.timestamp) return one.timestamp > other.timestamp;
  return (Number.isNaN(one.value) ? 0 : one.value) > (Number.isNaN(other.value) ? 0 : other.value);
}

export interface MetricPointRecord {
  readonly runId: string;
  readonly key: string;
  readonly value: number;
  readonly timestamp: number;
  readonly step: number;
}

const pointOf = (row: MetricRow): MetricPointRecord => ({
  runId: row.run_id,
  key: row.key,
  value: asLogged(row),
  timestamp: row.timestamp_ms,
  step: row.step,
});

/** Points of a metric by time, step and value. @throws RUN_NOT_FOUND */
export function* metricHistory(runId: string, key: string, paging: Paging): Work<Page<MetricPointRecord>> {
  return yield* pageOf(paging, function* (limit, offset) {
    const rows = yield* all<MetricRow>(
      `SELECT * FROM metrics WHERE run_id = ? AND key = ? ORDER BY timestamp_ms, step, value LIMIT ? OFFSET ?`,
      runId,
      key,
      limit,
      offset,
    );
    return rows.map(pointOf);
  });
}

/** Points of a metric of several runs, by run, time, step and value; runs that are not there have none. */
export function* metricHistories(runIds: readonly string[], key: string, most: number): Work<MetricPointRecord[]> {
  const marks = runIds.map(() => "?").join(", ");
  const rows = yield* all<MetricRow>(
    `SELECT * FROM metrics WHERE key = ? AND run_id IN (${marks}) ORDER BY run_id, timestamp_ms, step, value LIMIT ?`,
    key,
    ...runIds,
    most,
  );
  return rows.map(pointOf);
}

/** Notes which datasets and logged models a run reads; twice the same is once. */
export function* logInputs(runId: string, datasets: readonly DatasetInput[], models: readonly string[]): Work<void> {
  checkRunId(runId);
  for (const { dataset, tags } of datasets) {
    for (const tag of tags) checkInputTag(tag);
    checkDataset(dataset);
  }
  const { experiment_id: experimentId } = yield* activeRun(runId);
  for (const { dataset, tags } of datasets) {
    yield* run(
      `INSERT INTO datasets (id, experiment_id, name, digest, source_type, source, schema, profile)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (experiment_id, name, digest) DO NOTHING`,
      randomUUID().replaceAll("-", ""),
      experimentId,
      dataset.name,
      dataset.digest,
      dataset.sourceType,
      dataset.source,
      dataset.schema ?? null,
      dataset.profile ?? null,
    );
    const row = yield* one<{ id: string }>(
      "SELECT id FROM datasets WHERE experiment_id = ? AND name = ? AND digest = ?",
      experimentId,
      dataset.name,
      dataset.digest,
    );
    if (row === undefined) throw invalid("dataset", dataset.name, "a dataset that is kept");
    const added = yield* run(
      `INSERT INTO dataset_inputs (run_id, dataset_id, place)
       SELECT ?, ?, coalesce(max(place), 0) + 1 FROM dataset_inputs WHERE run_id = ? ON CONFLICT DO NOTHING`,
      runId,
      row.id,
      runId,
    );
    if (added === 0) continue;
    yield* insert(
      "dataset_input_tags (run_id, dataset_id, key, value)",
      [...new Map(tags.map(({ key, value }) => [key, value]))].map(([key, value]) => [runId, row.id, key, value]),
    );
  }
  yield* insertRunModels(
    runId,
    "in",
    models.map((modelId) => ({ modelId, step: 0 })),
  );
}

/** Notes which logged models a run made. */
export function* logOutputs(runId: string, models: readonly ModelOutput[]): Work<void> {
  yield* activeRun(runId);
  yield* insertRunModels(runId, "out", models);
}

export interface DatasetSummary {
  readonly experimentId: number;
  readonly name: string;
  readonly digest: string;
  readonly context: string | null;
}

/** Datasets that runs of these experiments read, at most 1,000. */
export function* searchDatasets(experimentIds: readonly number[]): Work<DatasetSummary[]> {
  const marks = experimentIds.map(() => "?").join(", ");
  const rows = yield* all<{ experiment_id: number; name: string; digest: string; context: string | null }>(
    `SELECT DISTINCT d.experiment_id, d.name, d.digest, t.value AS context FROM datasets d
     JOIN dataset_inputs i ON i.dataset_id = d.id
     LEFT JOIN dataset_input_tags t ON t.run_id = i.run_id AND t.dataset_id = i.dataset_id AND t.key = 'mlflow.data.context'
     WHERE d.experiment_id IN (${marks}) LIMIT 1000`,
    ...experimentIds,
  );
  return rows.map(({ experiment_id, ...rest }) => ({ experimentId: experiment_id, ...rest }));
}
