import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { approval, defineDag, type RunView, task } from "../index.ts";
import { type RunControl, runInProcess } from "./index.ts";

const keys: string[] = [];
/** Hangs until it is aborted, or was cleared. */
const hang = task("hang", {
  input: z.object({ value: z.number() }),
  output: z.number(),
  run: async ({ value }, { signal, idempotencyKey }) => {
    keys.push(idempotencyKey.split("/").at(-1) ?? "");
    if (!idempotencyKey.includes("~")) {
      await pause(60_000, undefined, { signal }).catch(async () => {
        // It takes its time to stop: what takes its place waits for it.
        await pause(20);
        keys.push("stopped");
        throw new Error("stopped");
      });
    }
    return value;
  },
});
const add = task("add", { input: z.object({ value: z.number() }), output: z.number(), run: ({ value }) => value + 1 });
const dag = defineDag({ id: "steered" }, () => add({ value: hang({ value: 1 }) }));

async function steered(
  one: Parameters<typeof runInProcess>[0],
  steer: (run: RunControl) => void | Promise<void>,
): Promise<RunView> {
  keys.length = 0;
  let control: RunControl | undefined;
  const run = runInProcess(one, {
    control: (given) => {
      control = given;
    },
  });
  await new Promise(setImmediate);
  if (control !== undefined) await steer(control);
  return await run;
}

describe("a run in this process", () => {
  it("is cleared in flight: the attempt is aborted, and another begins when it has stopped", async () => {
    const view = await steered(dag, (run) => run.clear({ tasks: ["hang"] }));
    expect(view).toMatchObject({ state: "success", output: 2, tasks: { hang: { clears: 1 } } });
    expect(keys).toEqual(["hang", "stopped", "hang~1"]);
  });

  it("is marked in flight, as successful with an output or as failed", async () => {
    const good = await steered(dag, (run) => run.markSuccess({ task: "hang", output: 5, by: "ada", reason: "known" }));
    expect(good).toMatchObject({
      state: "success",
      output: 6,
      tasks: { hang: { reason: "marked successful by ada: known" } },
    });
    const bad = await steered(dag, (run) => run.markFailed({ task: "hang" }));
    expect(bad).toMatchObject({ state: "failed", tasks: { hang: { error: { code: "MARKED_FAILED" } } } });
    expect(bad.tasks.add?.state).toBe("upstream_failed");
  });

  it("is paused, resumed and cancelled", async () => {
    const view = await steered(dag, async (run) => {
      run.pause();
      run.markSuccess({ task: "hang", output: 1 });
      await pause(20);
      expect(run.view()).toMatchObject({ state: "paused", tasks: { add: { state: "scheduled" } } });
      run.resume();
    });
    expect(view.state).toBe("success");
    const cancelled = await steered(dag, (run) => run.cancel({ by: "ada", reason: "wrong day" }));
    expect(cancelled.error?.message).toBe("The run was cancelled: wrong day by ada");
  });

  it("refuses what cannot be done, in the words of a run on Temporal", async () => {
    const asking = defineDag({ id: "asking" }, () => approval("go").by);
    const refused = (work: () => void) => {
      try {
        work();
      } catch (error) {
        return error;
      }
      return undefined;
    };
    let kept: RunControl | undefined;
    const view = await steered(asking, (run) => {
      kept = run;
      expect(refused(() => run.clear())).toMatchObject({ code: "NOTHING_TO_CLEAR" });
      expect(refused(() => run.clear({ tasks: ["gone"] }))).toMatchObject({
        code: "NO_SUCH_TASK",
        message: 'This run has no task "gone"; it has: go',
      });
      expect(refused(() => run.markFailed({ task: "go[1]" }))).toMatchObject({ code: "NO_SUCH_TASK" });
      expect(refused(() => run.answer({ task: "gone", approved: true, by: "x" }))).toMatchObject({
        code: "NOT_WAITING",
        message: 'Task "gone" waits for no approval; waiting: go',
      });
      run.answer({ task: "go", approved: true, by: "ada" });
    });
    expect(view.output).toBe("ada");
    expect(refused(() => kept?.pause())).toMatchObject({ code: "RUN_OVER" });
    expect(kept?.view().state).toBe("success");
  });
});
