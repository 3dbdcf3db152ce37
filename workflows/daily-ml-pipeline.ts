import { cron, defineDag, derive } from "@dagwright/engine";
import { z } from "zod";
import { deploy } from "../activities/deploy.ts";
import { features } from "../activities/features.ts";
import { ingest } from "../activities/ingest.ts";
import { materialize } from "../activities/materialize.ts";
import { quality } from "../activities/quality.ts";
import { register } from "../activities/register.ts";
import { Algorithm, train } from "../activities/train.ts";
import { REPURCHASE_MODEL, SAMPLE_LOGICAL_DATE, SAMPLE_NOTE } from "./sample.ts";

/** From yesterday's purchases to a served model that knows who buys again within 30 days. */
export const dailyMlPipeline = defineDag(
  {
    id: "daily_ml_pipeline",
    description: "Ingest purchases, check them, build features, train, and promote the model that beats the champion.",
    schedule: cron("@daily", { timezone: "UTC" }),
    catchup: true,
    maxActiveRuns: 1,
    manualLogicalDate: SAMPLE_LOGICAL_DATE,
    paused: { note: SAMPLE_NOTE },
    tags: ["ml", "cdnow"],
    params: z.object({
      source: z.string().default("data/cdnow-purchases.csv").describe("CSV file of purchases"),
      model: Algorithm.default("random_forest").describe("Learning algorithm"),
      minF1: z.number().min(0).max(1).default(0.85).describe("Weighted F1 that a model must exceed to be registered"),
      seed: z.number().int().default(42).describe("Seed of the split and of the training"),
    }),
    defaults: { retries: 2, retryDelay: "5m" },
  },
  ({ params, run }) => {
    const asOf = run.dataInterval.end;
    const raw = ingest({ source: params.source, interval: run.dataInterval });
    const purchases = { table: raw.table, version: raw.version };

    const checked = quality({ ...purchases, suite: "purchases", interval: run.dataInterval });
    const feats = features({ ...purchases, asOf }, { after: [checked] });
    const online = materialize({ views: ["customer_features"], until: asOf }, { after: [feats] });

    const model = train(
      {
        purchases,
        features: { table: feats.table, version: feats.version },
        asOf,
        algorithm: params.model,
        seed: params.seed,
        dagRun: run.id,
        trigger: run.trigger,
      },
      { after: [online] },
    );
    // The gate of promotion: good enough by itself, then better than the champion (in `register`).
    const goodEnough = derive("good_enough", [model.metrics.val_f1, params.minF1], (f1, minF1) => f1 > minF1);
    const version = register(
      { model: REPURCHASE_MODEL, runId: model.runId, validation: model.validation },
      { when: goodEnough },
    );
    return deploy({
      model: version.name,
      version: version.version,
      features: { table: feats.table, version: feats.version },
      asOf,
    });
  },
);
