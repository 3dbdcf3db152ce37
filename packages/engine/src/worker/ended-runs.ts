import type { RunView } from "../core/state.ts";
import type { Observer } from "./observer.ts";

/** How many ended runs are remembered: a run is recorded twice within minutes, if at all. */
const REMEMBERED = 10_000;

/** Tells an observer of each run's end once, though it is recorded again when its callbacks have ended. */
export class EndedRuns {
  private readonly told = new Set<string>();

  constructor(private readonly observer: Observer) {}

  tell(view: RunView, executionId: string): void {
    if (this.told.has(executionId)) return;
    this.told.add(executionId);
    const [oldest] = this.told;
    if (this.told.size > REMEMBERED && oldest !== undefined) this.told.delete(oldest);
    this.observer.runEnded(view, executionId);
  }
}
