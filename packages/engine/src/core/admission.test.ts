import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { graphOf, type NodeSketch, policyWith } from "./fixtures/graph-of.ts";
import { Play } from "./fixtures/play.ts";
import { decide, isFinal, isOver, type SchedulerCommand, type SchedulerEvent, type SchedulerState } from "./index.ts";
import { changePool, EMPTY_POOL, type SlotPool, usedSlots } from "./slot-pool.ts";

const GPU = { pools: [{ pool: "gpu", slots: 2 }] };
const grant = (play: Play, id: string, ticket: number, index?: number) =>
  play.on({ type: "slots_granted", id, index, ticket });

describe("a task that takes slots", () => {
  it("is queued until it has them, and gives them back when it has ended", () => {
    const play = new Play(
      graphOf([
        { id: "a", ...GPU, priority: 7 },
        { id: "b", upstream: ["a"] },
      ]),
    );
    expect(play.start()).toEqual(["acquire a gpu:2"]);
    expect(play.commands).toMatchObject([{ ticket: 1, priority: 7 }]);
    expect(play.state.tasks.a).toMatchObject({ state: "queued", attempts: 0 });
    expect(play.state.tasks.a?.reason).toBe('it waits for 2 slots of pool "gpu"');
    expect(grant(play, "a", 9)).toEqual([]);
    expect(grant(play, "a", 1)).toEqual(["run a#1"]);
    expect(grant(play, "a", 1)).toEqual([]);
    expect(play.succeed("a")).toEqual(["release a", "run b#1"]);
    expect(play.succeed("b")).toEqual(["finish"]);
    expect(play.state.slots).toEqual({ last: 1, open: [] });
  });

  it("holds none in the pause before a retry, nor after its worker was lost", () => {
    const play = new Play(
      graphOf([{ id: "a", ...GPU, policy: policyWith({ retries: 1, retryDelayMs: 5, maxRetryDelayMs: 5 }) }]),
    );
    play.start();
    grant(play, "a", 1);
    expect(play.fail("a")).toEqual(["release a", "wait a 5"]);
    expect(play.on({ type: "retry_due", id: "a" })).toEqual(["acquire a gpu:2"]);
    expect(play.state.tasks.a?.error?.code).toBe("BROKEN");
    expect(grant(play, "a", 2)).toEqual(["run a#2"]);
    expect(play.lose("a")).toEqual(["release a", "acquire a gpu:2"]);
    expect(grant(play, "a", 2)).toEqual([]);
    expect(grant(play, "a", 3)).toEqual(["run a#2"]);
  });

  it("gives them back when it is cleared, marked or cancelled, running or queued", () => {
    for (const running of [true, false]) {
      const begun = () => {
        const play = new Play(graphOf([{ id: "a", ...GPU }, { id: "b" }]));
        play.start();
        if (running) grant(play, "a", 1);
        return play;
      };
      const clear = { type: "clear", places: [{ id: "a" }], downstream: true } as const;
      expect(begun().on(clear)).toEqual(["release a", "cancel a", "acquire a gpu:2"]);
      expect(begun().on({ type: "mark", id: "a", as: "success" })).toEqual(["release a", "cancel a"]);
      const play = begun();
      expect(play.on({ type: "cancel", reason: "enough" })).toContain("release a");
      expect(play.states()).toEqual({ a: running ? "failed" : "skipped", b: "failed" });
    }
  });

  it("stands back from the queue while the run is paused", () => {
    const play = new Play(graphOf([{ id: "a", ...GPU }]));
    play.start();
    expect(play.on({ type: "pause" })).toEqual(["release a"]);
    expect(play.states()).toEqual({ a: "scheduled" });
    expect(grant(play, "a", 1)).toEqual([]);
    expect(play.on({ type: "resume" })).toEqual(["acquire a gpu:2"]);
    expect(grant(play, "a", 2)).toEqual(["run a#1"]);
  });

  it("if it is mapped takes them for each item", () => {
    const map = { over: { kind: "literal", value: [1, 2, 3] }, window: 2 } as const;
    const play = new Play(graphOf([{ id: "m", ...GPU, map }]));
    expect(play.start()).toEqual(["acquire m[0] gpu:2", "acquire m[1] gpu:2"]);
    expect(grant(play, "m", 2, 1)).toEqual(["run m#1"]);
    expect(play.state.tasks.m?.mapped?.map(({ state }) => state)).toEqual(["queued", "running", "none"]);
    expect(play.on({ type: "task_succeeded", id: "m", index: 1, output: 1 })).toEqual([
      "release m[1]",
      "acquire m[2] gpu:2",
    ]);
    expect(play.on({ type: "cancel", reason: "enough" })).toEqual(
      expect.arrayContaining(["release m[0]", "release m[2]"]),
    );
    expect(play.state.state).toBe("cancelled");
  });
});

describe("maxActiveTasks", () => {
  it("lets so many tasks of a run run at once, by priority, then in the order of the graph", () => {
    const nodes: NodeSketch[] = [{ id: "a" }, { id: "b" }, { id: "c", priority: 2 }, { id: "d", kind: "derive" }];
    const play = new Play({ ...graphOf(nodes), maxActiveTasks: 1 });
    expect(play.start()).toEqual(["run d#1", "run c#1"]);
    expect(play.state.tasks.a?.state).toBe("scheduled");
    expect(play.state.tasks.a?.reason).toContain("at most 1 tasks of this run");
    expect(play.succeed("c")).toEqual(["run a#1"]);
    play.on({ type: "pause" });
    expect(play.succeed("a")).toEqual([]);
    expect(play.on({ type: "resume" })).toEqual(["run b#1"]);
  });

  it("counts items, and lets those first that hold slots", () => {
    const map = { over: { kind: "literal", value: [1, 2, 3] }, window: 9 } as const;
    const play = new Play({
      ...graphOf([
        { id: "m", map },
        { id: "g", ...GPU },
      ]),
      maxActiveTasks: 2,
    });
    expect(play.start()).toEqual(["acquire g gpu:2", "run m#1", "run m#1"]);
    expect(grant(play, "g", 1)).toEqual([]);
    expect(play.state.tasks.g).toMatchObject({ state: "queued", granted: true });
    expect(play.on({ type: "task_succeeded", id: "m", index: 0, output: 1 })).toEqual(["run g#1"]);
    expect(play.succeed("g")).toEqual(["release g", "run m#1"]);
  });
});

const POOLS = { one: 1, two: 2 } as const;

/** Graphs whose tasks take slots of two pools, some of them mapped, some retried. */
const graphs = fc
  .record({
    maxActiveTasks: fc.constantFrom(undefined, 1, 2, 5),
    drafts: fc.array(
      fc.record({
        upstream: fc.uniqueArray(fc.nat({ max: 7 }), { maxLength: 2 }),
        pools: fc.subarray([
          { pool: "one", slots: 1 },
          { pool: "two", slots: 2 },
        ] as const),
        priority: fc.integer({ min: 0, max: 3 }),
        items: fc.constantFrom(undefined, undefined, 0, 1, 4),
        retries: fc.nat({ max: 1 }),
        teardown: fc.constantFrom(false, false, true),
      }),
      { minLength: 1, maxLength: 8 },
    ),
  })
  .map(({ maxActiveTasks, drafts }) => {
    const nodes = drafts.map(({ upstream, pools, priority, items, retries, teardown }, index): NodeSketch => {
      const before = upstream.filter((at) => at < index).map((at) => `n${at}`);
      return {
        ...{ id: `n${index}`, upstream: before.sort(), priority, policy: policyWith({ retries }) },
        ...(pools.length === 0 ? {} : { pools }),
        ...(items === undefined ? {} : { map: { over: { kind: "literal", value: Array(items).fill(1) }, window: 3 } }),
        ...(teardown && before.length > 0 ? { teardown, triggerRule: "all_done" as const } : {}),
      };
    });
    return { ...graphOf(nodes), ...(maxActiveTasks === undefined ? {} : { maxActiveTasks }) };
  });

/** A run with its pools, driven by hand; what the laws are is checked at every step. */
class PooledPlay {
  state: SchedulerState;
  readonly pools = new Map<string, SlotPool>(
    Object.entries(POOLS).map(([name, slots]) => [name, { ...EMPTY_POOL, slots }]),
  );
  /** What can happen next by itself: attempts that run, pauses before a retry. */
  open: Extract<SchedulerCommand, { type: "run_task" | "wait_retry" }>[] = [];
  private readonly wishes = new Map<number, Extract<SchedulerCommand, { type: "acquire_slots" }> & { held: number }>();
  private readonly grants: SchedulerEvent[] = [];

  constructor(private readonly graph: ReturnType<typeof graphOf>) {
    this.state = new Play(graph).state;
  }

  feed(event: SchedulerEvent): void {
    const { state, commands } = decide(this.state, event);
    this.state = state;
    for (const command of commands) this.carryOut(command);
    this.check();
    for (let next = this.grants.shift(); next !== undefined; next = this.grants.shift()) this.feed(next);
  }

  private carryOut(command: SchedulerCommand): void {
    if (command.type === "run_task" || command.type === "wait_retry") this.open.push(command);
    else if (command.type === "cancel_task")
      this.open = this.open.filter(({ id, index }) => id !== command.id || index !== command.index);
    else if (command.type === "acquire_slots") {
      expect(this.wishes.has(command.ticket)).toBe(false);
      this.wishes.set(command.ticket, { ...command, held: 0 });
      this.ask(command.ticket);
    } else if (command.type === "release_slots") {
      const wish = this.wishes.get(command.ticket);
      expect(wish).toBeDefined();
      this.wishes.delete(command.ticket);
      for (const { pool } of wish?.claims ?? []) this.change(pool, { releases: [key(command.ticket)] });
    }
  }

  private ask(ticket: number): void {
    const wish = this.wishes.get(ticket);
    const claim = wish?.claims[wish.held];
    if (wish === undefined || claim === undefined) return;
    this.change(claim.pool, { requests: [{ ...key(ticket), slots: claim.slots, priority: wish.priority, since: 0 }] });
  }

  private change(name: string, what: Parameters<typeof changePool>[1]): void {
    const { pool, granted } = changePool(this.pools.get(name) ?? EMPTY_POOL, what, 0);
    this.pools.set(name, pool);
    for (const { ticket } of granted) {
      const wish = this.wishes.get(ticket);
      if (wish === undefined) continue;
      wish.held += 1;
      if (wish.held < wish.claims.length) this.ask(ticket);
      else this.grants.push({ type: "slots_granted", id: wish.id, index: wish.index, ticket, at: 0 });
    }
  }

  private check(): void {
    for (const pool of this.pools.values()) expect(usedSlots(pool)).toBeLessThanOrEqual(pool.slots);
    const running: { id: string; ticket?: number | undefined }[] = Object.entries(this.state.tasks).flatMap(
      ([id, status]) =>
        [status.mapped === undefined ? status : [], ...(status.mapped ?? [])]
          .flat()
          .flatMap(({ state, ticket }) => (state === "running" ? [{ id, ticket }] : [])),
    );
    expect(running.length).toBeLessThanOrEqual(this.graph.maxActiveTasks ?? Number.POSITIVE_INFINITY);
    for (const { id, ticket } of running) {
      const { pools = [] } = this.graph.nodes.find((node) => node.id === id) ?? {};
      const wish = this.wishes.get(ticket ?? -1);
      if (pools.length > 0) expect(wish?.held).toBe(pools.length);
    }
    expect(this.state.slots?.open.map(({ ticket }) => ticket) ?? []).toEqual([...this.wishes.keys()]);
  }
}

function key(ticket: number) {
  return { run: "r", execution: "e", ticket };
}

describe("for every graph with pools, whatever happens", () => {
  it("no slot is held twice or kept, and every run ends", () => {
    fc.assert(
      fc.property(
        graphs,
        fc.infiniteStream(fc.nat({ max: 999 })),
        fc.constantFrom(false, true),
        (graph, picks, eventful) => {
          const play = new PooledPlay(graph);
          const pick = (count: number) => (picks.next().value ?? 0) % count;
          const error = { code: "X", message: "x", retryable: true };
          play.feed({ type: "run_started", at: 0 });
          for (let step = 0; step < 200 && !isOver(play.state.state); step += 1) {
            // Interventions for a while; then it goes to its end.
            const whim = eventful && step < 40 ? pick(12) : 99;
            const id = `n${pick(graph.nodes.length)}`;
            if (whim === 0) play.feed({ type: "pause", at: 0 });
            else if (whim === 1) play.feed({ type: "clear", places: [{ id }], downstream: pick(2) === 0, at: 0 });
            else if (whim === 2) play.feed({ type: "mark", id, as: pick(2) === 0 ? "success" : "failed", at: 0 });
            else if (whim === 3 && pick(4) === 0) play.feed({ type: "cancel", reason: "enough", at: 0 });
            else if (play.state.state === "paused" && (whim > 6 || play.open.length === 0))
              play.feed({ type: "resume", at: 0 });
            const [next] = play.open.splice(pick(Math.max(1, play.open.length)), 1);
            if (next === undefined) continue;
            const place = { id: next.id, index: next.index, at: 0 };
            if (next.type === "wait_retry") play.feed({ ...place, type: "retry_due" });
            else if (pick(8) === 0) play.feed({ ...place, type: "task_lost" });
            else if (pick(4) === 0) play.feed({ ...place, type: "task_failed", error });
            else play.feed({ ...place, type: "task_succeeded", output: 1 });
          }
          expect(isOver(play.state.state)).toBe(true);
          for (const { state } of Object.values(play.state.tasks)) expect(isFinal(state)).toBe(true);
          for (const pool of play.pools.values()) expect(pool).toMatchObject({ held: [], waiting: [] });
        },
      ),
      { numRuns: 300 },
    );
  });

  it("pools change no final state", () => {
    fc.assert(
      fc.property(graphs, fc.infiniteStream(fc.boolean()), (graph, luck) => {
        const works = new Map(graph.nodes.map(({ id }) => [id, luck.next().value ?? true]));
        const finish = (played: ReturnType<typeof graphOf>) => {
          const play = new PooledPlay(played);
          play.feed({ type: "run_started", at: 0 });
          for (let next = play.open.shift(); next !== undefined; next = play.open.shift()) {
            const place = { id: next.id, index: next.index, at: 0 };
            if (next.type === "wait_retry") play.feed({ ...place, type: "retry_due" });
            else if (works.get(next.id)) play.feed({ ...place, type: "task_succeeded", output: 1 });
            else play.feed({ ...place, type: "task_failed", error: { code: "X", message: "x", retryable: true } });
          }
          return Object.entries(play.state.tasks).map(([id, { state, attempts }]) => [id, state, attempts]);
        };
        const { maxActiveTasks: _, ...free } = graph;
        const nodes = graph.nodes.map(({ pools: __, ...node }) => node);
        expect(finish(graph)).toEqual(finish({ ...free, nodes }));
      }),
    );
  });
});
