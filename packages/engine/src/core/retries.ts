import { durationText } from "./duration-text.ts";
import type { NodePolicy } from "./graph.ts";
import type { RunInfo, TaskError, TaskStatus } from "./state.ts";

/**
 * Pause before the attempt after `attempt` (counted from 1): retryDelay × backoff^(attempt−1), at most maxRetryDelay. With
 * `jitter` it is shortened or lengthened by up to that share, and never above maxRetryDelay.
 *
 * @param chance From 0 to 1: where in that range.
 */
export function retryDelayMs(policy: NodePolicy, attempt: number, chance = 0.5): number {
  const { retryDelayMs: first, backoff, maxRetryDelayMs: most, jitter = 0 } = policy;
  // The longest pauses spread below the bound, not all on it.
  const pause = Math.min(first * backoff ** (attempt - 1), most / (1 + jitter));
  return Math.round(pause * (1 + jitter * (2 * chance - 1)));
}

/** A number from 0 to 1 that stands for chance: the same in every shell and every replay, another for each attempt. */
export function chanceOf(run: Pick<RunInfo, "id">, task: string, attempt: number): number {
  // FNV-1a, and the last step of MurmurHash3, so that names that differ little give numbers that differ much.
  let hash = 2_166_136_261;
  for (const character of `${run.id}/${task}#${attempt}`) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16_777_619);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 2_246_822_507);
  hash = Math.imul(hash ^ (hash >>> 13), 3_266_489_909);
  return ((hash ^ (hash >>> 16)) >>> 0) / 4_294_967_296;
}

/** What follows on an attempt that failed: another one after a pause, or the end of the task. */
export function afterFailure(
  policy: NodePolicy | undefined,
  { attempts, startedAt = 0 }: Pick<TaskStatus, "attempts" | "startedAt">,
  error: TaskError,
  { at, chance }: { readonly at: number; readonly chance: number },
): { readonly delayMs: number } | { readonly error: TaskError } {
  if (policy === undefined || !error.retryable) return { error };
  if (policy.noRetryOn?.includes(error.code)) return { error: { ...error, retryable: false } };
  if (attempts > policy.retries) return { error };
  const delayMs = retryDelayMs(policy, attempts, chance);
  const { totalTimeoutMs = Number.POSITIVE_INFINITY } = policy;
  return startedAt + totalTimeoutMs <= at + delayMs ? { error: totalTimeoutError(totalTimeoutMs, error) } : { delayMs };
}

/** How long the attempts of a task that started at `startedAt` may still take; undefined: as long as they want. */
export function timeLeftMs({ totalTimeoutMs }: NodePolicy, startedAt: number, at: number): number | undefined {
  return totalTimeoutMs === undefined ? undefined : startedAt + totalTimeoutMs - at;
}

/** Why a task fails whose time is over. @param last What its last attempt failed with, if it did. */
export function totalTimeoutError(totalTimeoutMs = 0, last?: TaskError): TaskError {
  const before = last === undefined ? "" : `; its last attempt failed: ${last.code}: ${last.message}`;
  const message = `All its attempts and pauses take longer than its totalTimeout of ${durationText(totalTimeoutMs)}${before}`;
  return { code: "TASK_TOTAL_TIMEOUT", message, retryable: false };
}

/** How often a task is refused by workers whose code does not fit its run before it is given up: for about a day. */
const MAX_REFUSALS = 1_440;

/**
 * What follows when a worker has refused an attempt, `refused` times now: it is offered again, after 5 s at first, then
 * after twice as long each time, up to a minute.
 */
export function afterRefusal(refused: number, error: TaskError): ReturnType<typeof afterFailure> {
  if (refused >= MAX_REFUSALS) return { error };
  return { delayMs: Math.min(60_000, 5_000 * 2 ** Math.min(refused - 1, 10)) };
}
