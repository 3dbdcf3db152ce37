import type { Json, RunView } from "@dagwright/engine";
import { createMcpPool, type McpPool, ToolError } from "@dagwright/mcp-kit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { workflows } from "./contract.ts";
import { createWorkflowsServer } from "./server.ts";
import type { DagCatalogue, DagSummary, WorkflowsEngine } from "./workflows.ts";

const daily: DagSummary = {
  dagId: "daily_ml_pipeline",
  version: "0123456789ab",
  description: "Nine stages a day.",
  tags: ["ml"],
  schedule: {
    kind: "cron",
    expressions: ["0 0 * * *"],
    timezone: "UTC",
    jitterMs: 0,
    overlap: "skip",
  },
  params: { type: "object", properties: { minF1: { type: "number" } } },
};
const hourly: DagSummary = {
  dagId: "hourly_check",
  version: "ba9876543210",
  tags: [],
  schedule: { kind: "every", everyMs: 5_400_000, offsetMs: 120_000 },
  params: {},
};
const adHoc: DagSummary = { dagId: "ad_hoc", version: "111111111111", tags: [], schedule: null, params: {} };

const catalogue: DagCatalogue = {
  list: () => [daily, hourly, adHoc],
  validate(_, { minF1 }) {
    if (minF1 !== undefined && typeof minF1 !== "number")
      throw new ToolError("INVALID_PARAMS", `params.minF1 is ${JSON.stringify(minF1)}: expected a number.`, {
        field: "params.minF1",
      });
  },
};

/** An engine in memory: runs are kept by id and never end. */
class MemoryEngine implements WorkflowsEngine {
  readonly runs = new Map<string, RunView>();
  readonly signals: unknown[] = [];
  readonly answers: unknown[] = [];
  readonly backfills: unknown[] = [];
  readonly clearings: unknown[] = [];
  readonly paused = new Map([["daily_ml_pipeline", true]]);
  private count = 0;

  async startRun(o: Parameters<WorkflowsEngine["startRun"]>[0]) {
    const logicalDate = o.logicalDate ?? "1998-02-01T00:00:00Z";
    const runId = o.runId ?? `${o.dagId}/${o.logicalDate ?? `manual-${++this.count}`}`;
    const outcome = this.runs.has(runId) ? ("already_running" as const) : ("started" as const);
    if (outcome === "started")
      this.runs.set(runId, {
        runId,
        dagId: o.dagId,
        dagVersion: "0123456789ab",
        logicalDate,
        dataInterval: { start: logicalDate, end: logicalDate },
        trigger: o.trigger ?? "manual",
        conf: o.conf ?? {},
        params: o.params ?? {},
        state: "running",
        startedAt: "1998-02-01T00:00:01Z",
        output: null,
        tasks: {
          ingest: {
            state: "running",
            attempts: 2,
            startedAt: "1998-02-01T00:00:02Z",
            endedAt: null,
            progress: { done: 3, total: 9 },
          },
          quality: {
            state: "failed",
            attempts: 1,
            startedAt: null,
            endedAt: null,
            output: [{ rows: [1, null] }],
            error: { code: "BAD_ROW", message: "row 3", retryable: false },
          },
        },
      });
    return { runId, temporalRunId: `t-${runId}`, outcome };
  }
  async getRun(runId: string) {
    const run = this.runs.get(runId);
    if (run === undefined) throw new ToolError("RUN_NOT_FOUND", `There is no run "${runId}".`, { field: "runId" });
    return run;
  }
  async listRuns(o: Parameters<WorkflowsEngine["listRuns"]>[0] = {}) {
    return [...this.runs.values()]
      .filter((run) => (o.dagId ?? run.dagId) === run.dagId && (o.state ?? run.state) === run.state)
      .slice(0, o.limit)
      .map(({ runId, dagId, logicalDate, state, trigger }) => ({
        runId,
        dagId,
        logicalDate,
        state,
        trigger,
        startedAt: "1998-02-01T00:00:01Z",
        endedAt: null,
      }));
  }
  async explainRun(runId: string) {
    const { state, tasks } = await this.getRun(runId);
    const told = Object.entries(tasks).map(([task, one]) => ({
      task,
      state: one.state,
      why: "because",
      log: ["a line"],
    }));
    return { runId, state, why: "It runs", next: "wait", tasks: told };
  }
  async taskLogs(runId: string, task = "quality") {
    await this.getRun(runId);
    const at = "1998-02-01T00:00:03.000Z";
    const lines = [1, 2, 3].map((n) => ({ at, level: "info" as const, message: `line ${n}`, fields: { n } }));
    return [{ taskId: task, attempt: 1, state: "failed" as const, startedAt: at, lines }];
  }
  async clearRun(runId: string, clearing: Parameters<WorkflowsEngine["clearRun"]>[1] = {}) {
    const { tasks = ["quality"] } = clearing;
    this.clearings.push(clearing);
    await this.getRun(runId);
    return { cleared: tasks, temporalRunId: "t-again" };
  }
  async answerApproval(runId: string, answer: Parameters<WorkflowsEngine["answerApproval"]>[1]) {
    await this.getRun(runId);
    this.answers.push(answer);
  }
  async createBackfill(o: Parameters<WorkflowsEngine["createBackfill"]>[0]) {
    this.backfills.push(o);
    const { dagId, from, to, id = "now", params = {}, reprocess = "missing" } = o;
    return {
      ...{ order: "forward" as const, concurrency: 16, reprocess, assetEvents: "each" as const, params },
      ...{ backfillId: `backfill/${dagId}/${id}`, dagId, from, to, trigger: "backfill" as const },
      ...{ stopOnFailure: false, state: "running" as const, total: null, started: 0, succeeded: 0, failed: 0 },
      ...{ cancelled: 0, skipped: 0, running: [], failedRuns: [], startedAt: "1998-02-01T00:00:00Z" },
    };
  }
  async signalDrift(o: { model: string; reason: string; evidence?: Readonly<Record<string, Json>>; id?: string }) {
    this.signals.push(o);
    return { controllerId: `retraining-controller/${o.model}` };
  }
  async pauseSchedule(dagId: string) {
    this.paused.set(dagId, true);
  }
  async unpauseSchedule(dagId: string) {
    this.paused.set(dagId, false);
  }
  async describeSchedule(dagId: string) {
    const paused = this.paused.get(dagId);
    return paused === undefined ? null : { paused, note: "", next: [] };
  }
}

let engine: MemoryEngine;
let pool: McpPool;
beforeEach(() => {
  engine = new MemoryEngine();
  pool = createMcpPool({ servers: { workflows: createWorkflowsServer({ client: engine, catalogue }) } });
});
afterEach(() => pool.close());

const client = (idempotencyKey?: string) => pool.client(workflows, { idempotencyKey });

test("list_dags shows schedules in words and whether they are paused", async () => {
  const { dags } = await client().call("list_dags", {});
  expect(dags).toEqual([
    {
      id: "daily_ml_pipeline",
      description: "Nine stages a day.",
      schedule: "0 0 * * * (UTC)",
      paused: true,
      tags: ["ml"],
      params: daily.params,
      version: "0123456789ab",
    },
    expect.objectContaining({ id: "hourly_check", schedule: "every 90m, offset 2m", paused: null }),
    expect.objectContaining({ id: "ad_hoc", description: "", schedule: null, paused: null }),
  ]);
});

describe("start_workflow", () => {
  test("starts once per logical date", async () => {
    const args = { dag: "daily_ml_pipeline", params: { minF1: 0.9 }, conf: { why: "test" }, logicalDate: "1998-01-31" };
    const started = {
      runId: "daily_ml_pipeline/1998-01-31",
      dagId: "daily_ml_pipeline",
      state: "started",
      logicalDate: "1998-01-31",
      temporalRunId: "t-daily_ml_pipeline/1998-01-31",
    };
    expect(await client().call("start_workflow", args)).toEqual(started);
    expect(await client().call("start_workflow", args)).toEqual({ ...started, state: "already_running" });
    expect(engine.runs.get(started.runId)).toMatchObject({ params: { minF1: 0.9 }, conf: { why: "test" } });
  });

  test("without a logical date, starts once per idempotency key", async () => {
    const first = await client("key").call("start_workflow", { dag: "ad_hoc" });
    const again = await client("key").call("start_workflow", { dag: "ad_hoc" });
    const other = await client("other").call("start_workflow", { dag: "ad_hoc" });
    const keyless = await client().call("start_workflow", { dag: "ad_hoc" });
    expect(first).toMatchObject({ runId: expect.stringMatching(/^ad_hoc\/manual-[0-9a-f]{16}$/), state: "started" });
    expect(again).toMatchObject({ runId: first.runId, state: "already_running" });
    expect(new Set([first, other, keyless].map(({ runId }) => runId)).size).toBe(3);
  });

  test.each([
    [{ dag: "daily_ml" }, { code: "DAG_NOT_FOUND", field: "dag", hint: 'Did you mean "daily_ml_pipeline"?' }],
    [{ dag: "xyz" }, { code: "DAG_NOT_FOUND", hint: "There are: daily_ml_pipeline, hourly_check, ad_hoc." }],
    [
      { dag: "daily_ml_pipeline", params: { minF1: "high" } },
      { code: "INVALID_PARAMS", field: "params.minF1", message: 'params.minF1 is "high": expected a number.' },
    ],
    [
      { dag: "ad_hoc", logicalDate: "1998-02-30" },
      {
        code: "INVALID_ARGUMENTS",
        field: "logicalDate",
        message: expect.stringContaining("an ISO date (1998-01-31) or moment (1998-01-31T00:00:00Z)"),
      },
    ],
  ])("refuses %j before anything starts", async (args, expected) => {
    await expect(client().call("start_workflow", args)).rejects.toMatchObject({ ...expected, retryable: false });
    expect(engine.runs.size).toBe(0);
  });
});

test("get_run gives the run view whole", async () => {
  const { runId } = await client().call("start_workflow", { dag: "ad_hoc" });
  expect(await client().call("get_run", { runId })).toEqual(engine.runs.get(runId));
  await expect(client().call("get_run", { runId: "ad_hoc/none" })).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
});

test("explain_run, get_task_logs, clear_tasks and approve reach the run", async () => {
  const { runId } = await client().call("start_workflow", { dag: "ad_hoc" });
  expect(await client().call("explain_run", { runId })).toMatchObject({
    state: "running",
    why: "It runs",
    next: "wait",
  });
  expect(await client().call("get_task_logs", { runId, task: "ingest", limit: 1 })).toEqual({
    attempts: [
      { task: "ingest", attempt: 1, state: "failed", lines: ['1998-02-01T00:00:03.000Z INFO line 3 {"n":3}'] },
    ],
  });
  expect(await client().call("clear_tasks", { runId })).toEqual({ runId, cleared: ["quality"] });
  expect(await client().call("clear_tasks", { runId, tasks: ["a", "b"] })).toEqual({ runId, cleared: ["a", "b"] });
  expect(engine.clearings.at(-1)).toMatchObject({
    downstream: true,
    upstream: false,
    onlyFailed: false,
    dryRun: false,
  });
  expect(await client().call("clear_tasks", { runId, downstream: false, dryRun: true })).toEqual({
    ...{ runId, cleared: ["quality"], dryRun: true },
  });
  expect(engine.clearings.at(-1)).toMatchObject({ downstream: false, dryRun: true });
  await client().call("approve", { runId, task: "go", by: "ada", comment: "fine" });
  await client().call("approve", { runId, task: "go", by: "alan", approved: false });
  expect(engine.answers).toEqual([
    { task: "go", approved: true, by: "ada", comment: "fine" },
    { task: "go", approved: false, by: "alan" },
  ]);
  await expect(client().call("explain_run", { runId: "ad_hoc/none" })).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
});

test("what is asked of a run that it does not have is refused before it is reached", async () => {
  const { runId } = await client().call("start_workflow", { dag: "daily_ml_pipeline" });
  await expect(client().call("clear_tasks", { runId, params: { minF1: "high" } })).rejects.toMatchObject({
    ...{ code: "INVALID_PARAMS", field: "params.minF1" },
  });
  for (const wrong of [{ by: "  " }, { by: "b".repeat(201) }, { by: "ada", comment: "c".repeat(10_001) }])
    await expect(client().call("approve", { runId, task: "go", ...wrong })).rejects.toMatchObject({
      code: "INVALID_ARGUMENTS",
    });
  expect([engine.clearings, engine.answers]).toEqual([[], []]);
});

describe("backfill", () => {
  const january = { dag: "daily_ml_pipeline", from: "1998-01-30", to: "1998-02-02" };
  const dates = ["30", "31"]
    .map((day) => `1998-01-${day}T00:00:00Z`)
    .concat(["1998-02-01T00:00:00Z", "1998-02-02T00:00:00Z"]);

  test("shows its dates, and starts once it is meant", async () => {
    expect(await client().call("backfill", { ...january, dryRun: true, order: "backward" })).toEqual({
      ...{ backfillId: null, dag: "daily_ml_pipeline", total: 4 },
      dates: [...dates].reverse(),
    });
    expect(engine.backfills).toEqual([]);
    const params = { minF1: 0.9 };
    expect(await client().call("backfill", { ...january, params, id: "january", reprocess: "failed" })).toEqual({
      ...{ backfillId: "backfill/daily_ml_pipeline/january", dag: "daily_ml_pipeline", total: 4, dates },
    });
    expect(engine.backfills).toMatchObject([
      { dagId: "daily_ml_pipeline", id: "january", reprocess: "failed", params },
    ]);
    expect((await client("key").call("backfill", january)).backfillId).toMatch(/\/[0-9a-f]{16}$/);
  });

  test.each([
    [{ dag: "daily_ml" }, { code: "DAG_NOT_FOUND", field: "dag" }],
    [{ dag: "ad_hoc" }, { code: "INVALID_BACKFILL", field: "dag" }],
    [{ to: "1998-01-01" }, { code: "INVALID_BACKFILL", field: "to" }],
    [
      { from: "2998-01-01", to: "2998-01-02" },
      { code: "INVALID_BACKFILL", field: "from" },
    ],
    [{ params: { minF1: "high" } }, { code: "INVALID_PARAMS", field: "params.minF1" }],
    [{ concurrency: 0 }, { code: "INVALID_ARGUMENTS", field: "concurrency" }],
  ])("refuses %j before anything starts", async (change, expected) => {
    await expect(client().call("backfill", { ...january, ...change })).rejects.toMatchObject(expected);
    expect(engine.backfills).toEqual([]);
  });
});

test("list_runs filters and limits", async () => {
  for (const day of ["01", "02", "03"])
    await client().call("start_workflow", { dag: "ad_hoc", logicalDate: `1998-01-${day}` });
  expect((await client().call("list_runs", { limit: 2 })).runs).toHaveLength(2);
  expect((await client().call("list_runs", { dag: "ad_hoc", state: "running" })).runs[0]).toEqual({
    runId: "ad_hoc/1998-01-01",
    dagId: "ad_hoc",
    logicalDate: "1998-01-01",
    state: "running",
    trigger: "manual",
    startedAt: "1998-02-01T00:00:01Z",
    endedAt: null,
  });
  expect((await client().call("list_runs", { dag: "hourly_check" })).runs).toEqual([]);
  await expect(client().call("list_runs", { dag: "ad_hok" })).rejects.toMatchObject({ code: "DAG_NOT_FOUND" });
});

test("signal_drift passes evidence on, and one idempotency key is one signal id", async () => {
  const drift = { model: "churn", reason: "PSI of total_spent is 0.31", evidence: { psi: { total_spent: 0.31 } } };
  expect(await client("key").call("signal_drift", drift)).toEqual({
    accepted: true,
    controllerId: "retraining-controller/churn",
  });
  await client("key").call("signal_drift", drift);
  await client("key").call("signal_drift", { ...drift, id: "mine" });
  const id = expect.stringMatching(/^[0-9a-f]{16}$/);
  expect(engine.signals).toEqual([
    { ...drift, id },
    { ...drift, id },
    { ...drift, id: "mine" },
  ]);
  expect(engine.signals[0]).toEqual(engine.signals[1]);
});

test("pause_dag and unpause_dag change the schedule, if there is one", async () => {
  expect(await client().call("unpause_dag", { dag: "daily_ml_pipeline" })).toEqual({
    dag: "daily_ml_pipeline",
    paused: false,
  });
  expect(engine.paused.get("daily_ml_pipeline")).toBe(false);
  await client().call("pause_dag", { dag: "daily_ml_pipeline", note: "holiday" });
  expect(engine.paused.get("daily_ml_pipeline")).toBe(true);
  for (const dag of ["ad_hoc", "hourly_check"])
    await expect(client().call("pause_dag", { dag })).rejects.toMatchObject({ code: "NO_SCHEDULE", field: "dag" });
});
