import {
  CancellationScope,
  defineSignal,
  isCancellation,
  log,
  scheduleLocalActivity,
  setHandler,
  sleep,
  workflowInfo,
} from "@temporalio/workflow";
import type { PoolClaim } from "../core/graph.ts";
import type { SlotKey, SlotRequest } from "../core/slot-pool.ts";
import { grantOf } from "./pool-messages.ts";
import { POOL_ACTIVITY, type PoolCall, SIGNAL_GRANTED } from "./pool-protocol.ts";

/** After how long a run asks again when no answer has come, in milliseconds: at first, and at most. */
const ASK_AGAIN_MS = 30_000;
const LONGEST_ASK_AGAIN_MS = 3_600_000;
/** How many requests of a run wait at a pool at once, of each priority: more would only fill the pool's memory. */
const MOST_AT_POOL = 20;

/** What somebody in the run wants slots for. */
export interface SlotWish {
  /** Names it within the run. */
  readonly ticket: number;
  readonly task?: string;
  /** Taken one after the other, in this order. */
  readonly claims: readonly PoolClaim[];
  readonly priority: number;
  /** @default now */
  readonly since?: number;
  readonly tie?: string;
  /** Called once, when all of them are held. */
  readonly onHeld: () => void;
}

interface Wish extends SlotWish {
  readonly since: number;
  /** How many of the claims are held; the next one is waited for. */
  held: number;
  /** Whether the one that is waited for has been asked for. */
  asked: boolean;
}

/** What is to be said to a pool. */
interface Outbox {
  releases: SlotKey[];
  requests: SlotRequest[];
  limit: number | undefined;
  sending: boolean;
}

/** The slots of one run: asks pools for them, gives them back, and hears what pools have to say. */
export class RunSlots {
  private readonly wishes = new Map<number, Wish>();
  private readonly outboxes = new Map<string, Outbox>();
  private asking: CancellationScope | undefined;
  private readonly run = workflowInfo().workflowId;
  private readonly execution = workflowInfo().firstExecutionRunId;

  /** @param scope What its timer lives in. */
  constructor(private readonly scope: CancellationScope) {
    setHandler(defineSignal<[unknown]>(SIGNAL_GRANTED), (payload) => this.hear(payload));
  }

  take(wish: SlotWish): void {
    this.wishes.set(wish.ticket, { ...wish, since: wish.since ?? Date.now(), held: 0, asked: false });
    for (const { pool } of wish.claims.slice(0, 1)) this.askFor(pool);
    this.keepAsking();
  }

  /** Gives back what is held for a ticket, and wants no more for it. Twice is once. */
  release(ticket: number): void {
    const wish = this.wishes.get(ticket);
    if (wish === undefined) return;
    this.wishes.delete(ticket);
    const told = wish.claims.slice(0, wish.held + (wish.asked ? 1 : 0));
    for (const { pool } of told) this.sendRelease(pool, ticket);
    // Whoever of this run stood behind it may ask now.
    for (const { pool } of told) this.askFor(pool);
  }

  /** Whether pools have been told all that there is to tell. */
  isQuiet(): boolean {
    return [...this.outboxes.values()].every(({ sending }) => !sending);
  }

  /** Stops asking; to be called when nothing is wanted any more. */
  stop(): void {
    this.asking?.cancel();
  }

  private hear(payload: unknown): void {
    const grant = grantOf(payload);
    if (grant === null) return;
    const { pool, execution, tickets } = grant;
    for (const ticket of tickets) {
      const wish = execution === this.execution ? this.wishes.get(ticket) : undefined;
      const place = wish?.claims.findIndex((claim) => claim.pool === pool) ?? -1;
      // It was given back before the answer came, or it is a former execution's.
      if (wish === undefined || place < 0) this.sendRelease(pool, ticket, execution);
      else if (place === wish.held) this.hold(wish);
    }
    this.askFor(pool);
  }

  private hold(wish: Wish): void {
    wish.held += 1;
    wish.asked = false;
    const next = wish.claims[wish.held];
    if (next === undefined) wish.onHeld();
    else this.askFor(next.pool);
  }

  /** Asks a pool for what is wanted of it and has not been asked for: the highest priority first. */
  private askFor(pool: string): void {
    const wanted = [...this.wishes.values()].filter(({ claims, held }) => claims[held]?.pool === pool);
    const there = wanted.filter(({ asked }) => asked);
    const open = wanted.filter(({ asked }) => !asked).sort((a, b) => b.priority - a.priority);
    for (const wish of open) {
      if (there.filter(({ priority }) => priority >= wish.priority).length >= MOST_AT_POOL) return;
      there.push(wish);
      this.ask(wish);
    }
  }

  private ask(wish: Wish): void {
    const claim = wish.claims[wish.held];
    if (claim === undefined) return;
    const { ticket, task, priority, since, tie } = wish;
    wish.asked = true;
    this.send(claim.pool, (outbox) => {
      outbox.limit = claim.limit;
      outbox.requests.push({
        ...{ run: this.run, execution: this.execution, ticket, slots: claim.slots, priority, since },
        ...(task === undefined ? {} : { task }),
        ...(tie === undefined ? {} : { tie }),
      });
    });
  }

  private sendRelease(pool: string, ticket: number, execution = this.execution): void {
    this.send(pool, (outbox) => {
      // What was not sent yet must not come after its release.
      outbox.requests = outbox.requests.filter((one) => one.ticket !== ticket || one.execution !== execution);
      outbox.releases.push({ run: this.run, execution, ticket });
    });
  }

  private send(pool: string, write: (outbox: Outbox) => void): void {
    const outbox = this.outboxes.get(pool) ?? { releases: [], requests: [], limit: undefined, sending: false };
    this.outboxes.set(pool, outbox);
    write(outbox);
    if (outbox.sending) return;
    outbox.sending = true;
    // Out of reach of a cancellation of the run: what it holds is given back all the same.
    const scope = new CancellationScope({ cancellable: false, parent: this.scope });
    void scope.run(() => this.deliver(pool, outbox));
  }

  /** One message after the other, so that they come in order; what is written in the meantime goes with the next. */
  private async deliver(pool: string, outbox: Outbox): Promise<void> {
    // What the same decision still has to say goes along.
    await Promise.resolve();
    while (outbox.releases.length + outbox.requests.length > 0) {
      const { releases, requests, limit } = outbox;
      outbox.releases = [];
      outbox.requests = [];
      const call: PoolCall = {
        pool,
        message: { releases, requests, ...(limit === undefined ? {} : { limit }) },
      };
      try {
        await scheduleLocalActivity(POOL_ACTIVITY.tell, [call], {
          startToCloseTimeout: "10s",
          scheduleToCloseTimeout: "5m",
          retry: { initialInterval: "200ms", maximumInterval: "10s" },
          summary: `pool ${pool}: ${requests.length} wanted, ${releases.length} given back`,
        });
      } catch (error) {
        log.warn("A pool could not be told; it is told again", { pool, error: String(error) });
        outbox.releases.unshift(...releases);
        outbox.requests.unshift(...requests.filter(({ ticket }) => this.wishes.has(ticket)));
        await sleep(ASK_AGAIN_MS);
      }
    }
    outbox.sending = false;
  }

  /** Asks again, less and less often, as long as an answer is missing: the pool may have lost its memory. */
  private keepAsking(): void {
    if (this.asking !== undefined) return;
    const scope = new CancellationScope({ cancellable: true, parent: this.scope });
    this.asking = scope;
    void scope.run(async () => {
      try {
        let before = new Set<number>();
        for (let delay = ASK_AGAIN_MS; this.unanswered().length > 0; ) {
          await sleep(delay, { summary: "until pools are asked again" });
          const late = this.unanswered().filter(({ ticket }) => before.has(ticket));
          for (const wish of late) this.ask(wish);
          delay = late.length > 0 ? Math.min(2 * delay, LONGEST_ASK_AGAIN_MS) : ASK_AGAIN_MS;
          before = new Set(this.unanswered().map(({ ticket }) => ticket));
        }
      } catch (thrown) {
        if (!isCancellation(thrown)) throw thrown;
      } finally {
        this.asking = undefined;
      }
    });
  }

  private unanswered(): Wish[] {
    return [...this.wishes.values()].filter(({ asked }) => asked);
  }
}
