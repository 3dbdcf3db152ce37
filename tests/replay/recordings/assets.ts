/** Who updates assets, who waits for them, the log and the triggers between them. */
import { defineDag, onAssets } from "@dagwright/engine";
import { assetDags, burst, clients, orders } from "../../engine/assets-dags.ts";
import { named, pause, type Recording } from "./recording.ts";

const changed = defineDag({ id: "either", schedule: onAssets(orders.and(clients)) }, () => null);

export const assets: Recording = {
  subject: "assets",
  dags: assetDags,
  record: async ({ engine }) => {
    await engine.syncSchedules(assetDags);
    await engine.startRun({ dagId: "sells", runId: "sells/once", params: { outcome: "once" } });
    await engine.waitForRun("sells/once");
    await engine.startRun({ dagId: "serves", runId: "serves/mapped" });
    await engine.waitForRun("serves/mapped");
    for (const id of ["same", "same", "other"]) await engine.emitAsset(burst.uri, { id, by: "recorder" });
    await pause(1_000);
    await engine.pauseSchedule("each", "to be recorded");
    for (const id of ["held", "held too"]) await engine.emitAsset(burst.uri, { id, by: "recorder" });
    await pause(1_000);
    await engine.unpauseSchedule("each");
    await pause(2_000);
    const consumed = (await engine.listRuns({ dagId: "either" })).at(-1)?.runId ?? "";
    await engine.syncSchedules([...assetDags.filter(({ id }) => id !== "either" && id !== "both"), changed]);
    await pause(2_000);
    await engine.syncSchedules([]);
    await pause(2_000);
    const triggers = ["sells/once", "serves/mapped", "asset-trigger/each", "asset-trigger/either"];
    const logs = [orders, burst].map(({ uri }) => `asset/${uri}`);
    return [...named([...triggers, ...logs]), { name: "either.asset", workflowId: consumed }];
  },
};
