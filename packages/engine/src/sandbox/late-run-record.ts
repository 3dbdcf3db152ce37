import { scheduleActivity } from "@temporalio/workflow";
import { ACTIVITY, type LateRecord } from "./protocol.ts";

/** Keeps the end of a run in a run store that was away when the run ended; tries for 30 days, at least once a minute. */
export async function lateRunRecord({ view, graph, executionId }: LateRecord): Promise<void> {
  await scheduleActivity(ACTIVITY.record, [view, graph ?? null, null, executionId], {
    startToCloseTimeout: "60s",
    scheduleToCloseTimeout: "30d",
    retry: { initialInterval: "1s", backoffCoefficient: 2, maximumInterval: "60s" },
    summary: `record ${view.state} of ${view.runId}`,
  });
}
