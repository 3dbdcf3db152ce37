/** What a schedule starts and what that launches, and backfills: a whole one, a cancelled one. */
import { defineDag, every } from "@dagwright/engine";
import { dags } from "../../engine/dags.ts";
import { named, pause, type Recording } from "./recording.ts";

const often = defineDag({ id: "often", schedule: every("2s") }, () => ({}));

export const schedules: Recording = {
  subject: "schedules",
  dags: [...dags, often],
  record: async ({ engine, client }) => {
    await engine.syncSchedules([often]);
    const range = { from: "2026-01-01", to: "2026-01-04", concurrency: 2 };
    await engine.createBackfill({ dagId: "shapes", id: "whole", ...range, reprocess: "all", assetEvents: "once" });
    await engine.createBackfill({ ...range, dagId: "often", id: "cancelled", to: "2026-01-01T00:20:00Z" });
    await pause(1_000);
    await engine.cancelBackfill("often/cancelled", { by: "recorder", runs: true });
    await pause(8_000);
    await engine.syncSchedules([]);
    await pause(2_000);
    const launchers: string[] = [];
    for await (const { workflowId, status } of client.workflow.list({ query: 'WorkflowType = "often"' }))
      if (workflowId.includes("/scheduled-") && status.name === "COMPLETED") launchers.push(workflowId);
    const [launcher] = launchers.sort();
    if (launcher === undefined) throw new Error("No launcher has completed");
    const { runId: launched } = await client.workflow.getHandle(launcher).result();
    const backfills = ["backfill/shapes/whole", "backfill/often/cancelled"];
    const runs = [
      { name: "launcher/often", workflowId: launcher },
      { name: "launched/often", workflowId: launched },
    ];
    return [...named(backfills), ...runs];
  },
};
