/** How far a training has come. */
export interface TrainingProgress {
  /** Trees grown, or iterations of the optimiser. */
  readonly done: number;
  readonly total: number;
}

/** Lets others in while a long computation holds the thread. */
export interface Pace {
  /** Reports progress; hands the thread over when 50 ms have passed. @throws the signal's reason once it is aborted */
  step(done: number, total: number): Promise<void>;
  /** As `step`, without progress to report. */
  breathe(): Promise<void>;
  /** Reports progress made on other threads. */
  report(done: number, total: number): void;
  readonly signal: AbortSignal | undefined;
}

const SLICE_MS = 50;

/** @param signal Ends the computation at its next step. */
export function createPace(signal?: AbortSignal, onProgress?: (progress: TrainingProgress) => void): Pace {
  signal?.throwIfAborted();
  let since = performance.now();
  const breathe = async () => {
    if (performance.now() - since >= SLICE_MS) {
      await new Promise((resume) => setImmediate(resume));
      since = performance.now();
    }
    signal?.throwIfAborted();
  };
  return {
    async step(done, total) {
      onProgress?.({ done, total });
      await breathe();
    },
    breathe,
    report: (done, total) => onProgress?.({ done, total }),
    signal,
  };
}

/** A computation that yields now and then, in one go. */
export function inOneGo<T>(work: Generator<void, T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
  }
}

/** A computation that yields now and then, which lets others in where it does. @throws the signal's reason */
export async function inTurns<T>(work: Generator<void, T>, pace: Pace): Promise<T> {
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
    await pace.breathe();
  }
}
