import { describe, expect, it } from "vitest";
import { dailyMlPipeline } from "./daily-ml-pipeline.ts";
import { weeklyModelRetraining } from "./weekly-model-retraining.ts";

describe("the shipped DAGs", () => {
  it("order the stages of the day", () => {
    expect(dailyMlPipeline.graph.nodes.map(({ id, upstream }) => [id, upstream])).toMatchInlineSnapshot(`
      [
        [
          "ingest",
          [],
        ],
        [
          "quality",
          [
            "ingest",
          ],
        ],
        [
          "features",
          [
            "ingest",
            "quality",
          ],
        ],
        [
          "materialize",
          [
            "features",
          ],
        ],
        [
          "train",
          [
            "features",
            "ingest",
            "materialize",
          ],
        ],
        [
          "good_enough",
          [
            "train",
          ],
        ],
        [
          "register",
          [
            "good_enough",
            "train",
          ],
        ],
        [
          "deploy",
          [
            "features",
            "register",
          ],
        ],
      ]
    `);
  });

  it("branch the week into a retraining run or none", () => {
    expect(weeklyModelRetraining.graph.nodes.map(({ id, upstream }) => [id, upstream])).toMatchInlineSnapshot(`
      [
        [
          "features",
          [],
        ],
        [
          "drift_check",
          [
            "features",
          ],
        ],
        [
          "drifted",
          [
            "drift_check",
          ],
        ],
        [
          "last_day",
          [
            "drifted",
          ],
        ],
        [
          "retrain_trigger",
          [
            "drift_check",
            "last_day",
          ],
        ],
        [
          "skip_retraining",
          [
            "drift_check",
            "drifted",
          ],
        ],
      ]
    `);
  });

  it("are scheduled daily at midnight UTC and on Mondays, and created paused with a note", () => {
    expect(dailyMlPipeline.graph.schedule).toMatchObject({ kind: "cron", timezone: "UTC" });
    expect(weeklyModelRetraining.graph.schedule).toMatchObject({
      kind: "cron",
      expressions: ["0 0 * * 1"],
      timezone: "UTC",
    });
    for (const dag of [dailyMlPipeline, weeklyModelRetraining])
      expect(dag.options.paused?.note).toContain("1998-06-30");
  });
});
