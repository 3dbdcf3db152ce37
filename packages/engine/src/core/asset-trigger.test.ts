import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { conditionText, holds, urisOf } from "./asset-condition.ts";
import {
  EMPTY_LOG,
  type LogState,
  logged,
  logViewOf,
  notThere,
  subscribed,
  told,
  toTell,
  unsubscribed,
} from "./asset-log.ts";
import { type DueRun, decideTrigger, initialTrigger, type TriggerState } from "./asset-trigger.ts";
import type { AssetCondition } from "./graph.ts";
import type { AssetEvent } from "./state.ts";

const leaf = (uri: string): AssetCondition => ({ kind: "asset", uri });
const and = (...of: AssetCondition[]): AssetCondition => ({ kind: "and", of });
const or = (...of: AssetCondition[]): AssetCondition => ({ kind: "or", of });
const eventOf = (uri: string, id: string, extra: AssetEvent["extra"] = {}): AssetEvent => ({
  ...{ id, uri, at: "2026-11-27T00:00:00.000Z", extra },
  source: { by: "a test" },
});

describe("a condition", () => {
  const condition = and(leaf("x:a"), or(leaf("x:b"), and(leaf("x:c"), leaf("x:a"))));
  it("holds, names its assets and reads as a sentence", () => {
    expect(holds(condition, new Set(["x:a"]))).toBe(false);
    expect(holds(condition, new Set(["x:b"]))).toBe(false);
    expect(holds(condition, new Set(["x:a", "x:b"]))).toBe(true);
    expect(holds(condition, new Set(["x:a", "x:c"]))).toBe(true);
    expect(urisOf(condition)).toEqual(["x:a", "x:b", "x:c"]);
    expect(conditionText(condition)).toBe("x:a and (x:b or (x:c and x:a))");
  });
});

/** A trigger that a test drives by hand: the runs it decided on as lists of event ids. */
class Hand {
  state: TriggerState;
  private readonly seqs: Record<string, number> = {};
  constructor(condition: AssetCondition) {
    this.state = initialTrigger(condition);
  }
  on(event: Parameters<typeof decideTrigger>[1]): string[][] {
    const { due } = this.state;
    this.state = decideTrigger(this.state, event);
    return this.state.due.slice(due.length).map(({ events }) => events.map(({ id }) => id));
  }
  tell(uri: string, ...ids: string[]): string[][] {
    const events = ids.map((id) => {
      const seq = (this.seqs[uri] ?? 0) + 1;
      this.seqs[uri] = seq;
      return { seq, event: eventOf(uri, id) };
    });
    return this.on({ type: "events", uri, log: "l", events, at: 5 });
  }
}

describe("a trigger", () => {
  it("runs once for each event of an or", () => {
    const hand = new Hand(or(leaf("x:a"), leaf("x:b")));
    expect(hand.tell("x:a", "a1", "a2")).toEqual([["a1"], ["a2"]]);
    expect(hand.tell("x:b", "b1")).toEqual([["b1"]]);
  });

  it("waits for all of an and, and takes all that has come since", () => {
    const hand = new Hand(and(leaf("x:a"), leaf("x:b")));
    expect(hand.tell("x:a", "a1", "a2")).toEqual([]);
    expect(hand.tell("x:b", "b1", "b2")).toEqual([["a1", "a2", "b1"]]);
    expect(hand.tell("x:a", "a3")).toEqual([["b2", "a3"]]);
  });

  it("takes the events of all its assets, also of those that it could have done without", () => {
    const hand = new Hand(or(leaf("x:a"), and(leaf("x:b"), leaf("x:c"))));
    expect(hand.tell("x:b", "b1")).toEqual([]);
    expect(hand.tell("x:a", "a1")).toEqual([["b1", "a1"]]);
    expect(hand.tell("x:c", "c1")).toEqual([]);
  });

  it("knows what it was told before, from each log anew", () => {
    const hand = new Hand(leaf("x:a"));
    const events = [1, 2].map((seq) => ({ seq, event: eventOf("x:a", `a${seq}`) }));
    const tell = (log: string) => hand.on({ type: "events", uri: "x:a", log, events, at: 1 });
    expect(tell("one")).toEqual([["a1"], ["a2"]]);
    expect(tell("one")).toEqual([]);
    expect(tell("two")).toEqual([["a1"], ["a2"]]);
  });

  it("keeps what comes while it is paused for one run", () => {
    const hand = new Hand(leaf("x:a"));
    hand.on({ type: "pause", at: 1 });
    expect(hand.tell("x:a", "a1", "a2")).toEqual([]);
    expect(hand.on({ type: "resume", at: 2 })).toEqual([["a1", "a2"]]);
    expect(hand.on({ type: "resume", at: 3 })).toEqual([]);
  });

  it("keeps what it still waits for when the code changes", () => {
    const hand = new Hand(and(leaf("x:a"), leaf("x:b"), leaf("x:c")));
    hand.tell("x:a", "a1");
    hand.tell("x:b", "b1");
    expect(hand.on({ type: "configure", condition: and(leaf("x:b"), leaf("x:d")), at: 1 })).toEqual([]);
    expect(hand.tell("x:a", "a2")).toEqual([]);
    expect(hand.tell("x:d", "d1")).toEqual([["b1", "d1"]]);
    hand.tell("x:d", "d2");
    expect(hand.on({ type: "configure", condition: leaf("x:d"), at: 1 })).toEqual([["d2"]]);
  });

  it("gives each run a moment of its own, later than the one before", () => {
    const first = decideTrigger(initialTrigger(leaf("x:a")), {
      ...{ type: "events", uri: "x:a", log: "l", at: 7 },
      events: [1, 2, 3].map((seq) => ({ seq, event: eventOf("x:a", `a${seq}`) })),
    });
    expect(first.due.map(({ at }) => at)).toEqual([7, 8, 9]);
    const event = { seq: 4, event: eventOf("x:a", "a4") };
    const later = decideTrigger(first, { type: "started", startedAt: 20, at: 2 });
    const next = decideTrigger(later, { type: "events", uri: "x:a", log: "l", at: 3, events: [event] });
    expect(next.due.map(({ at }) => at)).toEqual([8, 9, 21]);
  });

  it("splits more than a run can take, oldest first, and has each run hold by itself", () => {
    const hand = new Hand(and(leaf("x:a"), leaf("x:b")));
    hand.tell("x:a", ...Array.from({ length: 700 }, (_, at) => `a${at}`));
    const [first, ...others] = hand.tell("x:b", "b0");
    expect([first?.length, first?.[0], first?.[499], first?.at(-1)]).toEqual([501, "a0", "a499", "b0"]);
    expect(others).toEqual([]);
    expect(hand.tell("x:b", "b1")[0]?.length).toBe(201);
  });

  it("gathers what comes in a flood, and loses none of it", () => {
    const hand = new Hand(leaf("x:a"));
    const flood = Array.from({ length: 5_000 }, (_, at) => `a${at}`.padEnd(120, "."));
    hand.tell("x:a", ...flood);
    expect(hand.state.due.length).toBe(100);
    const runs: string[][] = [];
    for (let at = 0; hand.state.due.length > 0; at += 1) {
      runs.push((hand.state.due[0]?.events ?? []).map(({ id }) => id));
      hand.on({ type: "started", startedAt: at, at });
    }
    expect(runs.flat()).toEqual(flood);
    expect(runs.map(({ length }) => length).slice(0, 100)).toEqual(Array.from({ length: 100 }, () => 1));
    expect(runs.length).toBeLessThan(120);
    expect(hand.state).toMatchObject({ dropped: 0, pending: [] });
  });

  it("drops the oldest of what would be too much to keep, and says so", () => {
    const hand = new Hand(and(leaf("x:a"), leaf("x:b")));
    hand.tell("x:a", ...Array.from({ length: 10_000 }, (_, at) => `a${at}`.padEnd(120, ".")));
    expect(hand.state.dropped).toBeGreaterThan(0);
    expect(hand.state.pending.length + hand.state.dropped).toBe(10_000);
    expect(JSON.stringify(hand.state).length).toBeLessThan(750_000);
  });
});

describe("a log", () => {
  it("takes each event once and tells those who wait from then on", () => {
    let log = subscribed(logged(EMPTY_LOG, [eventOf("x:a", "1")]), "early");
    log = logged(log, [eventOf("x:a", "1"), eventOf("x:a", "2"), eventOf("x:a", "2")]);
    log = logged(subscribed(log, "late"), [eventOf("x:a", "3")]);
    const telling = () => toTell(log).map(({ dagId, events }) => [dagId, events.map(({ event }) => event.id)]);
    expect(telling()).toEqual([
      ["early", ["2", "3"]],
      ["late", ["3"]],
    ]);
    log = notThere(told(log, "early", 2), "late");
    expect(telling()).toEqual([["early", ["3"]]]);
    expect(toTell(log, true).length).toBe(2);
    log = unsubscribed(subscribed(log, "late"), "early");
    expect(telling()).toEqual([["late", ["3"]]]);
    expect(logViewOf(log)).toMatchObject({ count: 3, events: [{ id: "3" }, { id: "2" }, { id: "1" }] });
  });

  it("keeps what is still to be told, and the last hundred", () => {
    const events = Array.from({ length: 500 }, (_, at) => eventOf("x:a", String(at)));
    expect(logged(EMPTY_LOG, events).events.length).toBe(100);
    const waited = logged(subscribed(EMPTY_LOG, "d"), events);
    expect(waited.events.length).toBe(500);
    expect(told(waited, "d", 450).events.length).toBe(100);
    const large = events.map((event) => ({ ...event, extra: { text: "x".repeat(16_000) } }));
    expect(JSON.stringify(logged(EMPTY_LOG, large)).length).toBeLessThan(800_000);
  });

  it("keeps all for who is there; for who is not, as much as it can, and says what it cannot", () => {
    const large = { text: "x".repeat(1_000) };
    const events = Array.from({ length: 2_000 }, (_, at) => eventOf("x:a", String(at), large));
    const there = logged(subscribed(EMPTY_LOG, "d"), events);
    expect([there.events.length, there.dropped]).toEqual([2_000, 0]);
    expect(toTell(there)[0]?.events.length).toBe(200);
    const absent = logged(notThere(subscribed(EMPTY_LOG, "d"), "d"), events);
    expect(JSON.stringify(absent).length).toBeLessThan(1_000_000);
    expect(absent.dropped).toBe(2_000 - absent.events.length);
    expect(absent.dropped).toBeGreaterThan(1_000);
  });
});

/** What happens to two DAGs and three assets, in any order. */
const happening = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant("emit" as const), uri: fc.nat({ max: 2 }), again: fc.nat() }) },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant("forward" as const), lost: fc.boolean(), twice: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constantFrom("pause", "resume", "resubscribe", "restart", "start", "start" as const),
      dag: fc.nat({ max: 1 }),
    }),
  },
);

describe("whatever happens in between", () => {
  it("every DAG is given every event once, in order, and runs only when its condition holds", () => {
    const conditions: AssetCondition[] = [
      or(leaf("x:0"), and(leaf("x:1"), leaf("x:2"))),
      and(leaf("x:0"), or(leaf("x:1"), leaf("x:2"))),
    ];
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
        const uris = ["x:0", "x:1", "x:2"];
        const logs: LogState[] = uris.map(() => subscribed(subscribed(EMPTY_LOG, "0"), "1"));
        let triggers = conditions.map((condition) => initialTrigger(condition));
        const runs: DueRun[][] = [[], []];
        const emitted: AssetEvent[] = [];
        let clock = 0;
        const decide = (dag: number, event: Parameters<typeof decideTrigger>[1]) => {
          const before = triggers[dag];
          if (before === undefined) return;
          const after = decideTrigger(before, event);
          triggers = triggers.with(dag, after);
          if (before.paused && event.type === "events") expect(after.due).toEqual(before.due);
        };
        const start = (dag: number) => {
          const [next] = triggers[dag]?.due ?? [];
          if (next === undefined || triggers[dag]?.paused) return;
          runs[dag]?.push(next);
          decide(dag, { type: "started", startedAt: next.at, at: clock });
        };
        const forward = (lost: boolean, twice: boolean) => {
          for (const [place, uri] of uris.entries()) {
            for (const { dagId, events } of toTell(logs[place] ?? EMPTY_LOG, true)) {
              for (let time = 0; time < (twice ? 2 : 1); time += 1)
                decide(Number(dagId), { type: "events", uri, log: "l", events, at: clock });
              // Told, but the log does not know it: it tells again.
              const log = logs[place] ?? EMPTY_LOG;
              logs[place] = lost ? notThere(log, dagId) : told(log, dagId, events.at(-1)?.seq ?? 0);
            }
          }
        };
        for (const one of happenings) {
          clock += 1;
          if (one.type === "emit") {
            const old = emitted[one.again];
            const event = old ?? eventOf(uris[one.uri] ?? "", `e${emitted.length}`);
            if (old === undefined) emitted.push(event);
            const place = uris.indexOf(event.uri);
            logs[place] = logged(logs[place] ?? EMPTY_LOG, [event]);
          } else if (one.type === "forward") forward(one.lost, one.twice);
          else if (one.type === "resubscribe")
            for (const [place, log] of logs.entries()) logs[place] = subscribed(log, String(one.dag));
          else if (one.type === "restart") {
            triggers = JSON.parse(JSON.stringify(triggers));
            for (const [place, log] of logs.entries()) logs[place] = JSON.parse(JSON.stringify(log));
          } else if (one.type === "start") start(one.dag);
          else decide(one.dag, { type: one.type, at: clock });
        }
        for (const dag of [0, 1]) decide(dag, { type: "resume", at: clock });
        forward(false, false);
        for (const dag of [0, 1]) while ((triggers[dag]?.due.length ?? 0) > 0) start(dag);
        for (const [dag, condition] of conditions.entries()) {
          const own = runs[dag] ?? [];
          const given = own.flatMap(({ events }) => events.map(({ id }) => id));
          expect(new Set(given).size).toBe(given.length);
          const waits = triggers[dag]?.pending.map(({ id }) => id) ?? [];
          expect([...given, ...waits].sort()).toEqual(emitted.map(({ id }) => id).sort());
          for (const uri of uris) {
            const of = (events: readonly AssetEvent[]) => events.filter((event) => event.uri === uri);
            const inOrder = [...own.flatMap(({ events }) => of(events)), ...of(triggers[dag]?.pending ?? [])];
            expect(inOrder.map(({ id }) => id)).toEqual(of(emitted).map(({ id }) => id));
          }
          for (const { events } of own) expect(holds(condition, new Set(events.map(({ uri }) => uri)))).toBe(true);
          expect(holds(condition, new Set(triggers[dag]?.pending.map(({ uri }) => uri)))).toBe(false);
          const moments = own.map(({ at }) => at);
          expect(moments).toEqual([...new Set(moments)].sort((a, b) => a - b));
        }
      }),
      { numRuns: 500 },
    );
  });
});
