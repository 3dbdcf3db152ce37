import type { RunStore, StoredAttempt } from "../store/run-store.ts";

/** How long a record waits for others to be written with, in milliseconds. */
const GATHER_MS = 25;

/**
 * Keeps attempts in the run store beside the tasks, not before and after them: those of 25 ms are written at once, and of
 * an attempt that began and ended within them only its end. The first after a pause is written without waiting.
 *
 * A worker that is killed loses the records of its last 25 ms; the run's own record tells how its tasks have ended.
 */
export class AttemptRecorder {
  private readonly waiting = new Map<string, StoredAttempt>();
  private gathering: NodeJS.Timeout | undefined;
  private writing: Promise<void> | undefined;

  constructor(private readonly store: Pick<RunStore, "saveAttempts"> | null) {}

  /** Keeps an attempt soon; a later record of the same attempt takes its place. */
  record(attempt: StoredAttempt): void {
    if (this.store === null) return;
    const { runId, temporalRunId, taskId } = attempt;
    this.waiting.set(JSON.stringify([runId, temporalRunId, taskId, attempt.attempt]), attempt);
    if (this.gathering === undefined) this.writeAndGather();
  }

  /** Resolves when all that was recorded is written, or could not be. */
  async flush(): Promise<void> {
    while (this.waiting.size > 0 || this.writing !== undefined) {
      this.writing ??= this.write().finally(() => {
        this.writing = undefined;
      });
      await this.writing;
    }
  }

  private writeAndGather(): void {
    void this.flush();
    this.gathering = setTimeout(() => {
      this.gathering = undefined;
      if (this.waiting.size > 0) this.writeAndGather();
    }, GATHER_MS);
  }

  private async write(): Promise<void> {
    while (this.waiting.size > 0) {
      const attempts = [...this.waiting.values()];
      this.waiting.clear();
      try {
        await this.store?.saveAttempts(attempts);
      } catch (error) {
        const why = error instanceof Error ? error.message : error;
        const ids = new Set(attempts.map(({ runId }) => runId));
        console.error(`The run store could not keep ${attempts.length} attempts of ${[...ids].join(", ")}: ${why}`);
      }
    }
  }
}
