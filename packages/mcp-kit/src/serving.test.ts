import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createWorkbench } from "./fixture/server.ts";
import { readMcpConfig } from "./mcp-config.ts";
import { type ServedOnHttp, serveHttp } from "./serve-http.ts";

let served: ServedOnHttp;
beforeAll(async () => {
  served = await serveHttp(createWorkbench(), { port: 0, token: "s3cret" });
});
afterAll(() => served.close());

function status(headers: Record<string, string>, path = "/mcp"): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, served.url), { method: "POST", headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on("error", reject);
    sent.end("{}");
  });
}

describe("serveHttp", () => {
  test("refuses foreign hosts and origins, wrong tokens and other paths", async () => {
    const authorization = "Bearer s3cret";
    expect(await status({ authorization, host: "evil.example" })).toBe(403);
    expect(await status({ authorization, origin: "https://evil.example" })).toBe(403);
    expect(await status({})).toBe(401);
    expect(await status({ authorization: "Bearer s3cre" })).toBe(401);
    expect(await status({ authorization: "Basic s3cret" })).toBe(401);
    expect(await status({ authorization }, "/")).toBe(404);
    expect(await status({ authorization, origin: "http://localhost:3000" })).toBe(415);
  });

  test("says when the port is taken", async () => {
    const port = Number(new URL(served.url).port);
    await expect(serveHttp(createWorkbench(), { port })).rejects.toMatchObject({
      code: "PORT_IN_USE",
      message: `Port ${port} on 127.0.0.1 is in use by another process.`,
      field: "port",
      retryable: false,
    });
  });
});

const main = fileURLToPath(new URL("./fixture/main.ts", import.meta.url));

test("serveStdio tells when its client has gone", async () => {
  const child = spawn(process.execPath, ["--conditions=source", "--import", "tsx", main], {
    stdio: ["pipe", "ignore", "inherit"],
  });
  child.stdin.end();
  expect(await once(child, "exit")).toEqual([0, null]);
});

describe("a client on the SDK's v1 line", () => {
  test.each(["stdio", "HTTP"])("lists and calls over %s", async (way) => {
    const { Client } = await import("@modelcontextprotocol/sdk/client/index.js");
    const client = new Client({ name: "v1", version: "1.0.0" });
    if (way === "stdio") {
      const { StdioClientTransport } = await import("@modelcontextprotocol/sdk/client/stdio.js");
      const args = ["--conditions=source", "--import", "tsx", main];
      await client.connect(new StdioClientTransport({ command: process.execPath, args }));
    } else {
      const { StreamableHTTPClientTransport } = await import("@modelcontextprotocol/sdk/client/streamableHttp.js");
      const transport = new StreamableHTTPClientTransport(new URL(served.url), {
        requestInit: { headers: { authorization: "Bearer s3cret" } },
      });
      // v1 declares its transport's optional fields without `undefined`, which exactOptionalPropertyTypes refuses.
      await client.connect(transport as Parameters<typeof client.connect>[0]);
    }
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(["echo", "count", "hang", "cancelled", "fail", "die"]);
    expect(tools[0]).toMatchObject({
      description: "Gives its arguments back, with the idempotency key it came with.",
      inputSchema: { type: "object", required: ["text"], additionalProperties: false },
      outputSchema: { type: "object", required: ["text", "idempotencyKey"] },
      annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true },
    });
    const answer = { text: "aa", idempotencyKey: null };
    expect(await client.callTool({ name: "echo", arguments: { text: "a", times: 2 } })).toEqual({
      structuredContent: answer,
      content: [{ type: "text", text: JSON.stringify(answer) }],
    });
    const progress: number[] = [];
    const onprogress = (report: { progress: number }) => progress.push(report.progress);
    await client.callTool({ name: "count", arguments: { to: 2 } }, undefined, { onprogress });
    // The v1 client drops a progress that arrives together with the answer.
    expect(progress.slice(0, 1)).toEqual([1]);
    const refused = await client.callTool({ name: "echo", arguments: { text: 1 } });
    expect(refused.isError).toBe(true);
    expect(refused.content).toEqual([{ type: "text", text: expect.stringContaining('"code":"INVALID_ARGUMENTS"') }]);
    await client.close();
  });
});

describe("readMcpConfig", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "mcp-config-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function read(text: string, env: Record<string, string> = {}) {
    const path = join(folder, "mcp.json");
    await writeFile(path, text);
    return readMcpConfig(path, env);
  }

  test("reads commands and URLs and fills in variables", async () => {
    const text = `{ "mcpServers": {
      "files": { "command": "npx", "args": ["server", "\${ROOT:-/data}"], "env": { "KEY": "\${KEY}" }, "disabled": false },
      "training": { "type": "http", "url": "http://\${HOST}:7300/mcp", "headers": { "Authorization": "Bearer \${KEY}" } }
    } }`;
    expect(await read(text, { KEY: "k", HOST: "gpu" })).toEqual({
      files: { command: "npx", args: ["server", "/data"], env: { KEY: "k" } },
      training: { url: "http://gpu:7300/mcp", headers: { Authorization: "Bearer k" } },
    });
  });

  test.each([
    ["{", /mcp\.json: is not JSON/, undefined],
    ["{}", /"mcpServers"/, "mcpServers"],
    ['{"mcpServers":{"a":{"args":[]}}}', /"mcpServers.a.command"/, "mcpServers.a.command"],
    ['{"mcpServers":{"a":{"url":"ftp://x"}}}', /"mcpServers.a.url"/, "mcpServers.a.url"],
    [`{"mcpServers":{"a":{"command":"\${NOPE}"}}}`, /"mcpServers.a" needs the variable NOPE/, "mcpServers.a"],
  ])("refuses %s", async (text, message, field) => {
    await expect(read(text)).rejects.toMatchObject({
      code: "INVALID_CONFIG",
      message: expect.stringMatching(message),
      ...(field === undefined ? {} : { field }),
    });
  });

  test("names a file that is not there", async () => {
    await expect(readMcpConfig(join(folder, "none.json"), {})).rejects.toMatchObject({
      code: "INVALID_CONFIG",
      message: expect.stringContaining("none.json: cannot be read"),
    });
  });
});
