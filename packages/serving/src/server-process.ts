import { spawn } from "node:child_process";
import { mkdir, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { DeploymentRecord } from "./deployment-record.ts";
import { errnoOf, ServingError } from "./errors.ts";
import { Health } from "./wire.ts";

const START_LIMIT_MS = 30_000;
const HEALTH_LIMIT_MS = 2_000;
const END_LIMIT_MS = 5_000;

/** What a server process tells the one that started it: its port, or why it does not serve. */
export type StartMessage =
  | { readonly port: number }
  | { readonly failure: { readonly code: string; readonly message: string } };

/** What a server is started with. */
interface ServerStart {
  readonly model: string;
  readonly version: number;
  readonly modelPath: string;
  readonly deploymentId: string;
  /** Taken if free. */
  readonly wishedPort: number;
  readonly recordFile: string;
  readonly logFile: string;
  /** Where the server writes down what it predicts. */
  readonly predictionsFolder: string;
}

interface StartedServer {
  readonly pid: number;
  readonly port: number;
  /** From now on the server ends itself when its record does not name it. */
  release(): void;
  abandon(): void;
}

/** The entry of the server's process: TypeScript when this file is run from sources, JavaScript when it is built. */
const fromSources = import.meta.url.endsWith(".ts");
const MAIN = fileURLToPath(fromSources ? new URL("./main.ts", import.meta.url) : new URL("./main.js", import.meta.url));
const NODE_FLAGS = fromSources ? ["--conditions=source", "--import", "tsx"] : [];

/**
 * Starts a prediction server in a process of its own session, which outlives this one.
 * @returns once it listens; `release` when its record is written, or else `abandon`, which ends it
 * @throws ServingError MODEL_INVALID, MODEL_FILE_UNREADABLE, SERVER_START_FAILED
 */
export async function startServer(start: ServerStart): Promise<StartedServer> {
  await mkdir(dirname(start.logFile), { recursive: true });
  const log = await open(start.logFile, "a");
  try {
    const child = spawn(
      process.execPath,
      [
        ...NODE_FLAGS,
        MAIN,
        ...["--model", start.model],
        ...["--version", String(start.version)],
        ...["--model-path", start.modelPath],
        ...["--deployment-id", start.deploymentId],
        ...["--port", String(start.wishedPort)],
        ...["--record", start.recordFile],
        ...["--predictions", start.predictionsFolder],
      ],
      // tsx is looked up from the working folder, and the folder of the sources is sure to find it.
      { cwd: dirname(MAIN), detached: true, stdio: ["ignore", log.fd, log.fd, "ipc"] },
    );
    const message = await new Promise<StartMessage>((resolve) => {
      const fail = (text: string) => resolve({ failure: { code: "SERVER_START_FAILED", message: text } });
      const timer = setTimeout(() => fail(`it was not ready after ${START_LIMIT_MS / 1000} s`), START_LIMIT_MS);
      child.once("message", (value) => resolve(startMessage(value)));
      child.once("error", (error) => fail(error.message));
      child.once("exit", (code, signal) => fail(`its process ended with ${signal ?? code}`));
      child.once("close", () => clearTimeout(timer));
      child.once("message", () => clearTimeout(timer));
    });
    if ("failure" in message) {
      child.kill("SIGKILL");
      throw startFailure(start, message.failure);
    }
    const release = () => {
      if (child.connected) child.disconnect();
      child.unref();
    };
    const abandon = () => {
      child.kill("SIGTERM");
      release();
    };
    return { pid: child.pid!, port: message.port, release, abandon };
  } finally {
    await log.close();
  }
}

function startMessage(value: unknown): StartMessage {
  const strange: StartMessage = { failure: { code: "SERVER_START_FAILED", message: "it sent an unknown message" } };
  if (typeof value !== "object" || value === null) return strange;
  if ("port" in value && typeof value.port === "number") return { port: value.port };
  if (!("failure" in value) || typeof value.failure !== "object" || value.failure === null) return strange;
  const { failure } = value;
  if (!("code" in failure && "message" in failure)) return strange;
  return { failure: { code: String(failure.code), message: String(failure.message) } };
}

function startFailure(
  { model, version, logFile }: ServerStart,
  failure: { code: string; message: string },
): ServingError {
  if (failure.code === "MODEL_INVALID" || failure.code === "MODEL_FILE_UNREADABLE")
    return new ServingError(failure.code, failure.message, { field: "model" });
  return new ServingError(
    "SERVER_START_FAILED",
    `The prediction server of "${model}" version ${version} did not start: ${failure.message}.`,
    { hint: `Its log: ${logFile}.`, retryable: true },
  );
}

/** The address of a record's server. */
export function endpointOf({ port }: { readonly port: number }): string {
  return `http://127.0.0.1:${port}`;
}

/**
 * The health of a record's server, or null when nothing on that port proves by its deployment id to be that server. A
 * living process of that number proves nothing: numbers are given again.
 */
export async function proveAlive(record: DeploymentRecord): Promise<Health | null> {
  if (record.pid === null || record.deploymentId === null) return null;
  try {
    const response = await fetch(`${endpointOf(record)}/health`, { signal: AbortSignal.timeout(HEALTH_LIMIT_MS) });
    const health = Health.safeParse(await response.json());
    const isOurs = health.success && health.data.deploymentId === record.deploymentId && health.data.pid === record.pid;
    return isOurs ? health.data : null;
  } catch {
    return null;
  }
}

/** Ends a record's server if it proves to be that server, and waits until its port is silent. */
export async function endServer(record: DeploymentRecord): Promise<void> {
  const health = await proveAlive(record);
  if (health === null) return;
  try {
    process.kill(health.pid, "SIGTERM");
  } catch (error) {
    if (errnoOf(error) !== "ESRCH") throw error;
  }
  const started = Date.now();
  while (Date.now() - started < END_LIMIT_MS && (await proveAlive(record)) !== null) await pause(25);
}

/** The log of a model's servers. */
export function serverLogFile(root: string, model: string): string {
  return join(root, "logs", `${model}.log`);
}

/** What a model's servers have predicted. */
export function predictionsFolder(root: string, model: string): string {
  return join(root, "predictions", model);
}
