/** Runs on a real Temporal server with their store in PostgreSQL, which comes and goes under them. */
import { defineDag, task, wait } from "@dagwright/engine";
import { openRunStore } from "@dagwright/engine/store";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { installPostgres, type PostgresServer, startPostgres } from "../servers/postgres.ts";
import { type Embedded, startEmbedded } from "./embedded.ts";

const missing = await installPostgres();

let tell = () => {};
const told = task("told", {
  input: z.object({ value: z.number() }),
  output: z.number(),
  retries: 1,
  retryDelay: "50ms",
  run: ({ value }, { attempt }) => {
    tell();
    if (value === 1 && attempt === 1) throw Object.assign(new Error("not at first"), { code: "FLAKY" });
    return value + 1;
  },
});

const kept = defineDag({ id: "kept" }, () => told({ value: told({ value: 1 }, { id: "first" }) }));
const calm = defineDag({ id: "calm" }, () => told({ value: told({ value: 2 }, { id: "first" }) }));
const longer = defineDag({ id: "longer" }, () => {
  const first = told({ value: 1 }, { id: "first" });
  const pause = wait("pause", "1s", { after: [first] });
  return told({ value: 5 }, { id: "last", after: [pause] });
});
const remembered = defineDag({ id: "remembered" }, () =>
  told({ value: 7 }, { id: "remembered_once", cache: { ttl: "1h" } }),
);

if (missing !== undefined) it.skip(missing, () => {});
describe.skipIf(missing !== undefined)("a run whose store is in PostgreSQL", () => {
  let server: PostgresServer;
  let url: string;
  let embedded: Embedded;
  beforeAll(async () => {
    server = await startPostgres();
    url = await server.database("runs");
    embedded = await startEmbedded("store-tests", await openRunStore({ url }, { timeoutMs: 1_000 }));
    await embedded.worker([kept, calm, longer, remembered]);
  });
  afterAll(async () => {
    await embedded?.close();
    await server?.close();
  });

  it("is kept with its attempts, its graph and its cached outputs", async () => {
    const { engine, store } = embedded;
    const { runId, temporalRunId } = await engine.startRun({ dagId: "kept", logicalDate: "2026-01-01" });
    const view = await engine.waitForRun(runId);
    expect(await store.getRun(runId)).toEqual({ view, temporalRunId });
    expect((await store.listAttempts(runId)).map(({ taskId, attempt, state }) => [taskId, attempt, state])).toEqual([
      ["first", 1, "failed"],
      ["first", 2, "success"],
      ["told", 1, "success"],
    ]);
    expect(await store.getDag("kept", view.dagVersion)).toEqual(kept.graph);
    expect(await engine.startRun({ dagId: "kept", logicalDate: "2026-01-01" })).toMatchObject({
      outcome: "already_done",
    });
    expect((await engine.listRuns({ dagId: "kept" })).map((row) => row.state)).toEqual(["success"]);
    await engine.clearRun(runId, { tasks: ["told"] });
    expect((await engine.waitForRun(runId)).tasks["told"]).toMatchObject({ clears: 1 });

    const sources = [];
    for (const day of ["2026-01-01", "2026-01-02"]) {
      const started = await engine.startRun({ dagId: "remembered", logicalDate: day });
      const { tasks } = await engine.waitForRun(started.runId);
      sources.push(tasks["remembered_once"]?.cachedFrom);
    }
    expect(sources).toEqual([undefined, "remembered/2026-01-01T00:00:00Z"]);
  });

  it("ends while the database is away, can be read and explained, and is kept when it is back", async () => {
    const { engine, store } = embedded;
    const { runId } = await engine.startRun({ dagId: "longer", logicalDate: "2026-01-01" });
    await expect.poll(async () => (await store.getRun(runId))?.view.state).toBe("running");
    await expect.poll(() => store.getDag("longer", longer.graph.version)).toEqual(longer.graph);
    await server.sql(url, "DELETE FROM dagwright.dag_versions");
    await server.kill();
    const view = await engine.waitForRun(runId);
    expect(view).toMatchObject({ state: "success", output: 6 });
    expect(await engine.getRun(runId)).toEqual(view);
    expect((await engine.explainRun(runId)).why).toContain("succeeded");
    await expect(store.getRun(runId)).rejects.toMatchObject({ code: "RUN_STORE_UNAVAILABLE" });
    expect((await engine.listRuns({ state: "running" })).map((row) => row.runId)).toEqual([]);
    await expect(engine.listRuns()).rejects.toMatchObject({ code: "RUN_STORE_UNAVAILABLE" });
    await expect(engine.taskLogs(runId)).rejects.toMatchObject({ code: "RUN_STORE_UNAVAILABLE" });
    await expect(engine.getRun("longer/never")).rejects.toMatchObject({ code: "RUN_STORE_UNAVAILABLE" });
    // Whether it has succeeded once, nobody can say.
    await expect(engine.startRun({ dagId: "longer", logicalDate: "2026-01-02" })).rejects.toMatchObject({
      code: "RUN_STORE_UNAVAILABLE",
    });

    // A run of which the store does not even know the start, nor the graph.
    const unseen = await engine.startRun({ dagId: "remembered" });
    const end = await engine.waitForRun(unseen.runId);
    expect(end.state).toBe("success");

    await server.start();
    await expect.poll(async () => (await store.getRun(runId))?.view, { timeout: 15_000 }).toEqual(view);
    await expect
      .poll(() => store.getRun(unseen.runId), { timeout: 15_000 })
      .toEqual({ view: end, temporalRunId: unseen.temporalRunId });
    expect(await store.getDag("remembered", end.dagVersion)).toEqual(remembered.graph);
    expect(await store.getDag("longer", view.dagVersion)).toBeNull();
    // The workflows that kept them are no runs.
    const rows = await engine.listRuns();
    expect(rows.filter(({ dagId }) => !["kept", "longer", "remembered"].includes(dagId))).toEqual([]);
  }, 60_000);

  it("goes on, each task once, while the database hangs", async () => {
    const { engine, store } = embedded;
    let tells = 0;
    tell = () => tells++;
    const runId = await server.hanging(async () => {
      const started = await engine.startRun({ dagId: "calm" });
      await expect
        .poll(async () => (await engine.getRun(started.runId)).state, { timeout: 30_000, interval: 100 })
        .toBe("success");
      return started.runId;
    });
    const view = await engine.waitForRun(runId);
    expect(Object.values(view.tasks).map(({ attempts, lost }) => [attempts, lost])).toEqual([
      [1, undefined],
      [1, undefined],
    ]);
    expect(tells).toBe(2);
    await expect.poll(async () => (await store.getRun(runId))?.view, { timeout: 30_000 }).toEqual(view);
  }, 90_000);
});
