/** Workers that are killed in the middle of a study, on a real server: no trial is lost, none is there twice. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { openLake } from "@dagwright/lake";
import { openTracking, type Tracking } from "@dagwright/tracking";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Product } from "./product.ts";

/** A few by default; `STUDY_TRIALS=200` is the study that the guide speaks of. */
const TRIALS = Number(process.env["STUDY_TRIALS"] ?? 12);
const KILLS = TRIALS >= 100 ? 4 : 2;

let product: Product;
let tracking: Tracking;
let upPid: number;
beforeAll(async () => {
  product = await Product.create();
  const lake = await openLake({ root: join(product.home, "lake"), sourceRoots: [] });
  const sql =
    "SELECT (i * 37) % 101 AS x, (i * 53) % 89 AS y, CASE WHEN (i * 37) % 101 > (i * 71) % 83 THEN 1 ELSE 0 END AS label FROM range(0, 600) t(i)";
  const txn = { appId: "rows", version: 1 };
  await lake.write({ table: "rows", sql, dialect: "duckdb", views: {}, mode: "overwrite", txn });
  await lake.close();
  upPid = (await product.up()).process.pid ?? 0;
  tracking = await openTracking({ root: join(product.home, "tracking") });
}, 120_000);
afterAll(async () => {
  await tracking.close();
  await product.destroy();
}, 60_000);

/** The worker that `dagwright up` has as its child just now. */
async function workerPid(): Promise<number | undefined> {
  const children = await readFile(`/proc/${upPid}/task/${upPid}/children`, "utf8");
  for (const pid of children.trim().split(" ").map(Number)) {
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (command.includes("worker/main.ts")) return pid;
  }
  return undefined;
}

const trialRuns = async () =>
  (await tracking.searchRuns({ experiment: "killed/tuning/depth", limit: TRIALS * 2 + 10 })).filter(
    ({ tags }) => tags["kind"] === "trial",
  );

it(`${KILLS} killed workers of a study of ${TRIALS} trials`, async () => {
  const search = {
    study: "depth",
    experiment: "killed",
    train: { table: "rows" },
    label: "label",
    features: ["x", "y"],
    params: { n_estimators: 400 },
    space: [
      { name: "max_depth", type: "int", low: 1, high: 12 },
      { name: "min_samples_leaf", type: "int", low: 1, high: 40, log: true },
    ],
    folds: 2,
    trials: TRIALS,
  };
  const runId = "hyperparameter_search/killed";
  const args = ["run", "hyperparameter_search", "--run-id", runId, "--params", JSON.stringify({ search }), "--wait"];
  const running = product.json(args, { timeoutMs: 840_000 });
  for (let kills = 0; kills < KILLS; kills += 1) {
    const wanted = Math.floor((TRIALS * (kills + 1)) / (KILLS + 2));
    // Into the middle of a trial, as soon as so many have begun.
    for (;;) {
      const runs = await trialRuns();
      if (runs.length >= wanted && runs.some(({ status }) => status === "RUNNING")) break;
      await pause(50);
    }
    let pid = await workerPid();
    for (; pid === undefined; pid = await workerPid()) await pause(100);
    process.kill(pid, "SIGKILL");
  }
  const { value } = await running;
  expect(value).toMatchObject({ state: "success" });
  const runs = await trialRuns();
  const numbers = runs.map(({ tags }) => Number(tags["trial"])).sort((a, b) => a - b);
  expect(numbers).toEqual(Array.from({ length: TRIALS }, (_, number) => number));
  expect(new Set(runs.map(({ status }) => status))).toEqual(new Set(["FINISHED"]));
  expect(value).toMatchObject({
    tasks: { study_result: { output: { counts: { complete: TRIALS, pruned: 0, failed: 0 } } } },
  });
}, 900_000);
