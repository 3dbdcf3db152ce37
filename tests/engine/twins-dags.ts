/** DAGs that are run in both shells: what each task does is said by its input, so that a case is a few lines. */
import { setTimeout as pause } from "node:timers/promises";
import {
  approval,
  type CallbackFunction,
  defineDag,
  derive,
  SkipTask,
  subdag,
  task,
  trigger,
  wait,
} from "@dagwright/engine";
import { z } from "zod";

/** The idempotency keys of the attempts that ran, by run, without the run's id. */
export const keysOf = new Map<string, string[]>();

/** The runs that have napped. */
const rested = new Set<string>();

export class Unmendable extends Error {}
class MoreUnmendable extends Unmendable {}

const How = z
  .string()
  .describe(
    "ok, fail, final, by_class, skip, skip_once (until it is cleared), mend (fails until it is cleared), flaky, hang, nap (of nine seconds, once in a run)",
  );

const play = task("play", {
  input: z.object({ value: z.json(), how: How.default("ok") }),
  output: z.json(),
  heartbeat: "5s",
  run: async ({ value, how }, { attempt, idempotencyKey, run, signal }) => {
    keysOf.set(run.id, [...(keysOf.get(run.id) ?? []), idempotencyKey.slice(run.id.length + 1)]);
    const cleared = idempotencyKey.includes("~");
    const fail = (code: string, retryable = true) => {
      throw Object.assign(new Error(`${how} at attempt ${attempt}`), { code, retryable });
    };
    if (how === "fail" || (how === "mend" && !cleared) || (how === "flaky" && attempt < 3)) fail("BROKEN");
    if (how === "final") fail("FINAL", false);
    if (how === "by_code") fail("KNOWN");
    if (how === "by_class") throw new MoreUnmendable("of a class");
    if (how === "skip" || (how === "skip_once" && !cleared)) throw new SkipTask("nothing to do");
    if (how === "nap" && !rested.has(run.id)) {
      rested.add(run.id);
      await pause(9_000, undefined, { signal });
    }
    if (how === "hang" && !cleared) await pause(60_000, undefined, { signal });
    return value;
  },
});

const Items = z.array(z.object({ value: z.number(), how: z.string().default("ok") }));

/** A list, mapped, mapped over that, and again, and what takes the whole list. */
export const chain = defineDag(
  { id: "chain", params: z.object({ items: Items.default([]), last: z.string().default("ok") }) },
  ({ params }) => {
    const a = play.map(params.items, ({ value, how }) => ({ value, how }), { id: "a" });
    const b = play.map(a, (value) => ({ value }), { id: "b" });
    const c = play.map(b, (value) => ({ value, how: params.last }), { id: "c" });
    return play({ value: c }, { id: "whole" });
  },
);

/** One task of each way to end that has a policy of its own. */
export const policies = defineDag({ id: "policies", defaults: { retries: 4, retryDelay: 20, jitter: 0.5 } }, () => {
  play({ value: 1, how: "flaky" }, { id: "flaky" });
  play({ value: 1, how: "final" }, { id: "final" });
  play({ value: 1, how: "by_code" }, { id: "by_code", noRetryOn: ["KNOWN"] });
  play({ value: 1, how: "by_class" }, { id: "by_class", noRetryOn: [Unmendable] });
  play({ value: 1, how: "by_class" }, { id: "by_other", noRetryOn: [RangeError], retries: 1 });
  play({ value: 1, how: "fail" }, { id: "total", totalTimeout: "20s", retryDelay: "1h" });
  play({ value: 1, how: "hang" }, { id: "aborted", totalTimeout: "1s" });
  play.map([1, 2], (value) => ({ value, how: "fail" }), { id: "items", noRetryOn: ["BROKEN"] });
});

/** A skip in each place where one can be. */
export const skips = defineDag({ id: "skips" }, () => {
  const first = play({ value: 1, how: "skip" }, { id: "first" });
  play({ value: first }, { id: "after" });
  play({ value: 1 }, { id: "goes_on", after: [first], triggerRule: "none_failed" });
  play.map([1, 2, 3], (value) => ({ value, how: "skip" }), { id: "all_items" });
  const none = play.map([] as number[], (value) => ({ value }), { id: "no_items" });
  play.map(none, (value) => ({ value }), { id: "over_none" });
  play({ value: 0, how: "skip" }, { id: "clean_up", after: [first], teardown: true });
  const nothing = play({ value: null }, { id: "null_output" });
  return { nothing, none, text: play({ value: "" }, { id: "empty_text" }), list: derive("empty_list", [], () => []) };
});

/** Tasks that a failure reaches and does not stop: what a mapped one gave is read all the same. */
export const afterFailure = defineDag({ id: "after_failure", params: z.object({ items: Items }) }, ({ params }) => {
  const all = play.map(params.items, ({ value, how }) => ({ value, how }), { id: "all" });
  play.map(all, (value) => ({ value }), { id: "each", triggerRule: "all_done" });
  play({ value: all }, { id: "whole", triggerRule: "all_done" });
  const never = play({ value: all }, { id: "never" });
  play({ value: 1 }, { id: "far", after: [never], teardown: true });
  play({ value: all }, { id: "near", teardown: true });
});

export const child = defineDag(
  { id: "child", params: z.object({ how: z.string(), items: Items.default([]) }) },
  ({ params }) => {
    const one = play({ value: 3, how: params.how }, { id: "one" });
    return { one, all: play.map(params.items, ({ value, how }) => ({ value, how }), { id: "all", after: [one] }) };
  },
);
export const parent = defineDag(
  { id: "parent", params: z.object({ how: z.string(), items: Items.default([]), retries: z.number().default(0) }) },
  ({ params }) => {
    const ran = subdag(child, { how: params.how, items: params.items }, { retries: 1, retryDelay: 10 });
    return { one: ran.one, after: play({ value: ran.all }, { id: "after" }) };
  },
);
export const triggers = defineDag({ id: "triggers" }, () => {
  const started = trigger(child, { how: "ok" }, { id: "start_child", conf: { from: "triggers" } });
  return play({ value: started.runId }, { id: "knows" });
});

const failing: CallbackFunction = (_event, { attempt }) => {
  if (attempt < 3) throw Object.assign(new Error(`attempt ${attempt}`), { code: "CALL_AGAIN" });
};
const neverWorks: CallbackFunction = () => {
  throw Object.assign(new Error("out of order"), { code: "OUT_OF_ORDER" });
};
export const called = defineDag(
  {
    id: "called",
    params: z.object({ how: z.string() }),
    onSuccess: { run: failing, retries: 2, retryDelay: 10 },
    onFailure: { run: neverWorks, retries: 1, retryDelay: 10 },
  },
  ({ params }) => play({ value: 1, how: params.how }, { id: "one" }),
);
export const missed = defineDag({ id: "missed", deadline: { after: 300, onMissed: failing } }, () =>
  play({ value: 1 }, { id: "after", after: [wait("rest", 900)] }),
);

/** Something to steer: one that hangs until it is cleared or marked, and what comes after it. */
export const steered = defineDag({ id: "steered" }, () => {
  const hangs = play({ value: 5, how: "hang" }, { id: "hangs" });
  const before = play({ value: 1 }, { id: "before" });
  play({ value: before }, { id: "beside" });
  return play({ value: hangs }, { id: "after", after: [before] });
});
export const asked = defineDag({ id: "asked" }, () => {
  const yes = approval("go", { show: { question: "now?" } });
  return play({ value: yes.by }, { id: "went" });
});

const cachedTask = (id: string, ttl?: number) =>
  task(`cached_${id}`, {
    input: z.object({ value: z.number() }),
    output: z.number(),
    cache: ttl === undefined ? true : { ttl },
    run: ({ value }, { run, idempotencyKey }) => {
      keysOf.set(run.id, [...(keysOf.get(run.id) ?? []), idempotencyKey.slice(run.id.length + 1)]);
      return value;
    },
  });
export const cached = defineDag({ id: "cached", params: z.object({ value: z.number() }) }, ({ params }) => ({
  kept: cachedTask("kept")({ value: params.value }, { id: "kept" }),
  short: cachedTask("short", 1)({ value: params.value }, { id: "short" }),
  other: cachedTask("other")({ value: params.value }, { id: "other", cache: { version: "2" } }),
}));

const quick = task("quick", { ...play.definition, light: true });
/** Light tasks and derives one after the other; `lasts` takes its time at each, `how` is how the third one ends. */
export const series = defineDag(
  {
    id: "series",
    params: z.object({ how: z.string().default("ok"), lasts: z.number().default(0) }),
    defaults: { retries: 2, retryDelay: 10 },
  },
  ({ params }) => {
    const first = quick({ value: { list: [1, 2], name: "a" } }, { id: "first" });
    const second = derive("second", [first, params.lasts], async (value, lasts) => {
      await pause(Number(lasts));
      return { before: value };
    });
    // Three attempts take longer than the eight seconds after which Temporal hands a series what was asked meanwhile.
    const third = quick({ value: second.before, how: params.how }, { id: "third", timeout: "4s" });
    const rested = derive("rested", [third, params.lasts], async (value, lasts) => {
      await pause(Number(lasts));
      return value;
    });
    const fifth = quick({ value: [rested, params.how, second] }, { id: "fifth" });
    quick({ value: 1 }, { id: "one", after: [fifth] });
    quick({ value: 2 }, { id: "two", after: [fifth] });
    quick({ value: 3 }, { id: "tidy", after: [third], teardown: true });
    return fifth;
  },
);

/** A series that takes long enough for somebody to reach into it. */
export const napping = defineDag({ id: "napping" }, () => {
  play({ value: 1 }, { id: "beside" });
  const first = quick({ value: 1 }, { id: "first" });
  return quick({ value: first, how: "nap" }, { id: "second" });
});

export const twinDags = [
  chain,
  policies,
  skips,
  afterFailure,
  parent,
  triggers,
  called,
  missed,
  steered,
  asked,
  cached,
  series,
  napping,
];
