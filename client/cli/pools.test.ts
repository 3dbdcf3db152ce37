import { expect, it } from "vitest";
import { poolText } from "./pools.ts";

const holder = (task: string) => ({ runId: "r", task, slots: 1, priority: 1, since: "2026-01-01T00:00:00Z" });
const pool = { name: "wh", kind: "pool" as const, isSet: true, free: 0, waiting: [], waiters: 0 };

it("says of a pool that was made smaller that more is held than it has", () => {
  const text = poolText({ ...pool, slots: 1, holders: [holder("a"), holder("b")] });
  expect(text).toMatch(/^wh: 0 of 1 slots free, 2 held: it gives none out until fewer than 1 are\n/);
  expect(poolText({ ...pool, slots: 2, holders: [holder("a"), holder("b")] })).toMatch(/^wh: 0 of 2 slots free\n/);
});
