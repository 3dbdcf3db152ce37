/** DAGs for the engine's own tests: small, and between them every way a task can end. */
import { setTimeout as pause } from "node:timers/promises";
import {
  approval,
  branch,
  cron,
  defineDag,
  derive,
  group,
  SkipTask,
  sensor,
  shortCircuit,
  task,
  wait,
} from "@dagwright/engine";
import { z } from "zod";

const Numbers = z.object({ value: z.number() });

const double = task("double", {
  input: Numbers,
  output: Numbers,
  run: ({ value }, ctx) => {
    ctx.log.info("Doubling", { value });
    return { value: value * 2 };
  },
});
const light = task("light", {
  input: Numbers,
  output: Numbers,
  light: true,
  run: ({ value }) => ({ value: value + 1 }),
});
const skipsItself = task("skips_itself", {
  input: z.object({}),
  output: Numbers,
  run: () => {
    throw new SkipTask("nothing to do today");
  },
});

/** Its callback works at its second attempt only, two seconds after the run has ended. */
export const retold = defineDag(
  {
    id: "retold",
    onSuccess: {
      retries: 1,
      retryDelay: "2s",
      run: (_, ctx) => {
        if (ctx.attempt === 1) throw new Error("nobody listens yet");
      },
    },
  },
  () => double({ value: 1 }),
);

/** Tasks, a light one, a derive, a group, a branch, a short circuit and a skip. */
export const shapes = defineDag(
  {
    id: "shapes",
    params: z.object({ value: z.number().default(1), big: z.boolean().default(false) }),
    schedule: cron("@daily"),
    paused: { note: "a test's" },
  },
  ({ params }) => {
    const first = double({ value: params.value });
    const second = light({ value: first.value });
    const sum = derive("sum", [first.value, second.value], (a, b) => a + b);
    const kind = derive("kind", [params.big], (big) => (big ? "big" : "small"));
    branch("size", kind, {
      big: () => double({ value: 1000 }, { id: "big_one" }),
      small: () => double({ value: 0 }, { id: "small_one" }),
    });
    const nothing = skipsItself({});
    const after = double({ value: nothing.value }, { id: "after_skip" });
    group("tail", () => {
      const open = shortCircuit("is_big", params.big);
      double({ value: 7 }, { id: "last", after: [open, after], triggerRule: "none_failed" });
    });
    return { sum };
  },
);

const flakyTask = task("flaky", {
  input: z.object({ failures: z.number() }),
  output: Numbers,
  retries: 2,
  retryDelay: "200ms",
  run: ({ failures }, { attempt }) => {
    if (attempt <= failures) throw Object.assign(new Error(`attempt ${attempt} fails`), { code: "FLAKY" });
    return { value: attempt };
  },
});

/** Fails as often as it is told to, and has three attempts. */
export const flaky = defineDag({ id: "flaky", params: z.object({ failures: z.number().default(1) }) }, ({ params }) => {
  const first = flakyTask({ failures: params.failures });
  return double({ value: first.value });
});

const waits = task("waits", {
  input: z.object({ milliseconds: z.number() }),
  output: Numbers,
  heartbeat: "5s",
  run: async ({ milliseconds }, ctx) => {
    ctx.progress({ done: 1, total: 2, note: "half-way" });
    const since = Date.now();
    await pause(milliseconds, undefined, { signal: ctx.signal }).catch((error: unknown) => {
      ctx.log.warn("Told to stop", { after: Date.now() - since });
      throw error;
    });
    return { value: milliseconds };
  },
});

/** Two tasks in a row, each as slow as it is told to be. */
export const slow = defineDag(
  { id: "slow", params: z.object({ milliseconds: z.number().default(60_000) }) },
  ({ params }) => {
    const first = waits({ milliseconds: params.milliseconds });
    return waits({ milliseconds: params.milliseconds }, { id: "waits_again", after: [first] });
  },
);

const third = task("third", {
  input: z.object({ value: z.number(), place: z.number() }),
  output: z.number(),
  retries: 1,
  retryDelay: "100ms",
  run: ({ value, place }, { attempt }) => {
    if (place % 3 === 2 && attempt === 1) throw Object.assign(new Error("every third fails once"), { code: "THIRD" });
    if (place % 5 === 4) throw new SkipTask("every fifth has nothing to do");
    return value;
  },
});

/** A task mapped over as many items as it is told, and another over what it gave. */
export const mapped = defineDag({ id: "mapped", params: z.object({ count: z.number().default(7) }) }, ({ params }) => {
  const list = derive("list", [params.count], (count) => Array.from({ length: count }, (_, value) => value));
  const some = third.map(list, (value, place) => ({ value, place }), { maxConcurrent: 50 });
  return double.map(some, (value) => ({ value }), { id: "doubled" });
});

/** Waits twice, then works until it is told to stop; what it set up is cleaned up whatever happens. */
export const tidy = defineDag(
  { id: "tidy", params: z.object({ milliseconds: z.number().default(0) }) },
  ({ params }) => {
    const rested = wait("rest", "300ms");
    const opened = wait("opening", { until: "2001-01-01T00:00:00Z" }, { after: [rested] });
    const worked = waits({ milliseconds: params.milliseconds }, { id: "work", after: [opened] });
    double({ value: 1 }, { id: "clean_up", after: [worked], teardown: true });
    return worked;
  },
);

let looks = 0;
const thirdLook = sensor("third_look", {
  input: z.object({}),
  output: z.number(),
  poke: "200ms",
  timeout: "30s",
  run: () => {
    looks += 1;
    return looks % 3 === 0 ? looks : undefined;
  },
});
const never = sensor("never", {
  input: z.object({}),
  output: z.number(),
  poke: "200ms",
  timeout: "1s",
  onTimeout: "skip",
  run: () => undefined,
});

/** Looks for two things, of which one never comes, and asks a person. */
export const asking = defineDag({ id: "asking" }, () => {
  const there = thirdLook({});
  never({});
  const yes = approval("go_on", { show: { there } });
  approval("nobody_answers", { timeout: "500ms", onTimeout: "skip" });
  return yes.by;
});

export const dags = [shapes, retold, flaky, slow, mapped, tidy, asking];
