import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serializeModel, train } from "@dagwright/learn";
import { createMcpPool, type McpPool } from "@dagwright/mcp-kit";
import { type Deployments, openDeployments } from "@dagwright/serving";
import { openTracking, type Tracking } from "@dagwright/tracking";
import { afterEach, beforeEach, expect, test } from "vitest";
import { modelServing } from "./contract.ts";
import { createModelServingServer } from "./server.ts";

let root: string;
let tracking: Tracking;
let deployments: Deployments;
let pool: McpPool;

/** Registers a version of "m" that predicts `highIs` for a large x, as a training run would leave it. */
async function register(highIs: 0 | 1): Promise<number> {
  const x = Float64Array.from({ length: 40 }, (_, i) => i);
  const model = await train({
    algorithm: "logistic_regression",
    columns: { names: ["x"], values: [x], rowCount: 40 },
    target: x.map((value) => (value >= 20 ? highIs : 1 - highIs)),
  });
  const { runId } = await tracking.startRun({ experiment: "e" });
  await tracking.logArtifact(runId, "model/model.bin", serializeModel(model));
  return (await tracking.registerModel({ name: "m", runId })).version;
}

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "model-serving-"));
  tracking = await openTracking({ root: join(root, "tracking") });
  deployments = await openDeployments({ root: join(root, "serving") });
  pool = createMcpPool({ servers: { "model-serving": createModelServingServer({ deployments, tracking }) } });
});
afterEach(async () => {
  for (const { model } of await deployments.list()) await deployments.stop(model);
  await pool.close();
  await tracking.close();
  await rm(root, { recursive: true });
});

test("a registered version is deployed, tested, replaced and rolled back", async () => {
  const client = pool.client(modelServing, { idempotencyKey: "run/deploy" });
  await register(1);
  await register(0);
  const first = await client.call("deploy_model", { model: "m", version: 1 });
  expect(first).toMatchObject({ model: "m", version: 1, previousVersion: null, alreadyDone: false });
  expect(await client.call("deploy_model", { model: "m", version: 1 })).toEqual({ ...first, alreadyDone: true });
  const rows = [{ x: 39 }, { x: null }];
  const tested = await client.call("test_endpoint", { model: "m", rows });
  expect(tested).toMatchObject({
    ok: true,
    endpoint: first.endpoint,
    version: 1,
    predictions: [{ prediction: 1 }, {}],
  });

  await client.call("deploy_model", { model: "m", version: 2 });
  expect(await client.call("test_endpoint", { model: "m", rows })).toMatchObject({
    version: 2,
    predictions: [{ prediction: 0 }, {}],
  });
  const { deployments: all } = await client.call("list_deployments", {});
  expect(all).toMatchObject([{ model: "m", running: true, healthy: true, version: 2, previousVersion: 1 }]);

  const back = await client.call("rollback_deployment", { model: "m" });
  expect(back).toEqual({ model: "m", version: 1, endpoint: first.endpoint });
  expect(await client.call("rollback_deployment", { model: "m" })).toEqual(back);
  expect(await client.call("rollback_deployment", { model: "m", toVersion: 2 })).toMatchObject({ version: 2 });
  expect(await client.call("get_deployment_status", { model: "m" })).toMatchObject({ version: 2, previousVersion: 1 });
});

test("a first deployment rolled back is stopped", async () => {
  const client = pool.client(modelServing);
  await register(1);
  await client.call("deploy_model", { model: "m", version: 1 });
  expect(await client.call("test_endpoint", { model: "m", rows: [{ y: 1 }] })).toMatchObject({
    ...{ ok: false, version: null, predictions: [] },
    message: "rows[0].x is missing: expected a number or null.",
  });
  const stopped = { model: "m", version: null, endpoint: null };
  expect(await client.call("rollback_deployment", { model: "m" })).toEqual(stopped);
  expect(await client.call("rollback_deployment", { model: "m" })).toEqual(stopped);
  expect(await client.call("get_deployment_status", { model: "m" })).toMatchObject({ running: false, version: null });
});

test("what is not registered, or has no model, is not deployed", async () => {
  const client = pool.client(modelServing);
  await expect(client.call("deploy_model", { model: "m", version: 1 })).rejects.toMatchObject({
    code: "MODEL_NOT_FOUND",
  });
  const { runId } = await tracking.startRun({ experiment: "e" });
  await tracking.registerModel({ name: "m", runId });
  await expect(client.call("deploy_model", { model: "m", version: 2 })).rejects.toMatchObject({
    code: "MODEL_VERSION_NOT_FOUND",
    hint: "It has: 1.",
  });
  await expect(client.call("deploy_model", { model: "m", version: 1 })).rejects.toMatchObject({
    code: "ARTIFACT_NOT_FOUND",
  });
  expect((await client.call("list_deployments", {})).deployments).toEqual([]);
});
