/** What the store holds, as MLflow's REST API says it: empty lists are left out, as in JSON of protocol buffers. */

import type { Page } from "../search/pages.ts";
import type { ExperimentRecord } from "../store/experiments.ts";
import type { MetricPointRecord } from "../store/log.ts";
import type { LoggedModelRecord } from "../store/logged-models.ts";
import type { VersionRecord } from "../store/model-versions.ts";
import type { RegisteredModelRecord } from "../store/registered-models.ts";
import type { DatasetInput } from "../store/run-data.ts";
import type { RunRecord, RunRow } from "../store/runs.ts";

/** MLflow says the greatest double where it was given Infinity. */
export function wireNumber(value: number): number | "NaN" {
  if (Number.isNaN(value)) return "NaN";
  return Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, value));
}

/** `{ name: items }`, or nothing when there are none. */
function some<Name extends string, T>(name: Name, items: readonly T[]): { [K in Name]?: readonly T[] } {
  const all: { [K in Name]?: readonly T[] } = {};
  if (items.length > 0) all[name] = items;
  return all;
}

/** A page of things under their name. */
export function wirePage<T, W>(name: string, { items, nextPageToken }: Page<T>, wire: (item: T) => W) {
  return {
    ...some(name, items.map(wire)),
    ...(nextPageToken === undefined ? {} : { next_page_token: nextPageToken }),
  };
}

export function experimentWire(experiment: ExperimentRecord) {
  return {
    experiment_id: String(experiment.id),
    name: experiment.name,
    artifact_location: experiment.artifactLocation,
    lifecycle_stage: experiment.lifecycle,
    last_update_time: experiment.updated,
    creation_time: experiment.created,
    ...some("tags", experiment.tags),
    workspace: "default",
  };
}

export function runInfoWire(info: RunRow) {
  return {
    run_uuid: info.run_id,
    experiment_id: String(info.experiment_id),
    run_name: info.name,
    user_id: info.user_id,
    status: info.status,
    start_time: info.start_ms,
    ...(info.end_ms === null ? {} : { end_time: info.end_ms }),
    artifact_uri: info.artifact_uri,
    lifecycle_stage: info.lifecycle,
    run_id: info.run_id,
  };
}

function datasetInputWire({ dataset, tags }: DatasetInput) {
  return {
    ...some("tags", tags),
    dataset: {
      name: dataset.name,
      digest: dataset.digest,
      source_type: dataset.sourceType,
      source: dataset.source,
      ...(dataset.schema ? { schema: dataset.schema } : {}),
      ...(dataset.profile ? { profile: dataset.profile } : {}),
    },
  };
}

export function runWire({ info, metrics, params, tags, datasets, modelInputs, modelOutputs }: RunRecord) {
  const outputs = modelOutputs.map(({ modelId, step }) => ({ model_id: modelId, step }));
  return {
    info: runInfoWire(info),
    data: {
      ...some(
        "metrics",
        metrics.map((metric) => ({ ...metric, value: wireNumber(metric.value) })),
      ),
      ...some("params", params),
      ...some("tags", tags),
    },
    inputs: {
      ...some("dataset_inputs", datasets.map(datasetInputWire)),
      ...some(
        "model_inputs",
        modelInputs.map((model_id) => ({ model_id })),
      ),
    },
    outputs: some("model_outputs", outputs),
  };
}

export function pointWire({ key, value, timestamp, step }: MetricPointRecord) {
  return { key, value: wireNumber(value), timestamp, step };
}

export function loggedModelWire({ info, params, tags, metrics }: LoggedModelRecord) {
  return {
    info: {
      model_id: info.model_id,
      experiment_id: String(info.experiment_id),
      name: info.name,
      creation_timestamp_ms: info.created_ms,
      last_updated_timestamp_ms: info.updated_ms,
      artifact_uri: info.artifact_uri,
      status: info.status,
      model_type: info.model_type,
      source_run_id: info.source_run_id,
      ...some("tags", tags),
    },
    data: {
      ...some("params", params),
      ...some(
        "metrics",
        metrics.map((metric) => ({
          key: metric.key,
          value: wireNumber(metric.value),
          timestamp: metric.timestamp,
          step: metric.step,
          model_id: info.model_id,
          ...(metric.datasetName === null ? {} : { dataset_name: metric.datasetName }),
          ...(metric.datasetDigest === null ? {} : { dataset_digest: metric.datasetDigest }),
          run_id: metric.runId,
        })),
      ),
    },
  };
}

/** MLflow's name of a stage: Production. */
export const stageWire = (stage: string): string => stage.charAt(0).toUpperCase() + stage.slice(1);

/** @param withAliases MLflow leaves them out where it lists versions */
export function versionWire({ row, tags, aliases }: VersionRecord, withAliases = true) {
  return {
    name: row.name,
    version: String(row.version),
    creation_timestamp: row.created_ms,
    last_updated_timestamp: row.updated_ms,
    current_stage: stageWire(row.stage),
    description: row.description,
    source: row.source,
    run_id: row.run_id,
    status: "READY",
    ...some("tags", tags),
    run_link: row.run_link,
    ...(withAliases ? some("aliases", aliases) : {}),
  };
}

export function registeredModelWire({ row, tags, aliases, latest }: RegisteredModelRecord) {
  return {
    name: row.name,
    creation_timestamp: row.created_ms,
    last_updated_timestamp: row.updated_ms,
    ...(row.description === "" ? {} : { description: row.description }),
    ...some(
      "latest_versions",
      latest.map((version) => versionWire(version, false)),
    ),
    ...some("tags", tags),
    ...some(
      "aliases",
      aliases.map(({ alias, version }) => ({ alias, version: String(version) })),
    ),
  };
}
