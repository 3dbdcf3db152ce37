/** A worker that is killed in the middle of a long training, and a training that is cancelled: done once, or not at all. */
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunView } from "@dagwright/engine";
import { openTracking } from "@dagwright/tracking";
import { afterAll, beforeAll, expect, it } from "vitest";
import { PROJECT, Product } from "./product.ts";

/** Trees of the forest: seconds by default; `npm run test:training` trains for a minute. */
const TREES = Number(process.env["TRAINING_TREES"] ?? 400);
const isLong = TREES > 10_000;
/** Long forms have two such trainings, one of which begins again, and measure tens of millions of nodes on all rows. */
const LIMIT_MS = isLong ? 3_600_000 : 600_000;

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

/** Waits until so many trees have grown. */
async function reached(runId: string, trees: number): Promise<void> {
  const progress = async () => {
    const { value } = await product.json(["runs", "show", runId]);
    return (value as Partial<RunView>).tasks?.["learn"]?.progress?.done ?? 0;
  };
  await expect.poll(progress, { timeout: LIMIT_MS / 2, interval: 100 }).toBeGreaterThan(trees);
}

it(
  "the training begins again, and there is one run with one model",
  async () => {
    const runId = "long_training/killed";
    const params = JSON.stringify({ trees: TREES });
    const args = ["run", "long_training", "--run-id", runId, "--params", params, "--wait", "--dags", folder];
    const running = product.json(args, { timeoutMs: LIMIT_MS - 40_000 });
    // Well into the training, by what its heartbeats say.
    await reached(runId, isLong ? TREES / 2 : TREES / 20);
    const worker = workerOf(upPid);
    if (worker === undefined) throw new Error("There is no worker to kill");
    process.kill(worker, "SIGKILL");
    const { value } = await running;
    const view = value as RunView;
    if (isLong) console.log(JSON.stringify(view.tasks["learn"]));
    expect(view).toMatchObject({ state: "success", tasks: { learn: { state: "success", attempts: 1 } } });
    const tracking = await openTracking({ root: join(product.home, "tracking") });
    const runs = await tracking.searchRuns({ experiment: "long" });
    expect(runs).toHaveLength(1);
    expect(runs[0]).toMatchObject({ status: "FINISHED" });
    expect(view.tasks["learn"]?.output).toMatchObject({ runId: runs[0]?.runId });
    await tracking.close();
    const files = await readdir(join(product.home, "tracking"), { recursive: true });
    expect(files.filter((path) => path.endsWith("model.bin"))).toHaveLength(1);
  },
  LIMIT_MS,
);

it(
  "a training that is cancelled ends in the middle, and leaves no model",
  async () => {
    const runId = "long_training/cancelled";
    const params = JSON.stringify({ trees: 50 * TREES });
    const running = product.json(
      ["run", "long_training", "--run-id", runId, "--params", params, "--wait", "--dags", folder],
      { timeoutMs: LIMIT_MS - 40_000 },
    );
    await reached(runId, TREES / 20);
    await product.json(["runs", "cancel", runId]);
    const { value } = await running;
    expect(value).toMatchObject({ state: "cancelled" });
    const tracking = await openTracking({ root: join(product.home, "tracking") });
    const runs = await tracking.searchRuns({ experiment: "long" });
    expect(runs.map(({ status }) => status).sort()).toEqual(["FINISHED", "KILLED"]);
    await tracking.close();
    const files = await readdir(join(product.home, "tracking"), { recursive: true });
    expect(files.filter((path) => path.endsWith("model.bin"))).toHaveLength(1);
  },
  LIMIT_MS,
);
