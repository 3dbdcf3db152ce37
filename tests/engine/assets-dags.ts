/** DAGs that update assets, and DAGs that wait for them. */
import { asset, defineDag, onAssets, SkipTask, task } from "@dagwright/engine";
import { z } from "zod";

export const orders = asset("lake://orders", { name: "orders", extra: { owner: "sales" } });
export const clients = asset("lake://clients");
export const parts = asset("lake://parts");
export const burst = asset("queue://burst");

const Load = z.object({ rows: z.number(), outcome: z.enum(["works", "skips", "fails", "once"]) });
const load = task("load", {
  input: Load,
  output: z.number(),
  outlets: [orders],
  retries: 1,
  retryDelay: "50ms",
  run: ({ rows, outcome }, ctx) => {
    ctx.emit(orders, { rows: -1 });
    ctx.emit(orders, { rows, attempt: ctx.attempt });
    if (outcome === "skips") throw new SkipTask("nothing new");
    if (outcome === "fails" || (outcome === "once" && ctx.attempt === 1)) throw new Error(outcome);
    return rows;
  },
});

/** Updates orders. */
export const sells = defineDag(
  { id: "sells", params: z.object({ rows: z.number().default(1), outcome: Load.shape.outcome.default("works") }) },
  ({ params }) => load({ rows: params.rows, outcome: params.outcome }),
);

const touch = task("touch", {
  input: z.object({ place: z.number() }),
  output: z.number(),
  run: ({ place }, ctx) => {
    if (place === 1) throw new SkipTask("not this one");
    ctx.emit(parts, { place });
    return place;
  },
});

/** Updates clients in a light task, and parts once for each item of a list. */
export const serves = defineDag({ id: "serves" }, () => {
  const named = task("name_clients", {
    input: z.object({}),
    output: z.array(z.number()),
    light: true,
    run: () => [0, 1, 2],
  })({}, { outlets: [clients] });
  return touch.map(named, (place) => ({ place }), { outlets: [parts] });
});

const read = task("read", {
  input: z.object({ events: z.array(z.object({ uri: z.string(), extra: z.record(z.string(), z.json()) })) }),
  output: z.array(z.string()),
  run: ({ events }, { run }) => {
    if (events.length !== run.assetEvents.length) throw new Error("body and context disagree");
    return run.assetEvents.map(({ uri, extra, source }) =>
      [uri, JSON.stringify(extra), "by" in source ? source.by : source.taskId].join(" "),
    );
  },
});

/** Runs on each update of orders or clients. */
export const either = defineDag({ id: "either", schedule: onAssets(orders.or(clients)) }, ({ run }) =>
  read({ events: run.assetEvents }),
);

/** Runs when orders and parts have been updated. */
export const both = defineDag({ id: "both", schedule: onAssets(orders.and(parts)) }, ({ run }) =>
  read({ events: run.assetEvents }),
);

/** One run for each of many events. */
export const each = defineDag({ id: "each", schedule: onAssets(burst), maxActiveRuns: 1 }, ({ run }) => run.trigger);

const once = task("once", {
  input: z.object({}),
  output: z.number(),
  cache: true,
  outlets: [asset("lake://cached")],
  run: () => 1,
});

/** Updates an asset, unless its output comes from the cache. */
export const caches = defineDag({ id: "caches" }, () => once({}));

export const assetDags = [sells, serves, either, both, each, caches];
