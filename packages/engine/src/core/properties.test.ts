import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { graphOf, type NodeSketch } from "./fixtures/graph-of.ts";
import { Play } from "./fixtures/play.ts";
import { applyTriggerRule, decide, isFinal, type SchedulerEvent, type TaskState, TRIGGER_RULES } from "./index.ts";

const FINAL: readonly TaskState[] = ["success", "failed", "skipped", "upstream_failed"];
const rule = fc.constantFrom(...TRIGGER_RULES);
const outcome = fc.constantFrom("success", "fail", "skip" as const);

/** Random graphs with all kinds of nodes; a fork looks at a literal, so that it decides at once when it is reached. */
const graphs = fc
  .array(
    fc.record({
      upstream: fc.uniqueArray(fc.nat({ max: 11 }), { maxLength: 3 }),
      triggerRule: rule,
      kind: fc.constantFrom("task", "task", "task", "branch", "short_circuit" as const),
      value: fc.constantFrom("left", "right", "neither", ""),
      arm: fc.constantFrom(undefined, "left", "right"),
      outcome,
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((drafts) => {
    const nodes: NodeSketch[] = [];
    for (const [index, draft] of drafts.entries()) {
      const upstream = draft.upstream.filter((at) => at < index).map((at) => `n${at}`);
      const branch = nodes.find(({ id, kind }) => kind === "branch" && upstream.includes(id));
      nodes.push({
        id: `n${index}`,
        kind: draft.kind,
        upstream: upstream.sort(),
        triggerRule: draft.triggerRule,
        ...(draft.kind === "branch" ? { keys: ["left", "right"] } : {}),
        ...(branch === undefined || draft.arm === undefined ? {} : { arms: [{ branch: branch.id, key: draft.arm }] }),
        input: { kind: "literal", value: draft.value },
      });
    }
    const outcomes = new Map(drafts.map((draft, index) => [`n${index}`, draft.outcome]));
    return { graph: graphOf(nodes), outcomes };
  });

describe("for every graph and every outcome", () => {
  it("every task ends in a final state, and none starts before its rule holds", () => {
    fc.assert(
      fc.property(graphs, fc.infiniteStream(fc.nat()), ({ graph, outcomes }, picks) => {
        const play = new Play(graph);
        const nodes = new Map(graph.nodes.map((node) => [node.id, node]));
        const check = play.on.bind(play);
        play.on = (event) => {
          const before = play.state;
          const commands = check(event);
          for (const command of play.commands) {
            if (command.type !== "run_task") continue;
            const node = nodes.get(command.id);
            expect(before.tasks[command.id]?.state).not.toBe("running");
            expect(
              applyTriggerRule(
                node?.triggerRule ?? "always",
                node?.upstream.map((id) => play.state.tasks[id]?.state ?? "none") ?? [],
              ),
            ).toBe("run");
          }
          return commands;
        };
        play.finish(
          (id) => outcomes.get(id) ?? "success",
          (open) => (picks.next().value ?? 0) % open,
        );
        expect(["success", "failed"]).toContain(play.state.state);
        for (const { state } of Object.values(play.state.tasks)) expect(isFinal(state)).toBe(true);
      }),
    );
  });

  it("a skipped arm never runs", () => {
    fc.assert(
      fc.property(graphs, ({ graph, outcomes }) => {
        const play = new Play(graph).finish((id) => outcomes.get(id) ?? "success");
        for (const { id, arms = [] } of graph.nodes) {
          const chosen = arms.every(({ branch, key }) => play.state.tasks[branch]?.output === key);
          if (!chosen) expect(play.state.tasks[id]?.attempts).toBe(0);
        }
      }),
    );
  });

  it("the order in which independent tasks end does not change the final states", () => {
    fc.assert(
      fc.property(graphs, fc.infiniteStream(fc.nat()), ({ graph, outcomes }, picks) => {
        const end = (pick: (open: number) => number) =>
          new Play(graph).finish((id) => outcomes.get(id) ?? "success", pick);
        const first = end(() => 0);
        const last = end((open) => open - 1);
        const random = end((open) => (picks.next().value ?? 0) % open);
        expect(last.states()).toEqual(first.states());
        expect(random.states()).toEqual(first.states());
        expect(random.state.state).toBe(first.state.state);
      }),
    );
  });

  it("a pause at any moment, resumed, changes nothing", () => {
    fc.assert(
      fc.property(graphs, fc.nat({ max: 10 }), ({ graph, outcomes }, when) => {
        const straight = new Play(graph).finish((id) => outcomes.get(id) ?? "success");
        const play = new Play(graph);
        const on = play.on.bind(play);
        let events = 0;
        play.on = (event) => {
          on(event);
          const { commands } = play;
          if (events++ !== when) return [];
          on({ type: "pause" });
          expect(play.commands).toEqual([]);
          on({ type: "resume" });
          play.commands = [...commands, ...play.commands];
          return [];
        };
        play.finish((id) => outcomes.get(id) ?? "success");
        expect(play.states()).toEqual(straight.states());
      }),
    );
  });

  it("no event breaks a run, whatever comes in which order", () => {
    const events = fc.array(
      fc.record({
        type: fc.constantFrom(
          "run_started",
          "task_succeeded",
          "task_failed",
          "task_skipped",
          "task_lost",
          "retry_due",
          "pause",
          "resume",
          "cancel",
        ),
        id: fc.constantFrom("n0", "n1", "n2", "nowhere"),
      }),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(graphs, events, ({ graph }, list) => {
        const error = { code: "X", message: "x", retryable: true };
        let state = new Play(graph).state;
        for (const [at, event] of list.entries()) {
          const decision = decide(state, { ...event, at, output: 1, error, reason: "r" } as SchedulerEvent);
          for (const command of decision.commands) {
            if (command.type === "run_task") expect(decision.state.tasks[command.id]?.state).toBe("running");
          }
          state = decision.state;
        }
      }),
    );
  });
});

it("a trigger rule that decides early decides as it would at the end", () => {
  fc.assert(
    fc.property(
      rule,
      fc.array(fc.constantFrom(...FINAL), { minLength: 1, maxLength: 5 }),
      fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
      (name, states, ended) => {
        const early = applyTriggerRule(
          name,
          states.map((state, index) => (ended[index] ? state : "running")),
        );
        if (early !== "wait") expect(early).toBe(applyTriggerRule(name, states));
      },
    ),
    { numRuns: 2_000 },
  );
});
