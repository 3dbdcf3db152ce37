/** The monitor of served models, on a real Temporal server, a real prediction server, and real tables. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createRegistry, defineDag, retrainingController } from "@dagwright/engine";
import { readSettings } from "@dagwright/engine/settings";
import { openLake } from "@dagwright/lake";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { modelRegistry } from "../mcp-servers/model-registry/contract.ts";
import { modelServing } from "../mcp-servers/model-serving/contract.ts";
import { monitoring } from "../mcp-servers/monitoring/contract.ts";
import { training } from "../mcp-servers/training/contract.ts";
import { checkServedModel, type MonitorDeps, startModelMonitor } from "../worker/model-monitor.ts";
import { type House, openHouse } from "../worker/wiring.ts";
import { type Embedded, startEmbedded } from "./engine/embedded.ts";

const retrain = defineDag({ id: "retrain", params: z.object({}) }, () => ({}));
const HOUR = 3_600_000;
/** The one window of these tests ends in an hour, so that none ends while they run. */
const END = Date.now() + HOUR;
let embedded: Embedded;
let house: House;
let home: string;
let endpoint = "";
const events: { event: string; fields: Record<string, unknown> }[] = [];

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "monitor-"));
  embedded = await startEmbedded();
  const registry = createRegistry([retrain]);
  await embedded.worker(registry);
  await embedded.engine.ensureController(
    retrainingController({ model: "churn", dag: "retrain", debounce: "100ms", coolDown: "0s" }),
  );
  const settings = readSettings({ DAGWRIGHT_HOME: home }, home);
  const lake = await openLake({ root: settings.lake, sourceRoots: [] });
  await lake.write({
    table: "trained",
    sql: "SELECT (i * 37 % 1000) / 10.0 AS age, (i * 91 % 1000) / 5.0 AS spent, (i * 37 % 1000 > 500)::INT AS label FROM range(4000) t(i)",
    dialect: "duckdb",
    views: {},
    mode: "overwrite",
    txn: { appId: "trained", version: 1 },
  });
  await lake.close();
  house = await openHouse(settings, registry, embedded.engine);
  const { runId } = await house.pool.client(training).call("train_model", {
    train: { table: "trained", version: 0 },
    validation: { table: "trained", version: 0 },
    label: "label",
    features: ["age", "spent"],
    algorithm: "logistic_regression",
    params: {},
    seed: 1,
    experiment: "churn",
    tags: { "dagwright.train.table": "trained", "dagwright.train.version": "0" },
  });
  const { version } = await house.pool.client(modelRegistry).call("register_model", { name: "churn", runId });
  const deployed = await house.pool.client(modelServing).call("deploy_model", { model: "churn", version });
  endpoint = deployed.endpoint;
});
afterAll(async () => {
  await house?.deployments.stop("churn");
  await house?.close();
  await embedded?.close();
  await rm(home, { recursive: true, force: true });
});

const deps = (some: Partial<MonitorDeps> = {}): MonitorDeps => ({
  pool: house.pool,
  deployments: house.deployments,
  engine: embedded.engine,
  stateFolder: join(home, "monitor"),
  windowMs: END,
  log: (event, fields) => events.push({ event, fields }),
  ...some,
});

async function ask(rows: number, shift: number): Promise<void> {
  const asked = Array.from({ length: rows }, (_, at) => ({
    age: ((at * 37) % 1000) / 10 + shift,
    spent: ((at * 91) % 1000) / 5 + shift,
  }));
  const before = (await house.deployments.predictions("churn", { since: 0, until: Date.now() + HOUR })).length;
  const answer = await fetch(`${endpoint}/predict/batch`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ rows: asked }),
  });
  expect(answer.status).toBe(200);
  const logged = () => house.deployments.predictions("churn", { since: 0, until: Date.now() + HOUR });
  await expect.poll(async () => (await logged()).length, { timeout: 10_000 }).toBe(before + rows);
}
const retrainings = async () =>
  (await embedded.engine.listRuns({ dagId: "retrain" })).filter(({ runId }) => runId.includes("retraining-churn"));

describe("the monitor of served models", () => {
  it("waits for rows, and finds what it was trained on stable", async () => {
    await house.pool.client(modelServing).call("test_endpoint", { model: "churn", rows: [{ age: 1, spent: 1 }] });
    await ask(20, 0);
    expect(await checkServedModel(deps(), "churn", END)).toEqual({
      outcome: "too few rows",
      rows: 20,
      expected: 300,
    });
    await ask(1000, 0);
    expect(await checkServedModel(deps(), "churn", END)).toEqual({ outcome: "stable", share: 0, rows: 1020 });
    expect(await checkServedModel(deps(), "churn", END)).toEqual({ outcome: "nothing new" });
    expect(await retrainings()).toHaveLength(0);
  });

  it("signals drift once, with its evidence, whoever looks and however often", async () => {
    await ask(3000, 150);
    const now = END;
    // Two workers with memories of their own, and one that died after it had decided.
    const [one, two] = [deps({ stateFolder: join(home, "one") }), deps({ stateFolder: join(home, "two") })];
    const found = await checkServedModel(one, "churn", now);
    expect(found).toMatchObject({ outcome: "drifted", share: 1, rows: 4020 });
    expect(await checkServedModel(two, "churn", now)).toEqual(found);
    const died = deps({
      stateFolder: join(home, "died"),
      engine: { signalDrift: () => Promise.reject(new Error("killed here")) },
    });
    await expect(checkServedModel(died, "churn", now)).rejects.toThrow("killed here");
    const risen = deps({ stateFolder: join(home, "died") });
    expect(await checkServedModel(risen, "churn", now)).toEqual({ outcome: "nothing new" });
    expect(await checkServedModel(one, "churn", now)).toEqual({ outcome: "nothing new" });
    // The controller collects signals for a while before it starts a run.
    await expect.poll(async () => (await retrainings()).length, { timeout: 30_000 }).toBe(1);
    const run = await embedded.engine.waitForRun("retrain/retraining-churn-1");
    expect(run.conf).toMatchObject({
      reason: expect.stringMatching(/^2 of 2 features of version 1 drifted .*: age, spent$/),
      signals: 1,
      evidence: [{ share: 1, rows: { reference: 4000, current: 4020 }, psi: { age: expect.any(Number) } }],
    });
    expect(await retrainings()).toHaveLength(1);
    const [evidence] = z
      .array(z.object({ reportUri: z.string(), dashboardUri: z.string() }))
      .parse(z.object({ evidence: z.unknown() }).parse(run.conf).evidence);
    expect(await readFile(fileURLToPath(evidence?.reportUri ?? ""), "utf8")).toContain('"drifted": true');
    expect(await readFile(fileURLToPath(evidence?.dashboardUri ?? ""), "utf8")).toContain("Share of drifted columns");
  });

  it("keeps a page over time", async () => {
    const page = await house.pool.client(monitoring).call("generate_monitoring_dashboard", { monitor: "churn" });
    expect(page).toMatchObject({ drifted: true });
    expect(page.snapshots).toBeGreaterThanOrEqual(1);
  });

  it("goes by the clock, and outlasts a check that fails", async () => {
    const monitor = startModelMonitor(deps({ stateFolder: join(home, "clock") }), ["nobody", "churn"], "* * * * * *");
    await expect.poll(() => events.some(({ fields }) => fields["model"] === "churn"), { timeout: 20_000 }).toBe(true);
    await monitor.stop();
    expect(events).toContainEqual({ event: "model checked", fields: { model: "nobody", outcome: "not deployed" } });
  });
});
