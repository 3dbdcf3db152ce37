import { setTimeout as pause } from "node:timers/promises";
import type { Context } from "@temporalio/activity";
import { expect, it } from "vitest";
import { withinAttemptTime } from "./attempt-time.ts";

/** What an activity knows of its time; the rest of it is not looked at. */
function timed(startToCloseTimeoutMs: number, scheduleToCloseTimeoutMs = 0): Pick<Context, "info"> {
  return { info: { startToCloseTimeoutMs, scheduleToCloseTimeoutMs } as Context["info"] };
}
const never = new AbortController().signal;

it("an attempt that takes longer than its timeout is aborted and fails, whatever it gives later", async () => {
  const aborted: unknown[] = [];
  const outcome = await withinAttemptTime(timed(20), never, async (signal) => {
    await pause(5_000, undefined, { signal }).catch(() => aborted.push(signal.reason));
    return { type: "success", output: "late" };
  });
  const message = "The attempt took longer than its timeout of 20ms";
  expect(outcome).toEqual({ type: "failed", error: { code: "TASK_TIMEOUT", message, retryable: true } });
  await expect.poll(() => aborted).toEqual([expect.objectContaining({ message })]);
});

it("the time of all attempts together is the server's to keep", async () => {
  const outcome = await withinAttemptTime(timed(10, 10), never, async () => {
    await pause(40);
    return { type: "success", output: 1 };
  });
  expect(outcome).toEqual({ type: "success", output: 1 });
});
