/** Random DAGs for properties over both shells: flat sketches that shrink well, and the DAGs that they stand for. */
import {
  type AnyRef,
  approval,
  branch,
  type Dag,
  defineDag,
  derive,
  group,
  SkipTask,
  shortCircuit,
  subdag,
  type TriggerRule,
  task,
} from "@dagwright/engine";
import fc from "fast-check";
import { z } from "zod";

/** What one attempt of a task does. A flaky one fails once. */
export type Outcome = "ok" | "fail" | "final" | "flaky" | "skip";

const RULES: readonly TriggerRule[] = [
  ...(["all_success", "all_failed", "all_done", "all_skipped", "one_success", "one_failed", "one_done"] as const),
  ...(["none_failed", "none_failed_min_one_success", "none_skipped", "all_done_min_one_success", "always"] as const),
];
/** Rules that do not wait for all: what such a node read would hang on which of them ends first. */
const EARLY: readonly TriggerRule[] = ["one_success", "one_failed", "one_done", "always"];

const outcome = fc.oneof(
  { arbitrary: fc.constant<Outcome>("ok"), weight: 6 },
  { arbitrary: fc.constantFrom<Outcome>("fail", "final", "flaky", "skip", "skip"), weight: 4 },
);

const sketch = fc.record({
  kind: fc.oneof(
    { arbitrary: fc.constantFrom("task", "mapped" as const), weight: 5 },
    {
      arbitrary: fc.constantFrom("flag", "list", "gate", "branch", "group", "subdag", "approval", "teardown" as const),
      weight: 6,
    },
  ),
  /** Earlier nodes, counted back from the last one. */
  upstream: fc.array(fc.nat({ max: 4 }), { maxLength: 3 }),
  rule: fc.oneof(
    { arbitrary: fc.constant<TriggerRule>("all_success"), weight: 3 },
    { arbitrary: fc.constantFrom(...RULES), weight: 2 },
  ),
  /** By item and number of clears. */
  outcomes: fc.array(outcome, { minLength: 1, maxLength: 3 }),
  retries: fc.nat({ max: 1 }),
  /** How many items, or nodes of the first arm or the group. */
  size: fc.nat({ max: 4 }),
  /** Which earlier list it is mapped over; of its own items where there is none. */
  over: fc.nat({ max: 2 }),
  when: fc.option(fc.nat({ max: 1 }), { nil: undefined, freq: 3 }),
  flavour: fc.constantFrom("plain", "plain", "light", "pool", "narrow" as const),
});
export type Sketch = typeof sketch extends fc.Arbitrary<infer One> ? One : never;

const place = { node: fc.nat({ max: 9 }), item: fc.option(fc.nat({ max: 3 }), { nil: undefined }) };
const operation = fc.oneof(
  fc.record({ type: fc.constant("clear" as const), ...place, downstream: fc.boolean() }),
  fc.record({ type: fc.constant("clear_failed" as const), downstream: fc.boolean() }),
  fc.record({ type: fc.constantFrom("mark_success", "mark_failed" as const), ...place }),
);
export type Operation = typeof operation extends fc.Arbitrary<infer One> ? One : never;

/** A DAG and what is done to its run: while it waits for its approval, and after it has ended. */
export const scenarios = fc.record({
  sketches: fc.array(sketch, { minLength: 2, maxLength: 10, size: "max" }),
  maxActiveTasks: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
  approved: fc.boolean(),
  live: fc.array(operation, { maxLength: 2 }),
  later: fc.array(operation, { minLength: 1, maxLength: 2 }),
});
export type Scenario = typeof scenarios extends fc.Arbitrary<infer One> ? One : never;

/** One attempt that ran. `began` and `ended` are places in the order of all that happened to its run. */
export interface Effect {
  readonly task: string;
  /** Without the run's id. */
  readonly key: string;
  readonly attempt: number;
  readonly began: number;
  ended: number;
}
const effectsOf = new Map<string, Effect[]>();
const clocks = new Map<string, number>();

/** What has run under an id, and under those of its sub-DAGs, since it was last asked for. */
export function takeEffects(runId: string): {
  readonly own: readonly Effect[];
  readonly ofChildren: readonly string[];
} {
  const own = effectsOf.get(runId) ?? [];
  effectsOf.delete(runId);
  const ofChildren: string[] = [];
  for (const [id, effects] of effectsOf) {
    if (!id.includes(`/${runId}/`)) continue;
    ofChildren.push(...effects.map(({ key, attempt }) => `${id}/${key} ${attempt}`));
    effectsOf.delete(id);
  }
  return { own, ofChildren: ofChildren.sort() };
}

function tick(runId: string): number {
  const now = (clocks.get(runId) ?? 0) + 1;
  clocks.set(runId, now);
  return now;
}

/** A number that hangs on a text, for outputs and decisions that change with what they are made of. */
export function hashOf(text: string): number {
  let hash = 7;
  for (const character of text) hash = (hash * 31 + character.charCodeAt(0)) % 1_000_003;
  return hash;
}

/** What the attempt of a task does, by its sketch, item and how often it was cleared. */
export function outcomeAt(outcomes: readonly string[], item: number, clears: number): string {
  return outcomes[(item + clears) % outcomes.length] ?? "ok";
}

const play = task("play", {
  input: z.object({ outcomes: z.array(z.string()), saw: z.json() }),
  output: z.number(),
  run: async ({ outcomes, saw }, { run, taskId, attempt, idempotencyKey }) => {
    const key = idempotencyKey.slice(run.id.length + 1);
    const effect = { task: taskId, key, attempt, began: tick(run.id), ended: 0 };
    effectsOf.set(run.id, [...(effectsOf.get(run.id) ?? []), effect]);
    // Others may run meanwhile.
    await new Promise((later) => setImmediate(later));
    effect.ended = tick(run.id);
    const clears = Number(/~(\d+)$/.exec(key)?.[1] ?? /~(\d+)$/.exec(run.id)?.[1] ?? 0);
    const how = outcomeAt(outcomes, Number(/\[(\d+)\]$/.exec(taskId)?.[1] ?? 0), clears);
    if (how === "skip") throw new SkipTask(`no need of ${taskId}`);
    if (how === "fail" || how === "final" || (how === "flaky" && attempt === 1))
      throw Object.assign(new Error(`${taskId} at attempt ${attempt}`), { code: how, retryable: how !== "final" });
    return hashOf(`${key} ${JSON.stringify(saw)}`) % 1_000;
  },
});

const child = defineDag(
  { id: "random_child", params: z.object({ outcomes: z.array(z.string()), saw: z.json() }) },
  ({ params }) => {
    const first = play({ outcomes: params.outcomes, saw: params.saw }, { id: "first", retries: 1, retryDelay: 1 });
    return play.map([1, 2], (item) => ({ outcomes: [], saw: [first, item] }), { id: "both" });
  },
);

/** What a node of a random DAG gives to those after it. */
interface Wired {
  readonly ref: AnyRef;
  readonly gives: "number" | "boolean" | "list" | "nothing";
}

/** The DAG that sketches stand for. */
export function dagOf(id: string, { sketches, maxActiveTasks }: Scenario): Dag {
  const options = { id, ...(maxActiveTasks === undefined ? {} : { maxActiveTasks }) };
  return defineDag(options, () => new Body(sketches).wire()) as unknown as Dag;
}

/** Wires sketch after sketch; those that stand in an arm or a group come right after it. */
class Body {
  private readonly wired: Wired[] = [];
  private readonly names: string[] = [];
  private readonly rest: Sketch[];
  private asked = false;

  constructor(sketches: readonly Sketch[]) {
    this.rest = [...sketches];
  }

  wire(): unknown {
    while (this.rest.length > 0) this.next();
    return Object.fromEntries(
      this.wired.flatMap(({ ref, gives }, at) => (gives === "nothing" ? [] : [[this.names[at] ?? "", ref]])),
    );
  }

  private take(count: number): void {
    for (let taken = 0; taken < count && this.rest.length > 0; taken += 1) this.next();
  }

  private next(): void {
    const one = this.rest.shift();
    if (one === undefined) return;
    const id = `${one.kind}_${this.wired.length}`;
    const before = [...new Set(one.upstream)].flatMap((back) => this.wired.at(-1 - back) ?? []);
    const triggerRule = one.kind === "teardown" ? "all_done" : one.rule;
    const reads = EARLY.includes(triggerRule) ? [] : before.filter(({ gives }) => gives !== "nothing").slice(0, 2);
    const after = before.filter((other) => !reads.includes(other)).map(({ ref }) => ref);
    const flags = this.wired.filter(({ gives }) => gives === "boolean");
    const when = one.when === undefined ? undefined : flags.at(-1 - one.when)?.ref;
    const common = { after, triggerRule, ...(when === undefined ? {} : { when: when as never }) };
    this.add(one, id, reads.map(({ ref }) => ref) as never, common, before.length > 0);
  }

  private add(one: Sketch, id: string, saw: never, common: object, hasUpstream: boolean): void {
    const policy = { retries: one.retries, retryDelay: 1 };
    const claims = one.flavour === "light" ? { light: true } : one.flavour === "pool" ? { pool: "random" } : {};
    const own = { id, ...common, ...policy, ...claims };
    switch (one.kind) {
      case "task":
      case "teardown":
        this.put(
          id,
          "number",
          play({ outcomes: one.outcomes, saw }, { ...own, teardown: isTeardown(one, hasUpstream) }),
        );
        return;
      case "mapped": {
        const lists = this.wired.filter(({ gives }) => gives === "list");
        const given = EARLY.includes(one.rule) ? undefined : lists.at(-1 - one.over)?.ref;
        const list = given ?? Array.from({ length: one.size }, (_, item) => item);
        const window = one.flavour === "narrow" ? { maxConcurrent: 1 } : {};
        const wire = (item: unknown) => ({ outcomes: one.outcomes, saw: item as never });
        this.put(id, "list", play.map(list as never, wire, { ...own, ...window }));
        return;
      }
      case "flag":
        this.put(
          id,
          "boolean",
          derive(id, [saw], (values) => hashOf(`${id}${JSON.stringify(values)}`) % 3 > 0, common),
        );
        return;
      case "list": {
        const items = (values: unknown) => Array.from({ length: (hashOf(JSON.stringify(values)) + one.size) % 5 });
        this.put(
          id,
          "list",
          derive(id, [saw], (values) => items(values).map((_, item) => item), common),
        );
        return;
      }
      case "gate": {
        const open = derive(`${id}_value`, [saw], (values) => hashOf(`${id}${JSON.stringify(values)}`) % 4 > 0, common);
        this.put(`${id}_value`, "boolean", open);
        this.put(id, "boolean", shortCircuit(id, open));
        return;
      }
      case "branch":
        this.fork(one, id, saw, common);
        return;
      case "group":
        group(id, () => this.take(one.size));
        return;
      case "subdag":
        this.put(id, "list", subdag(child, { outcomes: one.outcomes, saw }, { id, ...common, ...policy }));
        return;
      case "approval":
        // One at most: what a run is steered at.
        if (!this.asked) this.put(id, "nothing", approval(id, common));
        this.asked = true;
    }
  }

  private fork(one: Sketch, id: string, saw: never, common: object): void {
    const value = (values: unknown) =>
      ["left", "left", "right", "neither"][hashOf(`${id}${JSON.stringify(values)}`) % 4] ?? "";
    const chosen = derive(`${id}_value`, [saw], value, common);
    this.put(`${id}_value`, "number", chosen);
    const at = this.wired.length;
    const forked = branch(id, chosen as never, {
      left: () => this.take(1 + (one.size % 2)),
      right: () => this.take(1 + (one.size % 3)),
    });
    this.wired.splice(at, 0, { ref: forked.chosen, gives: "number" });
    this.names.splice(at, 0, id);
  }

  private put(id: string, gives: Wired["gives"], ref: AnyRef): void {
    this.wired.push({ ref, gives });
    this.names.push(id);
  }
}

function isTeardown({ kind }: Sketch, hasUpstream: boolean): boolean {
  return kind === "teardown" && hasUpstream;
}
