/** Runs that succeed, fail, are refused, wait, are paused and cancelled; and the retraining controller. */
import { retrainingController } from "@dagwright/engine";
import { dags } from "../../engine/dags.ts";
import { named, pause, type Recording, until } from "./recording.ts";

export const runs: Recording = {
  subject: "runs",
  dags,
  record: async ({ engine }) => {
    await engine.startRun({ dagId: "shapes", runId: "shapes/small", params: { value: 3 } });
    await engine.startRun({ dagId: "shapes", runId: "shapes/big", params: { big: true } });
    await engine.startRun({ dagId: "shapes", runId: "shapes/refused", params: { value: "much" } });
    await engine.startRun({ dagId: "flaky", runId: "flaky/mended", params: { failures: 2 } });
    await engine.startRun({ dagId: "flaky", runId: "flaky/failed", params: { failures: 3 } });
    await engine.startRun({ dagId: "mapped", runId: "mapped/seven" });
    await engine.startRun({ dagId: "tidy", runId: "tidy/cancelled", params: { milliseconds: 60_000 } });
    await engine.startRun({ dagId: "asking", runId: "asking/approved" });
    await engine.startRun({ dagId: "slow", runId: "slow/paused", params: { milliseconds: 1_000 } });
    await engine.startRun({ dagId: "slow", runId: "slow/cancelled" });
    const remark = { by: "recorder", reason: "to be recorded" };
    await engine.pauseRun("slow/paused", remark);
    for (const runId of ["slow/cancelled", "tidy/cancelled"]) await engine.cancelRun(runId, remark);
    await pause(3_000);
    await engine.resumeRun("slow/paused");
    await engine.answerApproval("asking/approved", { task: "go_on", approved: true, by: "recorder" });
    await engine.ensureController(
      retrainingController({ model: "churn", dag: "flaky", debounce: "1s", coolDown: "3s" }),
    );
    for (const reason of ["first", "second"]) await engine.signalDrift({ model: "churn", reason, id: reason });
    await pause(2_000);
    await engine.signalDrift({ model: "churn", reason: "third", evidence: { psi: 0.3 } });
    const ids = [
      ...["shapes/small", "shapes/big", "shapes/refused", "flaky/mended", "flaky/failed", "mapped/seven"],
      ...["tidy/cancelled", "asking/approved", "slow/paused", "slow/cancelled"],
    ];
    for (const runId of ids) await engine.waitForRun(runId);
    const began = async (runId: string) =>
      (await engine.listRuns({ dagId: "flaky" })).some((run) => run.runId === runId);
    for (const count of [1, 2]) {
      await until(async () => await began(`flaky/retraining-churn-${count}`));
      await engine.waitForRun(`flaky/retraining-churn-${count}`);
    }
    await pause(4_000);
    return named([...ids, "retraining-controller/churn"]);
  },
};
