import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { graphOf } from "../core/fixtures/graph-of.ts";
import type { RunView } from "../core/state.ts";
import { openRunStore, type RunStore } from "./run-store.ts";

const VIEW: RunView = {
  runId: "daily/2026-01-01T00:00:00Z",
  dagId: "daily",
  dagVersion: "000000000000",
  logicalDate: "2026-01-01T00:00:00Z",
  dataInterval: { start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z" },
  trigger: "manual",
  conf: {},
  params: {},
  state: "running",
  startedAt: "2026-01-02T00:00:00.000Z",
  output: null,
  tasks: {},
};
const DONE: RunView = { ...VIEW, state: "success", endedAt: "2026-01-02T00:01:00.000Z", output: { rows: 3 } };

describe("the run store", () => {
  let folder: string;
  let store: RunStore;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "run-store-"));
    store = openRunStore({ file: join(folder, "deep", "runs.db") });
  });
  afterEach(async () => {
    store.close();
    await rm(folder, { recursive: true });
  });

  it("keeps the latest view of a run, and survives being closed", () => {
    store.saveRun({ view: VIEW, temporalRunId: "a" });
    store.saveRun({ view: DONE, temporalRunId: "a" });
    store.close();
    store = openRunStore({ file: join(folder, "deep", "runs.db") });
    expect(store.getRun(VIEW.runId)).toEqual({ view: DONE, temporalRunId: "a" });
    expect(store.getRun("daily/other")).toBeNull();
  });

  it("a late repetition of the start does not undo the end, but a new execution of the same run does", () => {
    store.saveRun({ view: DONE, temporalRunId: "a" });
    store.saveRun({ view: VIEW, temporalRunId: "a" });
    expect(store.getRun(VIEW.runId)?.view.state).toBe("success");
    store.saveRun({ view: VIEW, temporalRunId: "b" });
    expect(store.getRun(VIEW.runId)).toEqual({ view: VIEW, temporalRunId: "b" });
  });

  it("lists the newest first, by DAG and state", () => {
    for (const day of [1, 3, 2]) {
      store.saveRun({
        view: { ...VIEW, runId: `daily/${day}`, startedAt: `2026-01-0${day}T00:00:00.000Z` },
        temporalRunId: "a",
      });
    }
    store.saveRun({ view: { ...DONE, runId: "weekly/1", dagId: "weekly" }, temporalRunId: "a" });
    const ids = (filter: Parameters<RunStore["listRuns"]>[0]) => store.listRuns(filter).map(({ view }) => view.runId);
    expect(ids({ dagId: "daily" })).toEqual(["daily/3", "daily/2", "daily/1"]);
    expect(ids({ state: "success" })).toEqual(["weekly/1"]);
    expect(ids({ limit: 1 })).toEqual(["daily/3"]);
  });

  it("keeps attempts, the one that took a lost one's place instead of it", () => {
    const attempt = {
      runId: VIEW.runId,
      temporalRunId: "a",
      taskId: "load",
      attempt: 1,
      startedAt: "2026-01-02T00:00:00.000Z",
    };
    const error = { code: "BROKEN", message: "it broke", retryable: true };
    store.saveAttempt({ ...attempt, state: "running" });
    const ended = {
      ...attempt,
      state: "failed",
      endedAt: "2026-01-02T00:00:01.000Z",
      error,
      logFile: "1.jsonl",
    } as const;
    store.saveAttempt(ended);
    store.saveAttempt(ended);
    expect(store.listAttempts(VIEW.runId)).toEqual([ended]);
  });

  it("keeps several attempts at once as one by one: of the same attempt the last", () => {
    const attempt = { runId: VIEW.runId, temporalRunId: "a", attempt: 1, startedAt: "2026-01-02T00:00:00.000Z" };
    const done = { ...attempt, taskId: "load", state: "success", endedAt: "2026-01-02T00:00:01.000Z" } as const;
    const running = { ...attempt, taskId: "train", state: "running" } as const;
    store.saveAttempts([{ ...attempt, taskId: "load", state: "running" }, running, done]);
    expect(store.listAttempts(VIEW.runId)).toEqual([done, running]);
  });

  it("keeps each version of a DAG", () => {
    const graph = graphOf([{ id: "a" }]);
    store.saveDag(graph);
    store.saveDag(graph);
    expect(store.getDag("sketch", graph.version)).toEqual(graph);
    expect(store.getDag("sketch", "none")).toBeNull();
  });

  it("is safe for several openers of a new file", () => {
    const file = join(folder, "new.db");
    const stores = Array.from({ length: 4 }, () => openRunStore({ file }));
    stores.forEach((one, nth) => {
      one.saveRun({ view: { ...VIEW, runId: `daily/${nth}` }, temporalRunId: "a" });
    });
    expect(stores[0]?.listRuns()).toHaveLength(4);
    for (const one of stores) one.close();
  });
});
