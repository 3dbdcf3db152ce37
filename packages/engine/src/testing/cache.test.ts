import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type CacheOption, defineDag, task } from "../index.ts";
import { memoryCache, mock, runInProcess } from "./index.ts";

let ran = 0;
const cached = (cache: CacheOption, suffix = "") =>
  task("cached", {
    input: z.object({ value: z.number(), also: z.string() }),
    output: z.string(),
    cache,
    run:
      suffix === ""
        ? ({ value }) => {
            ran += 1;
            return `${value}`;
          }
        : ({ value }) => {
            ran += 1;
            return `${value}, other code`;
          },
  });
const dagOf = (cache: CacheOption, suffix?: string) =>
  defineDag({ id: "c", params: z.object({ value: z.number().default(1) }) }, ({ params }) =>
    cached(cache, suffix)({ also: "x", value: params.value }),
  );

describe("a task with a cache", () => {
  it("takes the output of an earlier run with the same input and code, and says whose", async () => {
    ran = 0;
    const cache = memoryCache();
    const dag = dagOf(true);
    expect((await runInProcess(dag, { cache, runId: "c/1" })).tasks.cached).not.toHaveProperty("cachedFrom");
    const second = await runInProcess(dag, { cache, runId: "c/2" });
    expect(second.tasks.cached).toMatchObject({ state: "success", output: "1", attempts: 1, cachedFrom: "c/1" });
    expect(ran).toBe(1);
    expect((await runInProcess(dag, { cache, params: { value: 2 } })).output).toBe("2");
    expect((await runInProcess(dagOf(true, "changed"), { cache })).output).toBe("1, other code");
    await runInProcess(dagOf({ version: "2" }), { cache });
    expect(ran).toBe(4);
    await runInProcess(dag, { cache, noCache: true, runId: "c/3" });
    expect(ran).toBe(5);
    // What ran although there was something to take is kept in its place.
    expect((await runInProcess(dag, { cache })).tasks.cached?.cachedFrom).toBe("c/3");
    await runInProcess(dag);
    expect(ran).toBe(6);
  });

  it("takes nothing that is older than its ttl, nothing in place of a clear, nothing from mocks", async () => {
    ran = 0;
    const cache = memoryCache();
    const dag = dagOf({ ttl: "1h" });
    let now = 0;
    const run = async (options = {}) => await runInProcess(dag, { cache, clock: () => now, ...options });
    await run();
    now = 3_599_000;
    await run();
    expect(ran).toBe(1);
    now = 3_600_000;
    await run();
    expect(ran).toBe(2);
    await run({ seed: { cached: { state: "none", attempts: 0, lost: 0, clears: 1 } } });
    expect(ran).toBe(3);
    expect((await run({ mocks: mock(cached(true), "mocked") })).output).toBe("mocked");
    expect((await run()).output).toBe("1");
    expect(ran).toBe(3);
  });
});
