/** What breaks at night: killed workers, a killed server, bad input, a full disk. Nothing may be lost or doubled. */
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunView } from "@dagwright/engine";
import { openTracking } from "@dagwright/tracking";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { PROJECT, Product } from "./product.ts";

const CSV = join(PROJECT, "data", "cdnow-purchases.csv");

async function rowsBefore(day: string): Promise<number> {
  const lines = (await readFile(CSV, "utf8")).trim().split("\n").slice(1);
  return lines.filter((line) => (line.split(",")[1] ?? "") < day).length;
}

async function pidOf(file: string): Promise<number> {
  return (JSON.parse(await readFile(file, "utf8")) as { pid: number }).pid;
}

const Deployed = z.object({ endpoint: z.string() });

const pause = (ms: number) => new Promise((later) => setTimeout(later, ms));

/** Child processes of a process whose command line holds `part`. */
function childrenOf(pid: number, part: string): number[] {
  const { stdout } = spawnSync("ps", ["-eo", "pid,ppid,args"], { encoding: "utf8" });
  return stdout
    .split("\n")
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .filter((match) => match !== null && Number(match[2]) === pid && (match[3] ?? "").includes(part))
    .map((match) => Number(match?.[1]));
}

describe("killed processes", () => {
  let product: Product;
  let upPid: number;

  beforeAll(async () => {
    product = await Product.create();
    upPid = (await product.up()).process.pid ?? 0;
  }, 120_000);
  afterAll(async () => await product.destroy(), 60_000);

  async function soundAfter(view: RunView): Promise<void> {
    expect(view.error).toBeUndefined();
    expect(view.state).toBe("success");
    const [counted] = await product.rows("purchases", "SELECT count(*) AS n FROM t");
    expect(counted?.["n"]).toBe(await rowsBefore("1998-02-01"));
    const tracking = await openTracking({ root: join(product.home, "tracking") });
    const versions = await tracking.listModelVersions("customer_repurchase");
    const ofThisRun = versions.filter(
      ({ runId }) => runId === (view.tasks["train"]?.output as { runId: string } | undefined)?.runId,
    );
    expect(ofThisRun.length).toBeLessThanOrEqual(1);
    expect(versions.filter(({ stage }) => stage === "production")).toHaveLength(1);
    await tracking.close();
  }

  it("the worker, ten times in one run: it completes, every row once, one model version", async () => {
    const running = product.json(["run", "daily_ml_pipeline", "--logical-date", "1998-01-31", "--wait"]);
    let over = false;
    void running.finally(() => {
      over = true;
    });
    const killed: number[] = [];
    await pause(1_500);
    while (killed.length < 10 && !over) {
      const [worker] = childrenOf(upPid, "worker/main.ts");
      if (worker !== undefined && !killed.includes(worker)) {
        process.kill(worker, "SIGKILL");
        killed.push(worker);
      }
      // Moments spread over start, polling and work: 0.4 s to 4 s after the last kill.
      await pause(400 + killed.length * 400);
    }
    const { value } = await running;
    expect(killed.length).toBe(10);
    await soundAfter(value as RunView);
    const tracking = await openTracking({ root: join(product.home, "tracking") });
    expect(await tracking.listModelVersions("customer_repurchase")).toHaveLength(1);
    await tracking.close();
  }, 300_000);

  it("the prediction server outlives a killed worker and is taken up again", async () => {
    const { value } = await product.json(["runs", "show", "daily_ml_pipeline/1998-01-31T00:00:00Z"]);
    const { endpoint } = Deployed.parse((value as RunView).tasks["deploy"]?.output);
    const before = (await (await fetch(`${endpoint}/health`)).json()) as { pid: number };
    const [worker] = childrenOf(upPid, "worker/main.ts");
    process.kill(worker ?? 0, "SIGKILL");
    await expect
      .poll(() => childrenOf(upPid, "worker/main.ts").filter((pid) => pid !== worker).length, { timeout: 30_000 })
      .toBe(1);
    await pause(3_000);
    expect(await (await fetch(`${endpoint}/health`)).json()).toMatchObject({ pid: before.pid, status: "ok" });
  }, 60_000);

  it("the Temporal server in mid-run: it is started again and the run completes", async () => {
    const running = product.json([
      "run",
      "daily_ml_pipeline",
      "--logical-date",
      "1998-01-31",
      "--run-id",
      "daily_ml_pipeline/again",
      "--wait",
    ]);
    await pause(3_000);
    process.kill(await pidOf(join(product.home, "temporal", "server.json")), "SIGKILL");
    const { value } = await running;
    await soundAfter(value as RunView);
  }, 240_000);
});

describe("bad input gets a clear error and writes nothing", () => {
  let product: Product;
  let folder: string;

  beforeAll(async () => {
    product = await Product.create();
    folder = await mkdtemp(join(tmpdir(), "dagwright-input-"));
    await product.up();
  }, 120_000);
  afterAll(async () => {
    await product.destroy();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  async function tables(): Promise<string[]> {
    const { openLake } = await import("@dagwright/lake");
    const lake = await openLake({ root: join(product.home, "lake"), sourceRoots: [] });
    const names = await lake.listTables();
    await lake.close();
    return names;
  }

  const header = "customer_id,date,number_of_cds,dollar_value";
  const good = "1,1998-01-31,1,11.77";
  const sources: [string, string | null, RegExp][] = [
    ["missing.csv", null, /missing\.csv.*(not exist|no such|not found|there is no)/i],
    ["empty.csv", "", /empty\.csv.*empty/i],
    ["three-columns.csv", `${header}\n${good}\n2,1998-01-31,1\n`, /three-columns\.csv.*line 3/i],
    ["no-such-day.csv", `${header}\n${good}\n2,1997-02-30,1,5.00\n`, /no-such-day\.csv.*line 3.*date.*1997-02-30/i],
    ["negative.csv", `${header}\n${good}\n2,1998-01-31,-4,5.00\n`, /negative\.csv.*line 3.*number_of_cds.*-4/i],
  ];
  it.each(sources)(
    "source %s",
    async (name, content, message) => {
      const source = join(folder, name);
      if (content !== null) await writeFile(source, content);
      await refused(source, message);
    },
    60_000,
  );

  it("a directory as source", async () => {
    await mkdir(join(folder, "a-folder"));
    await refused(join(folder, "a-folder"), /a-folder.*(directory|folder)/i);
  }, 60_000);

  async function refused(source: string, message: RegExp): Promise<void> {
    const { code, value } = await product.json([
      "run",
      "daily_ml_pipeline",
      "--params",
      JSON.stringify({ source }),
      "--run-id",
      `daily_ml_pipeline/bad-${Math.abs(source.length * 31 + source.charCodeAt(source.length - 5))}-${source.split("/").at(-1)}`,
      "--logical-date",
      "1998-01-31",
      "--wait",
    ]);
    expect(code).toBe(1);
    const view = value as RunView;
    expect(view.state).toBe("failed");
    expect(view.error?.message).toMatch(message);
    expect(view.tasks["ingest"]?.attempts).toBe(1);
    expect(await tables()).toEqual([]);
  }

  it("a logical date past the end of the data", async () => {
    const { code, value } = await product.json(["run", "daily_ml_pipeline", "--logical-date", "2031-01-01", "--wait"]);
    expect(code).toBe(1);
    expect((value as RunView).error?.message).toMatch(/1998-06-30/);
    expect(await tables()).toEqual([]);
  }, 60_000);

  it.each([
    [["--params", '{"sauce":"x.csv"}'], /sauce.*source/s],
    [["--params", '{"minF1":"high"}'], /minF1.*"high".*number/s],
    [["--params", "{"], /--params is not JSON/],
    [["--logical-date", "yesterday"], /yesterday/],
  ])("%j is refused before anything starts", async (args, message) => {
    const { code, stdout } = await product.cli(["run", "daily_ml_pipeline", ...args, "--wait", "--json"]);
    expect(code).toBe(2);
    expect((JSON.parse(stdout) as { error: { message: string } }).error.message).toMatch(message);
  });

  it("an unknown DAG: the nearest is suggested", async () => {
    const { code, stderr } = await product.cli(["run", "daily_ml_pipelin"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/daily_ml_pipeline/);
  });

  it("Temporal unreachable", async () => {
    const { code, stderr } = await product.cli(["runs", "list"], { env: { TEMPORAL_ADDRESS: "127.0.0.1:9" } });
    expect(code).toBe(1);
    expect(stderr).toMatch(/TEMPORAL_UNREACHABLE.*127\.0\.0\.1:9/s);
  });
});

describe("the machine's limits", () => {
  it("a port in use is named before anything starts", async () => {
    const product = await Product.create();
    const squatter = createServer().listen(product.port, "127.0.0.1");
    const { code, stderr } = await product.cli(["up"]);
    squatter.close();
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`PORT_IN_USE.*${product.port}`, "s"));
    await product.destroy();
  }, 60_000);

  const root = process.getuid?.() === 0;
  it.skipIf(!root)(
    "a full disk: the run fails with DISK_FULL and no table appears (needs root for a small tmpfs)",
    async () => {
      const product = await Product.create();
      const lake = join(product.home, "lake");
      await mkdir(lake, { recursive: true });
      expect(spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", lake]).status).toBe(0);
      try {
        await product.up();
        const { code, value } = await product.json([
          "run",
          "daily_ml_pipeline",
          "--logical-date",
          "1998-01-31",
          "--wait",
        ]);
        expect(code).toBe(1);
        expect((value as RunView).error).toMatchObject({ code: "DISK_FULL" });
        const { openLake } = await import("@dagwright/lake");
        const opened = await openLake({ root: lake, sourceRoots: [] });
        expect(await opened.listTables()).toEqual([]);
        await opened.close();
      } finally {
        spawnSync("umount", ["-l", lake]);
        await product.destroy();
      }
    },
    120_000,
  );
});
