import { branch, cron, defineDag, derive, retrainingController } from "@dagwright/engine";
import { z } from "zod";
import { driftCheck } from "../activities/drift-check.ts";
import { features } from "../activities/features.ts";
import { retrainTrigger } from "../activities/retrain-trigger.ts";
import { REPURCHASE_MODEL, SAMPLE_NOTE } from "./sample.ts";

/** Every Monday: has the world moved away from what the production model was trained on? If so, retrain. */
export const weeklyModelRetraining = defineDag(
  {
    id: "weekly_model_retraining",
    description: "Measure feature drift since training; start a retraining run when the data set has drifted.",
    schedule: cron("0 0 * * 1", { timezone: "UTC" }),
    catchup: false,
    maxActiveRuns: 1,
    manualLogicalDate: "1998-01-19",
    paused: { note: SAMPLE_NOTE },
    tags: ["ml", "cdnow"],
    params: z.object({
      threshold: z.number().positive().default(0.1).describe("PSI from which a feature counts as drifted"),
      driftShare: z.number().min(0).max(1).default(0.1).describe("Share of drifted features that makes data set drift"),
    }),
    defaults: { retries: 2, retryDelay: "5m" },
  },
  ({ params, run }) => {
    const asOf = run.dataInterval.end;
    const feats = features({ table: "purchases", asOf });
    const drift = driftCheck({
      model: REPURCHASE_MODEL,
      features: { table: feats.table, version: feats.version },
      asOf,
      threshold: params.threshold,
      driftShare: params.driftShare,
    });
    branch("drifted", drift.decision, {
      retrain_trigger: () =>
        retrainTrigger({
          dag: "daily_ml_pipeline",
          reason: drift.reason,
          // The last daily interval that is over when the week is.
          logicalDate: derive("last_day", [asOf], (end) => new Date(Date.parse(end) - 86_400_000).toISOString()),
          requestedBy: run.id,
        }),
      skip_retraining: () => derive("skip_retraining", [drift.reason], (reason) => reason),
    });
    return drift;
  },
);

/** Takes `drift` signals for the model at any time and starts the same retraining run: once for a burst of signals. */
export const repurchaseRetraining = retrainingController({
  model: REPURCHASE_MODEL,
  dag: "daily_ml_pipeline",
  debounce: "5s",
  coolDown: "1h",
});
