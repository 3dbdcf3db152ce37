import { setTimeout as delay } from "node:timers/promises";

/** How long a task waits for the run store at most, in milliseconds: less than its heartbeats may stay away. */
const PATIENCE_MS = 2_000;

/**
 * What the run store answers. One that fails, or takes longer than a task may wait for it, is complained of and answers
 * null; what it was told to keep is still kept if it comes round.
 *
 * @param what What it was for, as "The output cache could not be used".
 */
export async function patiently<T>(what: string, answer: Promise<T>): Promise<T | null> {
  const timer = new AbortController();
  const answered = answer.catch((error: unknown) => {
    console.error(`${what}: ${error instanceof Error ? error.message : error}`);
    return null;
  });
  const late = delay(PATIENCE_MS, null, { signal: timer.signal, ref: false }).catch(() => null);
  try {
    return await Promise.race([answered, late]);
  } finally {
    timer.abort();
  }
}
