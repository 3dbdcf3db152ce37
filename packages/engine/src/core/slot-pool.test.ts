import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { changePool, EMPTY_POOL, keyOf, type SlotPool, type SlotRequest, usedSlots } from "./slot-pool.ts";

function request(ticket: number, some: Partial<SlotRequest> = {}): SlotRequest {
  return { run: "r", execution: "e", ticket, slots: 1, priority: 1, since: 0, ...some };
}

const tickets = (some: readonly { ticket: number }[]) => some.map(({ ticket }) => ticket);

describe("a pool", () => {
  it("that nobody has set has one slot", () => {
    const { pool, granted } = changePool(EMPTY_POOL, { requests: [request(1), request(2)] }, 5);
    expect(tickets(granted)).toEqual([1]);
    expect(granted[0]?.grantedAt).toBe(5);
    expect(tickets(pool.waiting)).toEqual([2]);
  });

  it("serves by priority, then by who waits longest, then by the tie, then as they came", () => {
    const full = changePool(EMPTY_POOL, { requests: [request(0)] }, 0).pool;
    const requests = [
      request(1, { since: 9 }),
      request(2, { since: 8, tie: "b" }),
      request(3, { since: 8, tie: "a" }),
      request(4, { priority: 5, since: 10 }),
      request(5, { since: 9 }),
    ];
    expect(tickets(changePool(full, { requests }, 0).pool.waiting)).toEqual([4, 3, 2, 1, 5]);
  });

  it("lets nobody overtake a large request that waits", () => {
    let { pool, granted } = changePool({ ...EMPTY_POOL, slots: 3 }, { requests: [request(1, { slots: 2 })] }, 0);
    ({ pool, granted } = changePool(pool, { requests: [request(2, { slots: 2 }), request(3)] }, 0));
    expect(granted).toEqual([]);
    ({ pool, granted } = changePool(pool, { releases: [request(1)] }, 0));
    expect(tickets(granted)).toEqual([2, 3]);
  });

  it("gives more than it has to one that is alone", () => {
    const { pool } = changePool({ ...EMPTY_POOL, slots: 2 }, { requests: [request(1), request(2, { slots: 7 })] }, 0);
    expect(tickets(pool.held)).toEqual([1]);
    const after = changePool(pool, { releases: [request(1)], requests: [request(3)] }, 0);
    expect(tickets(after.granted)).toEqual([2]);
    expect(tickets(after.pool.waiting)).toEqual([3]);
  });

  it("takes the same request twice as one, and tells again what is held", () => {
    const { pool } = changePool(EMPTY_POOL, { requests: [request(1), request(2)] }, 0);
    const again = changePool(pool, { requests: [request(1), request(2)] }, 1);
    expect(again.pool).toEqual(pool);
    expect(tickets(again.granted)).toEqual([1]);
    expect(changePool(pool, { releases: [request(9)] }, 0).pool).toEqual(pool);
  });

  it("that shrinks takes nothing away, and that grows serves at once", () => {
    const requests = [1, 2, 3].map((ticket) => request(ticket));
    const { pool } = changePool({ ...EMPTY_POOL, slots: 2 }, { requests }, 0);
    const small = changePool(pool, { slots: 1 }, 0).pool;
    expect(tickets(small.held)).toEqual([1, 2]);
    expect(changePool(small, { releases: [request(1)] }, 0).granted).toEqual([]);
    expect(tickets(changePool(small, { slots: 3 }, 0).granted)).toEqual([3]);
  });
});

/** What may happen to a pool: somebody asks, gives back (what they hold, or while they wait), or sets its slots. */
const happenings = fc.array(
  fc.oneof(
    fc.record({
      what: fc.constant("ask" as const),
      ticket: fc.nat({ max: 30 }),
      slots: fc.integer({ min: 1, max: 5 }),
      priority: fc.integer({ min: -1, max: 3 }),
      since: fc.nat({ max: 9 }),
    }),
    fc.record({ what: fc.constant("give back" as const), ticket: fc.nat({ max: 30 }) }),
    fc.record({ what: fc.constant("set" as const), slots: fc.integer({ min: 1, max: 6 }) }),
  ),
  { maxLength: 60 },
);

function mustHold(before: SlotPool, { pool, granted }: ReturnType<typeof changePool>) {
  const used = usedSlots(pool);
  const fresh = granted.filter((one) => !before.held.some((had) => keyOf(had) === keyOf(one)));
  // Whoever got slots fitted in, or is alone.
  if (fresh.length > 0) expect(used <= pool.slots || pool.held.length === 1).toBe(true);
  const [first] = pool.waiting;
  if (first !== undefined) {
    expect(used).toBeGreaterThan(0);
    expect(used + first.slots).toBeGreaterThan(pool.slots);
  }
  const all = [...pool.held, ...pool.waiting].map(keyOf);
  expect(new Set(all).size).toBe(all.length);
}

describe("whatever happens to a pool", () => {
  it("never more is held than there is, and nobody waits whom the free slots would do", () => {
    fc.assert(
      fc.property(happenings, (list) => {
        let pool = EMPTY_POOL;
        for (const one of list) {
          const changed =
            one.what === "ask"
              ? changePool(pool, { requests: [request(one.ticket, one)] }, 0)
              : one.what === "give back"
                ? changePool(pool, { releases: [request(one.ticket)] }, 0)
                : changePool(pool, { slots: one.slots }, 0);
          mustHold(pool, changed);
          pool = changed.pool;
        }
      }),
      { numRuns: 500 },
    );
  });

  it("everyone is served once, if those who hold slots give them back", () => {
    fc.assert(
      fc.property(happenings, fc.infiniteStream(fc.nat()), (list, picks) => {
        let pool: SlotPool = { ...EMPTY_POOL, slots: 3 };
        const asked = new Map<number, SlotRequest>();
        for (const one of list) if (one.what === "ask") asked.set(one.ticket, request(one.ticket, one));
        const served: number[] = [];
        const change = (what: Parameters<typeof changePool>[1]) => {
          const changed = changePool(pool, what, 0);
          pool = changed.pool;
          served.push(...tickets(changed.granted));
        };
        for (const one of asked.values()) change({ requests: [one] });
        while (pool.held.length > 0) {
          const one = pool.held[(picks.next().value ?? 0) % pool.held.length];
          change({ releases: one === undefined ? [] : [one] });
        }
        expect(served.sort((a, b) => a - b)).toEqual([...asked.keys()].sort((a, b) => a - b));
        expect(pool.waiting).toEqual([]);
      }),
    );
  });
});
