import type { Context } from "@temporalio/activity";
import { durationText } from "../core/duration-text.ts";
import type { TaskOutcome } from "../execution/outcome.ts";
import { withinTime } from "../execution/within-time.ts";

/**
 * Carries out an attempt within its own timeout: the server, which knows it too, may tell of it up to a second late, and
 * takes until then what the attempt gives. What is late is aborted and not waited for. The time that all attempts have
 * together is the server's to keep.
 */
export async function withinAttemptTime(
  { info: { startToCloseTimeoutMs: own, scheduleToCloseTimeoutMs: all } }: Pick<Context, "info">,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<TaskOutcome>,
): Promise<TaskOutcome> {
  if (own <= 0 || (all > 0 && all <= own)) return await work(signal);
  const late = new AbortController();
  return await withinTime<TaskOutcome>(work(AbortSignal.any([signal, late.signal])), own, () => {
    const message = `The attempt took longer than its timeout of ${durationText(own)}`;
    late.abort(new Error(message));
    return { type: "failed", error: { code: "TASK_TIMEOUT", message, retryable: true } };
  });
}
