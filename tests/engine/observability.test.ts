/** What can be seen of runs from outside: logs, traces, metrics; and that secrets cannot. */
import { execFileSync } from "node:child_process";
import { mkdir, readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { defineDag, SkipTask, sensor, task } from "@dagwright/engine";
import { openConnections } from "@dagwright/engine/connections";
import { createMcpPool, implement } from "@dagwright/mcp-kit";
import { defineContract } from "@dagwright/mcp-kit/contract";
import { trace } from "@opentelemetry/api";
import { Client, Connection } from "@temporalio/client";
import proto from "@temporalio/proto";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { PROJECT, Product } from "../product.ts";
import { type Embedded, startEmbedded } from "./embedded.ts";

const PASSWORD = "correct/horse+battery=staple";
const TOKEN = "tok_4f9a81c27d";

const echoContract = defineContract({
  name: "echo",
  instructions: "Says again what it hears.",
  tools: {
    say: { description: "Says it.", input: z.object({ text: z.string() }), output: z.object({ text: z.string() }) },
  },
});
const traceparents: (string | undefined)[] = [];
const echo = implement(echoContract, {
  say: ({ text }, { traceparent }) => {
    traceparents.push(traceparent);
    if (text === "nothing") throw Object.assign(new Error(`nothing to say with ${TOKEN}`), { code: "SILENT" });
    return { text };
  },
});
const pool = createMcpPool({ servers: { echo } });

const leaks = task("leaks", {
  input: z.object({ how: z.string() }),
  output: z.object({ text: z.string() }),
  retries: 1,
  retryDelay: "50ms",
  run: async ({ how }, ctx) => {
    const { password } = await ctx.connection("warehouse", z.object({ password: z.string() }));
    const token = await ctx.secret("token");
    console.log("console says", token);
    ctx.log.info(`log says ${password}`, { password, error: new Error(token) });
    ctx.progress({ done: 1, note: `progress says ${token}` });
    await pause(900);
    trace.getTracer("a task's").startSpan(`span of ${token}`, { attributes: { token } }).end();
    const { text } = await ctx.mcp(echoContract).call("say", { text: password });
    if (text !== password) throw new Error("The server was not given the password");
    if (ctx.attempt === 1) throw new Error(`first attempt fails with ${encodeURIComponent(password)}`);
    if (how === "skip") throw new SkipTask(`skipped because of ${token}`);
    await ctx
      .mcp(echoContract)
      .call("say", { text: "nothing" })
      .catch(() => undefined);
    return { text: `Basic ${Buffer.from(`app:${password}`).toString("base64")}` };
  },
});
let looks = 0;
const third = sensor("third", {
  input: z.object({}),
  output: z.number(),
  poke: "100ms",
  run: () => (++looks % 3 === 0 ? looks : undefined),
});
const item = task("item", { input: z.object({ n: z.number() }), output: z.number(), run: ({ n }) => n, light: true });
const observed = defineDag(
  {
    id: "observed",
    onSuccess: async (_, ctx) => ctx.log.info(`callback says ${await ctx.secret("token")}`),
  },
  () => {
    leaks({ how: "skip" }, { id: "skips" });
    third({});
    item.map([1, 2], (n) => ({ n }));
    return leaks({ how: "output" });
  },
);
const chatty = defineDag({ id: "chatty" }, () =>
  task("chat", {
    input: z.object({}),
    output: z.null(),
    run: async (_, ctx) => {
      for (let n = 0; n < 40; n += 1) ctx.log.debug(`line ${n}`, { filler: "x".repeat(100) });
      console.warn("a warning by console", { n: 1 });
      await Promise.all(
        ["a", "b"].map(async (name) => {
          await pause(300);
          ctx.log.info(name);
        }),
      );
      return null;
    },
  })({}),
);

interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly status: { readonly code?: number };
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, unknown> }[];
}

let embedded: Embedded;
let product: Product;
let collector: Server;
let metricsUrl: string | null;
const received: string[] = [];
let runId: string;

function spansOf(trace: string): OtlpSpan[] {
  const spans = received.flatMap((body) => {
    const { resourceSpans } = JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: OtlpSpan[] }[] }[] };
    return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
  });
  return spans.filter(({ attributes }) => attributes.some(({ value }) => value["stringValue"] === trace));
}
const attribute = ({ attributes }: OtlpSpan, name: string) =>
  Object.values(attributes.find(({ key }) => key === name)?.value ?? {})[0];

beforeAll(async () => {
  collector = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      received.push(Buffer.concat(chunks).toString("utf8"));
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((ready) => collector.listen(0, "127.0.0.1", ready));
  const address = collector.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", `http://127.0.0.1:${port}`);
  vi.stubEnv("OTEL_BSP_SCHEDULE_DELAY", "100");
  embedded = await startEmbedded("observability");
  product = await Product.create(
    { TEMPORAL_ADDRESS: embedded.address, DAGWRIGHT_TASK_QUEUE: "observability" },
    embedded.home,
  );
  const old = join(embedded.home, "logs", "old__run", "task", "1.jsonl");
  await mkdir(join(old, ".."), { recursive: true });
  await writeFile(old, "{}\n");
  const past = new Date("2020-01-01");
  for (const path of [old, join(old, ".."), join(old, "../..")]) await utimes(path, past, past);
  const env = { DAGWRIGHT_CONN_WAREHOUSE: JSON.stringify({ password: PASSWORD }), DAGWRIGHT_SECRET_TOKEN: TOKEN };
  const files = { connectionsFile: join(embedded.home, "none.json"), secretsFile: join(embedded.home, "none.json") };
  const worker = await embedded.worker([observed, chatty], {
    services: {
      mcp: (contract, { calls: _, ...options }) => pool.client(contract, options),
      ...openConnections({ env, ...files, warn: () => {} }),
    },
    traces: "otlp",
    metrics: { port: 0 },
    logs: { maxBytes: 2_048, files: 2 },
  });
  metricsUrl = worker.metricsUrl;
  ({ runId } = await embedded.engine.startRun({ dagId: "observed" }));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await embedded.close();
  await pool.close();
  collector.close();
});

describe("a run", () => {
  it("shows the progress of its tasks, and ends", async () => {
    await expect
      .poll(async () => (await embedded.engine.getRun(runId)).tasks["leaks"]?.progress, { timeout: 10_000 })
      .toEqual({ done: 1, note: "progress says ***" });
    expect(await embedded.engine.waitForRun(runId)).toMatchObject({
      state: "success",
      tasks: {
        leaks: { state: "success", attempts: 2 },
        skips: { state: "skipped", reason: "skipped because of ***" },
      },
    });
  });

  it("is one trace: run, tasks, calls", async () => {
    await expect.poll(() => spansOf(runId).some(({ name }) => name === "dagwright.run"), { timeout: 5_000 }).toBe(true);
    const spans = spansOf(runId);
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
    const [run, ...more] = spans.filter(({ name }) => name === "dagwright.run");
    expect(more).toEqual([]);
    expect(run?.parentSpanId).toBeUndefined();
    expect(attribute(run!, "dagwright.state")).toBe("success");
    const tasks = spans.filter(({ name }) => name === "dagwright.task");
    expect(tasks.every(({ parentSpanId }) => parentSpanId === run?.spanId)).toBe(true);
    expect(
      tasks
        .map(
          (one) =>
            `${attribute(one, "dagwright.task.id")} ${attribute(one, "dagwright.attempt")} ${attribute(one, "dagwright.state")}`,
        )
        .toSorted(),
    ).toEqual([
      "@onSuccess 1 success",
      "item[0] 1 success",
      "item[1] 1 success",
      "leaks 1 failed",
      "leaks 2 success",
      "skips 1 failed",
      "skips 2 skipped",
      "third 1 success",
    ]);
    const calls = spans.filter(({ name }) => name === "dagwright.mcp.call");
    expect(calls).toHaveLength(5);
    for (const call of calls) {
      const parent = tasks.find(({ spanId }) => spanId === call.parentSpanId);
      expect(attribute(call, "dagwright.task.id")).toBe(attribute(parent!, "dagwright.task.id"));
      expect(traceparents).toContain(`00-${call.traceId}-${call.spanId}-01`);
    }
    expect(calls.filter((call) => attribute(call, "error.type") === "SILENT")).toHaveLength(1);
    const times = spans.filter(({ name }) => name !== "dagwright.run");
    expect(times.every(({ endTimeUnixNano }) => BigInt(endTimeUnixNano) >= BigInt(run?.startTimeUnixNano ?? 0))).toBe(
      true,
    );
    // A task's own span, by OpenTelemetry's API, stands under the task's.
    const own = received.join("\n");
    expect(own).toContain("span of ***");
  });

  it("is counted", async () => {
    const text = await (await fetch(metricsUrl ?? "")).text();
    for (const line of [
      'dagwright_runs_total{dag="observed",state="success"} 1',
      'dagwright_run_duration_seconds_count{dag="observed",state="success"} 1',
      'dagwright_task_attempts_total{dag="observed",task="leaks",state="failed"} 1',
      'dagwright_task_attempts_total{dag="observed",task="skips",state="skipped"} 1',
      'dagwright_task_attempts_total{dag="observed",task="third",state="not_yet"} 2',
      'dagwright_task_attempts_total{dag="observed",task="item",state="success"} 2',
      'dagwright_task_duration_seconds_count{dag="observed",task="leaks",state="success"} 1',
      'dagwright_task_queue_seconds_count{dag="observed",task="leaks"} 2',
      'dagwright_tasks_running{dag="observed",task="leaks"} 0',
      'dagwright_mcp_calls_total{server="echo",tool="say",code=""} 4',
      'dagwright_mcp_calls_total{server="echo",tool="say",code="SILENT"} 1',
    ])
      expect(text.split("\n")).toContain(line);
    expect(text).toMatch(/^temporal_workflow_completed_total\{/m);
    expect(text).toMatch(/^process_resident_memory_bytes /m);
    const told = await readFile(join(PROJECT, "docs", "operations.md"), "utf8");
    for (const [, name = ""] of text.matchAll(/^# TYPE (dagwright_\S+)/gm)) expect(told).toContain(`\`${name}\``);
    // The format allows each metric one block.
    const types = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    expect(types.length).toBe(new Set(types).size);
  });

  it("tells no secret: not its history, the store, logs, traces, metrics or commands", async () => {
    const { home, address } = embedded;
    const connection = await Connection.connect({ address });
    const history = await new Client({ connection }).workflow.getHandle(runId).fetchHistory();
    await connection.close();
    const files = await readdir(home, { recursive: true, withFileTypes: true });
    const kept = files
      .map((file) => join(file.parentPath, file.name))
      .filter((file, nth) => files[nth]?.isFile() && /runs\.db|logs/.test(file));
    // By another process: to close a file of SQLite's here would drop the locks that this process holds on it.
    const texts = kept.map((file) => [file, execFileSync("cat", [file], { maxBuffer: 2 ** 28 })] as const);
    const commands = await Promise.all(
      [["logs"], ["show"], ["explain"]].map(async ([verb = ""]) => {
        const { stdout, stderr, code } = await product.cli(["runs", verb, runId, "--json"]);
        expect(code, stderr).toBe(0);
        return [verb, Buffer.from(stdout + stderr)] as const;
      }),
    );
    const all = [
      ["history", Buffer.from(proto.temporal.api.history.v1.History.encode(history).finish())] as const,
      ["traces", Buffer.from(received.join("\n"))] as const,
      ...texts,
      ...commands,
    ];
    // The test can fail: what was said beside the secrets is there.
    expect(all.filter(([, bytes]) => bytes.includes("says ***")).map(([name]) => name).length).toBeGreaterThan(4);
    expect(all[0]?.[1].includes("first attempt fails with ***")).toBe(true);
    const forms = [PASSWORD, TOKEN, encodeURIComponent(PASSWORD), Buffer.from(`app:${PASSWORD}`).toString("base64")];
    for (const [name, bytes] of all)
      for (const form of forms) expect(bytes.includes(form), `${form} in ${name}`).toBe(false);
  }, 60_000);
});

describe("logs", () => {
  it("of callbacks are read as those of tasks", async () => {
    const found = await embedded.engine.taskLogs(runId, "@onSuccess");
    expect(found).toMatchObject([
      { taskId: "@onSuccess", attempt: 1, state: "success", lines: [{ message: "callback says ***" }] },
    ]);
  });

  it("hold what the task told `console`, are rotated, filtered, followed, and removed in time", async () => {
    const { engine, home } = embedded;
    const started = await engine.startRun({ dagId: "chatty", runId: "chatty/1" });
    const followed: string[] = [];
    for await (const { taskId, message } of engine.followLogs(started.runId, { level: "info" }))
      followed.push(`${taskId} ${message}`);
    expect(followed.slice(0, 1)).toEqual(["chat a warning by console"]);
    expect(followed.slice(1).toSorted()).toEqual(["chat a", "chat b"]);
    const [all] = await engine.taskLogs("chatty/1", "chat", { attempt: 1 });
    // Two files of 2 KiB: the oldest lines are gone, the newest are there, in order.
    expect(all?.lines.length).toBeGreaterThan(10);
    expect(all?.lines.length).toBeLessThan(30);
    expect(all?.lines.map(({ at }) => at)).toEqual(all?.lines.map(({ at }) => at).toSorted());
    expect(all?.lines.find(({ level }) => level === "warn")).toMatchObject({ fields: { n: 1 } });
    const [last] = await engine.taskLogs("chatty/1", "chat", { tail: 2, level: "info" });
    expect(last?.lines.map(({ message }) => message).toSorted()).toEqual(["a", "b"]);
    expect(await engine.taskLogs("chatty/1", "chat", { attempt: 2 })).toEqual([]);
    expect(await readdir(join(home, "logs"))).not.toContain("old__run");
    const { stdout, stderr, code } = await product.cli([
      "runs",
      "logs",
      "chatty/1",
      "chat",
      "--follow",
      "--tail",
      "1",
      "--json",
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(
      stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual([expect.objectContaining({ taskId: "chat", attempt: 1, level: "info" })]);
  }, 30_000);
});
