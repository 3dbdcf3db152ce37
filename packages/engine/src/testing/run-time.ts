import { LONGEST_TIMER } from "../execution/within-time.ts";

interface Timer {
  readonly due: number;
  readonly then: () => void;
  /** Whether time may jump to it. */
  readonly awaited: boolean;
  handle?: ReturnType<typeof setTimeout>;
}

/**
 * The time of a run in this process, and of the runs within it. Where delays are skipped, it jumps to the next timer as
 * soon as nothing works, as Temporal's time-skipping test server does; so timers come in the order of their moments, and
 * what counts time counts what was skipped.
 */
export class RunTime {
  private ahead = 0;
  private busy = 0;
  private looking = false;
  private readonly timers = new Set<Timer>();

  /** @param clock Milliseconds since 1970. */
  constructor(
    private readonly clock: () => number,
    private readonly skips: boolean,
  ) {}

  /** Milliseconds since 1970, with what has been skipped. */
  now(): number {
    return this.clock() + this.ahead;
  }

  /**
   * @param awaited Whether time may jump to it; else it only comes when its time does. @default true
   * @returns Takes it back.
   */
  after(delayMs: number, then: () => void, awaited = true): () => void {
    const timer: Timer = { due: this.now() + delayMs, then, awaited };
    this.timers.add(timer);
    this.wait(timer, delayMs);
    this.look();
    return () => this.forget(timer);
  }

  /** Does not skip over work. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.busy += 1;
    try {
      return await work();
    } finally {
      this.busy -= 1;
      this.look();
    }
  }

  private wait(timer: Timer, delayMs: number): void {
    timer.handle = setTimeout(
      () => {
        if (delayMs > LONGEST_TIMER) this.wait(timer, delayMs - LONGEST_TIMER);
        else this.ring(timer);
      },
      Math.min(Math.max(delayMs, 0), LONGEST_TIMER),
    );
  }

  private forget(timer: Timer): void {
    clearTimeout(timer.handle);
    this.timers.delete(timer);
  }

  /** Once nothing that follows from what has just happened is left to do, jumps to the next timer if nothing works. */
  private look(): void {
    if (!this.skips || this.looking) return;
    this.looking = true;
    setImmediate(() => {
      this.looking = false;
      if (this.busy > 0) return;
      let next: Timer | undefined;
      for (const timer of this.timers) if (timer.awaited && timer.due < (next?.due ?? Infinity)) next = timer;
      if (next === undefined) return;
      // What is not awaited is not waited for, but neither left out.
      const due = [...this.timers].filter((timer) => timer.due <= next.due).sort((a, b) => a.due - b.due);
      for (const timer of due) if (this.timers.has(timer)) this.ring(timer);
      this.look();
    });
  }

  private ring(timer: Timer): void {
    this.forget(timer);
    // A test's clock may stand still.
    this.ahead = Math.max(this.ahead, timer.due - this.clock());
    timer.then();
  }
}
