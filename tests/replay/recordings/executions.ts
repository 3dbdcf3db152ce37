/** A run that continues as new, and one that meets a worker whose code does not fit it. */
import { approval, defineDag, task, wait } from "@dagwright/engine";
import { z } from "zod";
import { executionsOf, named, type Recording, until } from "./recording.ts";

const link = task("link", {
  ...{ input: z.object({ n: z.number() }), output: z.number(), retries: 1, retryDelay: "100ms" },
  run: ({ n }, { attempt }) => {
    if (n % 7 === 3 && attempt === 1) throw new Error("every seventh fails once");
    return n + 1;
  },
});

const long = defineDag({ id: "long", deadline: { after: "1h" } }, () => {
  let n = link({ n: 0 }, { id: "link_0" });
  for (let place = 1; place < 12; place += 1) n = link({ n }, { id: `link_${place}` });
  const rested = wait("rest", "1s");
  return link.map([1, 2, 3, 4, 5, 6], (item) => ({ n: item }), { after: [n, rested], id: "mapped", maxConcurrent: 3 });
});

/** As many tasks behind a gate as are named: another version each time. */
const versioned = (names: readonly string[]) =>
  defineDag({ id: "versioned" }, () => {
    const gate = approval("gate");
    for (const name of names) link({ n: 1 }, { id: name, after: [gate] });
  });
const whole = versioned(["a", "b"]);

export const executions: Recording = {
  subject: "executions",
  dags: [long, whole],
  worker: { continueAfterEvents: 60 },
  record: async (ground) => {
    const { engine, embedded, stopWorker } = ground;
    await engine.startRun({ dagId: "long", runId: "long/continued" });
    await engine.waitForRun("long/continued");
    const runId = "versioned/mismatch";
    await engine.startRun({ dagId: "versioned", runId });
    const task = async (id: string) => (await engine.getRun(runId)).tasks[id];
    await until(async () => (await task("gate"))?.state === "deferred");
    await stopWorker();
    const other = await embedded.worker([versioned(["a"])]);
    await engine.answerApproval(runId, { task: "gate", approved: true, by: "recorder" });
    await until(async () => (await task("b"))?.error?.code === "DAG_VERSION_MISMATCH");
    await other.stop();
    await embedded.worker([whole]);
    await engine.waitForRun(runId);
    await until(async () => (await executionsOf(ground, "long/continued")).length > 1);
    return [...(await executionsOf(ground, "long/continued")), ...named([runId])];
  },
};
