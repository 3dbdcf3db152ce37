import { defineContract } from "@dagwright/mcp-kit/contract";
import { z } from "zod";

const FeatureSelection = z
  .union([z.array(z.string()).min(1), z.string().min(1)])
  .describe("view:feature each, e.g. customer_features:total_spent, or the name of a feature service.");
const FeatureType = z.object({ name: z.string(), type: z.string() });
const FullFeatureNames = z
  .boolean()
  .default(false)
  .describe("Name features view__feature; needed when two views have a feature of the same name.");
const Value = z.union([z.string(), z.number(), z.boolean(), z.null()]);

/** Features by definition: as of the past for training, newest for serving. */
export const featureStore = defineContract({
  name: "feature-store",
  instructions: "Joins features to rows as of a moment, keeps their newest values for serving, and reads those.",
  tools: {
    list_feature_views: {
      description:
        "Lists the feature views (entities, source table, time to live, features with their types, up to when they are materialised), what is computed on demand, and the feature services.",
      input: z.object({}),
      output: z.object({
        views: z.array(
          z.object({
            name: z.string(),
            entities: z.array(z.object({ name: z.string(), joinKey: z.string() })),
            table: z.string(),
            timestampField: z.string(),
            ttlSeconds: z.number().describe("For how long a value holds after its timestamp; 0 = for ever."),
            features: z.array(FeatureType),
            materializedUntil: z
              .string()
              .nullable()
              .describe("All values up to this moment are in the online store; null: materialise first."),
          }),
        ),
        onDemandViews: z.array(
          z.object({
            name: z.string(),
            sources: z.array(z.string()).describe("The views whose features it reads."),
            request: z.array(FeatureType).describe("Values that the caller gives with each entity row."),
            features: z.array(FeatureType),
          }),
        ),
        services: z.array(z.object({ name: z.string(), features: z.array(z.string()) })),
      }),
      annotations: { readOnly: true, idempotent: true },
    },
    get_historical_features: {
      description:
        "Joins to every entity row the newest feature values known at its event_timestamp and writes them to a table.",
      input: z.object({
        entities: z
          .object({ table: z.string().min(1), version: z.number().int().min(0).optional() })
          .describe("Table with the join keys and event_timestamp; its other columns pass through."),
        features: FeatureSelection,
        fullFeatureNames: FullFeatureNames,
        output: z.object({ table: z.string().min(1) }).describe("The table that the rows overwrite."),
      }),
      output: z.object({
        table: z.string(),
        version: z.number(),
        rows: z.number(),
        columns: z.array(z.object({ name: z.string(), type: z.string() })),
        alreadyDone: z.boolean().describe("An earlier attempt of this call had written the table."),
      }),
      annotations: { destructive: true, idempotent: true },
    },
    materialize_features: {
      description:
        "Brings the newest values up to a moment into the online store; a newer value is never replaced by an older one.",
      input: z.object({
        views: z.array(z.string()).min(1).describe("Names of feature views, as list_feature_views gives them."),
        until: z.iso.datetime().describe("Values with a timestamp up to and with this moment."),
        start: z.iso.datetime().optional().describe("Values with a timestamp from this moment on; all when left out."),
        incremental: z
          .boolean()
          .default(false)
          .describe("Begin where the last materialisation of each view ended; instead of start."),
      }),
      output: z.object({
        views: z.array(
          z.object({
            name: z.string(),
            start: z.string().nullable().describe("From when on values were read; null: all."),
            rows: z.number().describe("Entities whose values changed."),
            entities: z.number().describe("Entities in the online store."),
            newest: z.string().nullable(),
          }),
        ),
      }),
      annotations: { idempotent: true },
    },
    get_online_features: {
      description:
        "Reads the newest materialised values for entities, each given by its join keys; a value past its view's ttl is null.",
      input: z.object({
        features: FeatureSelection,
        fullFeatureNames: FullFeatureNames,
        entityRows: z
          .array(z.record(z.string(), Value))
          .min(1)
          .describe("The join keys of the views, and the values that on-demand views request."),
        pastTtl: z
          .enum(["null", "serve"])
          .default("null")
          .describe("Whether a value past its view's ttl is null or served; its status says so either way."),
      }),
      output: z.object({
        results: z.array(
          z.object({
            entity: z.record(z.string(), Value),
            values: z.record(z.string(), Value).describe("By feature name; integers beyond 2^53 as text."),
            statuses: z.record(z.string(), z.enum(["PRESENT", "NOT_FOUND", "OUTSIDE_MAX_AGE"])),
            eventTimestamps: z
              .record(z.string(), z.string().nullable())
              .describe("Since when each value holds; null where nothing was found, and for what was computed."),
            eventTimestamp: z.string().nullable(),
          }),
        ),
      }),
      annotations: { readOnly: true, idempotent: true },
    },
  },
});
