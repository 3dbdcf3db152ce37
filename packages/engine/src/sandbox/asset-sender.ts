import { CancellationScope, condition, scheduleLocalActivity } from "@temporalio/workflow";
import type { DagGraph } from "../core/graph.ts";
import type { AssetEvent } from "../core/state.ts";
import { ACTIVITY, type EmitRequest } from "./protocol.ts";

/** How many events are sent at once, by number and in characters of JSON. */
const AT_ONCE = 100;
const LARGEST_AT_ONCE = 300_000;

/** Sends the events of a run's assets to their logs, beside its tasks and in their order; what fails is tried again until it works. */
export class AssetSender {
  private waiting: readonly AssetEvent[] = [];
  private sending = false;

  constructor(private readonly graph: DagGraph) {}

  send(events: readonly AssetEvent[]): void {
    this.waiting = [...this.waiting, ...events];
    if (this.sending) return;
    this.sending = true;
    // A run that is cancelled has made all the same what it has made.
    void CancellationScope.nonCancellable(async () => {
      while (this.waiting.length > 0) {
        let count = 1;
        let size = JSON.stringify(this.waiting[0]).length;
        for (; count < Math.min(AT_ONCE, this.waiting.length); count += 1) {
          size += JSON.stringify(this.waiting[count]).length;
          if (size > LARGEST_AT_ONCE) break;
        }
        const events = this.waiting.slice(0, count);
        this.waiting = this.waiting.slice(count);
        await this.carryOut(events);
      }
      this.sending = false;
    });
  }

  isBusy(): boolean {
    return this.sending;
  }

  /** Resolves when all has been sent. */
  async ended(): Promise<void> {
    await condition(() => !this.sending);
  }

  private async carryOut(events: readonly AssetEvent[]): Promise<void> {
    const uris = new Set(events.map(({ uri }) => uri));
    const assets = this.graph.nodes.flatMap(({ outlets = [] }) => outlets.filter(({ uri }) => uris.has(uri)));
    const request: EmitRequest = { events, assets: [...new Map(assets.map((one) => [one.uri, one])).values()] };
    await scheduleLocalActivity(ACTIVITY.emit, [request], {
      startToCloseTimeout: "20s",
      retry: { initialInterval: "200ms", maximumInterval: "10s" },
      summary: `events of ${[...uris].join(", ")}`.slice(0, 200),
    });
  }
}
