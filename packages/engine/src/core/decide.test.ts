import { describe, expect, it } from "vitest";
import fixture from "./fixtures/airflow-states.json" with { type: "json" };
import { graphOf, policyWith, RUN } from "./fixtures/graph-of.ts";
import { Play } from "./fixtures/play.ts";
import { decide, type Expression, initialState, MAX_LOST_ATTEMPTS, type TriggerRule } from "./index.ts";

const read = (node: string, ...path: (string | number)[]): Expression => ({ kind: "node", node, path });

describe("states as Airflow's", () => {
  it.each(fixture.cases.map((one) => [one.id, one] as const))("%s", (_id, { input, expect: expected }) => {
    const graph = graphOf(
      input.tasks.map(({ id, after, triggerRule }) => ({
        id,
        upstream: [...after].sort(),
        triggerRule: triggerRule as TriggerRule,
      })),
    );
    const outcomes = new Map(input.tasks.map(({ id, outcome }) => [id, outcome as "success" | "fail" | "skip"]));
    const play = new Play(graph).finish((id) => outcomes.get(id) ?? "success");
    expect({ state: play.state.state, tasks: play.states() }).toEqual(expected);
  });
});

describe("failure and skip", () => {
  it("failure wins over skip in all_success, whichever ends first", () => {
    const graph = graphOf([{ id: "a" }, { id: "b" }, { id: "c", upstream: ["a", "b"] }]);
    for (const order of [0, 1]) {
      const play = new Play(graph).finish(
        (id) => (id === "a" ? "skip" : "fail"),
        (open) => (order === 0 ? 0 : open - 1),
      );
      expect(play.states()).toEqual({ a: "skipped", b: "failed", c: "upstream_failed" });
      expect(play.state.tasks.c?.reason).toBe("upstream failed: b");
    }
  });

  it("a run fails by its leaves, and names the task that failed first", () => {
    const play = new Play(graphOf([{ id: "a" }, { id: "b", upstream: ["a"] }])).finish(() => "fail");
    expect(play.state).toMatchObject({ state: "failed", error: { code: "BROKEN", message: 'Task "a": it broke' } });
    const caught = graphOf([{ id: "a" }, { id: "b", upstream: ["a"], triggerRule: "all_done" }]);
    expect(new Play(caught).finish((id) => (id === "a" ? "fail" : "success")).state.state).toBe("success");
  });

  it("a run without nodes ends as it starts", () => {
    expect(new Play(graphOf([])).start()).toEqual(["finish"]);
  });
});

describe("retries", () => {
  const retrying = (some: Parameters<typeof policyWith>[0]) =>
    new Play(graphOf([{ id: "a", policy: policyWith(some) }]));

  it("waits longer each time, up to the bound", () => {
    const play = retrying({ retries: 4, retryDelayMs: 10, backoff: 3, maxRetryDelayMs: 100 });
    expect(play.start()).toEqual(["run a#1"]);
    const waits = [10, 30, 90, 100].map((delay, index) => {
      expect(play.fail("a")).toEqual([`wait a ${delay}`]);
      expect(play.states()).toEqual({ a: "up_for_retry" });
      return play.on({ type: "retry_due", id: "a" })[0] === `run a#${index + 2}`;
    });
    expect(waits).toEqual([true, true, true, true]);
    expect(play.fail("a")).toEqual(["finish"]);
    expect(play.state.tasks.a).toMatchObject({ state: "failed", attempts: 5 });
  });

  it("does not repeat what another attempt cannot mend", () => {
    const play = retrying({ retries: 4 });
    play.start();
    expect(play.fail("a", false)).toEqual(["finish"]);
  });

  it("forgets the error of a former attempt once one succeeds", () => {
    const play = retrying({ retries: 1 });
    play.start();
    play.fail("a");
    play.on({ type: "retry_due", id: "a" });
    play.succeed("a", 7);
    expect(play.state.tasks.a).toEqual({
      state: "success",
      attempts: 2,
      lost: 0,
      startedAt: 0,
      endedAt: 3,
      output: 7,
    });
  });
});

describe("lost workers", () => {
  it("start the same attempt again at once and cost no retry", () => {
    const play = new Play(graphOf([{ id: "a" }]));
    play.start();
    expect(play.lose("a")).toEqual(["run a#1"]);
    expect(play.lose("a")).toEqual(["run a#1"]);
    expect(play.state.tasks.a).toMatchObject({ attempts: 1, lost: 2 });
    play.succeed("a");
    expect(play.state.state).toBe("success");
  });

  it(`end the task after ${MAX_LOST_ATTEMPTS}`, () => {
    const play = new Play(graphOf([{ id: "a", policy: policyWith({ retries: 3 }) }]));
    play.start();
    for (let lost = 1; lost < MAX_LOST_ATTEMPTS; lost += 1) expect(play.lose("a")).toEqual(["run a#1"]);
    expect(play.lose("a")).toEqual(["finish"]);
    expect(play.state.tasks.a).toMatchObject({ state: "failed", lost: 20, error: { code: "WORKER_LOST" } });
  });
});

describe("pause, resume, cancel", () => {
  const chain = graphOf([{ id: "a" }, { id: "b", upstream: ["a"] }, { id: "c", upstream: ["b"] }]);

  it("paused, running tasks finish and nothing new starts; resumed, it goes on", () => {
    const play = new Play(chain);
    play.start();
    expect(play.on({ type: "pause" })).toEqual([]);
    expect(play.succeed("a")).toEqual([]);
    expect(play.states()).toEqual({ a: "success", b: "scheduled", c: "none" });
    expect(play.state.state).toBe("paused");
    expect(play.on({ type: "resume" })).toEqual(["run b#1"]);
    play.succeed("b");
    play.succeed("c");
    expect(play.state.state).toBe("success");
  });

  it("a retry that comes due while paused waits for the resume", () => {
    const play = new Play(graphOf([{ id: "a", policy: policyWith({ retries: 1 }) }]));
    play.start();
    play.fail("a");
    play.on({ type: "pause" });
    expect(play.on({ type: "retry_due", id: "a" })).toEqual([]);
    expect(play.on({ type: "resume" })).toEqual(["run a#2"]);
  });

  it("can be paused before it starts", () => {
    const play = new Play(chain);
    play.on({ type: "pause" });
    expect(play.start()).toEqual([]);
    expect(play.on({ type: "resume" })).toEqual(["run a#1"]);
  });

  it("cancelled, running tasks are aborted and the rest is skipped; later events change nothing", () => {
    const play = new Play(chain);
    play.start();
    expect(play.on({ type: "cancel", reason: "wrong day" })).toEqual(["cancel a", "finish"]);
    expect(play.states()).toEqual({ a: "failed", b: "skipped", c: "skipped" });
    expect(play.state).toMatchObject({ state: "cancelled", error: { code: "CANCELLED" } });
    expect(play.state.tasks.b?.reason).toBe("the run was cancelled: wrong day");
    const before = play.state;
    expect(play.succeed("a")).toEqual([]);
    expect(play.state).toBe(before);
  });
});

describe("when", () => {
  const gate = graphOf([
    { id: "model" },
    {
      id: "good",
      kind: "derive",
      upstream: ["model"],
      input: { kind: "array", items: [read("model", "f1"), { kind: "literal", value: 0.85 }] },
    },
    { id: "register", upstream: ["good"], when: read("good") },
    { id: "deploy", upstream: ["register"] },
  ]);

  it("skips with the condition and its values, and all after it", () => {
    const play = new Play(gate);
    play.start();
    play.succeed("model", { f1: 0.83 });
    expect(play.succeed("good", false)).toEqual(["finish"]);
    expect(play.states()).toMatchObject({ register: "skipped", deploy: "skipped" });
    expect(play.state.tasks.register?.reason).toBe("good(0.83, 0.85) is false");
    expect(play.state.tasks.deploy?.reason).toBe("upstream skipped: register");
    expect(play.state.state).toBe("success");
  });

  it("does not run on a condition that nobody gave, whatever the trigger rule", () => {
    const graph = graphOf([
      { id: "good" },
      { id: "x", upstream: ["good"], triggerRule: "all_done", when: read("good") },
    ]);
    const play = new Play(graph).finish(() => "skip");
    expect(play.state.tasks.x).toMatchObject({
      state: "skipped",
      reason: "its condition is unknown: good is skipped",
    });
  });
});

describe("branch", () => {
  const fork = graphOf([
    { id: "ask" },
    { id: "fork", kind: "branch", upstream: ["ask"], keys: ["left", "right"], input: read("ask") },
    { id: "l", upstream: ["fork"], arms: [{ branch: "fork", key: "left" }] },
    { id: "r", upstream: ["fork"], arms: [{ branch: "fork", key: "right" }], triggerRule: "all_done" },
    { id: "join", upstream: ["l", "r"], triggerRule: "none_failed_min_one_success" },
  ]);

  it("runs one arm, skips the others, and joins", () => {
    const play = new Play(fork);
    play.start();
    expect(play.succeed("ask", "left")).toEqual(["run l#1"]);
    expect(play.state.tasks.r?.reason).toBe('branch "fork" chose "left", not "right"');
    expect(play.succeed("l")).toEqual(["run join#1"]);
  });

  it("fails on a value that is no arm", () => {
    const play = new Play(fork);
    play.start();
    expect(play.succeed("ask", "up")).toEqual(["finish"]);
    expect(play.state.tasks.fork?.error?.message).toBe(
      'The value "up" chooses no arm of the branch: there are "left", "right"',
    );
    expect(play.states()).toMatchObject({ l: "upstream_failed", r: "skipped" });
  });
});

describe("short circuit", () => {
  const graph = graphOf([
    { id: "ask" },
    { id: "gate", kind: "short_circuit", upstream: ["ask"], input: read("ask") },
    { id: "a", upstream: ["gate"] },
    { id: "b", upstream: ["a"], triggerRule: "all_done" },
    { id: "other" },
    { id: "c", upstream: ["b", "other"], triggerRule: "one_success" },
  ]);

  it.each([false, 0, "", null])("over %j skips everything after it, whatever the trigger rules", (value) => {
    const play = new Play(graph);
    play.start();
    // `other` alone would be enough for c; it still waits for the gate, so that the order does not matter.
    expect(play.succeed("other")).toEqual([]);
    expect(play.succeed("ask", value)).toEqual(["finish"]);
    expect(play.states()).toMatchObject({ gate: "success", a: "skipped", b: "skipped", c: "skipped" });
    expect(play.state.tasks.c?.reason).toBe('short circuit "gate" let nothing through');
  });

  it("lets a true value through", () => {
    const play = new Play(graph);
    play.start();
    play.succeed("other");
    expect(play.succeed("ask", true).toSorted()).toEqual(["run a#1", "run c#1"]);
  });
});

describe("purity", () => {
  it("leaves the state it was given as it was", () => {
    const graph = graphOf([{ id: "a" }, { id: "b", upstream: ["a"] }]);
    const first = initialState(graph, {}, RUN);
    const frozen = JSON.stringify(first);
    const once = decide(first, { type: "run_started", at: 1 });
    expect(JSON.stringify(first)).toBe(frozen);
    expect(decide(first, { type: "run_started", at: 1 })).toEqual(once);
    expect(decide(JSON.parse(frozen), { type: "run_started", at: 1 })).toEqual(once);
  });
});
