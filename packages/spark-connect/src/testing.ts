import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { connect as connectTcp, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const VERSION = "0.7.2";
const FOLDER = fileURLToPath(new URL(`../../../.dagwright/sail-${VERSION}`, import.meta.url));
const SAIL = join(FOLDER, "bin", "sail");
const run = promisify(execFile);

/** Installs Sail from PyPI, once. Says why not where that fails; with `CI=true` it throws instead. */
export async function installSail(): Promise<string | undefined> {
  if (existsSync(SAIL)) return undefined;
  try {
    await run("python3", ["-m", "venv", FOLDER]);
    await run(join(FOLDER, "bin", "pip"), ["install", "--quiet", `pysail==${VERSION}`], { timeout: 110_000 });
    return undefined;
  } catch (error) {
    if (process.env["CI"] === "true") throw error;
    return `pysail ${VERSION} cannot be installed: ${error instanceof Error ? error.message.split("\n")[0] : error}`;
  }
}

/** A port that nothing listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("A TCP server without a port.");
  return address.port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTcp(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.end());
  });
}

/** Starts Sail on a free port of this machine, with `cwd` for its tables. */
export async function startSail(cwd: string): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const port = await freePort();
  const server = spawn(SAIL, ["spark", "server", "--ip", "127.0.0.1", "--port", String(port)], {
    cwd,
    stdio: "ignore",
  });
  const exited = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  const stop = async () => {
    server.kill("SIGKILL");
    await exited;
  };
  for (let tries = 0; tries < 300; tries++) {
    if (await accepts(port)) return { port, stop };
    if (server.exitCode !== null) throw new Error(`Sail ended with ${server.exitCode} before it listened.`);
    await delay(100);
  }
  await stop();
  throw new Error("Sail did not listen within 30 s.");
}
