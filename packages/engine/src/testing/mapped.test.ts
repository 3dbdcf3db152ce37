import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineDag, derive, SkipTask, task } from "../index.ts";
import { mock, runInProcess } from "./index.ts";

const Number_ = z.object({ value: z.number() });
const square = task("square", { input: Number_, output: z.number(), run: ({ value }) => value * value });
const Values = z.object({ values: z.array(z.number()).default([]) });

describe("a mapped task", () => {
  const squares = defineDag({ id: "squares", params: Values }, ({ params }) => {
    const all = square.map(params.values, (value) => ({ value }));
    return { all, sum: derive("sum", [all], (list) => list.reduce((a, b) => a + b, 0)) };
  });

  it.each([0, 1, 3, 10_000])("runs once for each of %i items", async (count) => {
    const values = Array.from({ length: count }, (_, index) => index);
    const view = await runInProcess(squares, { params: { values } });
    expect(view).toMatchObject({ state: "success", output: { all: values.map((value) => value * value) } });
    expect(view.tasks.square?.mapped).toHaveLength(count);
    for (const item of view.tasks.square?.mapped ?? []) expect(item).toMatchObject({ state: "success", attempts: 1 });
  });

  it("is given the item's place, and fields of items", async () => {
    const label = task("label", {
      input: z.object({ name: z.string(), place: z.number(), of: z.number() }),
      output: z.string(),
      run: ({ name, place, of }) => `${place}/${of} ${name}`,
    });
    const People = z.object({ people: z.array(z.object({ name: z.string() })), of: z.number() });
    const labels = defineDag({ id: "labels", params: People }, ({ params }) =>
      label.map(params.people, (person, place) => ({ name: person.name, place, of: params.of })),
    );
    const { output } = await runInProcess(labels, { params: { people: [{ name: "Ada" }, { name: "Alan" }], of: 2 } });
    expect(output).toEqual(["0/2 Ada", "1/2 Alan"]);
  });

  it("gives what its items gave that succeeded, to whoever reads it although others failed or all skipped", async () => {
    const picky = task("picky", {
      input: Number_,
      output: z.number(),
      run: ({ value }) => {
        if (value < 0) throw new SkipTask("below zero");
        if (value === 0) throw new Error("zero");
        return value;
      },
    });
    const dag = defineDag({ id: "some", params: Values }, ({ params }) => {
      const all = picky.map(params.values, (value) => ({ value }));
      square.map(all, (value) => ({ value }), { triggerRule: "all_done" });
      return derive("count", [all], (list) => list.length, { triggerRule: "all_done" });
    });
    const failed = await runInProcess(dag, { params: { values: [3, 0, -1, 2] } });
    expect(failed).toMatchObject({
      state: "success",
      output: 2,
      tasks: { picky: { state: "failed" }, square: { state: "success", output: [9, 4] } },
    });
    expect(failed.tasks["square"]?.mapped?.map(({ source }) => source)).toEqual([undefined, 3]);
    const skipped = await runInProcess(dag, { params: { values: [-1] } });
    expect(skipped).toMatchObject({ state: "success", output: 0, tasks: { square: { state: "success", output: [] } } });
  });

  it("maps over what another mapped task gave", async () => {
    const twice = defineDag({ id: "twice", params: Values }, ({ params }) => {
      const once = square.map(params.values, (value) => ({ value }));
      return square.map(once, (value) => ({ value }), { id: "again" });
    });
    expect((await runInProcess(twice, { params: { values: [1, 2, 3] } })).output).toEqual([1, 16, 81]);
  });

  it("retries items by themselves, and fails when one has failed for good and the others have ended", async () => {
    const flaky = task("flaky", {
      input: Number_,
      output: z.number(),
      retries: 1,
      run: ({ value }, { attempt, taskId, idempotencyKey }) => {
        expect(taskId).toBe(`flaky[${value}]`);
        expect(idempotencyKey.endsWith(`/flaky[${value}]`)).toBe(true);
        if (value >= attempt) throw new Error(`${value} fails at attempt ${attempt}`);
        return value;
      },
    });
    const dag = defineDag({ id: "some_fail", params: Values }, ({ params }) => {
      const all = flaky.map(params.values, (value) => ({ value }));
      return square({ value: all[0] }, { id: "after" });
    });
    const view = await runInProcess(dag, { params: { values: [0, 1, 2] } });
    const { flaky: mapped, after } = view.tasks;
    expect(mapped?.mapped?.map(({ state, attempts }) => [state, attempts])).toEqual([
      ["success", 1],
      ["success", 2],
      ["failed", 2],
    ]);
    expect(mapped).toMatchObject({ state: "failed", error: { message: "item 2: 2 fails at attempt 2" } });
    expect(after?.state).toBe("upstream_failed");
    expect(view.error?.message).toBe('Task "flaky": item 2: 2 fails at attempt 2');
  });

  it("leaves out items that skip themselves, and is skipped when all do", async () => {
    const odd = task("odd", {
      input: Number_,
      output: z.number(),
      run: ({ value }) => {
        if (value % 2 === 0) throw new SkipTask(`${value} is even`);
        return value;
      },
    });
    const dag = defineDag({ id: "odds", params: Values }, ({ params }) =>
      odd.map(params.values, (value) => ({ value })),
    );
    const some = await runInProcess(dag, { params: { values: [1, 2, 3] } });
    expect(some).toMatchObject({ state: "success", output: [1, 3] });
    expect(some.tasks.odd?.mapped?.[1]).toMatchObject({ state: "skipped", reason: "2 is even" });
    const none = await runInProcess(dag, { params: { values: [2, 4] } });
    expect(none.tasks.odd).toMatchObject({ state: "skipped", reason: "all 2 items were skipped: 2 is even" });
  });

  it("runs no more items at once than maxConcurrent", async () => {
    let now = 0;
    let most = 0;
    const busy = task("busy", {
      input: Number_,
      output: z.number(),
      run: async ({ value }) => {
        now += 1;
        most = Math.max(most, now);
        await pause(2);
        now -= 1;
        return value;
      },
    });
    const dag = defineDag({ id: "window", params: Values }, ({ params }) =>
      busy.map(params.values, (value) => ({ value }), { maxConcurrent: 3 }),
    );
    const values = Array.from({ length: 20 }, (_, index) => index);
    expect((await runInProcess(dag, { params: { values } })).output).toEqual(values);
    expect(most).toBe(3);
  });

  it("fails over what is no list, and can be mocked", async () => {
    const list = task("list", { input: z.object({}), output: z.any(), run: () => "no list" });
    const dag = defineDag({ id: "no_list" }, () => {
      const found = list({});
      return square.map(found, () => ({ value: 1 }));
    });
    const view = await runInProcess(dag, {});
    expect(view.tasks.square?.error).toMatchObject({
      code: "NOT_A_LIST",
      message: 'It is mapped over "no list": expected a list',
    });
    const mocked = await runInProcess(squares, { params: { values: [1, 2] }, mocks: mock(square, () => 5) });
    expect(mocked.output).toEqual({ all: [5, 5], sum: 10 });
  });

  it("is cancelled with its items", async () => {
    const slow = task("slow", {
      input: Number_,
      output: z.number(),
      run: async ({ value }, { signal }) => {
        if (value > 0) await pause(60_000, undefined, { signal });
        return value;
      },
    });
    const dag = defineDag({ id: "cancelled", params: Values }, ({ params }) =>
      slow.map(params.values, (value) => ({ value }), { maxConcurrent: 2 }),
    );
    const controller = new AbortController();
    const run = runInProcess(dag, {
      params: { values: [0, 1, 2, 3] },
      signal: controller.signal,
      onChange: ({ tasks }) => {
        if (tasks.slow?.mapped?.[2]?.state === "running") controller.abort("enough");
      },
    });
    expect((await run).tasks.slow?.mapped?.map(({ state }) => state)).toEqual([
      "success",
      "failed",
      "failed",
      "skipped",
    ]);
  });

  it("gives items to nobody else", () => {
    let leaked: unknown;
    const leak = () =>
      defineDag({ id: "leak", params: Values }, ({ params }) => {
        square.map(params.values, (value) => {
          leaked = value;
          return { value };
        });
        // @ts-expect-error what leaks is of no known type
        square({ value: leaked }, { id: "outside" });
        square.map(params.values, (value) => ({ value }), { id: "none", maxConcurrent: 0 });
      });
    expect(leak).toThrow(/"outside": its input.value is the item of a map: it has a value only in that map's input/);
    expect(leak).toThrow(/"none": maxConcurrent is 0: expected a whole number of at least 1/);
  });
});
