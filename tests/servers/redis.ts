/** A real Redis for tests and benchmarks: on a free port of this machine, with its data in a temporary folder. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { freePort } from "../product.ts";
import { installing } from "./installing.ts";

const run = promisify(execFile);

export interface RedisServer {
  /** Of database 0. */
  readonly url: string;
  /** Starts it again after `stop`: on the same port, with the data that it had. */
  start(): Promise<void>;
  /** Saves its data and stops. */
  stop(): Promise<void>;
  /** Lets it hang (SIGSTOP) while `work` goes on. */
  hanging<T>(work: () => Promise<T>): Promise<T>;
  /** Stops it and removes its data. */
  close(): Promise<void>;
}

/**
 * Installs Redis where it is missing and can be installed (as root, with apt). Says why not, and what to do; with
 * `CI=true` it throws instead.
 */
export async function installRedis(): Promise<string | undefined> {
  return await installing(
    "redis",
    (why) => `no Redis here, and it cannot be installed (${why}): apt-get install redis-server`,
    async () => {
      if (await isThere()) return;
      if (process.getuid?.() !== 0) throw new Error("not root");
      // Its own service is not wanted: the package would start one.
      const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
      const apt = (...args: string[]) => run("apt-get", [...args], { timeout: 110_000, env });
      const install = () => apt("install", "-y", "-qq", "--no-install-recommends", "redis-server");
      await install().catch(async () => {
        await apt("update", "-qq");
        await install();
      });
      if (!(await isThere())) throw new Error("redis-server is not on the PATH");
    },
  );
}

/** Starts a Redis that listens on 127.0.0.1 alone. */
export async function startRedis(): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), "redis-"));
  const port = await freePort();
  let server: ChildProcess | undefined;
  let exited = Promise.resolve();
  const end = async (signal: NodeJS.Signals) => {
    server?.kill(signal);
    await exited;
    server = undefined;
  };
  const lastResort = () => {
    server?.kill("SIGKILL");
  };
  process.once("exit", lastResort);
  const start = async () => {
    const settings = { bind: "127.0.0.1", port: String(port), dir: folder, appendonly: "no", save: "3600 1" };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
    const started = spawn("redis-server", args, { cwd: folder, stdio: "ignore" });
    server = started;
    exited = new Promise((resolve) => started.once("exit", () => resolve()));
    for (let tries = 0; tries < 300; tries++) {
      if (await answers(port)) return;
      if (started.exitCode !== null) throw new Error(`Redis ended with ${started.exitCode} before it listened`);
      await delay(50);
    }
    throw new Error("Redis did not answer within 15 s");
  };
  await start();
  return {
    url: `redis://127.0.0.1:${port}/0`,
    start,
    stop: () => end("SIGTERM"),
    async hanging(work) {
      server?.kill("SIGSTOP");
      try {
        return await work();
      } finally {
        server?.kill("SIGCONT");
      }
    },
    async close() {
      process.off("exit", lastResort);
      await end("SIGKILL");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function isThere(): Promise<boolean> {
  return run("redis-server", ["--version"]).then(
    () => true,
    () => false,
  );
}

/** Whether a Redis says PONG, its data loaded. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"));
    socket.setTimeout(1_000, () => socket.destroy());
    socket.on("data", (data) => {
      resolve(String(data).startsWith("+PONG"));
      socket.end();
    });
    socket.on("error", () => resolve(false)).on("close", () => resolve(false));
  });
}
