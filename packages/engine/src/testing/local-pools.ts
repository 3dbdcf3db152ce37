import { changePool, EMPTY_POOL, type SlotPool, UNSET_SLOTS } from "../core/slot-pool.ts";
import type { SchedulerCommand } from "../core/state.ts";

type Wish = Omit<Extract<SchedulerCommand, { type: "acquire_slots" }>, "type"> & {
  readonly since: number;
  readonly onHeld: () => void;
};

/** The pools of one run in this process, by the rules of those on Temporal. */
export class LocalPools {
  private readonly pools = new Map<string, SlotPool>();
  private readonly wishes = new Map<number, Wish & { held: number }>();
  /** Tickets of wishes that no pool has been asked for yet. */
  private unasked: number[] = [];

  /** @param slots How many slots pools have, by name. Those that are not named have one. */
  constructor(private readonly slots: Readonly<Record<string, number>>) {}

  /** Takes slots, one claim after the other; `onHeld` is called later, when all of them are held. */
  take(wish: Wish): void {
    this.wishes.set(wish.ticket, { ...wish, held: 0 });
    this.unasked.push(wish.ticket);
    // Later: of all that one decision wants, the highest priority asks first, as on Temporal.
    if (this.unasked.length === 1) queueMicrotask(() => this.askAll());
  }

  release(ticket: number): void {
    const wish = this.wishes.get(ticket);
    this.wishes.delete(ticket);
    for (const { pool } of wish?.claims.slice(0, wish.held + 1) ?? []) this.change(pool, { releases: [keyOf(ticket)] });
  }

  private askAll(): void {
    const wishes = this.unasked.flatMap((ticket) => this.wishes.get(ticket) ?? []);
    this.unasked = [];
    for (const { ticket } of wishes.sort((a, b) => b.priority - a.priority)) this.ask(ticket);
  }

  private ask(ticket: number): void {
    const wish = this.wishes.get(ticket);
    const claim = wish?.claims[wish.held];
    if (wish === undefined || claim === undefined) return;
    const { pool, slots, limit } = claim;
    const { priority, since } = wish;
    this.change(pool, { requests: [{ ...keyOf(ticket), slots, priority, since }], slots: limit });
  }

  private change(name: string, what: Parameters<typeof changePool>[1]): void {
    const before = this.pools.get(name) ?? { ...EMPTY_POOL, slots: this.slots[name] ?? UNSET_SLOTS };
    const { pool, granted } = changePool(before, what, 0);
    this.pools.set(name, pool);
    for (const { ticket } of granted) {
      const wish = this.wishes.get(ticket);
      if (wish === undefined) continue;
      wish.held += 1;
      if (wish.held < wish.claims.length) this.ask(ticket);
      // Later: whoever asked is still carrying out a decision.
      else queueMicrotask(wish.onHeld);
    }
  }
}

function keyOf(ticket: number) {
  return { run: "", execution: "", ticket };
}
