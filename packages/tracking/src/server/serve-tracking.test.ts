/** What the server refuses, and how, beyond what the recorded session shows. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { serveTracking, type TrackingServer } from "./serve-tracking.ts";

let root: string;
let server: TrackingServer;
let runId: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "tracking-server-"));
  server = await serveTracking({ root, port: 0 });
  const Created = z.object({ run: z.object({ info: z.object({ run_id: z.string() }) }) });
  runId = Created.parse((await post("/runs/create", { experiment_id: "0", start_time: "1700000000000" })).json).run.info
    .run_id;
});
afterAll(async () => {
  await server.close();
  await rm(root, { recursive: true });
});

async function send(path: string, init: RequestInit): Promise<{ status: number; json: unknown }> {
  const response = await fetch(`${server.url}${path}`, init);
  return { status: response.status, json: await response.json() };
}

const post = (path: string, body: unknown, prefix = "/api/2.0/mlflow") =>
  send(`${prefix}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });

const metric = (key: string) => ({ key, value: 1, timestamp: 1, step: 0 });
const many = (count: number) => Array.from({ length: count }, (_, at) => at);

const inputTagged = (tag: { key: string; value: string }) => ({
  run_id: "x",
  datasets: [{ dataset: { name: "d", digest: "1" }, tags: [tag] }],
});

const REFUSED: readonly (readonly [what: string, path: string, body: unknown, message: RegExp])[] = [
  [
    "a missing field",
    "/runs/log-metric",
    { key: "a", value: 1, timestamp: 1 },
    /Missing value for required parameter 'run_id'/,
  ],
  ["an empty field", "/experiments/create", { name: "" }, /Missing value for required parameter 'name'/],
  ["a field of another type", "/experiments/create", { name: 5 }, /Invalid value 5 for parameter 'name' .* type 'int'/],
  ["a metric that is no number", "/runs/log-metric", { run_id: "x", key: "a", value: "one", timestamp: 1 }, /'value'/],
  ["a body that is a list", "/runs/search", [], /no JSON object/],
  ["a time before 1970", "/runs/log-batch", { metrics: [{ ...metric("a"), timestamp: -1 }] }, /nonnegative long/],
  [
    "1,001 metrics",
    "/runs/log-batch",
    { metrics: many(1_001).map((at) => metric(`m${at}`)) },
    /at most 1000 metrics. Got 1001/,
  ],
  [
    "101 params",
    "/runs/log-batch",
    { params: many(101).map((at) => ({ key: `p${at}`, value: "" })) },
    /at most 100 params/,
  ],
  ["101 tags", "/runs/log-batch", { tags: many(101).map((at) => ({ key: `t${at}`, value: "" })) }, /at most 100 tags/],
  [
    "1,000 metrics and a param",
    "/runs/log-batch",
    { metrics: many(1_000).map((at) => metric(`m${at}`)), params: [{ key: "p", value: "" }] },
    /at most 1000 metrics, params, and tags/,
  ],
  [
    "a param twice",
    "/runs/log-batch",
    {
      params: [
        { key: "p", value: "1" },
        { key: "p", value: "1" },
      ],
    },
    /Duplicate parameter keys/,
  ],
  ["a key that leads elsewhere", "/runs/set-tag", { key: "../up", value: "" }, /would resolve to '..\/up'/],
  [
    "a key of 251 letters",
    "/runs/log-parameter",
    { key: "k".repeat(251), value: "" },
    /exceeds the maximum length of 250/,
  ],
  ["an experiment's id of letters", "/experiments/delete", { experiment_id: "abc" }, /must be a valid integer/],
  [
    "a long key of a dataset's tag",
    "/runs/log-inputs",
    inputTagged({ key: "k".repeat(256), value: "" }),
    /'key' exceeds the maximum length of 255/,
  ],
  [
    "a long value of a dataset's tag",
    "/runs/log-inputs",
    inputTagged({ key: "k", value: "v".repeat(501) }),
    /'value' exceeds the maximum length of 500/,
  ],
  ["a run's id that is a path", "/runs/log-batch", { run_id: "../.." }, /for parameter 'run_id' supplied/],
  [
    "an order by an alias that filters alone know",
    "/runs/search",
    { experiment_ids: ["0"], order_by: ["attributes.`Run Name`"] },
    /Invalid attribute key 'Run Name'/,
  ],
  ["50,001 results", "/runs/search", { experiment_ids: ["0"], max_results: 50_001 }, /at most 50000/],
  ["no results", "/runs/search", { experiment_ids: ["0"], max_results: 0 }, /positive integer/],
  [
    "two keys of one order",
    "/runs/search",
    { experiment_ids: ["0"], order_by: ["metrics.a", "metric.a DESC"] },
    /duplicate fields/,
  ],
];

it.each(REFUSED)("%s is refused, and nothing of it is kept", async (_what, path, body, message) => {
  const fields = path.startsWith("/runs/log-batch") || path === "/runs/set-tag" || path === "/runs/log-parameter";
  const answer = await post(path, fields && typeof body === "object" ? { run_id: runId, ...body } : body);
  expect(answer).toMatchObject({
    status: 400,
    json: { error_code: "INVALID_PARAMETER_VALUE", message: expect.stringMatching(message) },
  });
  const run = await send(`/api/2.0/mlflow/runs/get?run_id=${runId}`, {});
  expect(run.json).toMatchObject({ run: { data: { tags: [{ key: "mlflow.runName" }] } } });
  expect(run.json).not.toHaveProperty("run.data.metrics");
  expect(run.json).not.toHaveProperty("run.data.params");
});

it("takes the same under the paths of the UI, JSON within JSON, and no body at all", async () => {
  expect(await post("/experiments/search", { max_results: 1 }, "/ajax-api/2.0/mlflow")).toMatchObject({
    json: { experiments: [{ experiment_id: "0", name: "Default" }] },
  });
  expect(await post("/experiments/search", JSON.stringify({ max_results: 1 }))).toMatchObject({ status: 200 });
  expect((await send("/api/2.0/mlflow/registered-models/search", {})).json).toEqual({});
  const broken = { method: "POST", headers: { "content-type": "application/json" }, body: "{" };
  expect(await send("/api/2.0/mlflow/runs/search", broken)).toMatchObject({ status: 400 });
});

it("says of what it does not have that it has it not", async () => {
  const refusals: readonly (readonly [path: string, message: RegExp, base?: string])[] = [
    ["/traces/search", /POST \/api\/3.0\/mlflow\/traces\/search: .* does not serve MLflow's traces/, "/api/3.0/mlflow"],
    ["/datasets/create", /does not serve MLflow's evaluation datasets/, "/api/3.0/mlflow"],
    ["/webhooks", /does not serve MLflow's webhooks/],
    ["/scorers/register", /does not serve MLflow's scorers/, "/api/3.0/mlflow"],
    ["/v1/traces", /does not serve MLflow's traces/, ""],
    ["/nothing", /no endpoint POST \/api\/2.0\/mlflow\/nothing\.$/],
  ];
  for (const [path, message, base] of refusals)
    expect(await post(path, {}, base)).toMatchObject({
      status: 404,
      json: { error_code: "ENDPOINT_NOT_FOUND", message: expect.stringMatching(message) },
    });
});

it("says to who follows a link of MLflow's client that there are no web pages", async () => {
  const answer = await fetch(server.url);
  expect(answer.status).toBe(404);
  expect(await answer.json()).toMatchObject({ message: expect.stringMatching(/^There are no web pages here/) });
});

it.each(["../../tracking.db", "..%2f..%2ftracking.db", "a/%2e%2e/%2e%2e/tracking.db", "a%00b", ".writing/x"])(
  "keeps no artifact at %s, and serves none from there",
  async (path) => {
    const at = `/api/2.0/mlflow-artifacts/artifacts/${path}`;
    const before = await readdir(root, { recursive: true });
    for (const method of ["PUT", "GET", "DELETE"]) {
      // Not by fetch, which would resolve the dots itself.
      const status = await new Promise((resolve, reject) => {
        const asked = request({ port: server.port, host: "127.0.0.1", method, path: at }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        });
        asked.on("error", reject).end(method === "PUT" ? "bytes" : undefined);
      });
      expect([400, 404]).toContain(status);
    }
    expect(await readdir(root, { recursive: true })).toEqual(before);
  },
);

it("serves nobody who came by another name of this machine", async () => {
  const status = await new Promise((resolve, reject) => {
    const headers = { host: "evil.example" };
    const asked = request({ port: server.port, host: "127.0.0.1", path: "/health", headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    asked.on("error", reject).end();
  });
  expect(status).toBe(403);
});

it("fails to start on a port that is taken, and lets go of the store", async () => {
  await expect(serveTracking({ root, port: server.port })).rejects.toMatchObject({ code: "EADDRINUSE" });
  expect(await post("/experiments/search", { max_results: 1 })).toMatchObject({ status: 200 });
});

it("samples a long history where MLflow does: the first of each even part, and the last", async () => {
  const points = many(1_000).map((at) => ({ key: "long", value: at, timestamp: 1 + at, step: at }));
  await post("/runs/log-batch", { run_id: runId, metrics: points });
  const Sampled = z.object({ metrics: z.array(z.object({ step: z.number() })) });
  const stepsOf = async (query: string) => {
    const path = `/api/2.0/mlflow/metrics/get-history-bulk-interval?run_ids=${runId}&metric_key=long&${query}`;
    return Sampled.parse((await send(path, {})).json).metrics.map(({ step }) => step);
  };
  // As MLflow 3.17.2 answered.
  expect(await stepsOf("max_results=10")).toEqual([0, 100, 200, 300, 400, 500, 600, 700, 800, 999]);
  expect(await stepsOf("max_results=3&start_step=10&end_step=20")).toEqual([10, 14, 20]);
  expect(await stepsOf("max_results=1")).toEqual([999]);
});

it("keeps the name of a run whose tag of it is made empty", async () => {
  const run = { run_id: runId, key: "mlflow.runName" };
  await post("/runs/set-tag", { ...run, value: "called" });
  await post("/runs/set-tag", { ...run, value: "" });
  const read = await send(`/api/2.0/mlflow/runs/get?run_id=${runId}`, {});
  expect(read.json).toMatchObject({ run: { info: { run_name: "called" } } });
});

it.each([
  ["50%CEnts.txt", "50\ufffdnts.txt"],
  ["100%.txt", "100%.txt"],
  ["%C3%BC%FF.txt", "ü\ufffd.txt"],
])("keeps the artifact that a client calls %s", async (sent, kept) => {
  const folder = `names/${Buffer.from(sent).toString("hex")}`;
  const at = `${server.url}/api/2.0/mlflow-artifacts/artifacts/${folder}/${sent}`;
  expect((await fetch(at, { method: "PUT", body: "bytes" })).status).toBe(200);
  expect(await (await fetch(at)).text()).toBe("bytes");
  const listed = await send(`/api/2.0/mlflow-artifacts/artifacts?path=${folder}`, {});
  expect(listed.json).toEqual({ files: [{ path: kept, is_dir: false, file_size: 5 }] });
});

it("makes a version of what MLflow takes for a place, and of nothing else", async () => {
  await post("/registered-models/create", { name: "placed" });
  const versionOf = async (source: string, run_id = "") =>
    (await post("/model-versions/create", { name: "placed", source, run_id })).status;
  for (const source of ["s3://bucket/model", "gs://bucket/model?x=1", "dbfs:/model", "custom://host/model#f"])
    expect([source, await versionOf(source)]).toEqual([source, 200]);
  for (const source of ["gs://bucket", "s3://bucket/", "custom:model", "C:\\model", "s3://bucket/./model"])
    expect([source, await versionOf(source)]).toEqual([source, 400]);
  expect(await versionOf(`runs:/${runId}`, runId)).toBe(200);
  expect(await versionOf(`runs:/${runId}`)).toBe(400);
  const asked = await send("/api/2.0/mlflow/model-versions/search?filter=version_number%20%3D%20-1", {});
  expect(asked).toEqual({ status: 200, json: {} });
  expect((await send("/api/2.0/mlflow/model-versions/get?name=a%2Fb&version=1", {})).status).toBe(400);
});
