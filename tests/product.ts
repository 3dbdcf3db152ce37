/** The product as a person has it: its commands as processes, in a state folder and on ports of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openLake } from "@dagwright/lake";
import { openDeployments } from "@dagwright/serving";

export const PROJECT = fileURLToPath(new URL("..", import.meta.url));
const SOURCES = ["--conditions=source", "--import", "tsx"];

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A free TCP port on loopback. */
export async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        address !== null && typeof address === "object" ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}

export class Product {
  private readonly running = new Set<ChildProcess>();

  private constructor(
    readonly home: string,
    readonly port: number,
    readonly env: NodeJS.ProcessEnv,
  ) {}

  /** A product in a fresh state folder; nothing is started yet. */
  static async create(extraEnv: NodeJS.ProcessEnv = {}, home?: string): Promise<Product> {
    const folder = home ?? (await mkdtemp(join(tmpdir(), "dagwright-")));
    const [port, uiPort] = [await freePort(), await freePort()];
    const env: NodeJS.ProcessEnv = { ...process.env };
    delete env["TEMPORAL_ADDRESS"];
    delete env["FORCE_COLOR"];
    Object.assign(env, {
      DAGWRIGHT_HOME: folder,
      DAGWRIGHT_TEMPORAL_PORT: String(port),
      DAGWRIGHT_TEMPORAL_UI_PORT: String(uiPort),
      NO_COLOR: "1",
      ...extraEnv,
    });
    return new Product(folder, port, env);
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Runs one command to its end. */
  async cli(
    args: readonly string[],
    o: { env?: NodeJS.ProcessEnv; main?: string; timeoutMs?: number } = {},
  ): Promise<Finished> {
    const child = this.spawn([join(PROJECT, o.main ?? "client/cli/main.ts"), ...args], o.env);
    return await this.finish(child, o.timeoutMs ?? 240_000);
  }

  /** Runs a command whose stdout is one JSON value. */
  async json(
    args: readonly string[],
    o: { timeoutMs?: number } = {},
  ): Promise<{ code: number | null; value: unknown }> {
    const { code, stdout, stderr } = await this.cli([...args, "--json"], o);
    try {
      return { code, value: JSON.parse(stdout) };
    } catch {
      throw new Error(`dagwright ${args.join(" ")} printed no JSON (exit ${code}): ${stdout}\n${stderr}`);
    }
  }

  /** The `temporal` command against this product's server. */
  async temporal(args: readonly string[]): Promise<Finished> {
    const child = spawn("temporal", [...args, "--address", this.address], { env: this.env });
    this.running.add(child);
    return await this.finish(child, 60_000);
  }

  /** `dagwright up`, ready. */
  async up(args: readonly string[] = []): Promise<{ workerPid: number; process: ChildProcess }> {
    const child = this.spawn([join(PROJECT, "client/cli/main.ts"), "up", "--json", ...args]);
    const line = await new Promise<string>((resolve, reject) => {
      let out = "";
      let err = "";
      child.stderr?.on("data", (chunk) => {
        err += chunk;
      });
      child.stdout?.on("data", (chunk) => {
        out += chunk;
        if (out.includes("\n")) resolve(out);
      });
      child.once("exit", (code) => reject(new Error(`up ended with ${code}: ${err}`)));
    });
    const { workerPid } = JSON.parse(line) as { workerPid: number };
    return { workerPid, process: child };
  }

  spawn(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
    const child = spawn(process.execPath, [...SOURCES, ...args], { cwd: PROJECT, env: { ...this.env, ...env } });
    this.running.add(child);
    child.once("exit", () => this.running.delete(child));
    return child;
  }

  private async finish(child: ChildProcess, timeoutMs: number): Promise<Finished> {
    let stdout = "";
    let stderr = "";
    child.stdout?.on("data", (chunk) => {
      stdout += chunk;
    });
    child.stderr?.on("data", (chunk) => {
      stderr += chunk;
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
    const code = await new Promise<number | null>((resolve) => child.once("close", (exit) => resolve(exit)));
    clearTimeout(timer);
    this.running.delete(child);
    return { code, stdout, stderr };
  }

  /** All rows of a table, by DuckDB SQL over the view `t`. */
  async rows(table: string, sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const lake = await openLake({ root: join(this.home, "lake"), sourceRoots: [] });
    try {
      return (await lake.native(sql, { views: { t: { table } } })).rows;
    } finally {
      await lake.close();
    }
  }

  /** Ends every process that this product started, prediction servers too, and removes its folder. */
  async destroy(): Promise<void> {
    for (const child of this.running) {
      child.kill("SIGTERM");
      const force = setTimeout(() => child.kill("SIGKILL"), 15_000);
      if (child.exitCode === null && child.signalCode === null) await new Promise((gone) => child.once("exit", gone));
      clearTimeout(force);
    }
    const deployments = await openDeployments({ root: join(this.home, "serving") });
    for (const { model } of await deployments.list()) await deployments.stop(model);
    await rm(this.home, { recursive: true, force: true, maxRetries: 3 });
  }
}
