import { setTimeout as pause } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { chanceOf, retryDelayMs } from "../core/retries.ts";
import { defineDag, task } from "../index.ts";
import { runInProcess } from "./index.ts";

class HttpError extends Error {}
class NotFound extends HttpError {}
const throwing = (make: () => unknown) =>
  task("throwing", {
    input: z.object({}),
    output: z.null(),
    retries: 2,
    run: () => {
      throw make();
    },
  });

describe("jitter", () => {
  const POLICY = { retries: 9, retryDelayMs: 1_000, backoff: 2, maxRetryDelayMs: 60_000, timeoutMs: 1, heartbeatMs: 1 };

  it("keeps a pause within its share, and below the longest", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 12 }),
        fc.string(),
        (jitter, attempt, id) => {
          const plain = retryDelayMs(POLICY, attempt);
          const chance = chanceOf({ id }, "task", attempt);
          const pause = retryDelayMs({ ...POLICY, jitter }, attempt, chance);
          expect(chance).toBeGreaterThanOrEqual(0);
          expect(chance).toBeLessThan(1);
          expect(pause).toBeLessThanOrEqual(Math.min(plain * (1 + jitter), POLICY.maxRetryDelayMs) + 1);
          if (plain * (1 + jitter) <= POLICY.maxRetryDelayMs)
            expect(pause).toBeGreaterThanOrEqual(plain * (1 - jitter) - 1);
        },
      ),
    );
  });

  it("spreads evenly over runs, tasks, items and attempts, and is the same again", () => {
    const chances = Array.from({ length: 1_000 }, (_, index) => chanceOf({ id: "d/1" }, `measure[${index}]`, 1));
    const mean = chances.reduce((a, b) => a + b, 0) / chances.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.05);
    for (const part of [0.1, 0.25, 0.75, 0.9])
      expect(Math.abs(chances.filter((one) => one < part).length / chances.length - part)).toBeLessThan(0.05);
    expect(chanceOf({ id: "d/1" }, "measure[0]", 1)).toBe(chances[0]);
    expect(chanceOf({ id: "d/1" }, "measure[0]", 2)).not.toBe(chances[0]);
  });

  it("is what a run waits", async () => {
    const dag = defineDag({ id: "j" }, () => throwing(() => new Error("no"))({}, { retryDelay: "10m", jitter: 0.5 }));
    const dues = new Set<number>();
    await runInProcess(dag, {
      runId: "j/1",
      clock: () => 0,
      onChange: ({ tasks }) => tasks.throwing?.dueAt && dues.add(Date.parse(tasks.throwing.dueAt)),
    });
    const [first = 0, second = 0] = [...dues];
    expect(first).toBe(Math.round(600_000 * (1 + 0.5 * (2 * chanceOf({ id: "j/1" }, "throwing", 1) - 1))));
    expect(second - first).toBe(Math.round(600_000 * (1 + 0.5 * (2 * chanceOf({ id: "j/1" }, "throwing", 2) - 1))));
  });
});

describe("noRetryOn", () => {
  it.each([
    ["its class", NotFound, () => new NotFound("gone")],
    ["a class above it", HttpError, () => new NotFound("gone")],
    ["the class of something else's name", "NotFound", () => new NotFound("gone")],
    ["its code", "GONE", () => Object.assign(new Error("gone"), { code: "GONE" })],
    ["the name it gives itself", "Gone", () => Object.assign(new Error("gone"), { name: "Gone" })],
  ] as const)("makes an error final by %s", async (_what, known, make) => {
    const dag = defineDag({ id: "n" }, () => throwing(make)({}, { noRetryOn: [known] }));
    expect((await runInProcess(dag)).tasks.throwing).toMatchObject({
      state: "failed",
      attempts: 1,
      error: { message: "gone", retryable: false },
    });
  });

  it("leaves other errors to be tried again", async () => {
    const dag = defineDag({ id: "n" }, () =>
      throwing(() => new HttpError("down"))({}, { noRetryOn: [NotFound, "GONE", RangeError] }),
    );
    expect((await runInProcess(dag)).tasks.throwing?.attempts).toBe(3);
    expect(dag.graph.nodes[0]?.policy.noRetryOn).toEqual(["NotFound", "GONE", "RangeError"]);
  });
});

describe("totalTimeout", () => {
  it("ends a task whose next pause would outlast it, with what failed before", async () => {
    const dag = defineDag({ id: "t" }, () =>
      throwing(() => Object.assign(new Error("no"), { code: "NO" }))(
        {},
        { retries: 9, retryDelay: "10m", totalTimeout: "25m" },
      ),
    );
    expect((await runInProcess(dag)).tasks.throwing).toMatchObject({
      state: "failed",
      attempts: 3,
      error: { code: "TASK_TOTAL_TIMEOUT", message: expect.stringContaining("NO: no"), retryable: false },
    });
  });

  it("aborts the attempt that runs when it is over, and each item by itself", async () => {
    let aborted = 0;
    const hang = task("hang", {
      input: z.object({ ms: z.number() }),
      output: z.null(),
      run: async ({ ms }, { signal }) => {
        signal.addEventListener("abort", () => {
          aborted += 1;
        });
        await pause(ms, undefined, { signal });
        return null;
      },
    });
    const dag = defineDag({ id: "t" }, () => {
      hang.map([0, 60_000, 1], (ms) => ({ ms }), { totalTimeout: 60, retries: 3, timeout: "1h" });
    });
    const { hang: view } = (await runInProcess(dag)).tasks;
    expect(view?.mapped?.map(({ state, attempts, error }) => [state, attempts, error?.code])).toEqual([
      ["success", 1, undefined],
      ["failed", 1, "TASK_TOTAL_TIMEOUT"],
      ["success", 1, undefined],
    ]);
    expect(aborted).toBe(1);
  });

  it("counts a pause of the run", async () => {
    const dag = defineDag({ id: "t" }, () =>
      throwing(() => new Error("no"))({}, { retryDelay: "1m", totalTimeout: "1h" }),
    );
    let now = 0;
    const view = await runInProcess(dag, {
      clock: () => now,
      control: (run) => {
        queueMicrotask(() => run.pause());
        setTimeout(() => {
          now += 7_200_000;
          run.resume();
        }, 50);
      },
    });
    expect(view.tasks.throwing).toMatchObject({ attempts: 1, error: { code: "TASK_TOTAL_TIMEOUT" } });
  });
});

it("says what is wrong with a policy, and keeps a graph that uses none of it as it was", () => {
  const bad = () =>
    defineDag(
      { id: "bad", defaults: { jitter: 2, totalTimeout: "soon" as "1s", noRetryOn: ["", class extends Error {}] } },
      () => {},
    );
  expect(bad).toThrow(/jitter is 2: expected a number from 0 to 1/);
  expect(bad).toThrow(/totalTimeout is "soon"/);
  expect(bad).toThrow(/noRetryOn is \["",""\]: expected codes of errors, or classes that have a name/);
  const [node] = defineDag({ id: "n" }, () => throwing(() => null)({})).graph.nodes;
  expect(Object.keys(node?.policy ?? {})).toEqual([
    "retries",
    "retryDelayMs",
    "backoff",
    "maxRetryDelayMs",
    "timeoutMs",
    "heartbeatMs",
  ]);
});
