import { allOf, insert, one, type Work } from "../database/work.ts";
import type { DatasetRecord, KeyValue } from "./checks.ts";
import { grouped } from "./grouped.ts";

/** The latest value of a metric. */
export interface LatestMetric {
  readonly key: string;
  readonly value: number;
  readonly timestamp: number;
  readonly step: number;
}

export interface DatasetInput {
  readonly dataset: DatasetRecord;
  readonly tags: readonly KeyValue[];
}

/** A logged model that a run made, and at which step. */
export interface ModelOutput {
  readonly modelId: string;
  readonly step: number;
}

/** What was logged to a run. */
export interface RunData {
  readonly metrics: readonly LatestMetric[];
  readonly params: readonly KeyValue[];
  readonly tags: readonly KeyValue[];
  readonly datasets: readonly DatasetInput[];
  readonly modelInputs: readonly string[];
  readonly modelOutputs: readonly ModelOutput[];
}

/** A logged value as it is kept. */
export interface MetricRow {
  readonly run_id: string;
  readonly key: string;
  readonly timestamp_ms: number;
  readonly step: number;
  readonly value: number;
  readonly nan: number;
}

interface DatasetRow {
  readonly run_id: string;
  readonly dataset_id: string;
  readonly name: string;
  readonly digest: string;
  readonly source_type: string;
  readonly source: string;
  readonly schema: string | null;
  readonly profile: string | null;
}

/** A number as it is kept, and as it was. */
export const asLogged = ({ value, nan }: { readonly value: number; readonly nan: number }): number =>
  nan === 1 ? Number.NaN : value;

/** What was logged to each of these runs, with as many statements as for one. */
export function* runData(runIds: readonly string[]): Work<Map<string, RunData>> {
  const metrics = grouped(
    yield* allOf<MetricRow>("SELECT * FROM latest_metrics WHERE run_id IN (?) ORDER BY run_id, key", runIds),
    ({ run_id }) => run_id,
  );
  const params = grouped(
    yield* allOf<KeyValue & { run_id: string }>(
      "SELECT * FROM params WHERE run_id IN (?) ORDER BY run_id, key",
      runIds,
    ),
    ({ run_id }) => run_id,
  );
  const tags = grouped(
    yield* allOf<KeyValue & { run_id: string }>(
      "SELECT * FROM run_tags WHERE run_id IN (?) ORDER BY run_id, key",
      runIds,
    ),
    ({ run_id }) => run_id,
  );
  const datasets = grouped(
    yield* allOf<DatasetRow>(
      `SELECT i.run_id, i.dataset_id, d.name, d.digest, d.source_type, d.source, d.schema, d.profile
       FROM dataset_inputs i JOIN datasets d ON d.id = i.dataset_id WHERE i.run_id IN (?)
       ORDER BY i.place, d.name, d.digest`,
      runIds,
    ),
    ({ run_id }) => run_id,
  );
  const datasetTags = grouped(
    datasets.size === 0
      ? []
      : yield* allOf<KeyValue & { run_id: string; dataset_id: string }>(
          "SELECT * FROM dataset_input_tags WHERE run_id IN (?) ORDER BY key",
          runIds,
        ),
    ({ run_id, dataset_id }) => `${run_id}/${dataset_id}`,
  );
  const models = grouped(
    yield* allOf<{ run_id: string; model_id: string; direction: "in" | "out"; step: number }>(
      "SELECT * FROM run_models WHERE run_id IN (?) ORDER BY place, step, model_id",
      runIds,
    ),
    ({ run_id }) => run_id,
  );
  return new Map(
    runIds.map((runId) => {
      const used = models.get(runId) ?? [];
      return [
        runId,
        {
          metrics: (metrics.get(runId) ?? []).map((row) => ({
            key: row.key,
            value: asLogged(row),
            timestamp: row.timestamp_ms,
            step: row.step,
          })),
          params: (params.get(runId) ?? []).map(({ key, value }) => ({ key, value })),
          tags: (tags.get(runId) ?? []).map(({ key, value }) => ({ key, value })),
          datasets: (datasets.get(runId) ?? []).map((row) => ({
            dataset: {
              name: row.name,
              digest: row.digest,
              sourceType: row.source_type,
              source: row.source,
              ...(row.schema === null ? {} : { schema: row.schema }),
              ...(row.profile === null ? {} : { profile: row.profile }),
            },
            tags: (datasetTags.get(`${runId}/${row.dataset_id}`) ?? []).map(({ key, value }) => ({ key, value })),
          })),
          modelInputs: used.filter(({ direction }) => direction === "in").map(({ model_id }) => model_id),
          modelOutputs: used
            .filter(({ direction }) => direction === "out")
            .map(({ model_id, step }) => ({ modelId: model_id, step })),
        },
      ] as const;
    }),
  );
}

/** Notes that a run read or made logged models. */
export function* insertRunModels(runId: string, direction: "in" | "out", models: readonly ModelOutput[]): Work<void> {
  const last = yield* one<{ place: number | null }>(
    "SELECT max(place) AS place FROM run_models WHERE run_id = ?",
    runId,
  );
  const from = (last?.place ?? 0) + 1;
  yield* insert(
    "run_models (run_id, model_id, direction, step, place)",
    models.map(({ modelId, step }, at) => [runId, modelId, direction, step, from + at]),
    "ON CONFLICT DO NOTHING",
  );
}
