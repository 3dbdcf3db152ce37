/** Values too large for Temporal, runs too long for one history, and workers whose code does not fit a run. */
import { setTimeout as pause } from "node:timers/promises";
import { approval, branch, defineDag, derive, task, wait } from "@dagwright/engine";
import { runInProcess } from "@dagwright/engine/testing";
import { Client, Connection } from "@temporalio/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { type Embedded, startEmbedded } from "./embedded.ts";

const MIB = 1_048_576;

const makeText = task("make_text", {
  input: z.object({ bytes: z.number() }),
  output: z.object({ text: z.string(), half: z.array(z.number()), size: z.number() }),
  run: ({ bytes }) => ({ text: "x".repeat(bytes), half: [1, 2, 3], size: bytes }),
});
const measure = task("measure", {
  input: z.object({ text: z.string(), second: z.number(), missing: z.string().optional() }),
  output: z.number(),
  run: ({ text, second }) => text.length + second,
});
/** Hands a text of any size on, whole and in part. */
const texts = defineDag({ id: "texts", params: z.object({ bytes: z.number() }) }, ({ params }) => {
  const made = makeText({ bytes: params.bytes });
  const length = measure({ text: made.text, second: made.half[1] as never });
  const derived = derive("derived", [made.text, made.size], (text, size) => text.length === size);
  const halves = derive("halves", [made], (whole) => ({ text: whole.text.slice(0, 10) }));
  return { length, derived, halves, made };
});

const makeList = task("make_list", {
  input: z.object({ items: z.number(), bytes: z.number() }),
  output: z.array(z.object({ n: z.number(), text: z.string() })),
  run: ({ items, bytes }) => Array.from({ length: items }, (_, n) => ({ n, text: `${n}`.padEnd(bytes, "-") })),
});
const echo = task("echo", {
  input: z.object({ n: z.number(), text: z.string() }),
  output: z.object({ n: z.number(), length: z.number() }),
  run: ({ n, text }) => ({ n, length: text.length }),
});
/** Maps over a list of some megabytes, and branches on a large output. */
const lists = defineDag({ id: "lists", params: z.object({ items: z.number(), bytes: z.number() }) }, ({ params }) => {
  const list = makeList({ items: params.items, bytes: params.bytes });
  const echoed = echo.map(list, (item) => ({ n: item.n, text: item.text }));
  const total = derive("total", [echoed], (all) => all.reduce((sum, { length }) => sum + length, 0));
  return { total };
});

/** Branches on a field of a large output. */
const wide = defineDag({ id: "wide" }, () => {
  const made = makeText({ bytes: 400_000 });
  return branch("which", made.size, { 400000: () => derive("l", [], () => 1), 5: () => derive("s", [], () => 2) }).arms;
});

const link = task("link", {
  input: z.object({ n: z.number() }),
  output: z.number(),
  retries: 1,
  retryDelay: "100ms",
  run: async ({ n }, { attempt }) => {
    await pause(5);
    if (n % 7 === 3 && attempt === 1) throw new Error("every seventh fails once");
    return n + 1;
  },
});
/** Long enough for several histories: a chain, waits, an approval, and a mapped task that takes slots of a pool. */
const long = defineDag({ id: "long", deadline: { after: "1h" }, maxActiveRuns: 1 }, () => {
  let n = link({ n: 0 }, { id: "link_0" });
  for (let i = 1; i < 20; i += 1) n = link({ n }, { id: `link_${i}` });
  const yes = approval("go_on", { after: [n] });
  const rested = wait("rest", "1s");
  const list = derive("list", [n], (count) => Array.from({ length: count * 3 }, (_, i) => i), { after: [yes, rested] });
  return link.map(list, (item) => ({ n: item }), { id: "mapped", maxConcurrent: 10, pool: "narrow" });
});

let embedded: Embedded;
let client: Client;
let connection: Connection;
beforeAll(async () => {
  embedded = await startEmbedded();
  await embedded.worker([texts, lists, wide, long], { continueAfterEvents: 60 });
  connection = await Connection.connect({ address: embedded.address });
  client = new Client({ connection });
});
afterAll(async () => {
  await connection.close();
  await embedded.close();
});

describe("an output", () => {
  it.each([0, 1, 300_000, 3 * MIB, 100 * MIB])(
    "of %d bytes reaches what reads it, whole and in part",
    async (bytes) => {
      const { engine } = embedded;
      const { runId } = await engine.startRun({ dagId: "texts", params: { bytes }, runId: `texts/${bytes}` });
      const view = await engine.waitForRun(runId);
      expect(view.error).toBeUndefined();
      const whole = await engine.withOutputs(view);
      const twin = await runInProcess(texts, { params: { bytes } });
      expect(twin.state).toBe("success");
      // Compared as text: a difference of 100 MB would take long to print.
      expect(JSON.stringify(whole.output) === JSON.stringify(twin.output)).toBe(true);
      expect(whole.tasks["measure"]?.output).toBe(bytes + 2);
      const { history } = await historyOf(runId);
      expect(history).toBeLessThan(600_000);
    },
    120_000,
  );

  it("that the scheduler itself looks at travels with the run", async () => {
    const { engine } = embedded;
    const params = { items: 40, bytes: 100_000 };
    await engine.startRun({ dagId: "lists", params, runId: "lists/wide" });
    expect(await engine.waitForRun("lists/wide")).toMatchObject({ state: "success", output: { total: 4_000_000 } });
    await engine.startRun({ dagId: "wide", runId: "wide/one" });
    expect(await engine.waitForRun("wide/one")).toMatchObject({ state: "success", output: { 400000: 1, 5: null } });
  }, 60_000);
});

async function historyOf(runId: string): Promise<{ history: number; executions: number }> {
  let history = 0;
  let executions = 0;
  for await (const { workflowId } of client.workflow.list({ query: `WorkflowId = "${runId}"` })) {
    executions += 1;
    expect(workflowId).toBe(runId);
  }
  const { raw } = await client.workflow.getHandle(runId).describe();
  history = Number(raw.workflowExecutionInfo?.historySizeBytes ?? 0);
  return { history, executions };
}

describe("a run whose history grows too long", () => {
  it("continues as new, and nothing of it shows", async () => {
    const { engine } = embedded;
    await engine.setPool("narrow", { slots: 4 });
    await engine.startRun({ dagId: "long", runId: "long/one" });
    // The first to reach the line is first in it.
    await expect.poll(async () => (await engine.getRun("long/one")).state, { timeout: 20_000 }).toBe("running");
    await engine.startRun({ dagId: "long", runId: "long/behind" });
    for (;;) {
      const { tasks } = await engine.getRun("long/one");
      if (tasks["go_on"]?.state === "deferred") break;
      await pause(200);
    }
    await engine.answerApproval("long/one", { task: "go_on", approved: true, by: "tester" });
    expect((await engine.getRun("long/behind")).state).toBe("queued");
    const view = await engine.waitForRun("long/one");
    const twin = await runInProcess(long, {
      answers: { go_on: { approved: true, by: "tester" } },
      pools: { narrow: 4 },
    });
    expect({ state: view.state, output: view.output }).toEqual({ state: twin.state, output: twin.output });
    const ends = ({ tasks }: typeof view) =>
      Object.entries(tasks).map(([id, { state, attempts, mapped }]) => [
        id,
        state,
        attempts,
        mapped?.map((item) => [item.state, item.attempts, item.output]),
      ]);
    expect(ends(view)).toEqual(ends(twin));
    await pause(1_500);
    expect((await historyOf("long/one")).executions).toBeGreaterThan(2);
    const attempts = await embedded.store.listAttempts("long/one");
    const keys = attempts.filter(({ state }) => state === "success").map(({ taskId }) => taskId);
    expect(new Set(keys).size).toBe(keys.length);
    // It has left the line, and given back all its slots.
    await expect.poll(async () => (await engine.getRun("long/behind")).state, { timeout: 20_000 }).toBe("running");
    expect((await engine.getPool("narrow")).holders).toEqual([]);
    await engine.cancelRun("long/behind");
  }, 90_000);
});

describe("a worker whose code does not fit a run", () => {
  const versioned = (names: readonly string[]) =>
    defineDag({ id: "versioned" }, () => {
      const gate = approval("gate");
      for (const name of names) link({ n: 1 }, { id: name, after: [gate] });
    });

  it("refuses its tasks, says so, and a fitting one goes on", async () => {
    const other = await startEmbedded("versions");
    try {
      const first = await other.worker([versioned(["a", "b"])]);
      await other.engine.startRun({ dagId: "versioned", runId: "versioned/one" });
      while ((await other.engine.getRun("versioned/one")).tasks["gate"]?.state !== "deferred") await pause(100);
      await first.stop();
      const second = await other.worker([versioned(["a"])]);
      await other.engine.answerApproval("versioned/one", { task: "gate", approved: true, by: "tester" });
      for (;;) {
        const { tasks } = await other.engine.getRun("versioned/one");
        if (tasks["b"]?.error !== undefined) break;
        await pause(200);
      }
      const waiting = await other.engine.getRun("versioned/one");
      expect(waiting.tasks["a"]?.state).toBe("success");
      const { version: of } = versioned(["a", "b"]).graph;
      const { version: has } = versioned(["a"]).graph;
      expect(waiting.tasks["b"]).toMatchObject({ state: "up_for_retry", error: { code: "DAG_VERSION_MISMATCH" } });
      expect(waiting.tasks["b"]?.error?.message).toContain(of);
      expect(waiting.tasks["b"]?.error?.message).toContain(has);
      const { tasks } = await other.engine.explainRun("versioned/one");
      expect(tasks.find(({ task }) => task === "b")).toMatchObject({ why: expect.stringContaining(has) });
      await second.stop();
      await other.worker([versioned(["a", "b"])]);
      const view = await other.engine.waitForRun("versioned/one");
      expect(view).toMatchObject({ state: "success", tasks: { b: { state: "success", attempts: 1 } } });
      expect((await other.store.getDag("versioned", of))?.nodes.length).toBe(3);
    } finally {
      await other.close();
    }
  }, 60_000);

  it("runs again what has ended by the params that it takes now", async () => {
    const other = await startEmbedded("params");
    const taking = (params: z.ZodObject) => defineDag({ id: "taking", params }, () => link({ n: 1 }, { id: "only" }));
    const again = async (params: Record<string, string> = {}) => {
      await other.engine.clearRun("taking/one", { tasks: ["only"], params });
      return await other.engine.waitForRun("taking/one");
    };
    try {
      const first = await other.worker([
        taking(z.object({ rows: z.number().default(1), gone: z.string().default("g") })),
      ]);
      await other.engine.startRun({ dagId: "taking", runId: "taking/one" });
      expect((await other.engine.waitForRun("taking/one")).params).toEqual({ rows: 1, gone: "g" });
      await first.stop();
      const second = await other.worker([taking(z.object({ rows: z.number(), fresh: z.string().default("f") }))]);
      expect(await again()).toMatchObject({ state: "success", params: { rows: 1, fresh: "f" } });
      // Given now, it is a mistake and nothing that was left over.
      expect(await again({ gone: "g" })).toMatchObject({
        state: "failed",
        error: { code: "INVALID_PARAMS", field: "gone" },
      });
      await second.stop();
      await other.worker([taking(z.object({ rows: z.string() }))]);
      expect(await again()).toMatchObject({ state: "failed", error: { code: "INVALID_PARAMS", field: "rows" } });
      expect(await again({ rows: "many" })).toMatchObject({ state: "success", params: { rows: "many" } });
    } finally {
      await other.close();
    }
  }, 60_000);
});
