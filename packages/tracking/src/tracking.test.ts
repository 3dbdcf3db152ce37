import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import SqliteDatabase from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openTracking, type Tracking } from "./index.ts";

const CONTENDER = fileURLToPath(new URL("./fixtures/contender.ts", import.meta.url));

let root: string;
let tracking: Tracking;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "tracking-"));
  tracking = await openTracking({ root });
});
afterEach(async () => {
  await tracking.close();
  await rm(root, { recursive: true });
});

/** Runs an action in a process of its own. */
async function elsewhere(action: string, argument: string): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--conditions=source",
    "--import",
    "tsx",
    CONTENDER,
    root,
    action,
    argument,
  ]);
  return JSON.parse(stdout);
}

describe("runs", () => {
  it("keep params, the latest metrics with their history, tags, and status", async () => {
    const { runId, status, name } = await tracking.startRun({ experiment: "churn", tags: { by: "test" } });
    expect(runId).toMatch(/^[0-9a-f]{32}$/);
    expect([status, name]).toEqual(["RUNNING", runId.slice(0, 8)]);
    await tracking.logBatch(runId, { params: { trees: 100, depth: "10", weighted: true }, metrics: { f1: 0.8 } });
    await tracking.logBatch(runId, { metrics: { f1: 0.9, loss: Number.NaN }, step: 2, tags: { by: "me" } });
    await tracking.logBatch(runId, { metrics: { f1: 0.85, loss: Number.POSITIVE_INFINITY }, step: 1 });
    const finished = await tracking.finishRun(runId, "FINISHED");
    expect(finished).toEqual(await tracking.getRun(runId));
    expect(finished).toMatchObject({
      experiment: "churn",
      status: "FINISHED",
      params: { trees: "100", depth: "10", weighted: "true" },
      metrics: { f1: 0.9, loss: Number.NaN },
      tags: { by: "me" },
      endedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    });
    const history = await tracking.metricHistory(runId, "f1");
    expect(history.map(({ step, value }) => [step, value])).toEqual([
      [0, 0.8],
      [1, 0.85],
      [2, 0.9],
    ]);
  });

  it("take the same batch twice as once", async () => {
    const { runId } = await tracking.startRun({ experiment: "churn" });
    const batch = { params: { seed: 42 }, metrics: { f1: 0.9, auc: Number.NaN }, tags: { a: "b" } };
    await tracking.logBatch(runId, batch);
    const once = await tracking.getRun(runId);
    await tracking.logBatch(runId, batch);
    expect(await tracking.getRun(runId)).toEqual(once);
    expect(await tracking.metricHistory(runId, "f1")).toHaveLength(1);
    expect(await tracking.metricHistory(runId, "auc")).toHaveLength(1);
  });

  it("refuse another value of a param, and then the whole batch", async () => {
    const { runId } = await tracking.startRun({ experiment: "churn" });
    await tracking.logBatch(runId, { params: { seed: 42 } });
    await expect(
      tracking.logBatch(runId, { params: { depth: 3, seed: 43 }, metrics: { f1: 1 } }),
    ).rejects.toMatchObject({
      code: "PARAM_ALREADY_LOGGED",
      message: `params.seed of run ${runId} is "42" already: it cannot become "43".`,
      field: "params.seed",
      retryable: false,
    });
    expect(await tracking.getRun(runId)).toMatchObject({ params: { seed: "42" }, metrics: {} });
  });

  it("with the same key are the same run: left by a crash, failed, or finished", async () => {
    const first = await tracking.startRun({ experiment: "churn", key: "k" });
    await tracking.logBatch(first.runId, { params: { seed: 42 } });
    const again = await openTracking({ root });
    const taken = await again.startRun({ experiment: "churn", key: "k", name: "other" });
    expect(taken).toMatchObject({ runId: first.runId, status: "RUNNING", params: { seed: "42" }, key: "k" });
    await again.finishRun(first.runId, "FAILED");
    const reopened = await again.startRun({ experiment: "churn", key: "k" });
    expect(reopened.status).toBe("RUNNING");
    expect(reopened).not.toHaveProperty("endedAt");
    const finished = await again.finishRun(first.runId, "FINISHED");
    expect(await tracking.startRun({ experiment: "churn", key: "k" })).toEqual(finished);
    expect(await tracking.finishRun(first.runId, "FINISHED")).toEqual(finished);
    await again.close();
    expect(await tracking.searchRuns({ experiment: "churn" })).toHaveLength(1);
  });

  it("are found by experiment, the newest first", async () => {
    const ids = [];
    for (let i = 0; i < 3; i++) ids.push((await tracking.startRun({ experiment: "churn" })).runId);
    await tracking.startRun({ experiment: "other" });
    const found = await tracking.searchRuns({ experiment: "churn", limit: 2 });
    expect(found.map(({ runId }) => runId)).toEqual([ids[2], ids[1]]);
    expect(await tracking.searchRuns({ experiment: "nobody's" })).toEqual([]);
  });

  it("that do not exist are an error everywhere", async () => {
    const unknown = { code: "RUN_NOT_FOUND", field: "runId", retryable: false };
    await expect(tracking.getRun("nope")).rejects.toMatchObject(unknown);
    await expect(tracking.logBatch("nope", { metrics: { a: 1 } })).rejects.toMatchObject(unknown);
    await expect(tracking.logArtifact("nope", "a", new Uint8Array())).rejects.toMatchObject(unknown);
    await expect(tracking.listArtifacts("../..")).rejects.toMatchObject(unknown);
    await expect(tracking.finishRun("nope", "FAILED")).rejects.toMatchObject(unknown);
    await expect(tracking.registerModel({ name: "m", runId: "nope" })).rejects.toMatchObject(unknown);
    expect(await tracking.listModels()).toEqual([]);
  });
});

describe("artifacts", () => {
  it("are written whole, replaced, listed and addressed by file URLs", async () => {
    const { runId } = await tracking.startRun({ experiment: "churn" });
    await tracking.logArtifact(runId, "model/model.bin", new Uint8Array([1, 2, 3]));
    await tracking.logArtifact(runId, "model/model.bin", new Uint8Array([4, 5]));
    await tracking.logArtifact(runId, "a file #1.json", new TextEncoder().encode("{}"));
    expect(await tracking.readArtifact(runId, "model/model.bin")).toEqual(new Uint8Array([4, 5]));
    expect(await tracking.listArtifacts(runId)).toEqual(["a file #1.json", "model/model.bin"]);
    const uri = await tracking.artifactUri(runId, "a file #1.json");
    expect(await readFile(fileURLToPath(uri), "utf8")).toBe("{}");
    expect(await readdir(join(root, "artifacts", ".writing"))).toEqual([]);
  });

  it.each(["../x", "/etc/passwd", "a/../../x", "a//b", "", ".", "a\\b", "a\0b", "a/"])(
    "refuse the path %j",
    async (path) => {
      const { runId } = await tracking.startRun({ experiment: "churn" });
      const refused = { code: "ARTIFACT_PATH", field: "path" };
      await expect(tracking.logArtifact(runId, path, new Uint8Array([1]))).rejects.toMatchObject(refused);
      await expect(tracking.readArtifact(runId, path)).rejects.toMatchObject(refused);
      expect(await tracking.listArtifacts(runId)).toEqual([]);
    },
  );

  it("that are missing or lie under a file are clear errors", async () => {
    const { runId } = await tracking.startRun({ experiment: "churn" });
    await tracking.logArtifact(runId, "a", new Uint8Array([1]));
    await expect(tracking.readArtifact(runId, "b")).rejects.toMatchObject({
      code: "ARTIFACT_NOT_FOUND",
      hint: "It has: a.",
    });
    await expect(tracking.logArtifact(runId, "a/b", new Uint8Array([1]))).rejects.toMatchObject({
      code: "ARTIFACT_PATH",
    });
  });
});

describe("the model registry", () => {
  let runId: string;
  beforeEach(async () => {
    runId = (await tracking.startRun({ experiment: "churn" })).runId;
  });

  it("gives versions once per key, and their numbers never again", async () => {
    const first = await tracking.registerModel({ name: "m", runId, key: "k1", tags: { a: "b" }, description: "one" });
    expect(first).toMatchObject({ name: "m", version: 1, runId, stage: "none", aliases: [], description: "one" });
    expect(first).toMatchObject({ tags: { a: "b" }, alreadyDone: false });
    expect(await tracking.registerModel({ name: "m", runId, key: "k1" })).toEqual({ ...first, alreadyDone: true });
    await expect(tracking.registerModel({ name: "n", runId, key: "k1" })).rejects.toMatchObject({
      code: "KEY_ALREADY_USED",
    });
    expect((await tracking.registerModel({ name: "m", runId })).version).toBe(2);
    expect(await tracking.deleteModelVersion({ name: "m", version: 2 })).toBe(true);
    expect(await tracking.deleteModelVersion({ name: "m", version: 2 })).toBe(false);
    expect((await tracking.registerModel({ name: "m", runId })).version).toBe(3);
    expect((await tracking.listModelVersions("m")).map(({ version }) => version)).toEqual([3, 1]);
  });

  it("archives the former production version, and says so again when asked again", async () => {
    for (let i = 0; i < 3; i++) await tracking.registerModel({ name: "m", runId });
    const promote = (version: number) =>
      tracking.transitionStage({ name: "m", version, stage: "production", archiveExisting: true });
    expect((await promote(1)).archived).toEqual([]);
    const second = await promote(2);
    expect(second).toMatchObject({ version: { version: 2, stage: "production" }, archived: [1] });
    expect(await promote(2)).toEqual(second);
    expect((await promote(1)).archived).toEqual([2]);
    expect((await promote(3)).archived).toEqual([1]);
    expect((await promote(2)).archived).toEqual([3]);
    expect(await tracking.getModelVersion({ name: "m", stage: "production" })).toMatchObject({ version: 2 });
    expect(await tracking.listModels()).toMatchObject([{ name: "m", latest: 3, production: 2 }]);
    await expect(tracking.deleteModelVersion({ name: "m", version: 2 })).rejects.toMatchObject({
      code: "MODEL_VERSION_IN_PRODUCTION",
    });
  });

  it("finds a version by number, stage and alias", async () => {
    await tracking.registerModel({ name: "m", runId });
    await tracking.registerModel({ name: "m", runId });
    await tracking.setModelAlias({ name: "m", version: 1, alias: "champion" });
    expect(await tracking.getModelVersion({ name: "m", alias: "champion" })).toMatchObject({ version: 1 });
    await tracking.setModelAlias({ name: "m", version: 2, alias: "champion" });
    expect(await tracking.getModelVersion({ name: "m", alias: "champion" })).toMatchObject({ aliases: ["champion"] });
    expect(await tracking.getModelVersion({ name: "m", version: 1 })).toMatchObject({ aliases: [] });
    expect(await tracking.getModelVersion({ name: "m", stage: "none" })).toMatchObject({ version: 2 });
    await tracking.updateModelDescription({ name: "m", version: 1, description: "first" });
    expect(await tracking.getModelVersion({ name: "m", version: 1 })).toMatchObject({ description: "first" });
  });

  it("names what is nearest to what is not there", async () => {
    await expect(tracking.getModelVersion({ name: "m", version: 1 })).rejects.toMatchObject({
      code: "MODEL_NOT_FOUND",
      hint: "No model is registered yet.",
    });
    await tracking.registerModel({ name: "customer_repurchase", runId });
    await expect(tracking.getModelVersion({ name: "customer_repurchse", version: 1 })).rejects.toMatchObject({
      code: "MODEL_NOT_FOUND",
      message: 'There is no registered model "customer_repurchse".',
      field: "name",
      hint: 'Did you mean "customer_repurchase"?',
    });
    const request = { name: "customer_repurchase", stage: "production" } as const;
    await expect(tracking.getModelVersion(request)).rejects.toMatchObject({
      code: "MODEL_VERSION_NOT_FOUND",
      message: 'Model "customer_repurchase" has no version in stage "production".',
      hint: "It has: 1.",
    });
    await expect(tracking.registerModel({ name: "../m", runId })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("several processes", () => {
  it("that open a fresh folder at once and start runs of one key get one run", async () => {
    await tracking.close();
    await rm(root, { recursive: true });
    const runs = await Promise.all(Array.from({ length: 4 }, () => elsewhere("start", "k")));
    expect(new Set(runs).size).toBe(1);
    tracking = await openTracking({ root });
  });

  it("that promote two versions at once leave one in production", async () => {
    const { runId } = await tracking.startRun({ experiment: "e" });
    for (let i = 0; i < 3; i++) await tracking.registerModel({ name: "m", runId });
    await Promise.all(["1", "2", "3"].map((version) => elsewhere("promote", version)));
    const stages = (await tracking.listModelVersions("m")).map(({ stage }) => stage);
    expect(stages.sort()).toEqual(["archived", "archived", "production"]);
  });

  it("that register at once get different numbers for different keys and one number for one key", async () => {
    const numbers = await Promise.all(["a", "b", "a", "b"].map((key) => elsewhere("register", key)));
    expect(numbers[0]).toBe(numbers[2]);
    expect(numbers[1]).toBe(numbers[3]);
    expect(new Set(numbers)).toEqual(new Set([1, 2]));
  });
});

it("a database of a newer program is left alone", async () => {
  const database = new SqliteDatabase(join(root, "tracking.db"));
  database.pragma("user_version = 99");
  database.close();
  await expect(openTracking({ root })).rejects.toMatchObject({ code: "TRACKING_SCHEMA_NEWER" });
  expect((await stat(join(root, "tracking.db"))).size).toBeGreaterThan(0);
});
