import { log, scheduleLocalActivity, workflowInfo } from "@temporalio/workflow";
import type { DagGraph } from "../core/graph.ts";
import type { RunView } from "../core/state.ts";
import { ACTIVITY } from "./protocol.ts";

/** Keeps a run in the run store. That this fails is logged and never fails the run. */
export async function recordRun(view: RunView, graph?: DagGraph): Promise<void> {
  try {
    await scheduleLocalActivity(ACTIVITY.record, [view, graph ?? null, workflowInfo().firstExecutionRunId], {
      startToCloseTimeout: "15s",
      scheduleToCloseTimeout: "60s",
      retry: { maximumAttempts: 4, initialInterval: "200ms" },
      summary: `record ${view.state}`,
    });
  } catch (error) {
    log.warn("The run could not be kept in the run store", { runId: view.runId, error: String(error) });
  }
}
