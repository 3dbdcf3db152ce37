import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { LogLine } from "./connection.ts";
import { defineContract, type Progress } from "./contract.ts";
import { ToolError } from "./errors.ts";
import { workbench } from "./fixture/contract.ts";
import { createWorkbench } from "./fixture/server.ts";
import type { McpServerLocation, StdioServer } from "./location.ts";
import { createMcpPool, type McpPool } from "./pool.ts";
import { type ServedOnHttp, serveHttp } from "./serve-http.ts";

const main = fileURLToPath(new URL("./fixture/main.ts", import.meta.url));
const node = { command: process.execPath, args: ["--conditions=source", "--import", "tsx", main] };
const stdio: StdioServer = { ...node };

async function failure(call: Promise<unknown>): Promise<ToolError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ToolError) return error;
  throw new Error(`expected a ToolError, got ${String(error)}`);
}

let served: ServedOnHttp;
beforeAll(async () => {
  served = await serveHttp(createWorkbench(), { port: 0, token: "s3cret" });
});
afterAll(() => served.close());

const ways: Record<string, () => McpServerLocation> = {
  "in this process": createWorkbench,
  "over stdio": () => stdio,
  "over HTTP": () => ({ url: served.url, token: "s3cret" }),
};

describe.each(Object.keys(ways))("a call %s", (way) => {
  let pool: McpPool;
  beforeAll(() => {
    pool = createMcpPool({ servers: { workbench: ways[way]!() } });
  });
  afterAll(() => pool.close());

  test("answers with defaults filled in", async () => {
    expect(await pool.client(workbench).call("echo", { text: "ab" })).toEqual({ text: "ab", idempotencyKey: null });
    expect(await pool.client(workbench).call("echo", { text: "ab", times: 2, mode: "loud" })).toEqual({
      text: "ABAB",
      idempotencyKey: null,
    });
  });

  test("carries the idempotency key", async () => {
    const client = pool.client(workbench, { idempotencyKey: "run-1/ingest/0" });
    expect((await client.call("echo", { text: "a" })).idempotencyKey).toBe("run-1/ingest/0");
  });

  test.each([
    ["tool_error", { code: "QUOTA_USED_UP", message: "All 5 places are taken.", hint: "Wait.", retryable: true }],
    [
      "shaped",
      {
        code: "TABLE_NOT_FOUND",
        message: 'table "purchase" does not exist',
        field: "table",
        hint: 'Did you mean "purchases"?',
        retryable: false,
      },
    ],
    ["plain", { code: "INTERNAL_ERROR", message: "x is not a function", retryable: true }],
    ["text", { code: "INTERNAL_ERROR", message: "just words", retryable: true }],
    [
      "node",
      { code: "INTERNAL_ERROR", message: "ENOENT: no such file or directory, open '/no/such/file'", retryable: true },
    ],
    ["bad_output", { code: "INVALID_OUTPUT", retryable: false }],
  ] as const)("gives the error of a handler that fails with %s", async (how, expected) => {
    expect(await failure(pool.client(workbench).call("fail", { how }))).toMatchObject(expected);
  });

  test.each([
    [{ text: "a", times: "two" }, "times", 'echo: "times" is "two": expected a number.'],
    [{ text: "a", times: 10 }, "times", 'echo: "times" is 10: expected a number to be <=9.'],
    [{}, "text", 'echo: "text" is missing: expected a string.'],
    [{ text: "a", mode: "laud" }, "mode", 'echo: "mode" is "laud": expected one of "plain"|"loud".'],
    [{ text: "a", day: "1997-02-30" }, "day", 'echo: "day" is "1997-02-30": expected a valid ISO date.'],
    [{ text: "a", nested: { depth: null } }, "nested.depth", 'echo: "nested.depth" is null: expected a number.'],
    [{ text: "a", tims: 3 }, "tims", 'echo: "tims" is not known: did you mean "times"?'],
    [
      { text: "a", nested: { dept: 1, depth: 1 } },
      "nested.dept",
      'echo: "nested.dept" is not known: did you mean "nested.depth"?',
    ],
  ])("refuses %j", async (input, field, message) => {
    const untyped = pool.client(anything);
    expect(await failure(untyped.call("echo", input))).toMatchObject({
      code: "INVALID_ARGUMENTS",
      field,
      message,
      hint: "echo takes text, times, mode, day, nested.",
      retryable: false,
    });
  });

  test("names a tool the server does not have", async () => {
    expect(await failure(pool.client(newer).call("fly", {}))).toMatchObject({ code: "UNKNOWN_TOOL", retryable: false });
  });

  test("passes progress and log lines, in order and before the answer", async () => {
    const progress: Progress[] = [];
    const lines: LogLine[] = [];
    const client = pool.client(workbench, { onProgress: (p) => progress.push(p), onLog: (l) => lines.push(l) });
    expect(await client.call("count", { to: 3 })).toEqual({ counted: 3 });
    expect(progress).toEqual([
      { done: 1, total: 3, note: "number 1" },
      { done: 2, total: 3, note: "number 2" },
      { done: 3, total: 3, note: "number 3" },
    ]);
    expect(lines).toEqual([{ level: "info", message: "counted", fields: { to: 3 } }]);
  });

  test("cancels: the handler's signal is aborted, the caller gets the signal's reason", async () => {
    const before = (await pool.client(workbench).call("cancelled", {})).count;
    const abort = new AbortController();
    const reason = new Error("the run was cancelled");
    const call = pool
      .client(workbench, { signal: abort.signal, onProgress: () => abort.abort(reason) })
      .call("hang", {});
    await expect(call).rejects.toBe(reason);
    await expect(pool.client(workbench, { signal: abort.signal }).call("echo", { text: "a" })).rejects.toBe(reason);
    await expect
      .poll(async () => (await pool.client(workbench).call("cancelled", {})).count, { timeout: 5000 })
      .toBe(before + 1);
  });

  test("times out on silence only", async () => {
    const client = pool.client(workbench, { timeoutMs: 400 });
    expect(await client.call("count", { to: 6, everyMs: 150 })).toEqual({ counted: 6 });
    expect(await failure(client.call("hang", {}))).toMatchObject({ code: "TIMEOUT", retryable: true });
  });

  test("shares a connection with 50 others", async () => {
    const client = pool.client(workbench);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => client.call("echo", { text: `${i};`, times: 2 })),
    );
    expect(answers.map(({ text }) => text)).toEqual(Array.from({ length: 50 }, (_, i) => `${i};${i};`));
  });
});

const anything = defineContract({
  name: "workbench",
  instructions: "The workbench as a caller without types sees it.",
  tools: { echo: { description: "", input: z.looseObject({}), output: z.looseObject({}) } },
});
const newer = defineContract({
  name: "workbench",
  instructions: "The workbench of a later version.",
  tools: {
    fly: { description: "", input: z.object({}), output: z.object({}) },
    echo: { description: "", input: z.object({ text: z.string() }), output: z.object({ loudness: z.number() }) },
  },
});

describe("a pool", () => {
  test("says when an answer does not fit the caller's contract", async () => {
    const pool = createMcpPool({ servers: { workbench: createWorkbench() } });
    expect(await failure(pool.client(newer).call("echo", { text: "a" }))).toMatchObject({
      code: "INVALID_OUTPUT",
      message: expect.stringContaining("loudness"),
    });
    await pool.close();
  });

  test("starts a child process again that died", async () => {
    const pool = createMcpPool({ servers: { workbench: stdio } });
    const client = pool.client(workbench);
    await client.call("echo", { text: "a" });
    expect(await failure(client.call("die", {}))).toMatchObject({ code: "CONNECTION_CLOSED", retryable: true });
    expect((await client.call("echo", { text: "b" })).text).toBe("b");
    await pool.close();
  });

  test("fails a streaming call when the HTTP server is killed, and finds the next server", async () => {
    const child = spawn(node.command, [...node.args, "--http"], { stdio: ["ignore", "pipe", "inherit"] });
    const url = await firstLine(child);
    const pool = createMcpPool({ servers: { workbench: { url } } });
    const killed = failure(pool.client(workbench, { onProgress: () => child.kill("SIGKILL") }).call("hang", {}));
    expect(await killed).toMatchObject({ code: "CONNECTION_CLOSED", retryable: true });
    await once(child, "exit").catch(() => undefined);
    expect(await failure(pool.client(workbench).call("echo", { text: "a" }))).toMatchObject({ retryable: true });
    const next = await serveHttp(createWorkbench(), { port: Number(new URL(url).port) });
    expect((await pool.client(workbench).call("echo", { text: "a" })).text).toBe("a");
    await pool.close();
    await next.close();
  });

  test("opens a server of this process by the first call to it, again if that failed", async () => {
    let opened = 0;
    const lazy = async () => {
      opened += 1;
      if (opened === 1) throw new Error("the lake is locked");
      return createWorkbench();
    };
    const pool = createMcpPool({ servers: { workbench: lazy } });
    expect(opened).toBe(0);
    expect(await failure(pool.client(workbench).call("echo", { text: "a" }))).toMatchObject({
      code: "CONNECTION_FAILED",
      message: expect.stringContaining("the lake is locked"),
      retryable: true,
    });
    for (let call = 0; call < 3; call += 1) await pool.client(workbench).call("echo", { text: "a" });
    expect(opened).toBe(2);
    await pool.close();
  });

  test("names an unknown server, a missing command, a dead URL, a wrong token", async () => {
    const pool = createMcpPool({ servers: { workbanch: createWorkbench() } });
    expect(await failure(pool.client(workbench).call("echo", { text: "a" }))).toMatchObject({
      code: "UNKNOWN_SERVER",
      hint: 'Did you mean "workbanch"?',
    });
    const of = (location: McpServerLocation) => {
      const one = createMcpPool({ servers: { workbench: location } });
      return failure(one.client(workbench).call("echo", { text: "a" })).finally(() => one.close());
    };
    expect(await of({ command: "no-such-command-here" })).toMatchObject({
      code: "CONNECTION_FAILED",
      retryable: false,
    });
    expect(await of({ command: process.execPath, args: ["-e", "process.exit(3)"] })).toMatchObject({
      code: "CONNECTION_FAILED",
      retryable: true,
    });
    expect(await of({ url: "http://127.0.0.1:9/mcp" })).toMatchObject({
      code: "CONNECTION_FAILED",
      message: expect.stringContaining("http://127.0.0.1:9/mcp"),
      retryable: true,
    });
    expect(await of({ url: served.url, token: "wrong" })).toMatchObject({ code: "UNAUTHORIZED", retryable: false });
    expect(await of({ url: served.url })).toMatchObject({ code: "UNAUTHORIZED", retryable: false });
    await pool.close();
  });

  test("ends calls in flight when it is closed, and takes no more", async () => {
    const pool = createMcpPool({ servers: { workbench: createWorkbench() } });
    const hanging = failure(pool.client(workbench).call("hang", {}));
    await sleep(20);
    await pool.close();
    expect(await hanging).toMatchObject({ code: "CONNECTION_CLOSED" });
    expect(await failure(pool.client(workbench).call("echo", { text: "a" }))).toMatchObject({ code: "POOL_CLOSED" });
  });

  test("refuses arguments of the wrong type when compiled", () => {
    const client = createMcpPool({ servers: {} }).client(workbench);
    // @ts-expect-error times is a number
    const wrong = () => client.call("echo", { text: "a", times: "two" });
    expect(wrong).toBeTypeOf("function");
  });
});

async function firstLine(child: ChildProcess): Promise<string> {
  let text = "";
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk);
    if (text.includes("\n")) break;
  }
  return text.trim();
}
