import {
  log,
  ParentClosePolicy,
  patched,
  scheduleActivity,
  scheduleLocalActivity,
  startChild,
  WorkflowIdReusePolicy,
  workflowInfo,
} from "@temporalio/workflow";
import type { DagGraph } from "../core/graph.ts";
import type { RunView } from "../core/state.ts";
import { ACTIVITY, LATE_RECORD_WORKFLOW, type LateRecord } from "./protocol.ts";
import { withinResult } from "./run-result.ts";

/**
 * Keeps a run in the run store. That this fails is logged and never fails the run.
 *
 * @param how `attempts`: how often it is tried; a store that hangs holds the run up for as many times five seconds, at
 * most. `apart`: by an activity of its own, so that what the run starts beside it goes off before, not after it.
 * @returns whether it is kept
 */
export async function recordRun(
  view: RunView,
  graph?: DagGraph,
  { attempts = 2, apart = false }: { readonly attempts?: number; readonly apart?: boolean } = {},
): Promise<boolean> {
  const schedule = apart ? scheduleActivity : scheduleLocalActivity;
  try {
    await schedule(ACTIVITY.record, [view, graph ?? null, workflowInfo().firstExecutionRunId], {
      startToCloseTimeout: "15s",
      scheduleToCloseTimeout: attempts * 5_000,
      retry: { maximumAttempts: attempts, initialInterval: "200ms" },
      summary: `record ${view.state}`,
    });
    return true;
  } catch (error) {
    log.warn("The run could not be kept in the run store", { runId: view.runId, error: String(error) });
    return false;
  }
}

/**
 * Keeps how a run has ended. While the run store is away the run ends all the same: a workflow of its own goes on trying.
 *
 * @param graph Of a run whose start could not be kept: its graph is not either.
 */
export async function recordEnd(view: RunView, graph?: DagGraph): Promise<void> {
  // A store that was away at the start is hardly waited for at the end.
  const kept = await recordRun(view, graph, { attempts: graph === undefined ? 4 : 1 });
  // A history of before this was so has failed to keep the run and went on.
  if (kept || !patched("late-record")) return;
  const { runId: executionId } = workflowInfo();
  const late: LateRecord = { view: withinResult(view), ...(graph === undefined ? {} : { graph }), executionId };
  try {
    await startChild(LATE_RECORD_WORKFLOW, {
      workflowId: `${LATE_RECORD_WORKFLOW}/${view.runId}/${executionId}`,
      args: [late],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
      staticSummary: `keeps ${view.runId} in the run store once that is back`,
    });
  } catch (error) {
    log.warn("The run will not be kept in the run store", { runId: view.runId, error: String(error) });
  }
}
