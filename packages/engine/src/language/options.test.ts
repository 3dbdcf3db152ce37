/** What the language refuses of the options that nodes and DAGs take: the compiler first, and what is said at once else. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  approval,
  asset,
  cron,
  DagDefinitionError,
  defineDag,
  derive,
  every,
  onAssets,
  sensor,
  subdag,
  task,
  trigger,
  wait,
} from "../index.ts";

const orders = asset("lake://orders");
const add = task("add", {
  input: z.object({ a: z.number(), b: z.number() }),
  output: z.number(),
  run: ({ a, b }) => a + b,
});
const child = defineDag({ id: "child", params: z.object({ day: z.string(), top: z.number().default(3) }) }, () => ({
  rows: add({ a: 1, b: 2 }),
}));

it("what must not compile does not", () => {
  // Never called: the compiler is the test.
  const body = () =>
    defineDag({ id: "types", params: z.object({ days: z.array(z.string()), n: z.number() }) }, ({ params }) => {
      // @ts-expect-error a pool is named by text
      add({ a: 1, b: 2 }, { pool: 3 });
      // @ts-expect-error slots are a number
      add({ a: 1, b: 2 }, { pool: "gpu", poolSlots: "all" });
      // @ts-expect-error a priority is a number
      add({ a: 1, b: 2 }, { priority: "high" });
      // @ts-expect-error no such option
      add({ a: 1, b: 2 }, { pools: ["gpu"] });
      // @ts-expect-error an outlet is an asset, not its uri
      add({ a: 1, b: 2 }, { outlets: ["lake://orders"] });
      // @ts-expect-error an expression is no single asset
      add({ a: 1, b: 2 }, { outlets: [orders.or(asset("lake://clients"))] });
      // @ts-expect-error assets, not their uris
      onAssets("lake://orders");
      // @ts-expect-error an asset joins assets
      orders.and("lake://clients");
      task("emits", {
        ...{ input: z.object({}), output: z.null(), outlets: [orders] },
        run: (_input, ctx) => {
          // @ts-expect-error an asset, not its uri
          ctx.emit("lake://orders", {});
          // @ts-expect-error its extra is JSON
          ctx.emit(orders, { at: new Date() });
          return null;
        },
      });
      // @ts-expect-error the child's params lack `day`
      subdag(child, {});
      // @ts-expect-error a number where the child wants a text
      subdag(child, { day: params.n });
      // @ts-expect-error the child has no such param
      subdag(child, { day: "1998-01-31", week: 5 });
      // @ts-expect-error the child's output has no such field
      add({ a: subdag(child, { day: "1998-01-31" }).sum, b: 1 });
      // @ts-expect-error a text where the child wants a number
      trigger(child, { day: "1998-01-31", top: "3" });
      // @ts-expect-error what a sub-DAG does has timeouts of its own
      subdag(child, { day: "1998-01-31" }, { timeout: "5m" });
      // @ts-expect-error the items are texts
      add.map(params.days, (day) => ({ a: day, b: 1 }));
      // @ts-expect-error the input lacks `b`
      add.map(params.days, (_day, index) => ({ a: index }));
      // @ts-expect-error no list
      add.map(params.n, (a) => ({ a, b: 1 }));
      // @ts-expect-error a code or a class of errors
      add({ a: 1, b: 2 }, { noRetryOn: [404] });
      // @ts-expect-error no class of errors
      add({ a: 1, b: 2 }, { noRetryOn: [Date] });
      // @ts-expect-error no duration
      add({ a: 1, b: 2 }, { totalTimeout: "long" });
      // @ts-expect-error a share is a number
      add({ a: 1, b: 2 }, { jitter: "10%" });
      // @ts-expect-error no duration
      add({ a: 1, b: 2 }, { cache: { ttl: "a day" } });
      // @ts-expect-error no such trigger rule
      add({ a: 1, b: 2 }, { triggerRule: "one_succeeded" });
      // @ts-expect-error only a mapped task has items to limit, and a number does
      add.map([1], (a) => ({ a, b: 1 }), { maxConcurrent: "10" });
      // @ts-expect-error a wait is a duration or a moment
      wait("rest", { after: "5m" });
      // @ts-expect-error fails or skips
      approval("go", { onTimeout: "approve" });
      // @ts-expect-error fails or skips
      sensor("look", { input: z.object({}), output: z.null(), onTimeout: "retry", run: () => undefined });
      // @ts-expect-error the child's rows are a number
      derive("rows", [subdag(child, { day: "1998-01-31" }).rows], (rows) => rows.trim());

      // And what must compile does.
      const ran = subdag(child, { day: params.days[0] as never }, { retries: 2, totalTimeout: "1h" });
      const sums = add.map([1, 2], (a, index) => ({ a, b: index }), { maxConcurrent: 2, pool: "gpu", poolSlots: 2 });
      add({ a: ran.rows, b: sums[0] as never }, { noRetryOn: ["KNOWN", RangeError], outlets: [orders], jitter: 0.1 });
    });
  // @ts-expect-error a deadline says after how long
  const deadline = () => defineDag({ id: "types", deadline: { from: "start" } }, () => ({}));
  // @ts-expect-error it counts from the start, or the end of the interval
  const from = () => defineDag({ id: "types", deadline: { after: "1h", from: "end" } }, () => ({}));
  // @ts-expect-error a schedule is made by cron, every or onAssets
  const text = () => defineDag({ id: "types", schedule: "0 2 * * *" }, () => ({}));
  // @ts-expect-error no unit of time
  const unit = () => defineDag({ id: "types", schedule: every("6 hours") }, () => ({}));
  // @ts-expect-error no such policy of overlapping
  const overlap = () => defineDag({ id: "types", schedule: cron("@daily", { overlap: "wait" }) }, () => ({}));
  // @ts-expect-error assets and not an asset's uri
  const assets = () => defineDag({ id: "types", schedule: orders.uri }, () => ({}));
  // @ts-expect-error a callback is a function
  const callback = () => defineDag({ id: "types", onFailure: "mail" }, () => ({}));
  // @ts-expect-error how many, not whether
  const limit = () => defineDag({ id: "types", maxActiveTasks: true }, () => ({}));
  for (const never of [body, deadline, from, text, unit, overlap, assets, callback, limit])
    expect(never).toBeTypeOf("function");
});

describe("mistakes in options", () => {
  it("are all told at once, each with DAG, node and field", () => {
    const define = () =>
      defineDag(
        {
          id: "all",
          schedule: onAssets(orders.and(asset("no scheme"))),
          maxActiveTasks: 0,
          deadline: { after: "soon" as "1s", from: "end" as "start", onMissed: "mail" as never },
          onFailure: { run: () => {}, retries: -1 },
          defaults: { pool: "two words", jitter: 2 },
        },
        () => {
          add({ a: 1, b: 2 }, { poolSlots: 2, priority: 0.5, noRetryOn: [404 as never] });
          add({ a: 1, b: 2 }, { id: "told", outlets: ["lake://orders" as never, orders, orders] });
          add({ a: 1, b: 2 }, { id: "kept", light: true, cache: { ttl: "long" as "1s" }, totalTimeout: 0 });
          add.map([1], (a) => ({ a, b: 1 }), { id: "each", maxConcurrent: 0 });
          approval("go", { timeout: "ever" as "1s", onTimeout: "approve" as "skip" });
          wait("rest", "soon" as "1s");
          subdag(child, { day: "x" }, { retries: 0.5 });
          trigger("", {});
        },
      );
    let mistakes: readonly string[] = [];
    try {
      define();
    } catch (error) {
      if (error instanceof DagDefinitionError) mistakes = error.mistakes;
    }
    expect(mistakes).toMatchInlineSnapshot(`
      [
        "DAG "all", maxActiveTasks is 0: expected a whole number of at least 1",
        "DAG "all", schedule: onAssets(…): the uri of an asset is "no scheme": expected a scheme and what it names, without blanks, such as "s3://bucket/day.csv"",
        "DAG "all", onFailure: retries is -1: expected a whole number of at least 0",
        "DAG "all", deadline.onMissed: expected a function, or { run, retries, … }",
        "DAG "all", deadline is "soon": expected a duration such as "2h"",
        "DAG "all", deadline.from is "end": expected "start" or "interval_end"",
        "DAG "all", defaults: jitter is 2: expected a number from 0 to 1",
        "DAG "all", defaults: pool is "two words": expected letters, digits, "_", "-" and "."",
        "DAG "all", node "add": priority is 0.5: expected a whole number",
        "DAG "all", node "add": noRetryOn is [404]: expected codes of errors, or classes that have a name",
        "DAG "all", node "add": poolSlots is 2, but it names no pool",
        "DAG "all", node "told": outlets[0] is no asset: expected what asset("…") gave",
        "DAG "all", node "told": outlets[2] is lake://orders, which stands in the list already",
        "DAG "all", node "kept": cache.ttl is "long": expected a duration such as "7d"",
        "DAG "all", node "kept": a light task costs less than looking it up: it cannot have a cache",
        "DAG "all", node "kept": totalTimeout is 0: expected more than no time, milliseconds or a duration such as "5m"",
        "DAG "all", node "each": maxConcurrent is 0: expected a whole number of at least 1",
        "DAG "all", node "go": timeout is "ever": expected a duration such as "2d"",
        "DAG "all", node "go": onTimeout is "approve": expected "fail" or "skip"",
        "DAG "all", node "rest": it waits for "soon": expected a duration such as "5m"",
        "DAG "all", node "child": retries is 0.5: expected a whole number of at least 0",
        "DAG "all", node "": its id must be 1 to 200 letters, digits, "_", "-" and ".", and begin with none of the last two",
        "DAG "all", node "": it names no DAG",
      ]
    `);
  });
});
