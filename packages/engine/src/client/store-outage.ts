import { RunStoreUnavailableError } from "../store/errors.ts";

/** What the run store answers; null while it cannot be reached, for those who can say something without it too. */
export async function whenReachable<T>(answer: Promise<T> | undefined): Promise<T | null> {
  try {
    return (await answer) ?? null;
  } catch (error) {
    if (error instanceof RunStoreUnavailableError) return null;
    throw error;
  }
}
