import { z } from "zod";
import { TrackingError } from "../errors.ts";
import { checkMaxResults } from "../search/pages.ts";
import { logBatch, logInputs, logMetric, logOutputs, logParam, metricHistories, metricHistory } from "../store/log.ts";
import {
  createRun,
  deleteRunTag,
  getRun,
  RUN_STATUSES,
  searchRuns,
  setRunLifecycle,
  setRunTag,
  updateRun,
} from "../store/runs.ts";
import { View } from "./experiment-routes.ts";
import { Double, Int, KeyValues, Required, Text, Texts, withRunId } from "./request.ts";
import { endpoint, type Served } from "./routes.ts";
import { pointWire, runInfoWire, runWire, wireNumber, wirePage } from "./wire.ts";

const MOST_RESULTS = 50_000;
const DEFAULT_RESULTS = 1_000;
const MOST_POINTS = 25_000;
const MOST_RUNS_OF_HISTORY = 100;
const MOST_SAMPLED = 2_500;

const RunId = z.object({ run_id: Required });
const ofRun = <Shape extends z.ZodRawShape>(shape: Shape) => z.preprocess(withRunId, RunId.extend(shape));

const Status = z.preprocess(
  (value) => (typeof value === "number" ? RUN_STATUSES[value - 1] : value),
  z.enum(RUN_STATUSES),
);

const Metric = z
  .object({
    key: Required,
    value: Double,
    timestamp: Int,
    step: Int.default(0),
    model_id: Text,
    dataset_name: Text,
    dataset_digest: Text,
  })
  .transform((metric) => ({
    key: metric.key,
    value: metric.value,
    timestamp: metric.timestamp,
    step: metric.step,
    modelId: metric.model_id || undefined,
    datasetName: metric.dataset_name || undefined,
    datasetDigest: metric.dataset_digest || undefined,
  }));

const DatasetInput = z
  .object({
    tags: KeyValues,
    dataset: z.object({
      name: Required,
      digest: Required,
      source_type: Text,
      source: Text,
      schema: z.string().optional(),
      profile: z.string().optional(),
    }),
  })
  .transform(({ tags, dataset: { source_type: sourceType, ...dataset } }) => ({
    tags,
    dataset: { ...dataset, sourceType },
  }));

/** Runs, and what is logged to them. */
export function addRunRoutes(served: Served): void {
  addLifeOfRuns(served);
  addLogging(served);
  addReading(served);
}

function addLifeOfRuns(served: Served): void {
  const { database } = served;
  endpoint(
    served,
    "POST",
    "/runs/create",
    z.object({
      experiment_id: z.string().default("0"),
      user_id: Text,
      run_name: Text,
      start_time: Int.default(0),
      tags: KeyValues,
    }),
    async (create) => {
      const run = await database.write(() =>
        createRun({
          experimentId: create.experiment_id || "0",
          userId: create.user_id,
          name: create.run_name,
          startTime: create.start_time,
          tags: create.tags,
        }),
      );
      // One that has just begun has made nothing yet.
      const { outputs: _none, ...begun } = runWire(run);
      return { run: begun };
    },
  );
  endpoint(
    served,
    "POST",
    "/runs/update",
    ofRun({ status: Status.optional(), end_time: Int.optional(), run_name: z.string().optional() }),
    async ({ run_id: runId, status, end_time: endTime, run_name: name }) => ({
      run_info: runInfoWire(await database.write(() => updateRun({ runId, status, endTime, name }))),
    }),
  );
  endpoint(served, "POST", "/runs/delete", ofRun({}), async ({ run_id: runId }) => {
    await database.write(() => setRunLifecycle(runId, "deleted"));
  });
  endpoint(served, "POST", "/runs/restore", ofRun({}), async ({ run_id: runId }) => {
    await database.write(() => setRunLifecycle(runId, "active"));
  });
}

function addLogging(served: Served): void {
  const { database } = served;
  endpoint(
    served,
    "POST",
    "/runs/log-metric",
    z.preprocess(withRunId, z.intersection(RunId, Metric)),
    async ({ run_id: runId, ...metric }) => {
      await database.write(() => logMetric(runId, metric));
    },
  );
  const Param = ofRun({ key: Required, value: Text });
  for (const path of ["/runs/log-parameter", "/runs/log-param"])
    endpoint(served, "POST", path, Param, async ({ run_id: runId, key, value }) => {
      await database.write(() => logParam(runId, { key, value }));
    });
  endpoint(
    served,
    "POST",
    "/runs/log-batch",
    ofRun({ metrics: z.array(Metric).default([]), params: KeyValues, tags: KeyValues }),
    async ({ run_id: runId, ...batch }) => {
      await database.write(() => logBatch(runId, batch));
    },
  );
  endpoint(served, "POST", "/runs/set-tag", Param, async ({ run_id: runId, key, value }) => {
    await database.write(() => setRunTag(runId, { key, value }));
  });
  endpoint(served, "POST", "/runs/delete-tag", ofRun({ key: Required }), async ({ run_id: runId, key }) => {
    await database.write(() => deleteRunTag(runId, key));
  });
  const Models = z.array(z.object({ model_id: Required, step: Int.default(0) })).default([]);
  endpoint(
    served,
    "POST",
    "/runs/log-inputs",
    ofRun({ datasets: z.array(DatasetInput).default([]), models: Models }),
    async ({ run_id: runId, datasets, models }) => {
      await database.write(() =>
        logInputs(
          runId,
          datasets,
          models.map(({ model_id: modelId }) => modelId),
        ),
      );
    },
  );
  endpoint(served, "POST", "/runs/outputs", ofRun({ models: Models }), async ({ run_id: runId, models }) => {
    await database.write(() =>
      logOutputs(
        runId,
        models.map(({ model_id: modelId, step }) => ({ modelId, step })),
      ),
    );
  });
  endpoint(
    served,
    "POST",
    "/runs/log-model",
    ofRun({ model_json: Required }),
    async ({ run_id: runId, model_json: json }) => {
      const model = loggedModelOf(json);
      await database.write(function* () {
        const { tags } = yield* getRun(runId);
        const known = tags.find(({ key }) => key === LOGGED_MODELS)?.value;
        const list: unknown[] = known === undefined ? [] : JSON.parse(known);
        yield* setRunTag(runId, { key: LOGGED_MODELS, value: JSON.stringify([...list, model]) });
      });
    },
  );
}

/** The tag in which clients before MLflow 3 note the models of a run. */
const LOGGED_MODELS = "mlflow.log-model.history";

function loggedModelOf(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new TrackingError("INVALID_ARGUMENT", `Malformed model info. \n ${json} \n is not a valid JSON.`, {
      field: "model_json",
    });
  }
}

function addReading(served: Served): void {
  const { database } = served;
  endpoint(served, "GET", "/runs/get", ofRun({}), async ({ run_id: runId }) => ({
    run: runWire(await database.read(() => getRun(runId))),
  }));
  endpoint(
    served,
    "POST",
    "/runs/search",
    z.object({
      experiment_ids: Texts,
      filter: Text,
      run_view_type: View,
      max_results: Int.default(DEFAULT_RESULTS),
      order_by: Texts,
      page_token: Text,
    }),
    async (search) => {
      checkMaxResults(search.max_results, MOST_RESULTS);
      const page = await database.read(() =>
        searchRuns({
          experimentIds: search.experiment_ids,
          filter: search.filter,
          view: search.run_view_type,
          orderBy: search.order_by,
          maxResults: search.max_results,
          pageToken: search.page_token,
        }),
      );
      return wirePage("runs", page, runWire);
    },
  );
  endpoint(
    served,
    "GET",
    "/metrics/get-history",
    ofRun({ metric_key: Required, max_results: Int.optional(), page_token: Text }),
    async ({ run_id: runId, metric_key: key, max_results: most, page_token: pageToken }) => {
      if (most !== undefined) checkMaxResults(most, Number.MAX_SAFE_INTEGER);
      const paging = { maxResults: most ?? Number.MAX_SAFE_INTEGER - 1, pageToken };
      return wirePage("metrics", await database.read(() => metricHistory(runId, key, paging)), pointWire);
    },
  );
  const Bulk = z.object({ run_id: Texts, metric_key: Required, max_results: Int.default(MOST_POINTS) });
  endpoint(
    served,
    "GET",
    "/metrics/get-history-bulk",
    Bulk,
    async ({ run_id: runIds, metric_key: key, max_results }) => {
      checkRunIds("GetMetricHistoryBulk", "run_id", runIds);
      const most = Math.min(max_results, MOST_POINTS);
      const points = await database.read(() => metricHistories(runIds, key, most));
      return {
        metrics: points.map((point) => ({
          ...point,
          value: wireNumber(point.value),
          run_id: point.runId,
          runId: undefined,
        })),
      };
    },
  );
  endpoint(
    served,
    "GET",
    "/metrics/get-history-bulk-interval",
    z.object({
      run_ids: Texts,
      metric_key: Required,
      start_step: Int.optional(),
      end_step: Int.optional(),
      max_results: Int.default(MOST_SAMPLED),
    }),
    async ({ run_ids: runIds, metric_key: key, start_step: from, end_step: to, max_results: most }) => {
      checkRunIds("GetMetricHistoryBulkInterval", "run_ids", runIds);
      checkInterval(from, to);
      checkMaxResults(most, MOST_SAMPLED);
      const points = await database.read(() => metricHistories(runIds, key, Number.MAX_SAFE_INTEGER));
      const within = points.filter(
        ({ step }) => from === undefined || to === undefined || (step >= from && step <= to),
      );
      const sampled = runIds.flatMap((runId) =>
        sample(
          within.filter((point) => point.runId === runId).sort((a, b) => a.step - b.step || a.timestamp - b.timestamp),
          most,
        ),
      );
      return {
        metrics: sampled.map(({ runId, value, ...point }) => ({ ...point, value: wireNumber(value), run_id: runId })),
      };
    },
  );
}

function checkRunIds(request: string, field: string, runIds: readonly string[]): void {
  if (runIds.length === 0)
    throw new TrackingError("INVALID_ARGUMENT", `${request} request must specify at least one ${field}.`, { field });
  if (runIds.length > MOST_RUNS_OF_HISTORY)
    throw new TrackingError(
      "INVALID_ARGUMENT",
      `${request} request must specify at most ${MOST_RUNS_OF_HISTORY} run_ids. Received ${runIds.length} run_ids.`,
      { field },
    );
}

function checkInterval(from: number | undefined, to: number | undefined): void {
  if ((from === undefined) !== (to === undefined))
    throw new TrackingError(
      "INVALID_ARGUMENT",
      "If either start step or end step are specified, both must be specified.",
      { field: from === undefined ? "start_step" : "end_step" },
    );
  if (from !== undefined && to !== undefined && from > to)
    throw new TrackingError(
      "INVALID_ARGUMENT",
      `end_step must be greater than start_step. Found start_step=${from} and end_step=${to}.`,
      { field: "end_step" },
    );
}

/** At most so many points as MLflow takes them: the first of each of so many even parts, and the last of all. */
function sample<T>(points: readonly T[], most: number): T[] {
  if (points.length <= most) return [...points];
  const least = Math.floor(points.length / most);
  const longer = points.length % most;
  const places = Array.from({ length: most }, (_, part) => part * least + Math.min(part, longer));
  places[most - 1] = points.length - 1;
  return places.map((place) => points[place]!);
}
