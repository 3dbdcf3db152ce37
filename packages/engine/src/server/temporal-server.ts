import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { msToTs } from "@temporalio/common/lib/time.js";
import { connectTemporal } from "../client/temporal-connection.ts";
import { SEARCH_ATTRIBUTES } from "../sandbox/protocol.ts";
import { PortInUseError, TemporalServerFailedError } from "./errors.ts";
import { freePort, isPortFree } from "./ports.ts";
import { ensureSearchAttributes } from "./search-attributes.ts";
import { serverEnvironment } from "./server-environment.ts";
import {
  isAlive,
  readServerRecord,
  removeServerRecord,
  type ServerRecord,
  writeServerRecord,
} from "./server-record.ts";
import { ensureTemporalBinary } from "./temporal-binary.ts";

/** How long to wait for `stop` when the server was asked to end by someone else, in milliseconds. */
const ASKED_TO_END_PATIENCE_MS = 10_000;

/** How an embedded server is to run. */
export interface TemporalServerOptions {
  /** State folder: the server's database is `<home>/temporal/temporal.db`. */
  readonly home: string;
  /** @default 7233 */
  readonly port?: number | undefined;
  /** @default port + 1000 */
  readonly uiPort?: number | undefined;
  /** The `temporal` program. @default what `ensureTemporalBinary` finds */
  readonly binary?: string | undefined;
  /** Start it again whenever it dies, until `stop`. @default false */
  readonly keepAlive?: boolean | undefined;
  readonly log: (line: string) => void;
}

/** An embedded Temporal server that answers. */
export interface TemporalServer {
  /** host:port */
  readonly address: string;
  readonly port: number;
  readonly uiPort: number;
  /** Of the server's process; another one after it was started again. */
  readonly pid: number;
  /** Whether it ran already. */
  readonly reused: boolean;
  /** Ends the server, unless another living process started it. SIGTERM, then SIGKILL after 5 seconds. */
  stop(): Promise<void>;
}

/** How long closed runs stay on the server, in days: the run store keeps them beyond. */
const RETENTION_DAYS = 30;

/** How long the server may take to answer, in milliseconds. */
const START_TIMEOUT_MS = 30_000;

/** How often it is started at most while other programs take its ports, or it crashes on its own races. */
const LAUNCHES = 3;

/** How a Go program ends that its own runtime ends (panic, concurrent use of a map): Temporal's races at the start do. */
const CRASHED = 2;

/** How the server's cache of workflows lets go of what is out of date: once a minute. */
const BACKGROUND_EVICT = { Enabled: true, LoopInterval: "1m", MaxEntryPerCall: 1_000 };

/** How long it may take to end before it is killed, in milliseconds. */
const STOP_TIMEOUT_MS = 5_000;

/**
 * Starts Temporal's development server on a database file, with the settings that make it fast (a task is handed over in
 * 10 ms instead of 50), and waits until it answers. A server that a former process of the same state folder left
 * running on that port is used instead, and taken over if that process is gone.
 *
 * Commits survive a kill of any process; a power cut may lose the last ones (SQLite: WAL, synchronous=normal).
 *
 * @throws PortInUseError before anything is started.
 * @throws TemporalBinaryMissingError, TemporalServerFailedError
 */
export async function startTemporalServer(options: TemporalServerOptions): Promise<TemporalServer> {
  const { home, log } = options;
  const port = options.port ?? 7233;
  const uiPort = options.uiPort ?? (port + 1000 <= 65535 ? port + 1000 : port - 1000);
  const running = await runningServer(home, port);
  if (running !== null && isAlive(running.owner) && running.owner !== process.pid) {
    return { ...running, reused: true, stop: async () => undefined };
  }
  if (running === null) {
    await assertFree(port, "the Temporal server", "DAGWRIGHT_TEMPORAL_PORT");
    await assertFree(uiPort, "the Temporal UI", "DAGWRIGHT_TEMPORAL_UI_PORT");
  }
  const binary = options.binary ?? (await ensureTemporalBinary({ home, log }));
  const server = new EmbeddedServer({ home, port, uiPort: running?.uiPort ?? uiPort, binary, log });
  if (running === null) await server.launch();
  else server.adopt(running.pid);
  if (options.keepAlive) server.keepAlive();
  return server;
}

/** Whether a server of this state folder answers on that port. */
export async function isTemporalRunning({
  home,
  port,
}: {
  readonly home: string;
  readonly port: number;
}): Promise<boolean> {
  return (await runningServer(home, port)) !== null;
}

async function assertFree(port: number, what: string, variable: string): Promise<void> {
  if (!(await isPortFree(port))) throw new PortInUseError(port, what, variable);
}

/** The server that the folder's record names, if it lives and answers on that port. */
async function runningServer(home: string, port: number): Promise<ServerRecord | null> {
  const record = readServerRecord(home);
  if (record === null || record.port !== port || !isAlive(record.pid)) return null;
  // It may have been started this very moment by another process.
  for (const until = Date.now() + 10_000; ; await pause(100)) {
    if (await answers(record.address)) return record;
    if (Date.now() > until || !isAlive(record.pid)) return null;
  }
}

async function answers(address: string): Promise<boolean> {
  try {
    const connection = await connectTemporal({ address }, 1_000);
    await connection.close();
    return true;
  } catch {
    return false;
  }
}

interface ServerSettings {
  readonly home: string;
  readonly port: number;
  readonly uiPort: number;
  readonly binary: string;
  readonly log: (line: string) => void;
}

/** A server of this process: launched by it, or taken over from a process that is gone. */
class EmbeddedServer implements TemporalServer {
  readonly address: string;
  readonly port: number;
  readonly uiPort: number;
  pid = 0;
  reused = false;
  private readonly stopping = new AbortController();
  private child: ChildProcess | undefined;
  private restarting: Promise<void> = Promise.resolve();
  private readonly logFile: string;
  /** Where in the log file this launch begins, in bytes. */
  private logFrom = 0;
  private readonly killOnExit = () => this.signal("SIGTERM");

  constructor(private readonly settings: ServerSettings) {
    this.port = settings.port;
    this.uiPort = settings.uiPort;
    this.address = `127.0.0.1:${settings.port}`;
    this.logFile = join(settings.home, "logs", "temporal.log");
  }

  /**
   * Between the choice of a free port beside its own two and the server's listening there, another may take it; and
   * now and then the server crashes on a race among its own services while they start (temporalio/cli#199).
   */
  async launch(): Promise<void> {
    for (let left = LAUNCHES - 1; ; left -= 1) {
      try {
        await this.launchOnce();
        return;
      } catch (error) {
        const byChance = this.child?.exitCode === CRASHED || this.written().includes("address already in use");
        if (!byChance || left === 0 || this.stopping.signal.aborted) throw error;
      }
    }
  }

  private async launchOnce(): Promise<void> {
    const child = await this.spawn();
    this.child = child;
    this.pid = child.pid ?? 0;
    this.record();
    process.once("exit", this.killOnExit);
    try {
      await this.untilHealthy(child);
    } catch (error) {
      await this.end();
      throw error;
    }
  }

  adopt(pid: number): void {
    this.pid = pid;
    this.reused = true;
    this.record();
    process.once("exit", this.killOnExit);
  }

  keepAlive(): void {
    const watch = setInterval(() => {
      if (this.stopping.signal.aborted) clearInterval(watch);
      else if (!isAlive(this.pid)) {
        clearInterval(watch);
        this.restarting = this.relaunch();
      }
    }, 250);
    watch.unref();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.restarting;
    await this.end();
  }

  private async relaunch(): Promise<void> {
    const { log, port } = this.settings;
    const { signal } = this.stopping;
    // It ended because it was asked to: Ctrl-C reaches it along with us, and `stop` will be called in a moment.
    const asked = this.child?.exitCode === 0;
    for (let wait = asked ? ASKED_TO_END_PATIENCE_MS : 200; !signal.aborted; wait = Math.min(wait * 2, 5_000)) {
      await pause(wait, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      log(`The Temporal server (pid ${this.pid}) is gone; starting it again on port ${port}`);
      process.off("exit", this.killOnExit);
      try {
        await this.launch();
        this.keepAlive();
        return;
      } catch (error) {
        log(`It did not start: ${error instanceof Error ? error.message : error}`);
      }
    }
  }

  private async spawn(): Promise<ChildProcess> {
    const { home, port, uiPort, binary } = this.settings;
    mkdirSync(join(home, "temporal"), { recursive: true });
    mkdirSync(join(home, "logs"), { recursive: true });
    const [httpPort, metricsPort] = [await freePort(), await freePort()];
    const attributes = Object.entries(SEARCH_ATTRIBUTES).flatMap(([name, type]) => [
      "--search-attribute",
      `${name}=${type}`,
    ]);
    const log = openSync(this.logFile, "a");
    this.logFrom = fstatSync(log).size;
    try {
      return spawn(
        binary,
        [
          ...["server", "start-dev", "--ip", "127.0.0.1", "--port", String(port), "--ui-port", String(uiPort)],
          ...["--http-port", String(httpPort), "--metrics-port", String(metricsPort)],
          ...["--ui-disable-news-fetch", "--log-level", "warn"],
          ...["--db-filename", join(home, "temporal", "temporal.db")],
          ...["--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=normal"],
          ...attributes,
          // Without the first of these each hand-over of a task waits about 50 ms.
          ...["--dynamic-config-value", "history.transferProcessorMaxPollRPS=2000"],
          ...["--dynamic-config-value", "history.timerProcessorMaxPollRPS=2000"],
          // Parts of a task queue are for many servers: one hands over without a detour.
          ...["--dynamic-config-value", "matching.numTaskqueueReadPartitions=1"],
          ...["--dynamic-config-value", "matching.numTaskqueueWritePartitions=1"],
          ...["--dynamic-config-value", "history.visibilityProcessorMaxPollRPS=500"],
          // It would keep all that has happened in the last hour in memory, 100 MiB and more for a busy one.
          ...["--dynamic-config-value", 'history.cacheTTL="5m"'],
          ...["--dynamic-config-value", 'history.eventsCacheTTL="5m"'],
          // What is out of date it would only drop when its place is wanted, thousands of workflows later.
          ...["--dynamic-config-value", `history.cacheBackgroundEvict=${JSON.stringify(BACKGROUND_EVICT)}`],
        ],
        { stdio: ["ignore", log, log], env: serverEnvironment(process.env) },
      );
    } finally {
      closeSync(log);
    }
  }

  private async untilHealthy(child: ChildProcess): Promise<void> {
    let failed: string | null = null;
    child.once("error", (error) => {
      failed = error.message;
    });
    child.once("exit", (code, signal) => {
      failed = `it ended with ${signal ?? `exit code ${code}`}`;
    });
    for (const until = Date.now() + START_TIMEOUT_MS; ; await pause(50)) {
      if (failed !== null) throw this.failure(failed);
      if (await this.isReady()) return;
      if (Date.now() > until) throw this.failure(`it did not answer within ${START_TIMEOUT_MS / 1_000} seconds`);
    }
  }

  /** Whether it answers and its namespace is ready; then sees to the namespace's settings. */
  private async isReady(): Promise<boolean> {
    try {
      const connection = await connectTemporal({ address: this.address }, 1_000);
      try {
        const namespace = "default";
        await connection.workflowService.updateNamespace({
          namespace,
          config: { workflowExecutionRetentionTtl: msToTs(RETENTION_DAYS * 86_400_000) },
        });
        await ensureSearchAttributes(connection, namespace);
        return true;
      } finally {
        await connection.close();
      }
    } catch {
      return false;
    }
  }

  private failure(why: string): TemporalServerFailedError {
    const lines = this.written().trimEnd().split("\n");
    // A crash says first why, and then for pages where.
    const crash = lines.findIndex((line) => /^(panic|fatal error):/.test(line));
    const telling = crash < 0 ? lines.slice(-5) : lines.slice(crash, crash + 5);
    return new TemporalServerFailedError(why, this.logFile, telling.join("\n"));
  }

  /** What this launch has written so far. */
  private written(): string {
    return existsSync(this.logFile) ? readFileSync(this.logFile).subarray(this.logFrom).toString() : "";
  }

  private record(): void {
    const { home, port, uiPort } = this.settings;
    writeServerRecord(home, { pid: this.pid, port, uiPort, address: this.address, owner: process.pid });
  }

  private async end(): Promise<void> {
    process.off("exit", this.killOnExit);
    this.signal("SIGTERM");
    for (const until = Date.now() + STOP_TIMEOUT_MS; isAlive(this.pid) && Date.now() < until; ) await pause(25);
    this.signal("SIGKILL");
    for (const until = Date.now() + STOP_TIMEOUT_MS; isAlive(this.pid) && Date.now() < until; ) await pause(25);
    removeServerRecord(this.settings.home, this.pid);
  }

  private signal(signal: NodeJS.Signals): void {
    if (this.pid === 0) return;
    try {
      process.kill(this.pid, signal);
    } catch {
      // It is gone already.
    }
  }
}
