/** DAGs for the chaos and soak tests: each task leaves its effect in a folder, by its idempotency key. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import {
  asset,
  branch,
  defineDag,
  derive,
  onAssets,
  sensor,
  subdag,
  type TaskContext,
  task,
  wait,
} from "@dagwright/engine";
import { z } from "zod";

const params = z.object({ effects: z.string(), pace: z.number().default(150) });
const Work = z.object({ effects: z.string(), pace: z.number(), n: z.number().default(0) });

/** An effect that is made once however often it is asked for: what a task of a user's must do as well. */
async function effect(folder: string, ctx: TaskContext): Promise<void> {
  const file = join(folder, encodeURIComponent(ctx.idempotencyKey));
  try {
    await writeFile(file, String(ctx.attempt), { flag: "wx" });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}

const step = task("chaos_step", {
  input: Work,
  output: z.object({ n: z.number() }),
  heartbeat: "3s",
  run: async ({ effects, pace, n }, ctx) => {
    await pause(pace);
    await effect(effects, ctx);
    await pause(pace / 2);
    return { n: n + 1 };
  },
});
const flaky = task("chaos_flaky", {
  input: Work,
  output: z.number(),
  heartbeat: "3s",
  retries: 2,
  retryDelay: "300ms",
  run: async ({ effects, pace, n }, ctx) => {
    await pause(pace);
    if (ctx.attempt === 1) throw new Error("the first attempt fails");
    await effect(effects, ctx);
    return n;
  },
});
const arrived = sensor("chaos_arrived", {
  input: z.object({ since: z.string() }),
  output: z.boolean(),
  poke: "500ms",
  timeout: "10m",
  run: ({ since }) => (Date.now() - Date.parse(since) > 2_000 ? true : undefined),
});

export const chaosChain = defineDag({ id: "chaos_chain", params }, ({ params }) => {
  let n = step({ effects: params.effects, pace: params.pace, n: 0 }, { id: "link_0" }).n;
  for (let i = 1; i < 8; i += 1) n = step({ effects: params.effects, pace: params.pace, n }, { id: `link_${i}` }).n;
  return n;
});

export const chaosFan = defineDag({ id: "chaos_fan", params }, ({ params }) => {
  const arms = Array.from({ length: 12 }, (_, n) =>
    step({ effects: params.effects, pace: params.pace, n }, { id: `arm_${n}` }),
  );
  return derive("sum", [arms.map(({ n }) => n)], (all) => all.reduce((sum, n) => sum + n, 0));
});

export const chaosMapped = defineDag({ id: "chaos_mapped", params }, ({ params }) => {
  const list = derive("list", [], () => Array.from({ length: 15 }, (_, i) => i));
  const first = step.map(list, (n) => ({ effects: params.effects, pace: params.pace, n }), { maxConcurrent: 5 });
  return flaky.map(first, ({ n }) => ({ effects: params.effects, pace: params.pace, n }), { maxConcurrent: 5 });
});

export const chaosMixed = defineDag({ id: "chaos_mixed", params }, ({ params, run }) => {
  const input = { effects: params.effects, pace: params.pace, n: 0 };
  const there = arrived({ since: run.logicalDate });
  const rested = wait("rest", "1s", { after: [there] });
  const tried = flaky(input, { after: [rested] });
  const way = derive("way", [tried], (n) => (n % 2 === 0 ? "even" : "odd"));
  const { arms } = branch("which", way, {
    even: () => step(input, { id: "even_step" }),
    odd: () => step(input, { id: "odd_step" }),
  });
  const joined = step(input, { id: "joined", after: [arms.even, arms.odd], triggerRule: "none_failed" });
  step(input, { id: "clean_up", after: [joined], teardown: true });
  return joined.n;
});

export const chaosParent = defineDag({ id: "chaos_parent", params }, ({ params }) => {
  const given = { effects: params.effects, pace: params.pace };
  const child = subdag(chaosChain, given, { id: "child" });
  return step({ ...given, n: child });
});

/** Tasks of all runs take turns, and so do the runs. */
export const chaosPooled = defineDag({ id: "chaos_pooled", params, maxActiveRuns: 2 }, ({ params }) => {
  const given = { effects: params.effects, pace: params.pace };
  const some = [0, 1, 2].map((n) => step({ ...given, n }, { id: `turn_${n}`, pool: "chaos" }));
  return derive("turns", [some.map(({ n }) => n)], (all) => all.length);
});

const parcels = asset("chaos://parcels");
const send = task("chaos_send", {
  input: Work,
  output: z.boolean(),
  heartbeat: "3s",
  outlets: [parcels],
  run: async ({ effects, pace }, ctx) => {
    await pause(pace);
    await effect(effects, ctx);
    ctx.emit(parcels, { effects });
    return true;
  },
});
export const chaosSender = defineDag({ id: "chaos_sender", params }, ({ params }) =>
  send({ effects: params.effects, pace: params.pace }),
);

/** Notes each event in the folder that it names; one that two runs were given is noted twice. */
const receive = task("chaos_receive", {
  input: z.object({}),
  output: z.number(),
  heartbeat: "3s",
  run: async (_input, { run }) => {
    for (const { id, extra } of run.assetEvents) {
      const folder = z.string().parse(extra["effects"]);
      const file = join(folder, `received ${encodeURIComponent(id)}`);
      await writeFile(file, run.id, { flag: "wx" }).catch(async () => {
        if ((await readFile(file, "utf8")) !== run.id) await writeFile(`${file} again`, run.id);
      });
    }
    return run.assetEvents.length;
  },
});
export const chaosReceiver = defineDag({ id: "chaos_receiver", schedule: onAssets(parcels), maxActiveRuns: 1 }, () =>
  receive({}),
);

/** How many effects one run of each DAG leaves. */
export const EFFECTS: Readonly<Record<string, number>> = {
  chaos_chain: 8,
  chaos_fan: 12,
  chaos_mapped: 30,
  chaos_mixed: 4,
  chaos_parent: 9,
  chaos_pooled: 3,
  // Its own, and that its event was received once.
  chaos_sender: 2,
};
