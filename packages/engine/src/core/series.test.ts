import fc from "fast-check";
import { expect, it } from "vitest";
import { decide } from "./decide.ts";
import { readBy } from "./expression.ts";
import { graphOf, type NodeSketch, RUN } from "./fixtures/graph-of.ts";
import { type Expression, initialState, type Json, type SchedulerState, TRIGGER_RULES } from "./index.ts";
import { followersOf } from "./series.ts";

const graphs = fc
  .array(
    fc.record({
      // Most hang on the one before them.
      upstream: fc.oneof(
        { weight: 3, arbitrary: fc.constant<number[]>([1]) },
        { weight: 1, arbitrary: fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { maxLength: 3 }) },
      ),
      light: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
      kind: fc.constantFrom("task", "task", "task", "derive", "short_circuit" as const),
      triggerRule: fc.oneof(
        { weight: 6, arbitrary: fc.constant("all_success" as const) },
        fc.constantFrom(...TRIGGER_RULES),
      ),
      teardown: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.constant(true)),
      path: fc.constantFrom<string[]>([], ["field"], ["none"]),
    }),
    { minLength: 2, maxLength: 12 },
  )
  .map((drafts) =>
    graphOf(
      drafts.map(({ upstream: steps, kind, light, triggerRule, teardown, path }, at): NodeSketch => {
        const upstream = [...new Set(steps.filter((step) => step <= at).map((step) => `n${at - step}`))].sort();
        const reads = upstream.map((node): Expression => ({ kind: "node", node, path }));
        const input: Expression =
          kind === "short_circuit"
            ? { kind: "literal", value: true }
            : {
                kind: "object",
                fields: { all: { kind: "array", items: reads }, last: reads.at(-1) ?? { kind: "params", path } },
              };
        return { id: `n${at}`, kind, light, upstream, triggerRule, input, ...(teardown ? { teardown } : {}) };
      }),
    ),
  );

/** Ends a node, and says what the scheduler then wants to run. */
function succeed(state: SchedulerState, id: string, output: Json) {
  const { state: then, commands } = decide(state, { type: "task_succeeded", id, output, at: 1 });
  return { then, runs: commands.flatMap((command) => (command.type === "run_task" ? [command] : [])) };
}

it("each follower is all that the success of the one before it lets start, with the input that the scheduler gives it", () => {
  let followed = 0;
  fc.assert(
    fc.property(graphs, fc.infiniteStream(fc.nat()), (graph, picks) => {
      let { state, commands } = decide(initialState(graph, { field: 1 }, RUN), { type: "run_started", at: 0 });
      const open = commands.flatMap((command) => (command.type === "run_task" ? [command.id] : []));
      while (open.length > 0) {
        const [id = ""] = open.splice((picks.next().value ?? 0) % open.length, 1);
        const node = graph.nodes.find((one) => one.id === id);
        const followers = node === undefined ? [] : followersOf(state, node, 50);
        const outputs = new Map<string, Json>();
        let last = id;
        let ahead = state;
        for (const follower of followers) {
          followed += 1;
          const output = { field: last };
          outputs.set(last, output);
          const { then, runs } = succeed(ahead, last, output);
          expect(runs.map((run) => run.id)).toEqual([follower.node.id]);
          const input = readBy(follower.input, { params: null, run: RUN, outputOf: (of) => outputs.get(of) });
          expect(input).toEqual(runs[0]?.input);
          expect(follower.status.attempts + 1).toBe(runs[0]?.attempt);
          ahead = then;
          last = follower.node.id;
        }
        const { then, runs } = succeed(state, id, { field: id });
        state = then;
        open.push(...runs.map((run) => run.id));
      }
    }),
    { numRuns: 400 },
  );
  expect(followed).toBeGreaterThan(400);
});

it("nothing follows in a run that is paused or cancelled, nor what has a policy of its own", () => {
  const chain = (own: Partial<NodeSketch> = {}) =>
    graphOf([
      { id: "a", light: true },
      { id: "b", light: true, upstream: ["a"], ...own },
      { id: "c", light: true, upstream: ["b"] },
    ]);
  const following = (graph: ReturnType<typeof chain>, change: Partial<SchedulerState> = {}) => {
    const { state } = decide(initialState(graph, null, RUN), { type: "run_started", at: 0 });
    const [a] = graph.nodes;
    return a === undefined
      ? []
      : followersOf({ ...state, tasks: state.tasks, ...change }, a, 9).map(({ node }) => node.id);
  };
  expect(following(chain())).toEqual(["b", "c"]);
  expect(following(chain(), { state: "paused" })).toEqual([]);
  expect(following(chain(), { cancelling: "enough" })).toEqual([]);
  const literal = { kind: "literal", value: true } as const;
  for (const own of [
    { light: false },
    { queue: "gpu" },
    { cache: {} },
    { outlets: [{ uri: "file://x" }] },
    { when: literal },
    { map: { over: literal, window: 1 } },
    { sensor: { pokeMs: 1, timeoutMs: 1, onTimeout: "fail" } },
    { triggerRule: "all_done" },
    { teardown: true },
    { pools: [{ pool: "p", slots: 1 }] },
  ] satisfies Partial<NodeSketch>[])
    expect(following(chain(own))).toEqual([]);
});
