import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineDag, derive, wait } from "../index.ts";
import { runInProcess } from "./index.ts";

const Until = z.object({ until: z.string().default("2030-01-01T00:00:00Z") });
const waits = defineDag({ id: "waits", params: Until }, ({ params }) => {
  const rested = wait("rest", "90d");
  const opened = wait("opening", { until: params.until }, { after: [rested] });
  return derive("told", [rested, opened], (...moments) => moments);
});

describe("a wait", () => {
  it("is deferred until its time, then gives the moment", async () => {
    const seen = new Set<string>();
    const now = Date.parse("2026-01-01T00:00:00Z");
    const view = await runInProcess(waits, {
      clock: () => now,
      onChange: ({ tasks }) => seen.add(`${tasks.rest?.state} ${tasks.opening?.state}`),
    });
    expect(view).toMatchObject({ state: "success", output: ["2026-04-01T00:00:00.000Z", "2030-01-01T00:00:00.000Z"] });
    expect([...seen]).toEqual(expect.arrayContaining(["deferred none", "success deferred", "success success"]));
  });

  it("really takes its time, and none for a moment that has passed", async () => {
    const short = defineDag({ id: "short" }, () =>
      wait("until_then", { until: "2001-01-01" }, { after: [wait("nap", "80ms")] }),
    );
    const { tasks } = await runInProcess(short, { skipDelays: false });
    const took = Date.parse(tasks.nap?.endedAt ?? "") - Date.parse(tasks.nap?.startedAt ?? "");
    expect(took).toBeGreaterThanOrEqual(75);
    expect(tasks.until_then?.state).toBe("success");
  });

  it("fails when the moment is none", async () => {
    const { tasks, state } = await runInProcess(waits, { params: { until: "some day" } });
    expect(state).toBe("failed");
    expect(tasks.opening?.error).toMatchObject({
      code: "INVALID_MOMENT",
      message: 'It waits until "some day": expected an ISO-8601 moment',
    });
  });

  it("ends with its run when that is cancelled", async () => {
    const controller = new AbortController();
    const run = runInProcess(waits, {
      skipDelays: false,
      signal: controller.signal,
      onChange: () => setImmediate(() => controller.abort("enough")),
    });
    expect(await run).toMatchObject({
      state: "cancelled",
      tasks: { rest: { state: "failed" }, opening: { state: "skipped" } },
    });
  });

  it("of no duration is a mistake", () => {
    // @ts-expect-error no duration
    expect(() => defineDag({ id: "bad" }, () => wait("rest", "soon"))).toThrow(
      /"rest": it waits for "soon": expected a duration/,
    );
  });
});
