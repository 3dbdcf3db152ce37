import { describe, expect, it } from "vitest";
import { z } from "zod";
import { clearedRun } from "../core/clear.ts";
import { asset, defineDag, onAssets, type RunView, SkipTask, task } from "../index.ts";
import { runInProcess } from "./index.ts";

const [orders, clients] = [asset("lake://orders"), asset("lake://clients")];
const clock = () => 0;
const options = { runId: "r", clock };
const load = task("load", {
  input: z.object({ rows: z.number() }),
  output: z.number(),
  outlets: [orders, clients],
  retries: 1,
  run: ({ rows }, ctx) => {
    if (ctx.attempt === 1) ctx.emit(clients, { attempt: 1 });
    ctx.emit(orders, { rows: 0 });
    ctx.emit(orders, { rows });
    if (rows === 0) throw new SkipTask("nothing");
    if (rows < 0 || ctx.attempt === 1) throw new Error("broken");
    return rows;
  },
});
const sells = defineDag({ id: "sells", params: z.object({ rows: z.number().default(3) }) }, ({ params }) =>
  load({ rows: params.rows }),
);
const eventsOf = (view: RunView, id = "load") => view.tasks[id]?.assetEvents?.map((event) => [event.id, event.extra]);

describe("in process, a task with outlets", () => {
  it("shows the events that it would have had, with what its last attempt said", async () => {
    const view = await runInProcess(sells, options);
    expect(view.tasks["load"]?.assetEvents).toEqual([
      {
        id: "r/load#lake://orders",
        uri: "lake://orders",
        at: "1970-01-01T00:05:00.000Z",
        extra: { rows: 3 },
        source: { dagId: "sells", runId: "r", taskId: "load" },
      },
      {
        id: "r/load#lake://clients",
        uri: "lake://clients",
        at: "1970-01-01T00:05:00.000Z",
        extra: {},
        source: { dagId: "sells", runId: "r", taskId: "load" },
      },
    ]);
  });

  it("has none when it fails or skips itself, or the run is to have none", async () => {
    for (const rows of [-1, 0])
      expect(eventsOf(await runInProcess(sells, { ...options, params: { rows } }))).toBeUndefined();
    expect(eventsOf(await runInProcess(sells, { ...options, emitAssets: false }))).toBeUndefined();
  });

  it("has one for each item that succeeds, and new ones when it is cleared", async () => {
    const dag = defineDag({ id: "d" }, () => {
      const one = task("one", {
        input: z.object({ n: z.number() }),
        output: z.number(),
        run: ({ n }, ctx) => {
          if (n === 1) throw new SkipTask("not this one");
          ctx.emit(orders, { n });
          return n;
        },
      });
      return one.map([0, 1, 2], (n) => ({ n }), { outlets: [orders] });
    });
    const view = await runInProcess(dag, options);
    const ids = (run: RunView) => run.tasks["one"]?.mapped?.map(({ assetEvents }) => assetEvents?.[0]?.id);
    expect(ids(view)).toEqual(["r/one[0]#lake://orders", undefined, "r/one[2]#lake://orders"]);
    const { seed } = clearedRun(dag.graph, view, { tasks: ["one[2]"] });
    expect(ids(await runInProcess(dag, { ...options, seed }))).toEqual([
      "r/one[0]#lake://orders",
      undefined,
      "r/one[2]~1#lake://orders",
    ]);
  });

  it("cannot speak of what it does not update, nor say what is no JSON or too much", async () => {
    const said = async (say: Parameters<typeof task>[1]["run"], outlets = [orders]) => {
      const speak = task("speak", { input: z.object({}), output: z.unknown(), retries: 3, outlets, run: say });
      const view = await runInProcess(
        defineDag({ id: "d" }, () => speak({})),
        options,
      );
      return [view.tasks["speak"]?.attempts, view.error?.code, view.tasks["speak"]?.error?.message, view.error?.hint];
    };
    expect(await said((_, ctx) => ctx.emit(clients, {}))).toEqual([
      1,
      "ASSET_NOT_OUTLET",
      'Task "speak" cannot emit lake://clients: it is not among its outlets',
      "Its outlets: lake://orders",
    ]);
    expect((await said((_, ctx) => ctx.emit(clients, {}), [])).at(-1)).toBe("It has none: give the task `outlets`.");
    // @ts-expect-error a date is no JSON
    expect((await said((_, ctx) => ctx.emit(orders, { at: new Date() }))).slice(0, 3)).toEqual([
      1,
      "INVALID_EXTRA",
      "The extra of lake://orders: expected a plain object of JSON",
    ]);
    expect((await said((_, ctx) => ctx.emit(orders, { text: "x".repeat(16_384) })))[1]).toBe("INVALID_EXTRA");
  });
});

describe("in process, a DAG that waits for assets", () => {
  const reads = defineDag({ id: "reads", schedule: onAssets(orders) }, ({ run }) => ({
    trigger: run.trigger,
    rows: run.assetEvents[0].extra["rows"],
    uris: task("uris", {
      input: z.object({}),
      output: z.array(z.string()),
      run: (_, ctx) => ctx.run.assetEvents.map(({ uri }) => uri),
    })({}),
  }));

  it("reads the events that it is given", async () => {
    const { tasks } = await runInProcess(sells, options);
    const view = await runInProcess(reads, { clock, assetEvents: tasks["load"]?.assetEvents ?? [] });
    expect(view.output).toEqual({ trigger: "asset", rows: 3, uris: ["lake://orders", "lake://clients"] });
    expect(view.assetEvents).toEqual(tasks["load"]?.assetEvents);
    const made = await runInProcess(reads, { clock, assetEvents: [{ uri: "lake://orders" }] });
    expect(made.assetEvents).toEqual([
      { id: "given-0", uri: "lake://orders", at: "1970-01-01T00:00:00.000Z", extra: {}, source: { by: "a test" } },
    ]);
  });

  it("reads none when a person has started it", async () => {
    const view = await runInProcess(reads, options);
    expect(view.output).toEqual({ trigger: "manual", uris: [] });
    expect(view.assetEvents).toBeUndefined();
  });
});
