/** A worker that is killed in the middle of a long training: it is done once, as if nothing had been. */
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunView } from "@dagwright/engine";
import { openTracking } from "@dagwright/tracking";
import { afterAll, beforeAll, expect, it } from "vitest";
import { PROJECT, Product } from "./product.ts";

/** Trees of the forest: seconds by default; `TRAINING_TREES=15000` trains for a minute. */
const TREES = Number(process.env["TRAINING_TREES"] ?? 400);

let product: Product;
let upPid: number;
let folder: string;
beforeAll(async () => {
  // In the project, so that the DAG file finds the packages.
  await mkdir(join(PROJECT, ".dagwright"), { recursive: true });
  folder = await mkdtemp(join(PROJECT, ".dagwright", "training-killed-"));
  const file = join(folder, "long-training.ts");
  await writeFile(file, dagFile);
  product = await Product.create();
  upPid = (await product.up(["--dags", folder])).process.pid ?? 0;
}, 120_000);
afterAll(async () => {
  await product.destroy();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

const dagFile = `
import { defineDag, task } from "@dagwright/engine";
import { z } from "zod";
import { spark } from "${join(PROJECT, "mcp-servers", "spark", "contract.ts")}";
import { training } from "${join(PROJECT, "mcp-servers", "training", "contract.ts")}";

const Version = z.object({ table: z.string(), version: z.number() });
const rows = task("rows", {
  input: z.object({ table: z.string(), from: z.number() }),
  output: Version,
  run: async ({ table, from }, ctx) => {
    const ten = "(" + [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((v) => "SELECT " + v + " AS v").join(" UNION ALL ") + ")";
    const id = "a.v + 10 * b.v + 100 * c.v + 1000 * d.v + " + from;
    const { written } = await ctx.mcp(spark).call("run_spark_sql", {
      sql: "SELECT CAST(" + id + " AS BIGINT) AS id, CAST((" + id + ") * 7919 % 1009 AS DOUBLE) AS x, CAST((" + id + ") * 104729 % 2003 AS DOUBLE) AS y, CASE WHEN (" + id + ") * 7919 % 1009 > (" + id + ") * 104729 % 907 THEN 1 ELSE 0 END AS label FROM " + ten + " a CROSS JOIN " + ten + " b CROSS JOIN " + ten + " c CROSS JOIN " + ten + " d",
      views: {},
      write: { table, mode: "overwrite" },
    });
    return { table, version: written?.version ?? -1 };
  },
});
const learn = task("learn", {
  input: z.object({ train: Version, validation: Version, trees: z.number() }),
  output: z.object({ runId: z.string(), modelUri: z.string() }),
  heartbeat: "5s",
  run: async ({ train, validation, trees }, ctx) => {
    const { runId, modelUri } = await ctx.mcp(training).call("train_model", {
      ...{ train, validation, label: "label", features: ["x", "y"], experiment: "long", params: { n_estimators: trees } },
    });
    return { runId, modelUri };
  },
});
export const longTraining = defineDag({ id: "long_training", params: z.object({ trees: z.number() }) }, ({ params }) =>
  learn({
    train: rows({ table: "rows_train", from: 0 }, { id: "train_rows" }),
    validation: rows({ table: "rows_validation", from: 10000 }, { id: "validation_rows" }),
    trees: params.trees,
  }),
);
`;

function workerOf(pid: number): number | undefined {
  const { stdout } = spawnSync("ps", ["-eo", "pid,ppid,args"], { encoding: "utf8" });
  const own = stdout.split("\n").map((line) => /^\s*(\d+)\s+(\d+)\s+.*worker\/main\.ts/.exec(line));
  const found = own.find((match) => Number(match?.[2]) === pid);
  return found ? Number(found[1]) : undefined;
}

it("the training begins again, and there is one run with one model", async () => {
  const runId = "long_training/killed";
  const params = JSON.stringify({ trees: TREES });
  const args = ["run", "long_training", "--run-id", runId, "--params", params, "--wait", "--dags", folder];
  const running = product.json(args, { timeoutMs: 560_000 });
  const progress = async () => {
    const { value } = await product.json(["runs", "show", runId]);
    return (value as Partial<RunView>).tasks?.["learn"]?.progress?.done ?? 0;
  };
  // Well into the training, by what its heartbeats say.
  await expect.poll(progress, { timeout: 120_000, interval: 100 }).toBeGreaterThan(TREES / 20);
  const worker = workerOf(upPid);
  if (worker === undefined) throw new Error("There is no worker to kill");
  process.kill(worker, "SIGKILL");
  const { value } = await running;
  const view = value as RunView;
  expect(view).toMatchObject({ state: "success", tasks: { learn: { state: "success", attempts: 1 } } });
  const tracking = await openTracking({ root: join(product.home, "tracking") });
  const runs = await tracking.searchRuns({ experiment: "long" });
  expect(runs).toHaveLength(1);
  expect(runs[0]).toMatchObject({ status: "FINISHED" });
  expect(view.tasks["learn"]?.output).toMatchObject({ runId: runs[0]?.runId });
  await tracking.close();
}, 600_000);
