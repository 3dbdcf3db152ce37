/** Processes of the bench: each in a group of its own, all of them ended when the bench ends, however it ends. */
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

/** A process that goes on until it is ended. */
export interface Service {
  readonly name: string;
  readonly pid: number;
  readonly child: ChildProcess;
  /** Its last words, where they are kept. */
  readonly lastWords: () => string;
  /** Ends it and all that it has started: SIGTERM, then SIGKILL after `patienceMs`. */
  end(patienceMs?: number): Promise<void>;
}

interface ProcessOptions extends Pick<SpawnOptions, "env" | "cwd" | "uid" | "gid"> {
  /** Where its output goes. */
  readonly logFile: string;
}

const services = new Set<Service>();
process.on("exit", () => {
  for (const { pid } of services) for (const one of treeOf(pid)) signal(one, "SIGKILL");
});

/** Starts a process in a group of its own, its output in a file. */
export function startService(name: string, command: readonly string[], options: ProcessOptions): Service {
  const { logFile, ...rest } = options;
  const log = openSync(logFile, "a");
  try {
    const [program = "", ...args] = command;
    const child = spawn(program, args, { ...rest, detached: true, stdio: ["ignore", log, log] });
    return asService(name, child, () => read(logFile).trim().split("\n").slice(-3).join(" | ").slice(-1_000));
  } finally {
    closeSync(log);
  }
}

/** Takes care of the end of a process that was started with `detached`. */
export function asService(name: string, child: ChildProcess, lastWords: Service["lastWords"] = () => ""): Service {
  const { pid } = child;
  if (pid === undefined) throw new Error(`${name} could not be started`);
  let broken: Error | undefined;
  child.once("error", (error) => {
    broken = error;
  });
  const service: Service = {
    name,
    pid,
    child,
    lastWords,
    end: async (patienceMs = 10_000) => {
      if (broken !== undefined) return;
      // Before it ends: children of a dead process are nobody's.
      const tree = treeOf(pid);
      signal(pid, "SIGTERM");
      await untilGone(tree, patienceMs);
      for (const one of tree) signal(one, "SIGKILL");
      await untilGone(tree, 5_000);
      services.delete(service);
    },
  };
  services.add(service);
  return service;
}

/** Ends what still runs, the last started first. */
export async function endAll(): Promise<void> {
  for (const service of [...services].reverse()) await service.end();
}

/** Runs a command to its end and gives its stdout; fails with its last words. */
export async function runToEnd(
  command: readonly string[],
  options: Pick<SpawnOptions, "env" | "cwd" | "uid" | "gid"> & { readonly timeoutMs: number },
): Promise<string> {
  const { timeoutMs, ...rest } = options;
  const [program = "", ...args] = command;
  const child = spawn(program, args, { ...rest, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const timer = setTimeout(() => {
    for (const one of treeOf(child.pid ?? 0)) signal(one, "SIGKILL");
  }, timeoutMs);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  }).finally(() => clearTimeout(timer));
  if (code === 0) return stdout;
  const words = (stderr.trim() || stdout.trim()).split("\n").slice(-3).join(" | ");
  throw new Error(`${command.slice(0, 4).join(" ")} … ended with ${code ?? `a kill after ${timeoutMs} ms`}: ${words}`);
}

/** A process and all that it has started, and they. */
export function treeOf(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    // "pid (name) state parent …", where a name may hold anything.
    const parent = Number(read(`/proc/${entry}/stat`).split(") ").at(-1)?.split(" ")[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const tree = [pid];
  for (const one of tree) tree.push(...(children.get(one) ?? []));
  return tree;
}

/** Memory of a process alone, its share of what is shared, in MiB. */
export function memoryOf(pid: number): number {
  return Number(/^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) / 1_024;
}

/** Memory of a process and all that it has started, in MiB. */
export function memoryOfTree(pid: number): number {
  return treeOf(pid).reduce((sum, one) => sum + memoryOf(one), 0);
}

/** Waits until `ready` answers true, asking every 100 ms; fails after `timeoutMs`, or when the service has ended. */
export async function untilReady(
  what: string,
  ready: () => Promise<boolean>,
  { timeoutMs, service }: { readonly timeoutMs: number; readonly service?: Service },
): Promise<void> {
  for (const until = Date.now() + timeoutMs; ; await pause(100)) {
    if (await ready().catch(() => false)) return;
    if (service !== undefined && service.child.exitCode !== null)
      throw new Error(`${what}: it ended with exit code ${service.child.exitCode}: ${service.lastWords()}`);
    if (Date.now() > until)
      throw new Error(`${what}: not ready within ${timeoutMs / 1_000} s: ${service?.lastWords() ?? ""}`);
  }
}

async function untilGone(pids: readonly number[], patienceMs: number): Promise<void> {
  for (const until = Date.now() + patienceMs; pids.some(isAlive) && Date.now() < until; ) await pause(50);
}

function isAlive(pid: number): boolean {
  const state = read(`/proc/${pid}/stat`).split(") ").at(-1)?.[0];
  return state !== undefined && state !== "" && state !== "Z";
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It is gone already.
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
