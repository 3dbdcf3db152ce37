import type { Progress } from "@dagwright/mcp-kit/contract";
import type { Context } from "@temporalio/activity";

/** How often a running task shows its progress and hears of a cancellation, in milliseconds. */
const PERIOD_MS = 750;

/** Keeps an attempt alive and shows its latest progress, for as long as `work` takes. */
export async function withHeartbeats<T>(
  context: Context,
  work: (onProgress: (progress: Progress) => void) => Promise<T>,
): Promise<T> {
  let latest: Progress | undefined;
  const period = Math.min(PERIOD_MS, (context.info.heartbeatTimeoutMs ?? Number.POSITIVE_INFINITY) / 3);
  const timer = context.info.isLocal ? undefined : setInterval(() => context.heartbeat(latest), period);
  try {
    return await work((progress) => {
      latest = progress;
    });
  } finally {
    clearInterval(timer);
  }
}
