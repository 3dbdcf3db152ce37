import { describe, expect, test } from "vitest";
import { z } from "zod";
import { oneOf } from "./output.ts";
import { runFilter, runsText } from "./run-filter.ts";

describe("which runs are meant", () => {
  test("state, time span and limit are read", () => {
    const { since = "", ...filter } = runFilter({ dag: "daily", state: "failed", since: "2h", limit: "5" });
    expect(filter).toEqual({ dagId: "daily", state: "failed", limit: 5 });
    expect(Math.abs(Date.now() - 7_200_000 - Date.parse(since))).toBeLessThan(60_000);
    expect(runFilter({ since: "1998-01-31" })).toEqual({ since: "1998-01-31T00:00:00.000Z" });
  });

  test.each([
    [{ state: "done" }, '--state is "done": expected one of queued, running, paused, success, failed, cancelled'],
    [{ since: "yesterday" }, '--since is "yesterday": expected a date (1998-01-31), a moment, or a time span'],
    [{ since: "2" }, '--since is "2": expected a date'],
    [{ limit: "0" }, '--limit is "0": expected a whole number from 1 to 1000'],
  ])("%j is refused with what is expected", (options, message) => {
    expect(() => runFilter(options)).toThrow(message);
  });

  test("an option's values are named", () => {
    expect(() => oneOf("--format", "svg", z.enum(["dot", "json"]))).toThrow(
      '--format is "svg": expected one of dot, json',
    );
  });
});

test("runs are shown with their start and how long they took", () => {
  const row = { runId: "a/b", dagId: "a", logicalDate: null, state: "success", trigger: "manual" } as const;
  const text = runsText([{ ...row, startedAt: "1998-01-31T01:02:03.456Z", endedAt: "1998-01-31T01:02:05.456Z" }]);
  expect(text).toMatch(/a\/b +success +manual +1998-01-31 01:02:03Z \(\d+ days ago\) +2\.0 s$/);
});
