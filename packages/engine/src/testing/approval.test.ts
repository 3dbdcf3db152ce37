import { describe, expect, it } from "vitest";
import { z } from "zod";
import { approval, defineDag, derive, task } from "../index.ts";
import { runInProcess } from "./index.ts";

const score = task("score", { input: z.object({}), output: z.object({ auc: z.number() }), run: () => ({ auc: 0.8 }) });
const release = defineDag({ id: "release" }, () => {
  const { auc } = score({});
  const yes = approval("go_live", { show: { auc, question: "Good enough?" } });
  return derive("released", [yes.by], (by) => `released by ${by}`);
});
const timed = (onTimeout: "fail" | "skip") =>
  defineDag({ id: "timed" }, () => derive("after", [approval("soon", { timeout: "2d", onTimeout })], () => "went on"));

describe("an approval", () => {
  it("shows what it is about, and goes on when somebody approves", async () => {
    const shown: unknown[] = [];
    const view = await runInProcess(release, {
      answers: { go_live: { approved: true, by: "ada", comment: "well done" } },
      onChange: ({ tasks }) => tasks.go_live?.state === "deferred" && shown.push(tasks.go_live),
    });
    expect(shown[0]).toMatchObject({ asks: { auc: 0.8, question: "Good enough?" }, reason: "waits for an approval" });
    expect(view).toMatchObject({ state: "success", output: "released by ada" });
    expect(view.tasks.go_live?.output).toMatchObject({ approved: true, by: "ada", comment: "well done" });
    expect(view.tasks.go_live).not.toHaveProperty("asks");
  });

  it("fails when somebody rejects, or there is nobody to ask", async () => {
    const answers = { go_live: { approved: false, by: "alan", comment: "not yet" } };
    const rejected = await runInProcess(release, { answers });
    expect(rejected.tasks.go_live?.error).toMatchObject({ code: "REJECTED", message: "Rejected by alan: not yet" });
    expect(rejected.tasks.released?.state).toBe("upstream_failed");
    expect((await runInProcess(release)).tasks.go_live?.error?.message).toMatch(/Rejected by nobody: .*answers/);
  });

  it("fails or is skipped when nobody answers in time; an answer in time stops its clock", async () => {
    expect((await runInProcess(timed("fail"))).tasks.soon?.error).toMatchObject({ code: "APPROVAL_TIMEOUT" });
    expect(await runInProcess(timed("skip"))).toMatchObject({
      state: "success",
      tasks: { soon: { state: "skipped" }, after: { state: "skipped" } },
    });
    const answers = { soon: { approved: true, by: "ada" } };
    expect(await runInProcess(timed("fail"), { answers })).toMatchObject({ state: "success", output: "went on" });
  });

  it("is answered before its time is over, also right after a task", async () => {
    const dag = defineDag({ id: "right_after" }, () => {
      const { auc } = score({});
      return approval("soon", { timeout: "2d", after: [auc] }).by;
    });
    const answers = { soon: { approved: true, by: "ada" } };
    expect(await runInProcess(dag, { answers })).toMatchObject({ state: "success", output: "ada" });
  });

  it("of no duration is a mistake", () => {
    // @ts-expect-error no duration
    expect(() => defineDag({ id: "bad" }, () => approval("ask", { timeout: "later" }))).toThrow(
      /"ask": timeout is "later"/,
    );
  });
});
