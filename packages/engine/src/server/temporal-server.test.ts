import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connectTemporal } from "../client/temporal-connection.ts";
import { freePort } from "./ports.ts";
import { missingSearchAttributes } from "./search-attributes.ts";
import { serverEnvironment } from "./server-environment.ts";
import { isAlive } from "./server-record.ts";
import { ensureTemporalBinary } from "./temporal-binary.ts";
import { isTemporalRunning, startTemporalServer, type TemporalServer } from "./temporal-server.ts";

describe("the embedded Temporal server", () => {
  let home: string;
  let port: number;
  let uiPort: number;
  const lines: string[] = [];
  const log = (line: string) => void lines.push(line);
  const started: TemporalServer[] = [];
  const start = async (more: { keepAlive?: boolean; binary?: string } = {}) => {
    const server = await startTemporalServer({ home, port, uiPort, log, ...more });
    started.push(server);
    return server;
  };
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), "temporal-server-"));
    port = await freePort();
    uiPort = await freePort();
  });
  afterEach(async () => {
    for (const server of started.splice(0)) await server.stop();
    await rm(home, { recursive: true, force: true });
  });

  it("starts with our search attributes and a month of retention, is found again, and ends with its record", async () => {
    expect(await isTemporalRunning({ home, port })).toBe(false);
    const server = await start();
    expect(server).toMatchObject({ address: `127.0.0.1:${port}`, port, uiPort, reused: false });
    expect(JSON.parse(await readFile(join(home, "temporal", "server.json"), "utf8"))).toMatchObject({
      pid: server.pid,
      port,
    });
    const connection = await connectTemporal(server);
    expect(await missingSearchAttributes(connection, "default")).toEqual([]);
    const { config } = await connection.workflowService.describeNamespace({ namespace: "default" });
    expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(30 * 86_400);
    await connection.close();

    expect(await isTemporalRunning({ home, port })).toBe(true);
    const again = await start();
    expect(again).toMatchObject({ reused: true, pid: server.pid });

    await server.stop();
    expect(isAlive(server.pid)).toBe(false);
    expect(existsSync(join(home, "temporal", "server.json"))).toBe(false);
  }, 30_000);

  it("is started with other ports when one beside its own two was taken meanwhile", async () => {
    const real = await ensureTemporalBinary({ home, log });
    const binary = join(home, "beaten-once");
    const told = "failed listening for HTTP API: bind: address already in use";
    const once = `[ -e "${home}/beaten" ] || { touch "${home}/beaten"; echo "${told}" >&2; exit 1; }`;
    await writeFile(binary, `#!/bin/sh\n${once}\nexec "${real}" "$@"\n`, { mode: 0o755 });
    expect(await start({ binary })).toMatchObject({ port, uiPort });
    expect(await isTemporalRunning({ home, port })).toBe(true);
    expect(await readFile(join(home, "logs", "temporal.log"), "utf8")).toContain(told);
  }, 30_000);

  const crash = ["fatal error: concurrent map writes", "", "goroutine 7 [running]:", "a", "b", "c", "d", "e", "f"];

  it("is started again when it crashes on a race among its own services", async () => {
    const real = await ensureTemporalBinary({ home, log });
    const binary = join(home, "crashes-once");
    const once = `[ -e "${home}/crashed" ] || { touch "${home}/crashed"; printf "${crash.join("\n")}\n" >&2; exit 2; }`;
    await writeFile(binary, `#!/bin/sh\n${once}\nexec "${real}" "$@"\n`, { mode: 0o755 });
    expect(await start({ binary })).toMatchObject({ port, uiPort });
    expect(await isTemporalRunning({ home, port })).toBe(true);
  }, 30_000);

  it("tells why it crashes each time, not the end of its trace; and why it refuses, at once", async () => {
    const binary = join(home, "crashes");
    await writeFile(binary, `#!/bin/sh\necho >> "${home}/count"\nprintf "${crash.join("\n")}\n" >&2\nexit 2\n`, {
      mode: 0o755,
    });
    await expect(start({ binary })).rejects.toMatchObject({
      code: "TEMPORAL_SERVER_FAILED",
      message: expect.stringMatching(
        /exit code 2\nfatal error: concurrent map writes\n\ngoroutine 7 \[running\]:\na\nb$/,
      ),
    });
    expect(await readFile(join(home, "count"), "utf8")).toBe("\n".repeat(3));

    await writeFile(binary, `#!/bin/sh\necho >> "${home}/count"\necho "no such flag" >&2\nexit 1\n`);
    await expect(start({ binary })).rejects.toMatchObject({
      message: expect.stringMatching(/exit code 1\nno such flag$/),
    });
    expect(await readFile(join(home, "count"), "utf8")).toBe("\n".repeat(4));
  }, 30_000);

  it("is started again when it is killed, on the same port", async () => {
    const server = await start({ keepAlive: true });
    const { pid } = server;
    process.kill(pid, "SIGKILL");
    await expect.poll(() => server.pid !== pid && isTemporalRunning({ home, port }), { timeout: 15_000 }).toBe(true);
    await server.stop();
    expect(isAlive(server.pid)).toBe(false);
    expect(lines.join("\n")).toContain("starting it again");
  }, 30_000);

  it.each(["port", "uiPort"] as const)("a %s in use is named before anything starts", async (which) => {
    const taken = which === "port" ? port : uiPort;
    const squatter = createServer();
    await new Promise<void>((listening) => squatter.listen(taken, "127.0.0.1", listening));
    const variable = which === "port" ? "DAGWRIGHT_TEMPORAL_PORT" : "DAGWRIGHT_TEMPORAL_UI_PORT";
    try {
      await expect(start()).rejects.toMatchObject({
        code: "PORT_IN_USE",
        message: expect.stringContaining(String(taken)),
        hint: expect.stringContaining(variable),
      });
      expect(existsSync(join(home, "temporal"))).toBe(false);
    } finally {
      squatter.close();
    }
  });
});

it("the server sees neither our telemetry's settings nor secrets", () => {
  const env = { PATH: "/bin", OTEL_TRACES_EXPORTER: "console", DAGWRIGHT_SECRET_TOKEN: "t", TMPDIR: "/tmp" };
  expect(serverEnvironment(env)).toEqual({ PATH: "/bin", TMPDIR: "/tmp" });
});
