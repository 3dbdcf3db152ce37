import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import SqliteDatabase from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SQLITE_STEPS } from "./database/sqlite-schema.ts";
import { openTracking, type Tracking } from "./index.ts";

/** What every maker of tracking promises is in tests/tracking/suite.ts; here is what the embedded store has beyond it. */
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

it("keeps artifacts as files with URLs, and nothing half-written", async () => {
  const { runId } = await tracking.startRun({ experiment: "churn" });
  await tracking.logArtifact(runId, "a file #1.json", new TextEncoder().encode("{}"));
  const uri = await tracking.artifactUri(runId, "a file #1.json");
  expect(await readFile(fileURLToPath(uri), "utf8")).toBe("{}");
  expect(await readdir(join(root, "artifacts", ".writing"))).toEqual([]);
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

  it("that log at once lose nothing", async () => {
    await Promise.all(["a", "b", "c"].map((metric) => elsewhere("log", metric)));
    const { runId } = await tracking.startRun({ experiment: "e", key: "run" });
    for (const metric of ["a", "b", "c"]) expect(await tracking.metricHistory(runId, metric)).toHaveLength(100);
  });

  it("that are killed lose nothing that was answered, and leave no half batch", async () => {
    const flood = spawn(process.execPath, ["--conditions=source", "--import", "tsx", CONTENDER, root, "flood"]);
    let said = "";
    flood.stdout.on("data", (text) => {
      said += text;
      if (said.split("\n").length > 50) flood.kill("SIGKILL");
    });
    expect(await once(flood, "exit")).toEqual([null, "SIGKILL"]);
    const answered = said.split("\n").length - 1;
    const run = await tracking.startRun({ experiment: "e", key: "run" });
    const [a, b] = [await tracking.metricHistory(run.runId, "a"), await tracking.metricHistory(run.runId, "b")];
    expect(a.length).toBeGreaterThanOrEqual(answered);
    expect(b.map(({ step }) => step)).toEqual(a.map(({ step }) => step));
    expect(Object.keys(run.params)).toHaveLength(a.length);
    const database = new SqliteDatabase(join(root, "tracking.db"), { readonly: true });
    expect(database.pragma("integrity_check", { simple: true })).toBe("ok");
    database.close();
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

it("a database of the first version keeps everything", async () => {
  const old = join(root, "old");
  await mkdir(join(old, "artifacts", "0123456789abcdef0123456789abcdef", "model"), { recursive: true });
  const database = new SqliteDatabase(join(old, "tracking.db"));
  database.exec(SQLITE_STEPS[0] ?? "");
  database.exec(`
    INSERT INTO experiments VALUES (1, 'churn');
    INSERT INTO runs VALUES ('0123456789abcdef0123456789abcdef', 1, 'first', 'FINISHED', 1000, 2000, 'key');
    INSERT INTO params VALUES ('0123456789abcdef0123456789abcdef', 'lr', '0.1');
    INSERT INTO metrics VALUES
      (1, '0123456789abcdef0123456789abcdef', 'f1', 0, 1000, 0.5), (2, '0123456789abcdef0123456789abcdef', 'f1', 2, 1000, NULL),
      (3, '0123456789abcdef0123456789abcdef', 'f1', 1, 1000, 0.9);
    INSERT INTO tags VALUES ('0123456789abcdef0123456789abcdef', 'by', 'me');
    INSERT INTO models VALUES ('m', 3);
    INSERT INTO model_versions VALUES
      ('m', 1, '0123456789abcdef0123456789abcdef', 'archived', 'one', '{"a":"b"}', 3000, 4000, 'k1', 3),
      ('m', 3, '0123456789abcdef0123456789abcdef', 'production', '', '{}', 3500, 4000, NULL, NULL);
    INSERT INTO model_aliases VALUES ('m', 'champion', 3);
    PRAGMA user_version = 1;`);
  database.close();
  const runId = "0123456789abcdef0123456789abcdef";
  const opened = await openTracking({ root: old });
  expect(await opened.startRun({ experiment: "churn", key: "key" })).toEqual({
    runId,
    experiment: "churn",
    name: "first",
    status: "FINISHED",
    startedAt: "1970-01-01T00:00:01.000Z",
    endedAt: "1970-01-01T00:00:02.000Z",
    params: { lr: "0.1" },
    metrics: { f1: Number.NaN },
    tags: { by: "me" },
    key: "key",
  });
  expect((await opened.metricHistory(runId, "f1")).map(({ value }) => value)).toEqual([0.5, 0.9, Number.NaN]);
  const moved = await opened.transitionStage({ name: "m", version: 3, stage: "production", archiveExisting: true });
  expect(moved).toMatchObject({ archived: [1], version: { aliases: ["champion"] } });
  expect(await opened.getModelVersion({ name: "m", version: 1 })).toMatchObject({
    tags: { a: "b" },
    stage: "archived",
  });
  expect((await opened.registerModel({ name: "m", runId })).version).toBe(4);
  await opened.logArtifact(runId, "model/model.bin", new Uint8Array([1]));
  expect(await readFile(join(old, "artifacts", runId, "model", "model.bin"))).toHaveLength(1);
  expect((await opened.startRun({ experiment: "new" })).status).toBe("RUNNING");
  await opened.close();
});
