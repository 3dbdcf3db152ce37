import { describe, expect, it, vi } from "vitest";
import type { StoredAttempt } from "../store/run-store.ts";
import { AttemptRecorder } from "./attempt-recorder.ts";

const BEGUN: StoredAttempt = {
  ...{ runId: "daily/1", temporalRunId: "a", taskId: "load", attempt: 1 },
  ...{ state: "running", startedAt: "2026-01-02T00:00:00.000Z" },
};
const DONE: StoredAttempt = { ...BEGUN, state: "success", endedAt: "2026-01-02T00:00:01.000Z" };

/** A store that remembers what it was handed, batch by batch. */
function batches() {
  const written: (readonly StoredAttempt[])[] = [];
  return { written, saveAttempts: async (attempts: readonly StoredAttempt[]) => void written.push(attempts) };
}

describe("the recorder of attempts", () => {
  it("writes the first at once, and of those that follow closely one batch with the last word on each", async () => {
    const store = batches();
    const recorder = new AttemptRecorder(store);
    recorder.record(BEGUN);
    expect(store.written).toEqual([[BEGUN]]);
    const other = { ...BEGUN, taskId: "train" };
    recorder.record(other);
    recorder.record(DONE);
    recorder.record({ ...other, state: "success" });
    expect(store.written).toHaveLength(1);
    await expect.poll(() => store.written).toHaveLength(2);
    expect(store.written[1]).toEqual([{ ...other, state: "success" }, DONE]);
  });

  it("has written all when it was flushed", async () => {
    const store = batches();
    const recorder = new AttemptRecorder(store);
    recorder.record(BEGUN);
    recorder.record(DONE);
    await recorder.flush();
    expect(store.written).toEqual([[BEGUN], [DONE]]);
    await recorder.flush();
    expect(store.written).toHaveLength(2);
  });

  it("goes on when the store fails, and says which runs are meant", async () => {
    const said = vi.spyOn(console, "error").mockImplementation(() => {});
    const recorder = new AttemptRecorder({
      saveAttempts: async () => {
        throw new Error("disk full");
      },
    });
    recorder.record(BEGUN);
    await recorder.flush();
    recorder.record(DONE);
    await recorder.flush();
    expect(said.mock.calls).toEqual([
      ["The run store could not keep 1 attempts of daily/1: disk full"],
      ["The run store could not keep 1 attempts of daily/1: disk full"],
    ]);
    said.mockRestore();
  });

  it("without a store keeps nothing", async () => {
    const recorder = new AttemptRecorder(null);
    recorder.record(BEGUN);
    await recorder.flush();
  });
});
