/** Sub-DAGs and their retries, triggers, callbacks that are tried again, a deadline, the cache, policies. */
import type { Dag } from "@dagwright/engine";
import { twinDags } from "../../engine/twins-dags.ts";
import { named, type Recording } from "./recording.ts";

export const nested: Recording = {
  subject: "nested",
  dags: twinDags as unknown as readonly Dag[],
  record: async ({ engine }) => {
    const items = [
      { value: 1, how: "ok" },
      { value: 2, how: "skip" },
      { value: 3, how: "flaky" },
    ];
    await engine.startRun({ dagId: "parent", runId: "parent/good", params: { how: "ok", items: items.slice(0, 2) } });
    await engine.startRun({ dagId: "parent", runId: "parent/failed", params: { how: "fail" } });
    await engine.startRun({ dagId: "parent", runId: "parent/cancelled", params: { how: "hang" } });
    await engine.startRun({ dagId: "triggers", runId: "triggers/one" });
    await engine.startRun({ dagId: "called", runId: "called/mended", params: { how: "ok" } });
    await engine.startRun({ dagId: "called", runId: "called/failed", params: { how: "final" } });
    await engine.startRun({ dagId: "missed", runId: "missed/deadline" });
    await engine.startRun({ dagId: "policies", runId: "policies/jitter_total" });
    await engine.startRun({ dagId: "skips", runId: "skips/all" });
    await engine.startRun({ dagId: "cached", runId: "cached/kept", params: { value: 1 } });
    await engine.waitForRun("cached/kept");
    await engine.startRun({ dagId: "cached", runId: "cached/taken", params: { value: 1 } });
    for (let childRun: string | undefined; childRun === undefined; )
      childRun = (await engine.getRun("parent/cancelled")).tasks["child"]?.childRunId;
    await engine.cancelRun("parent/cancelled", { by: "recorder" });
    const ids = [
      ...["parent/good", "parent/failed", "parent/cancelled", "triggers/one", "called/mended", "called/failed"],
      ...["missed/deadline", "policies/jitter_total", "skips/all", "cached/kept", "cached/taken"],
    ];
    for (const runId of ids) await engine.waitForRun(runId);
    return named([...ids, "child/parent/good/child", "child/parent/failed/child"]);
  },
};
