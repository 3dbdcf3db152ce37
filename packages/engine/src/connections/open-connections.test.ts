import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { defineDag, task } from "../index.ts";
import { runInProcess } from "../testing/index.ts";
import { type ConnectionOptions, openConnections } from "./index.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dagwright-connections-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function open(some: Partial<ConnectionOptions> = {}) {
  const warnings: string[] = [];
  const connections = openConnections({
    env: {},
    connectionsFile: join(folder, "connections.json"),
    secretsFile: join(folder, "secrets.json"),
    warn: (message) => warnings.push(message),
    ...some,
  });
  return { ...connections, warnings };
}

async function writeSecretly(file: string, text: string): Promise<string> {
  const path = join(folder, file);
  await writeFile(path, text, { mode: 0o600 });
  return path;
}

/** A program that prints a line for one name, and counts how often it was run. */
async function program(lines: Readonly<Record<string, string>>): Promise<string> {
  const runs = join(folder, "runs");
  const file = await writeSecretly(
    "give.mjs",
    `import { appendFileSync } from "node:fs";
     appendFileSync(${JSON.stringify(runs)}, process.argv.slice(2).join(" ") + "\\n");
     if (process.argv.at(-1) === "broken") { console.log("half a secret"); process.exit(3); }
     console.log((${JSON.stringify(lines)})[process.argv.at(-1)] ?? "");`,
  );
  return JSON.stringify([process.execPath, file, "--as", "an app"]);
}

describe("a connection", () => {
  it("comes from the environment, else a file, else a command", async () => {
    const connectionsFile = await writeSecretly(
      "order.json",
      JSON.stringify({ "my-warehouse": { from: "file" }, lake: { from: "file" }, plain: "https://lake.internal/x" }),
    );
    const connectionsCommand = await program({ lake: '{"from":"command"}', far: '{"from":"command"}' });
    const env = { DAGWRIGHT_CONN_MY_WAREHOUSE: '{"from":"environment"}' };
    const { connection, warnings } = open({ env, connectionsFile, connectionsCommand });
    expect(await connection("my-warehouse")).toEqual({ from: "environment" });
    expect(await connection("lake")).toEqual({ from: "file" });
    expect(await connection("plain")).toBe("https://lake.internal/x");
    expect(await connection("far")).toEqual({ from: "command" });
    expect(warnings).toEqual([]);
  });

  it("that is nowhere says where it was looked for, and what to do", async () => {
    const connectionsCommand = await program({});
    await expect(open({ connectionsCommand }).connection("ware.house")).rejects.toMatchObject({
      code: "CONNECTION_NOT_FOUND",
      field: "ware.house",
      message: `There is no connection "ware.house"; looked in: DAGWRIGHT_CONN_WARE_HOUSE, ${join(folder, "connections.json")}, DAGWRIGHT_CONNECTIONS_COMMAND`,
      hint: `Set DAGWRIGHT_CONN_WARE_HOUSE for the worker, or add "ware.house" to ${join(folder, "connections.json")}.`,
      retryable: false,
    });
    await expect(open().secret("toString")).rejects.toMatchObject({ code: "SECRET_NOT_FOUND" });
  });

  it("that is broken says so without a word of it", async () => {
    const broken = await writeSecretly("broken.json", '{"warehouse": hunter2hunter2}');
    const list = await writeSecretly("list.json", '["hunter2hunter2"]');
    const env = { DAGWRIGHT_CONN_A: '{"password": hunter2hunter2}' };
    const breaks = await program({});
    const failures = [
      [() => open({ connectionsFile: broken }).connection("warehouse"), "CONNECTION_FILE_INVALID"],
      [() => open({ connectionsFile: list }).connection("warehouse"), "CONNECTION_FILE_INVALID"],
      [() => open({ connectionsFile: folder }).connection("warehouse"), "CONNECTION_FILE_INVALID"],
      [() => open({ env }).connection("a"), "INVALID_CONNECTION"],
      [() => open({ env }).connection("--help"), "INVALID_CONNECTION"],
      [() => open({ connectionsCommand: breaks }).connection("broken"), "CONNECTION_COMMAND_FAILED"],
      [
        () => open({ connectionsCommand: "dagwright-has-no-such-program" }).connection("a"),
        "CONNECTION_COMMAND_FAILED",
      ],
    ] as const;
    for (const [failure, code] of failures) {
      const error: unknown = await failure().then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toMatchObject({ code });
      expect(String(error)).not.toMatch(/hunter2|half a secret/);
    }
  });

  it("is asked of the command once a minute, and again when it failed", async () => {
    await rm(join(folder, "runs"), { force: true });
    const { secret } = open({ secretsCommand: await program({ token: "abc  " }) });
    expect(await Promise.all([secret("token"), secret("token")])).toEqual(["abc  ", "abc  "]);
    await expect(secret("broken")).rejects.toMatchObject({ retryable: true, message: /exit code 3/ });
    await expect(secret("broken")).rejects.toThrow();
    expect((await readFile(join(folder, "runs"), "utf8")).split("\n")).toEqual([
      "--as an app token",
      "--as an app broken",
      "--as an app broken",
      "",
    ]);
  });

  it("in a file that others can read is given, with a warning", async () => {
    const secretsFile = await writeSecretly("open.json", '{"token":"abcdef"}');
    await chmod(secretsFile, 0o644);
    const { secret, warnings } = open({ secretsFile });
    expect([await secret("token"), await secret("token")]).toEqual(["abcdef", "abcdef"]);
    expect(warnings).toEqual([`${secretsFile} can be read by others (mode 644): chmod 600 ${secretsFile}`]);
  });
});

describe("in a task", () => {
  const uses = task("uses", {
    input: z.object({}),
    output: z.object({ host: z.string(), token: z.string() }),
    run: async (_, ctx) => {
      const { host, port } = await ctx.connection("warehouse", z.object({ host: z.string(), port: z.number() }));
      const token = await ctx.secret("token");
      return { host: `${host}:${port.toFixed(0)}`, token: `Bearer ${token}` };
    },
  });
  const dag = defineDag({ id: "uses_connections" }, () => uses({}));

  it("it is typed by its schema, and never in the run's JSON", async () => {
    const secrets = { token: "s3cr3t-token" };
    const view = await runInProcess(dag, { connections: { warehouse: "postgres://u:pass-word@db:5432/x" }, secrets });
    expect(view).toMatchObject({ state: "success", output: { host: "db:5432", token: "Bearer ***" } });
    const bad = await runInProcess(dag, { connections: { warehouse: { host: "h0st-name", port: "4711" } }, secrets });
    expect(bad.error).toMatchObject({ code: "INVALID_CONNECTION", field: "warehouse", retryable: false });
    expect(bad.error?.message).toContain('"port": Invalid input: expected number, received string');
    expect(JSON.stringify(bad)).not.toMatch(/h0st-name|4711/);
  });

  it("a missing one fails it, and says how to give it one", async () => {
    expect((await runInProcess(dag)).error).toMatchObject({
      code: "CONNECTION_NOT_FOUND",
      field: "warehouse",
      hint: "Pass `connections: { … }` to runInProcess.",
    });
  });
});
