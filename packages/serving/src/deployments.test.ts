import { execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { serializeModel, train } from "@dagwright/learn";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Deployments, openDeployments } from "./index.ts";

let root: string;
let deployments: Deployments;
/** Two models that disagree: the second has learnt the opposite. */
const bytes: Uint8Array[] = [];

beforeAll(async () => {
  const x = Float64Array.from({ length: 60 }, (_, i) => i);
  const y = Float64Array.from({ length: 60 }, (_, i) => (i * 7) % 60);
  for (const highIs of [1, 0]) {
    const model = await train({
      algorithm: "logistic_regression",
      columns: { names: ["x", "y"], values: [x, y], rowCount: 60 },
      target: x.map((value) => (value >= 30 ? highIs : 1 - highIs)),
    });
    bytes.push(serializeModel(model));
  }
});
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "deployments-"));
  deployments = await openDeployments({ root });
});
afterEach(async () => {
  for (const { model } of await deployments.list()) await deployments.stop(model);
  await rm(root, { recursive: true });
});

const HIGH = { x: 59, y: 10 };
const request = (version: number) => ({ model: "m", version, runId: `run${version}`, modelBytes: bytes[version - 1]! });
const record = async (): Promise<Record<string, unknown>> => JSON.parse(await readFile(join(root, "m.json"), "utf8"));

async function predict(endpoint: string | null): Promise<unknown> {
  const response = await fetch(`${endpoint}/predict`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ features: HIGH }),
  });
  return await response.json();
}

/** Ends the model's server as an accident would, by the process id it proves to have. */
async function kill9(): Promise<void> {
  const { pid, endpoint } = await deployments.status("m");
  process.kill(pid!, "SIGKILL");
  await expect.poll(() => fetch(`${endpoint}/health`).catch(() => "gone")).toBe("gone");
}

describe("a deployment", () => {
  it("serves, takes the next version in place, and goes back", async () => {
    const first = await deployments.deploy(request(1));
    expect(first).toMatchObject({ model: "m", version: 1, runId: "run1", previousVersion: null, alreadyDone: false });
    expect(await predict(first.endpoint)).toMatchObject({ prediction: 1, version: 1, model: "m" });
    expect(await deployments.deploy(request(1))).toEqual({ ...first, alreadyDone: true });
    const before = await deployments.status("m");
    expect(before).toMatchObject({ running: true, healthy: true, version: 1, endpoint: first.endpoint });

    const second = await deployments.deploy(request(2));
    expect(second).toMatchObject({ endpoint: first.endpoint, deploymentId: first.deploymentId, previousVersion: 1 });
    expect(await predict(first.endpoint)).toMatchObject({ prediction: 0, version: 2 });
    expect(await deployments.deploy(request(2))).toEqual({ ...second, alreadyDone: true });
    expect(await deployments.status("m")).toMatchObject({ pid: before.pid, version: 2, previousVersion: 1 });

    const back = await deployments.rollback("m", { key: "k" });
    expect(back).toMatchObject({ running: true, version: 1, previousVersion: null, pid: before.pid });
    expect(await deployments.rollback("m", { key: "k" })).toEqual(back);
    expect(await predict(first.endpoint)).toMatchObject({ prediction: 1, version: 1 });
    const ended = await deployments.rollback("m", { key: "another" });
    expect(ended).toMatchObject({ running: false, version: null, endpoint: null });
    expect(await deployments.rollback("m", { key: "another" })).toEqual(ended);
    await expect(fetch(`${first.endpoint}/health`)).rejects.toThrow();
    expect(await deployments.list()).toEqual([]);
  });

  it("that was rolled back and deployed again is rolled back again under the same key", async () => {
    await deployments.deploy(request(1));
    await deployments.deploy(request(2));
    await deployments.rollback("m", { key: "k" });
    await deployments.deploy(request(2));
    expect(await deployments.rollback("m", { key: "k" })).toMatchObject({ version: 1 });
  });

  it("of a bad file leaves the former version serving, and none behind where there was none", async () => {
    const bad = { ...request(2), modelBytes: new Uint8Array([1, 2, 3]) };
    await expect(deployments.deploy(bad)).rejects.toMatchObject({ code: "MODEL_INVALID", retryable: false });
    expect(await deployments.list()).toEqual([]);
    const { endpoint } = await deployments.deploy(request(1));
    await expect(deployments.deploy(bad)).rejects.toMatchObject({ code: "MODEL_INVALID", field: "model" });
    expect(await predict(endpoint)).toMatchObject({ prediction: 1, version: 1 });
    expect(await deployments.status("m")).toMatchObject({ healthy: true, version: 1, previousVersion: null });
    expect(await deployments.deploy(request(2))).toMatchObject({ version: 2, previousVersion: 1 });
    const changed = { ...request(2), modelBytes: bytes[0]! };
    await expect(deployments.deploy(changed)).rejects.toMatchObject({ code: "MODEL_VERSION_CHANGED" });
  });

  it("is tested by real predictions", async () => {
    expect(await deployments.test("m", [HIGH])).toMatchObject({ ok: false, message: '"m" has no running endpoint.' });
    const modelPath = join(root, "given.bin");
    await writeFile(modelPath, bytes[0]!);
    const { endpoint } = await deployments.deploy({ model: "m", version: 1, runId: "run1", modelPath });
    const good = await deployments.test("m", [HIGH, { x: null, y: 1 }]);
    expect(good).toMatchObject({ ok: true, endpoint, version: 1, message: null, predictions: [{ prediction: 1 }, {}] });
    expect(good.predictions[0]?.probabilities["1"]).toBeGreaterThan(0.5);
    expect(await deployments.test("m", [{ x: 1 }])).toMatchObject({
      ...{ ok: false, predictions: [] },
      message: "rows[0].y is missing: expected a number or null.",
    });
  });

  it("has a name that is a file's name, and a version that is a number", async () => {
    const wrong = { code: "INVALID_ARGUMENT", retryable: false };
    await expect(deployments.deploy({ ...request(1), model: "../m" })).rejects.toMatchObject({
      ...wrong,
      field: "model",
    });
    await expect(deployments.deploy({ ...request(1), version: 0 })).rejects.toMatchObject({
      ...wrong,
      field: "version",
    });
    expect(await deployments.status("never")).toMatchObject({ model: "never", running: false, version: null });
  });
});

describe("a server", () => {
  it("is taken up by another manager, and restored by it on its port when it was killed", async () => {
    const { endpoint, deploymentId } = await deployments.deploy(request(1));
    await deployments.deploy(request(2));
    const other = await openDeployments({ root });
    expect(await other.restore()).toEqual([]);
    expect(await other.deploy(request(2))).toMatchObject({ alreadyDone: true, deploymentId });
    await kill9();
    expect(await other.status("m")).toMatchObject({ running: false, healthy: false, version: 2, pid: null });
    const restored = await other.restore();
    expect(restored).toMatchObject([{ model: "m", running: true, version: 2, previousVersion: 1, endpoint }]);
    expect(restored[0]?.deploymentId).not.toBe(deploymentId);
    expect(await predict(endpoint)).toMatchObject({ version: 2 });
    expect(await deployments.rollback("m")).toMatchObject({ version: 1 });
  });

  it("that was stopped is gone until it is restored", async () => {
    const { endpoint } = await deployments.deploy(request(1));
    await deployments.stop("m");
    await expect(fetch(`${endpoint}/health`)).rejects.toThrow();
    expect(await deployments.list()).toMatchObject([{ model: "m", running: false, version: 1 }]);
    await deployments.stop("m");
    expect(await deployments.restore()).toMatchObject([{ version: 1, endpoint }]);
  });

  it("ends itself when its record is gone", async () => {
    const { endpoint } = await deployments.deploy(request(1));
    await rm(join(root, "m.json"));
    const answers = () =>
      fetch(`${endpoint}/health`).then(
        () => "serving",
        () => "gone",
      );
    await expect.poll(answers, { timeout: 15_000, interval: 250 }).toBe("gone");
  });

  it("a stranger on its port is neither trusted nor signalled", async () => {
    await deployments.deploy(request(1));
    await kill9();
    const { port } = await record();
    // A stranger with our own process id: a signal to it would end this test.
    const stranger = createServer((_, response) => {
      const health = { status: "ok", model: "m", version: 1, pid: process.pid, deploymentId: "x", uptimeSeconds: 1 };
      response.setHeader("content-type", "application/json").end(JSON.stringify(health));
    });
    await new Promise<void>((listening) => stranger.listen(Number(port), "127.0.0.1", listening));
    try {
      await writeFile(join(root, "m.json"), JSON.stringify({ ...(await record()), pid: process.pid }));
      expect(await deployments.status("m")).toMatchObject({ running: false });
      const { endpoint } = await deployments.deploy(request(1));
      expect(endpoint).not.toBe(`http://127.0.0.1:${port}`);
      expect(await predict(endpoint)).toMatchObject({ version: 1 });
    } finally {
      await new Promise((closed) => stranger.close(closed));
    }
  });

  it("that cannot be restored holds up no other", async () => {
    await deployments.deploy(request(1));
    await deployments.deploy({ ...request(2), model: "other" });
    await deployments.stop("m");
    await deployments.stop("other");
    await writeFile(join(root, "models", "m", "1.bin"), "rubbish");
    expect(await deployments.restore()).toMatchObject([{ model: "other", running: true }]);
    expect(await readFile(join(root, "logs", "m.log"), "utf8")).toContain("not restored");
  });
});

describe("a deployer killed with SIGKILL", () => {
  const DEPLOYER = fileURLToPath(new URL("./fixture/deployer.ts", import.meta.url));
  const servers = async () => {
    const { stdout } = await promisify(execFile)("ps", ["-eo", "args"]);
    return stdout.split("\n").filter((line) => line.includes("--deployment-id") && line.includes(root)).length;
  };

  it.each([350, 500, 700, 900])(
    "after %i ms leaves what the next one can finish, and one server in the end",
    async (ms) => {
      const modelPath = join(root, "given.bin");
      await writeFile(modelPath, bytes[0]!);
      const flags = ["--conditions=source", "--import", "tsx", DEPLOYER];
      const deployer = spawn(process.execPath, [...flags, root, "1", modelPath], { stdio: "ignore" });
      const gone = new Promise((exited) => deployer.once("exit", exited));
      await pause(ms);
      deployer.kill("SIGKILL");
      await gone;
      expect(await deployments.deploy(request(1))).toMatchObject({ version: 1, previousVersion: null });
      expect(await deployments.test("m", [HIGH])).toMatchObject({ ok: true, version: 1 });
      await expect.poll(servers, { timeout: 15_000, interval: 250 }).toBe(1);
      expect(await deployments.status("m")).toMatchObject({ healthy: true });
    },
  );
});

describe("deployments at once", () => {
  it("by two managers leave one server and one record", async () => {
    const other = await openDeployments({ root });
    const [a, b] = await Promise.all([deployments.deploy(request(1)), other.deploy(request(2))]);
    expect(a.endpoint).toBe(b.endpoint);
    expect(await deployments.status("m")).toMatchObject({ healthy: true });
    const files = await readdir(root);
    expect(files.sort()).toEqual(["locks", "logs", "m.json", "models"]);
  });

  it("take over the lock of a dead process", async () => {
    await mkdir(join(root, "locks"));
    await writeFile(join(root, "locks", "m.7"), "999999999");
    expect(await deployments.deploy(request(1))).toMatchObject({ version: 1 });
    expect(await readdir(join(root, "locks"))).toEqual(["m.8"]);
  });
});
