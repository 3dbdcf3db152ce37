import { Context } from "@temporalio/activity";
import { initialState } from "../core/decide.ts";
import { viewOf } from "../core/view.ts";
import type { PlannedRun, PlanRequest } from "../sandbox/protocol.ts";
import type { RunStore } from "../store/run-store.ts";

/**
 * Keeps the start of a run in the run store, in the same breath as it is planned: the run need not ask for it once more.
 * Where the store refuses, the plan does not say so, and the run itself tries again beside its first tasks.
 */
export async function withStartRecorded(
  store: RunStore | null,
  plan: PlannedRun,
  { startedAt }: PlanRequest,
): Promise<PlannedRun> {
  const { graph, params, run, seed } = plan;
  const { workflowExecution } = Context.current().info;
  const view = { ...viewOf(initialState(graph, params, run, seed)), state: "running" as const, startedAt };
  try {
    await store?.saveRun({ view, temporalRunId: workflowExecution?.runId ?? "" });
    await store?.saveDag(graph);
    return { ...plan, recorded: true };
  } catch {
    return plan;
  }
}
