import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineDag, sensor, task } from "../index.ts";
import { runInProcess } from "./index.ts";

/** There after so many looks. */
function landing(looks: number, options: { onTimeout?: "fail" | "skip"; timeout?: `${number}m` } = {}) {
  let looked = 0;
  const landed = sensor("landed", {
    input: z.object({ path: z.string() }),
    output: z.object({ path: z.string(), looked: z.number() }),
    poke: "1m",
    ...options,
    run: ({ path }, { attempt }) => {
      expect(attempt).toBe(1);
      looked += 1;
      return looked < looks ? undefined : { path, looked };
    },
  });
  const read = task("read", { input: z.object({ path: z.string() }), output: z.string(), run: ({ path }) => path });
  return defineDag({ id: "landing" }, () => read({ path: landed({ path: "a.csv" }).path }));
}

describe("a sensor", () => {
  it("looks until it is there, in one attempt", async () => {
    const view = await runInProcess(landing(5));
    expect(view).toMatchObject({ state: "success", output: "a.csv" });
    expect(view.tasks.landed).toMatchObject({ state: "success", attempts: 1, output: { looked: 5 } });
  });

  it("that looks for too long fails, or is skipped", async () => {
    const late = await runInProcess(landing(5, { timeout: "3m" }));
    expect(late).toMatchObject({ state: "failed", tasks: { read: { state: "upstream_failed" } } });
    expect(late.tasks.landed?.error).toMatchObject({ code: "SENSOR_TIMEOUT", retryable: false });
    expect((await runInProcess(landing(3, { timeout: "3m" }))).state).toBe("success");
    const skipped = await runInProcess(landing(4, { timeout: "3m", onTimeout: "skip" }));
    expect(skipped).toMatchObject({
      state: "success",
      tasks: { landed: { state: "skipped" }, read: { state: "skipped" } },
    });
  });

  it("really pauses between looks, and stops with its run", async () => {
    const controller = new AbortController();
    const run = runInProcess(landing(5), {
      skipDelays: false,
      signal: controller.signal,
      onChange: () => setImmediate(() => controller.abort("enough")),
    });
    expect(await run).toMatchObject({ state: "cancelled", tasks: { landed: { state: "failed" } } });
  });

  it("of no duration, or light, is a mistake", () => {
    // @ts-expect-error no duration
    const bad = sensor("bad", { input: z.object({}), output: z.string(), poke: "often", run: () => "x" });
    const wire = () => defineDag({ id: "bad" }, () => bad({}, { light: true }));
    expect(wire).toThrow(/"bad": poke is "often": expected a duration/);
    expect(wire).toThrow(/"bad": a sensor cannot be light/);
  });
});
