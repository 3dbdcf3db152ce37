/// <reference path="./webassembly.d.ts" />
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { KERNEL_WASM } from "./kernel-wasm.ts";

/** A tree as the kernel grew it; nodes count from 0, leaves as well. */
export interface KernelTree {
  readonly feature: Int32Array;
  readonly threshold: Float32Array;
  readonly left: Int32Array;
  readonly right: Int32Array;
  /** Bit 0: missing goes left; bit 1: categories, `threshold` is then the number of the set. */
  readonly flags: Uint8Array;
  /** 32 bytes a set: a bit for each category that goes left. */
  readonly categories: Uint8Array;
  readonly leafValues: Float64Array;
}

/** A message of a job on its way. */
export type JobNews = Readonly<Record<string, unknown>>;

/** Threads that a training has for itself, with one memory. */
export interface Crew {
  readonly size: number;
  readonly buffer: SharedArrayBuffer;
  /** Bytes `from` onwards are free. */
  readonly from: number;
  /** Runs a job on one thread. */
  run(thread: number, job: string, message: JobNews, onNews?: (news: JobNews) => void): Promise<unknown>;
  /** Gives the threads back; those in the middle of a job are ended. */
  release(): Promise<void>;
}

const PAGE = 65536;
const MOST_PAGES = 65536;
/** Threads kept warm beyond a training. */
const MOST_IDLE = Math.max(2, Math.min(4, availableParallelism()));
/** A memory up to this size is kept for the next training. */
const KEPT_BYTES = 2 ** 28;

let compiled: Promise<WebAssembly.Module> | undefined;
const idle: Worker[] = [];
let kept: WebAssembly.Memory | undefined;

/** Threads that a training takes unless told otherwise: two, or as many as there are processors. */
export const DEFAULT_THREADS = Math.min(2, availableParallelism());

/** Bytes that one training can have at most. */
export const MOST_BYTES = PAGE * MOST_PAGES - 2 * PAGE;

/** Takes threads, warm ones first, and a memory of at least so many bytes. */
export async function hireCrew(size: number, bytes: number): Promise<Crew> {
  compiled ??= WebAssembly.compile(Buffer.from(KERNEL_WASM, "base64"));
  const module = await compiled;
  const pages = Math.ceil(bytes / PAGE) + 2;
  let memory = kept;
  kept = undefined;
  if (memory === undefined) memory = new WebAssembly.Memory({ initial: pages, maximum: MOST_PAGES, shared: true });
  else if (memory.buffer.byteLength < pages * PAGE) memory.grow(pages - memory.buffer.byteLength / PAGE);
  const shared = memory;
  const workers = Array.from({ length: size }, () => idle.pop() ?? newWorker());
  const busy = new Set<Worker>();
  const run: Crew["run"] = (thread, job, message, onNews) => {
    const worker = workers[thread]!;
    busy.add(worker);
    worker.ref();
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        worker.off("message", onMessage).off("error", onError).off("exit", onExit);
        worker.unref();
        act();
      };
      const onMessage = (news: { done?: boolean; result?: unknown; error?: Error } & JobNews) => {
        if (news.done !== true) {
          onNews?.(news);
          return;
        }
        busy.delete(worker);
        settle(() => (news.error === undefined ? resolve(news.result) : reject(news.error)));
      };
      const onError = (error: Error) => settle(() => reject(error));
      const onExit = (code: number) => settle(() => reject(new Error(`A training thread ended with code ${code}.`)));
      worker.on("message", onMessage).on("error", onError).on("exit", onExit);
      worker.postMessage({ job, ...message });
    });
  };
  const all = (job: string, message: JobNews) => Promise.all(workers.map((_, thread) => run(thread, job, message)));
  await all("open", { module, memory: shared });
  return {
    size,
    buffer: sharedBufferOf(shared),
    from: Math.ceil(heapBaseOf(module, shared) / PAGE) * PAGE,
    run,
    async release() {
      for (const worker of workers) {
        if (busy.has(worker) || idle.length >= MOST_IDLE) await worker.terminate();
        else {
          worker.postMessage({ job: "close" });
          worker.unref();
          idle.push(worker);
        }
      }
      if (busy.size === 0 && shared.buffer.byteLength <= KEPT_BYTES) kept ??= shared;
    },
  };
}

let heapBase: number | undefined;
/** Where the kernel's own constants end: the same for every instance. */
function heapBaseOf(module: WebAssembly.Module, memory: WebAssembly.Memory): number {
  if (heapBase !== undefined) return heapBase;
  const { heapBase: ask } = new WebAssembly.Instance(module, { env: { memory } }).exports;
  heapBase = typeof ask === "function" ? Number(ask()) : PAGE;
  return heapBase;
}

function sharedBufferOf({ buffer }: WebAssembly.Memory): SharedArrayBuffer {
  if (buffer instanceof SharedArrayBuffer) return buffer;
  throw new Error("The kernel's memory is not shared.");
}

function newWorker(): Worker {
  // None of the process's flags: a loader for TypeScript would cost each thread more than its training.
  const worker = new Worker(new URL("./kernel-worker.mjs", import.meta.url), { execArgv: [], name: "dagwright-learn" });
  worker.setMaxListeners(0);
  worker.unref();
  return worker;
}
