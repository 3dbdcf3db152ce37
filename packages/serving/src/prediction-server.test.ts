import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createPredictionServer, type ModelLoader } from "./index.ts";

/** A model in a file of JSON: predicts the sum of its features (null is 0) times a factor. */
const load: ModelLoader = (bytes) => {
  const { features, factor }: { features: string[]; factor: number } = JSON.parse(new TextDecoder().decode(bytes));
  return {
    featureNames: features,
    predictRow: (row) => {
      const prediction = factor * features.reduce((sum, name) => sum + Number(row[name] ?? 0), 0);
      return { prediction, probabilities: { "0": 0.25, "1": 0.75 } };
    },
  };
};

let folder: string;
let app: FastifyInstance;
const events: string[] = [];
const put = async (name: string, text: string) => {
  await writeFile(join(folder, name), text);
  return join(folder, name);
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "prediction-server-"));
  const modelPath = await put("1.bin", JSON.stringify({ features: ["age", "spent"], factor: 1 }));
  const identity = { model: "m", version: 1, modelPath, modelFolder: folder, deploymentId: "d" };
  app = await createPredictionServer({ ...identity, load, log: (event) => events.push(event) });
});
afterEach(async () => {
  await app.close();
  await rm(folder, { recursive: true });
});

async function post(url: string, payload: unknown): Promise<[number, unknown]> {
  const headers = { "content-type": "application/json" };
  const body = typeof payload === "string" ? payload : JSON.stringify(payload);
  const answer = await app.inject({ method: "POST", url, body, headers });
  return [answer.statusCode, answer.json()];
}

describe("predictions", () => {
  it("are answered one by one and in batches, with model and version", async () => {
    expect(await post("/predict", { features: { age: 30, spent: null } })).toEqual([
      200,
      {
        ...{ prediction: 30, probabilities: { "0": 0.25, "1": 0.75 } },
        ...{ model: "m", version: 1, latencyMs: expect.any(Number) },
      },
    ]);
    const rows = [
      { age: 1, spent: 2 },
      { age: 3, spent: 4 },
    ];
    expect(await post("/predict/batch", { rows })).toEqual([
      200,
      expect.objectContaining({
        version: 1,
        predictions: [3, 7].map((n) => expect.objectContaining({ prediction: n })),
      }),
    ]);
  });

  it.each([
    [
      { features: { age: 1 } },
      "MISSING_FEATURE",
      "features.spent",
      "features.spent is missing: expected a number or null.",
    ],
    [
      { features: { age: 1, spent: 1, x: 2 } },
      "UNKNOWN_FEATURE",
      "features.x",
      "features.x is not a feature of the model.",
    ],
    [
      { features: { age: "1", spent: 1 } },
      "INVALID_FEATURE",
      "features.age",
      'features.age is "1": expected a number or null.',
    ],
    ['{"features":{"age":1e999,"spent":1}}', "INVALID_FEATURE", "features.age", expect.any(String)],
    [{}, "INVALID_REQUEST", "features", expect.stringContaining("features is missing")],
    [[], "INVALID_REQUEST", "", expect.stringContaining("The body")],
    [{ features: { age: 1, spent: 1 }, more: 1 }, "INVALID_REQUEST", "more", "There is no field more."],
    ["{", "INVALID_REQUEST", null, expect.any(String)],
    ['{"features":{"__proto__":1}}', "INVALID_REQUEST", null, expect.any(String)],
  ])("are refused for %j", async (body, code, field, message) => {
    expect(await post("/predict", body)).toEqual([400, { code, field, message }]);
  });

  it("of a batch are refused by row", async () => {
    const rows = [{ age: 1, spent: 2 }, { age: 1 }];
    expect(await post("/predict/batch", { rows })).toMatchObject([
      400,
      { code: "MISSING_FEATURE", field: "rows[1].spent" },
    ]);
    expect(await post("/predict/batch", { rows: [] })).toMatchObject([400, { code: "INVALID_REQUEST", field: "rows" }]);
  });
});

describe("a reload", () => {
  it("swaps model and features at once", async () => {
    const modelPath = await put("2.bin", JSON.stringify({ features: ["age"], factor: 10 }));
    expect(await post("/reload-model", { version: 2, modelPath })).toMatchObject([
      200,
      { version: 2, previousVersion: 1 },
    ]);
    expect(await post("/predict", { features: { age: 3 } })).toMatchObject([200, { prediction: 30, version: 2 }]);
    const health = await app.inject({ url: "/health" });
    expect(health.json()).toEqual({
      ...{ status: "ok", model: "m", version: 2, pid: process.pid, deploymentId: "d" },
      uptimeSeconds: expect.any(Number),
    });
    expect(events).toContain("reloaded");
  });

  it.each([
    ["rubbish", "MODEL_INVALID"],
    ['{"features":["age"],"factor":null}', "ok"],
    ['{"features":["age"]}', "MODEL_INVALID"],
  ])("of a file with %s is %s", async (text, code) => {
    const modelPath = await put("2.bin", text);
    const [status, answer] = await post("/reload-model", { version: 2, modelPath });
    if (code === "ok") expect(status).toBe(200);
    else {
      expect([status, answer]).toMatchObject([400, { code, field: "modelPath" }]);
      expect(await post("/predict", { features: { age: 3, spent: 1 } })).toMatchObject([
        200,
        { prediction: 4, version: 1 },
      ]);
    }
  });

  it("reads no file elsewhere, and none that is not there", async () => {
    const elsewhere = { version: 2, modelPath: "/etc/passwd" };
    expect(await post("/reload-model", elsewhere)).toMatchObject([400, { code: "MODEL_PATH_OUTSIDE" }]);
    const climbing = { version: 2, modelPath: `${folder}/../x` };
    expect(await post("/reload-model", climbing)).toMatchObject([400, { code: "MODEL_PATH_OUTSIDE" }]);
    const missing = { version: 2, modelPath: join(folder, "none") };
    expect(await post("/reload-model", missing)).toMatchObject([400, { code: "MODEL_FILE_UNREADABLE" }]);
  });
});

it("an unknown path is 404 in the same shape", async () => {
  expect(await post("/nothing", {})).toMatchObject([404, { code: "NOT_FOUND", field: null }]);
});
