import { setTimeout as delay } from "node:timers/promises";
import { RunStoreUnavailableError } from "../store/errors.ts";

/** How long those wait for the run store who can say something without it, in milliseconds. */
const PATIENCE_MS = 5_000;

/** What the run store answers; null while it cannot be reached, or hangs: for those who can say something without it. */
export async function whenReachable<T>(answer: Promise<T> | undefined): Promise<T | null> {
  if (answer === undefined) return null;
  const timer = new AbortController();
  const late = delay(PATIENCE_MS, null, { signal: timer.signal, ref: false }).catch(() => null);
  try {
    return await Promise.race([answer, late]);
  } catch (error) {
    if (error instanceof RunStoreUnavailableError) return null;
    throw error;
  } finally {
    timer.abort();
  }
}
