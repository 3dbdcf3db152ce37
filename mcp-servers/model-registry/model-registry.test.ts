import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMcpPool, type McpPool } from "@dagwright/mcp-kit";
import { openTracking, type Tracking } from "@dagwright/tracking";
import { afterEach, beforeEach, expect, test } from "vitest";
import { modelRegistry } from "./contract.ts";
import { createModelRegistryServer } from "./server.ts";

let root: string;
let tracking: Tracking;
let pool: McpPool;
let runId: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "model-registry-"));
  tracking = await openTracking({ root });
  pool = createMcpPool({ servers: { "model-registry": createModelRegistryServer({ tracking }) } });
  runId = (await tracking.startRun({ experiment: "churn" })).runId;
});
afterEach(async () => {
  await pool.close();
  await tracking.close();
  await rm(root, { recursive: true });
});

test("a call made twice under one key registers one version", async () => {
  const client = pool.client(modelRegistry, { idempotencyKey: "run/register" });
  const first = await client.call("register_model", { name: "m", runId, tags: { why: "better" } });
  expect(first).toMatchObject({ version: 1, stage: "none", tags: { why: "better" }, alreadyDone: false });
  expect(await client.call("register_model", { name: "m", runId })).toEqual({ ...first, alreadyDone: true });
  const { models } = await client.call("list_registered_models", {});
  expect(models).toMatchObject([{ name: "m", latest: 1, production: null, versions: [{ version: 1 }] }]);
});

test("no production version yet is an ordinary answer", async () => {
  const client = pool.client(modelRegistry);
  const production = { name: "m", stage: "production" } as const;
  expect(await client.call("get_model_version_details", production)).toEqual({
    found: false,
    version: null,
    lineage: null,
  });
  await client.call("register_model", { name: "m", runId });
  expect(await client.call("get_model_version_details", production)).toEqual({
    found: false,
    version: null,
    lineage: null,
  });
  await client.call("transition_model_stage", { name: "m", version: 1, stage: "production" });
  const found = await client.call("get_model_version_details", production);
  expect(found).toMatchObject({ found: true, version: { version: 1, runId, stage: "production" } });
  expect(await client.call("get_model_version_details", { name: "m", version: 1 })).toEqual(found);
  await expect(client.call("get_model_version_details", { name: "m" })).rejects.toMatchObject({
    code: "INVALID_ARGUMENTS",
    message: expect.stringContaining("exactly one of version, stage and alias"),
  });
  await expect(client.call("get_model_version_details", { ...production, version: 1 })).rejects.toMatchObject({
    code: "INVALID_ARGUMENTS",
  });
});

test("a new production version archives the former one; production cannot be deleted", async () => {
  const client = pool.client(modelRegistry);
  for (let i = 0; i < 2; i++) await client.call("register_model", { name: "m", runId });
  await client.call("transition_model_stage", { name: "m", version: 1, stage: "production" });
  const moved = await client.call("transition_model_stage", { name: "m", version: 2, stage: "production" });
  expect(moved).toMatchObject({ version: { stage: "production" }, archived: [1] });
  const described = await client.call("update_model_description", { name: "m", version: 1, description: "the first" });
  expect(described.version).toMatchObject({ stage: "archived", description: "the first" });
  await expect(client.call("delete_model_version", { name: "m", version: 2 })).rejects.toMatchObject({
    code: "MODEL_VERSION_IN_PRODUCTION",
    retryable: false,
  });
  expect(await client.call("delete_model_version", { name: "m", version: 1 })).toMatchObject({ alreadyDone: false });
  expect(await client.call("delete_model_version", { name: "m", version: 1 })).toMatchObject({ alreadyDone: true });
});

test("an unknown model suggests the nearest name", async () => {
  const client = pool.client(modelRegistry);
  await client.call("register_model", { name: "customer_repurchase", runId });
  const request = { name: "customer_repurchas", version: 1, stage: "production" } as const;
  await expect(client.call("transition_model_stage", request)).rejects.toMatchObject({
    code: "MODEL_NOT_FOUND",
    hint: 'Did you mean "customer_repurchase"?',
  });
});

test("a version tells how it came about, and a table which versions came of it", async () => {
  const client = pool.client(modelRegistry);
  const made = async (version: number) => {
    const lineage = { dag: "daily", dagRun: "daily/1", tables: [{ table: "purchases", version, context: "training" }] };
    const run = await tracking.startRun({ experiment: "churn", lineage });
    await client.call("register_model", { name: "m", runId: run.runId });
  };
  await made(3);
  await made(4);
  await client.call("register_model", { name: "other", runId });
  const moved = await client.call("transition_model_stage", {
    name: "m",
    version: 1,
    stage: "staging",
    aliases: ["challenger"],
  });
  expect(moved.version.aliases).toEqual(["challenger"]);
  expect(await client.call("get_model_version_details", { name: "m", alias: "challenger" })).toMatchObject({
    version: { version: 1, stage: "staging" },
    lineage: {
      experiment: "churn",
      dag: "daily",
      dagRun: "daily/1",
      codeVersion: null,
      tables: [{ table: "purchases", version: 3, context: "training" }],
    },
  });
  const versionsOf = async (request: { table: string; tableVersion?: number }) =>
    (await client.call("list_registered_models", request)).models.map(({ name, versions }) => [
      name,
      versions.map(({ version }) => version),
    ]);
  expect(await versionsOf({ table: "purchases" })).toEqual([["m", [2, 1]]]);
  expect(await versionsOf({ table: "purchases", tableVersion: 4 })).toEqual([["m", [2]]]);
  expect(await versionsOf({ table: "nobody's" })).toEqual([]);
});
