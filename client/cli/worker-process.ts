import { type ChildProcess, fork } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { pathToFileURL } from "node:url";
import { type LogLevel, type LogLimits, printedLine, RotatingFile } from "@dagwright/engine/logs";
import { z } from "zod";
import { PROJECT } from "./session.ts";

/** What a worker process says of itself; `worker/readiness.ts` is the other end. */
const WorkerMessage = z.discriminatedUnion("type", [
  z.object({ type: z.literal("ready"), dags: z.array(z.string()), restored: z.array(z.string()) }),
  z.object({ type: z.literal("reloaded"), lines: z.array(z.string()) }),
  z.object({ type: z.literal("failed"), code: z.string(), message: z.string(), hint: z.string().optional() }),
]);

/** The worker process could not start, in the words it gave. */
export class WorkerFailedError extends Error {
  readonly retryable = false;
  constructor(
    readonly code: string,
    message: string,
    readonly hint: string,
  ) {
    super(message);
    this.name = "WorkerFailedError";
  }
}

/** Arguments to Node that run TypeScript sources of this project. */
export function sourceArguments(): string[] {
  const tsx = pathToFileURL(createRequire(join(PROJECT, "package.json")).resolve("tsx")).href;
  return ["--conditions=source", "--import", tsx];
}

/** A worker process that is started again when it dies, until it is stopped. */
export interface SupervisedWorker {
  readonly pid: number | undefined;
  stop(): Promise<void>;
}

/**
 * Starts `worker/main.ts` and resolves once it polls. Its output goes to `<home>/logs/worker.log`, in lines of JSON.
 * @throws WorkerFailedError when it cannot start.
 */
export async function superviseWorker(o: {
  home: string;
  dags: readonly string[];
  /** Whether it reads DAG files again when they change. */
  watch: boolean;
  env: NodeJS.ProcessEnv;
  logs?: LogLimits;
  /** What it says of DAG files that have changed, and of its restarts. */
  log: (line: string) => void;
}): Promise<SupervisedWorker> {
  const logFile = join(o.home, "logs", "worker.log");
  const log = new RotatingFile(logFile, o.logs);
  let stopping = false;
  let child = await launch();
  return {
    get pid() {
      return child.pid;
    },
    stop: async () => {
      stopping = true;
      await endProcess(child, 8_000);
    },
  };

  async function launch(): Promise<ChildProcess> {
    const started = fork(
      join(PROJECT, "worker", "main.ts"),
      [...o.dags.flatMap((path) => ["--dags", path]), ...(o.watch ? ["--watch"] : [])],
      {
        execArgv: sourceArguments(),
        env: o.env,
        stdio: ["ignore", "pipe", "pipe", "ipc"],
      },
    );
    keep(started.stdout, "info");
    keep(started.stderr, "error");
    await new Promise<void>((ready, fail) => {
      const exited = (code: number | null, signal: string | null) =>
        fail(
          new WorkerFailedError(
            "WORKER_FAILED",
            `The worker ended (${signal ?? `exit code ${code}`}) before it was ready`,
            `See ${logFile}`,
          ),
        );
      started.once("exit", exited);
      started.on("message", (raw) => {
        const message = WorkerMessage.safeParse(raw);
        if (!message.success) return;
        if (message.data.type === "reloaded") {
          for (const line of message.data.lines) o.log(line);
          return;
        }
        if (message.data.type === "failed") {
          fail(new WorkerFailedError(message.data.code, message.data.message, message.data.hint ?? `See ${logFile}`));
          return;
        }
        started.off("exit", exited);
        ready();
      });
    });
    started.once("exit", (code, signal) => void relaunch(signal ?? `exit code ${code}`));
    return started;
  }

  function keep(output: Readable | null, level: LogLevel): void {
    if (output === null) return;
    createInterface({ input: output }).on("line", (line) => {
      try {
        if (line !== "") log.append(printedLine(line, level));
      } catch (error) {
        o.log(`${logFile} cannot be written: ${error instanceof Error ? error.message : error}`);
      }
    });
  }

  async function relaunch(why: string): Promise<void> {
    for (let pause = 200; !stopping; pause = Math.min(pause * 2, 10_000)) {
      o.log(`the worker ended (${why}); starting it again`);
      try {
        child = await launch();
        if (stopping) await endProcess(child, 8_000);
        return;
      } catch (error) {
        o.log(`it did not start: ${error instanceof Error ? error.message : error}`);
        await new Promise((later) => setTimeout(later, pause));
      }
    }
  }
}

/** Asks a process of ours to end, and ends it when it has not after `patienceMs`. */
async function endProcess(child: ChildProcess, patienceMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), patienceMs);
  await gone;
  clearTimeout(timer);
}
