import { workflowInfo } from "@temporalio/workflow";
import type { CallbackName, CallbackView, SchedulerState } from "../core/state.ts";
import type { RunLimits } from "./protocol.ts";

/** A run as the next execution of its workflow takes it up. */
export interface ResumedRun {
  readonly state: SchedulerState;
  readonly limits: RunLimits;
  readonly deadlineMissedAt?: string | undefined;
  readonly callbacks: Readonly<Partial<Record<CallbackName, CallbackView>>>;
}

/** What a run's next execution is started with; users cannot: the plan refuses the field. */
export interface ResumeInput {
  readonly resume: ResumedRun;
}

export function resumedRunOf(input: unknown): ResumedRun | null {
  if (typeof input !== "object" || input === null || !("resume" in input)) return null;
  // Made by a former execution of this run.
  return (input as ResumeInput).resume;
}

/** How long new attempts are held back for the running ones to end, in milliseconds. */
export const DRAIN_MS = 30_000;

/** Beyond so many events nothing new is started until the run has continued: Temporal ends a run at 51,200. */
const HARD_LIMIT = 40_000;

/**
 * Says when a run has to continue as new, so that its history stays within Temporal's limits. Attempts do not survive
 * that: before it, nothing new is started until those that run have ended. If they take long, the run goes on for a while.
 */
export class Continuation {
  private due: number;
  private since: number | null = null;

  constructor(private readonly events: number | null) {
    this.due = events ?? Number.POSITIVE_INFINITY;
  }

  /** Whether new attempts are held back. */
  isDue(): boolean {
    return workflowInfo().historyLength >= this.due;
  }

  /** Whether holding back has begun with this look; then `gaveUp` is to be called after `DRAIN_MS`. */
  begins(): boolean {
    if (!this.isDue() || this.since !== null) return false;
    this.since = Date.now();
    return true;
  }

  /** The running attempts have not ended in time: the run goes on, and tries again later, unless it must not. */
  gaveUp(): void {
    const { historyLength } = workflowInfo();
    this.since = null;
    if (historyLength < HARD_LIMIT) this.due = Math.min(HARD_LIMIT, historyLength + (this.events ?? HARD_LIMIT) / 2);
  }
}
