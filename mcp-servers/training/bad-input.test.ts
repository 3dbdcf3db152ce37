/** What docs/training.md says of odd input happens, with every algorithm, through the tools. */
import { readFileSync } from "node:fs";
import { createMcpPool, type ToolArguments } from "@dagwright/mcp-kit";
import type { Tracking } from "@dagwright/tracking";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { training } from "./contract.ts";
import { openPlace, type Place } from "./fixtures/place.ts";
import { createTrainingServer } from "./server.ts";

let place: Place;
let tracking: Tracking;
let pool: ReturnType<typeof createMcpPool>;

beforeAll(async () => {
  place = await openPlace("training-odd");
  const { write, lake } = place;
  tracking = place.tracking;
  const infinite = (name: string) => `CASE WHEN i = 7 THEN 'Infinity'::DOUBLE ELSE ${name} END`;
  await write(
    "rows",
    `SELECT *, ${infinite("x")} AS endless, ${infinite("label")} AS endless_label FROM (
      SELECT i, ((i * 37) % 101)::DOUBLE AS x, CASE WHEN i % 9 = 0 THEN 'NaN'::DOUBLE ELSE i % 13 END AS y,
        NULL::DOUBLE AS nothing, NULL::VARCHAR AS silence, CASE WHEN i % 2 = 0 THEN 'ams' ELSE 'ber' END AS city,
        CASE WHEN (i * 37) % 101 > 50 THEN 1.0 ELSE 0.0 END AS label, CASE WHEN i > 3 THEN 1 END AS holes, 1 AS same,
        CASE WHEN i = 7 THEN -1 ELSE 1 END AS owed, CASE WHEN i = 7 THEN 1e300::DOUBLE ELSE i END AS beyond
      FROM range(0, 60) t(i))`,
  );
  const views = "FROM range(0, 20) t(i)";
  await write("renamed", `SELECT i::DOUBLE AS xx, i % 2 AS label, 'ams' AS city ${views}`);
  await write("texts", `SELECT i::VARCHAR AS x, i % 2 AS label, 'ams' AS city ${views}`);
  await write("unseen", `SELECT i::DOUBLE AS x, i % 2 AS label, 'zrh' AS city ${views}`);
  await write("one", "SELECT 1.0 AS x, 1 AS label");
  await write("none", `SELECT i::DOUBLE AS x, i AS label ${views} WHERE i < 0`);
  pool = createMcpPool({ servers: { training: createTrainingServer({ lake, tracking }) } });
});
afterAll(async () => {
  await pool.close();
  await place.close();
});

const LEARNERS = [
  ["random_forest", "classification", { n_estimators: 5 }],
  ["random_forest", "regression", { n_estimators: 5 }],
  ["gradient_boosting", "classification", { n_estimators: 5 }],
  ["gradient_boosting", "regression", { n_estimators: 5 }],
  ["logistic_regression", "classification", {}],
  ["ridge", "regression", {}],
  ["neural_network", "classification", { max_iter: 3 }],
  ["neural_network", "regression", { max_iter: 3 }],
] as const;

type TrainArguments = ToolArguments<typeof training, "train_model">;

/** What is wrong with the arguments of train_model, and how they are refused. */
const REFUSED: readonly (readonly [Partial<TrainArguments>, string])[] = [
  [{ label: "same" }, "ONE_CLASS"],
  [{ train: { table: "one" }, validation: { table: "one" } }, "ONE_CLASS"],
  [{ train: { table: "none" } }, "NO_ROWS"],
  [{ label: "holes" }, "LABEL_MISSING"],
  [{ label: "endless_label" }, "INVALID_TARGET"],
  [{ features: ["endless"] }, "INVALID_VALUE"],
  [{ features: ["beyond"] }, "INVALID_VALUE"],
  [{ weight: "owed" }, "INVALID_WEIGHT"],
  [{ features: ["silence"], preprocessing: { silence: { encode: "one_hot" } } }, "EMPTY_DATA"],
  [{ features: ["x", "nothing"], preprocessing: { nothing: { impute: "mean" } } }, "INVALID_PREPROCESSING"],
];
/** Tables that a model of `x` and `city` cannot be asked about. */
const UNASKABLE = [
  ["renamed", "COLUMN_NOT_FOUND"],
  ["texts", "INVALID_VALUE"],
] as const;

describe.each(LEARNERS)("%s, %s", (algorithm, task, params) => {
  const ask = {
    ...{ algorithm, task, params, label: "label", features: ["x"], experiment: `${algorithm} ${task}` },
    ...{ train: { table: "rows" }, validation: { table: "rows" } },
  };
  const client = () => pool.client(training);

  test.each(REFUSED)("%j is refused as %s before a run is started", async (wrong, code) => {
    const call = client().call("train_model", { ...ask, experiment: "refused", ...wrong });
    await expect(call).rejects.toMatchObject({ code, retryable: false });
    expect(await tracking.searchRuns({ experiment: "refused" })).toEqual([]);
  });

  test("missing values and a column missing in all rows are learnt from, an unseen category counts as missing", async () => {
    const features = ["x", "y", "nothing"];
    const { runId, featureImportance } = await client().call("train_model", { ...ask, features });
    expect(featureImportance.find(({ feature }) => feature === "nothing")?.importance).toBe(0);
    const { metrics } = await client().call("validate_model", { runId, data: { table: "rows" }, label: "label" });
    expect(Object.keys(metrics).length).toBeGreaterThan(2);

    const lenient = await client().call("train_model", { ...ask, features: ["x", "city"] });
    const data = { table: "unseen" };
    const asked = await client().call("validate_model", { runId: lenient.runId, data, label: "label" });
    expect(asked.rows).toBe(20);
    for (const [table, code] of UNASKABLE) {
      const call = client().call("validate_model", { runId: lenient.runId, data: { table }, label: "label" });
      await expect(call).rejects.toMatchObject({ code, retryable: false });
    }
    const preprocessing = { city: { encode: "one_hot", handle_unknown: "error" } };
    const strict = await client().call("train_model", { ...ask, features: ["x", "city"], preprocessing });
    await expect(client().call("validate_model", { runId: strict.runId, data, label: "label" })).rejects.toMatchObject({
      code: "UNKNOWN_CATEGORY",
      retryable: false,
    });
  });
});

test("every code of the guide's table is tried here, or by the library's own tests", () => {
  const guide = readFileSync(new URL("../../docs/training.md", import.meta.url), "utf8");
  const table = guide.slice(guide.indexOf("| input | what happens |"), guide.indexOf("## How good it is"));
  const said = new Set([...table.matchAll(/`([A-Z_]{5,})`/g)].map(([, code]) => code));
  const tried = new Set<string>([...REFUSED, ...UNASKABLE].map(([, code]) => code));
  // Tools find columns by their table, and 4 GiB are too long to write here.
  for (const code of [...tried, "UNKNOWN_CATEGORY", "MISSING_FEATURE", "TOO_LARGE"]) expect([...said]).toContain(code);
  expect(said.size).toBe(tried.size + 3);
});
