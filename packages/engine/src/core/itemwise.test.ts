import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { graphOf, RUN } from "./fixtures/graph-of.ts";
import {
  decide,
  type GraphNode,
  initialState,
  isFinal,
  isOver,
  type SchedulerCommand,
  type SchedulerEvent,
  type SchedulerState,
} from "./index.ts";

const over = (node: string): Partial<GraphNode> => ({
  upstream: [node],
  map: { over: { kind: "node", node, path: [] }, window: 3 },
  input: { kind: "item", path: [] },
});
/** A list, mapped, mapped over that, and again, and what takes the whole list. */
const graph = graphOf([
  { id: "a", map: { over: { kind: "params", path: [] }, window: 3 }, input: { kind: "item", path: [] } },
  { id: "b", ...over("a") },
  { id: "c", ...over("b") },
  { id: "whole", upstream: ["c"], input: { kind: "node", node: "c", path: [] } },
]);

type Start = Extract<SchedulerCommand, { type: "run_task" }>;
const nameOf = ({ id, index }: { id: string; index?: number | undefined }) => `${id}[${index ?? ""}]`;

/** A run of that graph whose shell checks what it is told to do. */
class Checked {
  state: SchedulerState;
  readonly keys: string[] = [];
  readonly open = new Map<string, Start>();
  private at = 0;
  private ending = false;

  constructor(count: number) {
    this.state = initialState(
      graph,
      Array.from({ length: count }, (_, index) => index),
      RUN,
    );
    this.feed({ type: "run_started" });
  }

  feed(event: object): void {
    const before = JSON.stringify(this.state);
    const decision = decide(this.state, { ...event, at: this.at++ } as SchedulerEvent);
    // A decision does not touch the state that it was made from.
    expect(JSON.stringify(this.state)).toBe(before);
    this.state = decision.state;
    for (const command of decision.commands) {
      if (command.type === "cancel_task") this.open.delete(nameOf(command));
      if (command.type !== "run_task") continue;
      expect(this.open.has(nameOf(command))).toBe(false);
      this.open.set(nameOf(command), command);
      // Two effects never share a key.
      const key = `${nameOf(command)}~${command.clears}`;
      expect(this.keys).not.toContain(key);
      this.keys.push(key);
    }
  }

  /** Ends one of the attempts that run; an output names the attempt that made it. */
  end(pick: number, how: "success" | "skip" | "fail"): void {
    // The last task waits, so that what comes before it can be cleared to and fro.
    const starts = [...this.open.values()].filter(({ id }) => id !== "whole" || this.ending);
    const start = starts[pick % Math.max(starts.length, 1)];
    if (start === undefined) return;
    const { id, index, clears } = start;
    this.open.delete(nameOf(start));
    if (how === "skip") this.feed({ type: "task_skipped", id, index, reason: "no" });
    else if (how === "fail")
      this.feed({ type: "task_failed", id, index, error: { code: "X", message: "x", retryable: false } });
    else this.feed({ type: "task_succeeded", id, index, output: `${nameOf(start)}~${clears}` });
  }

  finish(): void {
    this.ending = true;
    for (let step = 0; !isOver(this.state.state) && step < 1_000; step += 1) this.end(0, "success");
  }
}

/** What holds of a run that has ended: each item stands on what its source gave in the end. */
function check({ state }: Checked): void {
  expect(["success", "failed"]).toContain(state.state);
  for (const status of Object.values(state.tasks)) expect(isFinal(status.state)).toBe(true);
  for (const [id, from] of [
    ["b", "a"],
    ["c", "b"],
  ] as const) {
    const sources = state.tasks[from]?.mapped ?? [];
    const worked = sources.flatMap(({ state: one }, index) => (one === "success" ? [index] : []));
    const task = state.tasks[id];
    if (task?.state !== "success" && task?.state !== "failed") continue;
    const items = task.mapped ?? [];
    expect(items.map(({ source }, index) => source ?? index)).toEqual(worked);
    expect(items.map(({ input }) => input)).toEqual(worked.map((index) => sources[index]?.output));
    for (const item of items) expect(isFinal(item.state)).toBe(true);
    if (task.state === "success")
      expect(task.output).toEqual(items.flatMap((item) => (item.state === "success" ? [item.output] : [])));
  }
}

const mostly = ["success", "success", "success", "success", "success", "success", "skip", "skip"] as const;
const step = fc.oneof(
  {
    weight: 30,
    arbitrary: fc.record({ do: fc.constant("end" as const), pick: fc.nat(), how: fc.constantFrom(...mostly) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("end" as const), pick: fc.nat(), how: fc.constant("fail" as const) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("clear" as const),
      id: fc.constantFrom("a", "a", "b", "c"),
      index: fc.option(fc.nat({ max: 4 }), { freq: 8 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("pause" as const, "resume" as const) }) },
);

describe("whatever ends, is cleared and is paused in whatever order", () => {
  it("items stand on what they come from, no attempt runs twice at a place, no key is used twice", () => {
    fc.assert(
      fc.property(fc.nat({ max: 5 }), fc.array(step, { minLength: 30, maxLength: 150 }), (count, steps) => {
        const run = new Checked(count);
        for (const one of steps) {
          if (one.do === "end") run.end(one.pick, one.how);
          else if (one.do === "clear") {
            const { id, index } = one;
            run.feed({ type: "clear", places: [index === null ? { id } : { id, index }], downstream: true });
          } else run.feed({ type: one.do });
        }
        run.feed({ type: "resume" });
        run.finish();
        check(run);
      }),
      { numRuns: 400 },
    );
  });
});
