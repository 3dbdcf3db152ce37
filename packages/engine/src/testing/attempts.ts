import { durationText } from "../core/duration-text.ts";
import type { GraphNode } from "../core/graph.ts";
import { totalTimeoutError } from "../core/retries.ts";
import { cacheKeyOf, isFresh } from "../execution/cache-key.ts";
import { executeTask, type TaskExecution } from "../execution/execute-task.ts";
import { finalFailure, sensorTimedOut, type TaskOutcome } from "../execution/outcome.ts";
import { withinTime } from "../execution/within-time.ts";
import type { TaskCache } from "./memory-cache.ts";
import type { RunTime } from "./run-time.ts";

/** One attempt of a task node in this process. */
export interface Attempt {
  readonly node: GraphNode;
  readonly execution: TaskExecution;
  /** Aborts the attempt. */
  readonly controller: AbortController;
  readonly time: RunTime;
  readonly cache: TaskCache | undefined;
  /** How long it may take, when that is less than its policy's timeout. */
  readonly withinMs: number | undefined;
}

/** An outcome, and the run that it was taken from when the task itself did not run. */
export type CachedOutcome = TaskOutcome & { readonly cachedFrom?: string };

/** Runs an attempt within its time: through the cache where the node has one, looking until it is there if it is a sensor. */
export async function attemptTask(attempt: Attempt): Promise<CachedOutcome> {
  const { node, execution, time } = attempt;
  if (node.sensor !== undefined) return await lookUntilThere(attempt, node.sensor);
  const task = execution.dag.tasks.get(node.id);
  // A mock stands in for code that is not its own: its outputs are neither kept nor taken.
  if (node.cache === undefined || task === undefined || execution.implementation !== undefined)
    return await once(attempt);
  const { cache } = attempt;
  const { run, clears = 0 } = execution;
  const key = cacheKeyOf(task, execution.input, node.cache.version);
  const read = clears === 0 && run.noCache !== true;
  const found = read ? await cache?.getCachedOutput(key) : null;
  if (found && isFresh(found.at, node.cache.ttlMs, time.now()))
    return { type: "success", output: found.output, cachedFrom: found.runId };
  const outcome = await once(attempt);
  if (outcome.type === "success") {
    const at = new Date(time.now()).toISOString();
    await cache?.putCachedOutput({ key, output: outcome.output, runId: run.id, at });
  }
  return outcome;
}

async function once({ node, execution, controller, time, withinMs = Infinity }: Attempt): Promise<TaskOutcome> {
  const { timeoutMs, totalTimeoutMs } = node.policy;
  return await time.during(() =>
    withinTime(executeTask(execution), Math.min(timeoutMs, withinMs), () => {
      if (withinMs <= timeoutMs) {
        const error = totalTimeoutError(totalTimeoutMs);
        controller.abort(new Error(error.message));
        return { type: "failed", error };
      }
      const message = `The attempt took longer than its timeout of ${durationText(timeoutMs)}`;
      controller.abort(new Error(message));
      return { type: "failed", error: { code: "TASK_TIMEOUT", message, retryable: true } };
    }),
  );
}

/** Looks every so often, for as long as the sensor may. */
async function lookUntilThere(attempt: Attempt, sensor: NonNullable<GraphNode["sensor"]>): Promise<TaskOutcome> {
  const { signal } = attempt.controller;
  for (let waited = 0; ; waited += sensor.pokeMs) {
    const outcome = await once(attempt);
    if (outcome.type !== "not_yet") return outcome;
    // A look at the very end of its time would be too late on Temporal as well: each look takes a moment.
    if (waited + sensor.pokeMs >= sensor.timeoutMs) return sensorTimedOut(sensor);
    await pokeAfter(attempt.time, sensor.pokeMs, signal);
    if (signal.aborted) return finalFailure({ code: "CANCELLED", message: "The run was cancelled" });
  }
}

async function pokeAfter(time: RunTime, delayMs: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((later) => {
    const forget = time.after(delayMs, () => {
      signal.removeEventListener("abort", abort);
      later();
    });
    const abort = () => {
      forget();
      later();
    };
    signal.addEventListener("abort", abort, { once: true });
  });
}
