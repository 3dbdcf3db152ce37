import { Context } from "@temporalio/activity";
import { initialState } from "../core/decide.ts";
import { viewOf } from "../core/view.ts";
import type { PlannedLaunch, PlannedRun, PlanRequest } from "../sandbox/protocol.ts";
import type { RunStore } from "../store/run-store.ts";
import { patiently } from "./store-patience.ts";

/**
 * Keeps the start of a run in the run store, in the same breath as it is planned: the run need not ask for it once more.
 * Where the store refuses, the plan does not say so, and the run itself tries again beside its first tasks. A run that
 * waits in line tells of that itself, and what only launches a run is none.
 */
export async function withStartRecorded(
  store: RunStore | null,
  plan: PlannedRun | PlannedLaunch,
  { startedAt }: PlanRequest,
): Promise<PlannedRun | PlannedLaunch> {
  if ("runAs" in plan || plan.graph.maxActiveRuns !== undefined) return plan;
  const { graph, params, run, seed } = plan;
  const { workflowExecution } = Context.current().info;
  const view = { ...viewOf(initialState(graph, params, run, seed)), state: "running" as const, startedAt };
  const save = async () => {
    await store?.saveRun({ view, temporalRunId: workflowExecution?.runId ?? "" });
    await store?.saveDag(graph);
    return true;
  };
  const kept = await patiently(`The start of ${run.id} is not kept yet`, save());
  return kept === null ? plan : { ...plan, recorded: true };
}
