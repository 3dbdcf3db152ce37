import type { ModelVersion, RegisteredModel, TrackingRun } from "./api.ts";
import type { KeyValue } from "./store/checks.ts";
import type { VersionRecord } from "./store/model-versions.ts";
import { KEY_TAG, RUN_NAME, type RunRecord } from "./store/runs.ts";

/** Milliseconds since the epoch as ISO-8601, UTC. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

export function record(pairs: readonly KeyValue[]): Record<string, string> {
  return Object.fromEntries(pairs.map(({ key, value }) => [key, value]));
}

/** A run as programs see it. */
export function runView({ info, metrics, params, tags }: RunRecord, experiment: string): TrackingRun {
  // What a run is called and keyed by has places of its own.
  const { [RUN_NAME]: _name, [KEY_TAG]: _key, ...others } = record(tags);
  return {
    runId: info.run_id,
    experiment,
    name: info.name,
    // Of MLflow's states the one that programs here do not tell apart.
    status: info.status === "SCHEDULED" ? "RUNNING" : info.status,
    startedAt: isoTime(info.start_ms),
    ...(info.end_ms === null ? {} : { endedAt: isoTime(info.end_ms) }),
    params: record(params),
    metrics: Object.fromEntries(metrics.map(({ key, value }) => [key, value])),
    tags: others,
    ...(info.idempotency_key === null ? {} : { key: info.idempotency_key }),
  };
}

/** A version as programs see it. */
export function versionView({ row, tags, aliases }: VersionRecord): ModelVersion {
  const { [KEY_TAG]: _key, ...others } = record(tags);
  return {
    name: row.name,
    version: row.version,
    runId: row.run_id,
    stage: row.stage,
    aliases,
    description: row.description,
    tags: others,
    createdAt: isoTime(row.created_ms),
    updatedAt: isoTime(row.updated_ms),
  };
}

/** A model from its versions, the newest first. */
export function modelView(name: string, versions: readonly ModelVersion[]): RegisteredModel {
  return {
    name,
    latest: versions[0]?.version ?? null,
    production: versions.find(({ stage }) => stage === "production")?.version ?? null,
    versions,
  };
}
