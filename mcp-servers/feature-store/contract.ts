import { defineContract } from "@dagwright/mcp-kit/contract";
import { z } from "zod";

const FeatureReferences = z.array(z.string()).min(1).describe("view:feature each, e.g. customer_features:total_spent.");
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
      description: "Lists the feature views: entities, source table, time to live and features with their types.",
      input: z.object({}),
      output: z.object({
        views: z.array(
          z.object({
            name: z.string(),
            entities: z.array(z.object({ name: z.string(), joinKey: z.string() })),
            table: z.string(),
            timestampField: z.string(),
            ttlSeconds: z.number().describe("For how long a value holds in historical joins; 0 = for ever."),
            features: z.array(z.object({ name: z.string(), type: z.string() })),
          }),
        ),
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
        features: FeatureReferences,
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
        views: z.array(z.string()).min(1),
        until: z.iso.datetime().describe("Values with a timestamp up to and with this moment."),
        start: z.iso.datetime().optional().describe("Values with a timestamp from this moment on; all when left out."),
      }),
      output: z.object({
        views: z.array(
          z.object({
            name: z.string(),
            rows: z.number().describe("Entities whose values changed."),
            entities: z.number().describe("Entities in the online store."),
            newest: z.string().nullable(),
          }),
        ),
      }),
      annotations: { idempotent: true },
    },
    get_online_features: {
      description: "Reads the newest materialised values for entities, each given by its join keys.",
      input: z.object({
        features: FeatureReferences,
        fullFeatureNames: FullFeatureNames,
        entityRows: z.array(z.record(z.string(), Value)).min(1),
      }),
      output: z.object({
        results: z.array(
          z.object({
            entity: z.record(z.string(), Value),
            values: z.record(z.string(), Value).describe("By feature name; integers beyond 2^53 as text."),
            statuses: z.record(z.string(), z.enum(["PRESENT", "NOT_FOUND"])),
            eventTimestamp: z.string().nullable(),
          }),
        ),
      }),
      annotations: { readOnly: true, idempotent: true },
    },
  },
});
