import { expect, test } from "vitest";
import { nearest } from "./nearest.ts";

const dags = ["daily_ml_pipeline", "weekly_model_retraining"];

test.each([
  ["daily_ml_pipelin", "daily_ml_pipeline"],
  ["dialy_ml_pipeline", "daily_ml_pipeline"],
  ["Weekly-Model-Retraining", "weekly_model_retraining"],
  ["daily_ml", "daily_ml_pipeline"],
  ["monthly_report", undefined],
  ["da", undefined],
  ["", undefined],
])("the nearest to %j is %j", (word, expected) => {
  expect(nearest(word, dags)).toBe(expected);
});

test("fewer edits win over a shared beginning", () => {
  expect(nearest("train", ["train_model", "trains"])).toBe("trains");
});
