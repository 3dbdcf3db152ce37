import { implement } from "@dagwright/mcp-kit";
import { workflows } from "./contract.ts";
import {
  approve,
  backfill,
  clearTasks,
  getRun,
  getTaskLogs,
  listDags,
  listRuns,
  setPaused,
  signalDrift,
  startWorkflow,
  type WorkflowsDeps,
} from "./workflows.ts";

/** The workflows server over a way to the engine and the DAGs that workers know. */
export function createWorkflowsServer(deps: WorkflowsDeps) {
  return implement(workflows, {
    list_dags: () => listDags(deps),
    start_workflow: (args, { idempotencyKey }) => startWorkflow(deps, args, idempotencyKey),
    get_run: (args) => getRun(deps, args),
    list_runs: (args) => listRuns(deps, args),
    explain_run: ({ runId }) => deps.client.explainRun(runId),
    get_task_logs: (args) => getTaskLogs(deps, args),
    clear_tasks: (args) => clearTasks(deps, args),
    approve: (args) => approve(deps, args),
    backfill: (args, { idempotencyKey }) => backfill(deps, args, idempotencyKey),
    signal_drift: (args, { idempotencyKey }) => signalDrift(deps, args, idempotencyKey),
    pause_dag: (args) => setPaused(deps, args, true),
    unpause_dag: (args) => setPaused(deps, args, false),
  });
}
