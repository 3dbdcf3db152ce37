/** A study whose trials are tasks of a DAG, on the real servers, in this process. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRegistry } from "@dagwright/engine";
import { readSettings } from "@dagwright/engine/settings";
import { runInProcess } from "@dagwright/engine/testing";
import { openLake } from "@dagwright/lake";
import { expect, test } from "vitest";
import { stageServices } from "../worker/stage-services.ts";
import { openHouse } from "../worker/wiring.ts";
import { hyperparameterSearch } from "../workflows/hyperparameter-search.ts";

test("trials run as tasks, and the study is whole", async () => {
  const home = await mkdtemp(join(tmpdir(), "dagwright-search-"));
  const lake = await openLake({ root: join(home, "lake"), sourceRoots: [] });
  const sql =
    "SELECT (i * 37) % 101 AS x, CASE WHEN (i * 37) % 101 > 50 THEN 1 ELSE 0 END AS label FROM range(0, 90) t(i)";
  const txn = { appId: "rows", version: 1 };
  await lake.write({ table: "rows", sql, dialect: "duckdb", views: {}, mode: "overwrite", txn });
  await lake.close();
  const registry = createRegistry([hyperparameterSearch]);
  const house = await openHouse(readSettings({ DAGWRIGHT_HOME: home }, home), registry, null);
  try {
    const search = {
      study: "depth",
      experiment: "search",
      train: { table: "rows" },
      label: "label",
      features: ["x"],
      params: { n_estimators: 3 },
      space: [{ name: "max_depth", type: "int", low: 1, high: 5 }],
      folds: 2,
      trials: 8,
    };
    const services = stageServices(house.pool);
    const run = await runInProcess(registry.get("hyperparameter_search"), { params: { search }, services });
    expect(run.error).toBeUndefined();
    expect(run).toMatchObject({ state: "success", output: { counts: { complete: 8, pruned: 0, failed: 0 } } });
    expect(run.tasks["tune_trial"]?.mapped?.map(({ output }) => output)).toHaveLength(8);
  } finally {
    await house.close();
    await rm(home, { recursive: true, force: true });
  }
});
