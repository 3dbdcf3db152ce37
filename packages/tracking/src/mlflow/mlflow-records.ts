/** What an MLflow server answers, as the records of our own store, so that both are seen alike. */
import { z } from "zod";
import { MODEL_STAGES } from "../api.ts";
import type { VersionRecord } from "../store/model-versions.ts";
import { KEY_TAG, RUN_STATUSES, type RunRecord } from "../store/runs.ts";

const KeyValues = z.array(z.object({ key: z.string(), value: z.string().default("") })).default([]);
const Ms = z.union([z.number(), z.string().transform(Number)]);

/** MLflow keeps the greatest double in place of Infinity. */
export const Metric = z
  .object({
    key: z.string(),
    value: z.union([z.number(), z.string().transform(Number)]).default(0),
    timestamp: Ms.default(0),
    step: Ms.default(0),
  })
  .transform((metric) => ({
    ...metric,
    value:
      Math.abs(metric.value) === Number.MAX_VALUE ? Math.sign(metric.value) * Number.POSITIVE_INFINITY : metric.value,
  }));

const DatasetInput = z
  .object({
    tags: KeyValues,
    dataset: z.object({ name: z.string(), digest: z.string(), source_type: z.string(), source: z.string() }),
  })
  .transform(({ tags, dataset: { source_type: sourceType, ...dataset } }) => ({
    tags,
    dataset: { ...dataset, sourceType },
  }));

export const Run = z
  .object({
    info: z.object({
      run_id: z.string(),
      experiment_id: z.string(),
      run_name: z.string().default(""),
      user_id: z.string().default(""),
      status: z.enum(RUN_STATUSES),
      start_time: Ms.default(0),
      end_time: Ms.optional(),
      artifact_uri: z.string().default(""),
      lifecycle_stage: z.enum(["active", "deleted"]).default("active"),
    }),
    data: z
      .object({ metrics: z.array(Metric).default([]), params: KeyValues, tags: KeyValues })
      .default({ metrics: [], params: [], tags: [] }),
    inputs: z.object({ dataset_inputs: z.array(DatasetInput).default([]) }).default({ dataset_inputs: [] }),
  })
  .transform(
    ({ info, data, inputs }): RunRecord => ({
      info: {
        run_id: info.run_id,
        experiment_id: Number(info.experiment_id),
        name: info.run_name,
        user_id: info.user_id,
        status: info.status,
        start_ms: info.start_time,
        // A run that was taken up again keeps the time of its former end there.
        end_ms: info.status === "RUNNING" ? null : (info.end_time ?? null),
        artifact_uri: info.artifact_uri,
        lifecycle: info.lifecycle_stage,
        idempotency_key: data.tags.find(({ key }) => key === KEY_TAG)?.value ?? null,
      },
      ...data,
      datasets: inputs.dataset_inputs,
      modelInputs: [],
      modelOutputs: [],
    }),
  );

export const Version = z
  .object({
    name: z.string(),
    version: z.union([z.string().transform(Number), z.number()]),
    current_stage: z.string().default("None"),
    description: z.string().default(""),
    source: z.string().default(""),
    run_id: z.string().default(""),
    creation_timestamp: Ms.default(0),
    last_updated_timestamp: Ms.default(0),
    tags: KeyValues,
    aliases: z.array(z.string()).default([]),
  })
  .transform(
    (version): VersionRecord => ({
      row: {
        name: version.name,
        version: version.version,
        stage: MODEL_STAGES.find((stage) => stage === version.current_stage.toLowerCase()) ?? "none",
        description: version.description,
        source: version.source,
        storage_location: version.source,
        run_id: version.run_id,
        run_link: "",
        created_ms: version.creation_timestamp,
        updated_ms: version.last_updated_timestamp,
      },
      tags: version.tags,
      aliases: [...version.aliases].sort(),
    }),
  );

export const Model = z.object({
  name: z.string(),
  tags: KeyValues,
  aliases: z
    .array(z.object({ alias: z.string(), version: z.union([z.string().transform(Number), z.number()]) }))
    .default([]),
});
export type Model = z.output<typeof Model>;

export const Experiment = z.object({
  experiment_id: z.string(),
  name: z.string(),
  lifecycle_stage: z.string().default("active"),
});
