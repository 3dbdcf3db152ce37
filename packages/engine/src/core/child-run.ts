import type { GraphNode } from "./graph.ts";
import type { RunInfo, RunView, TaskError } from "./state.ts";

/** Id of the run that a `subdag` or `trigger` node starts: the same in every attempt, another after a clear. */
export function childRunIdOf({ id, dag = id }: Pick<GraphNode, "id" | "dag">, run: RunInfo, clears = 0): string {
  return `${dag}/${run.id}/${id}${clears > 0 ? `~${clears}` : ""}`;
}

/** Why a `subdag` node fails whose run was cancelled by itself: another attempt would not be wanted either. */
export function subdagCancelled(runId: string): TaskError {
  const message = `Run ${runId} was cancelled`;
  return { code: "SUBDAG_CANCELLED", message, hint: hintOf(runId), retryable: false };
}

/** Why a `subdag` node fails whose run has failed. */
export function subdagFailed(runId: string, error: Pick<NonNullable<RunView["error"]>, "code" | "message">): TaskError {
  const message = `Run ${runId} failed: ${error.code}: ${error.message}`;
  return { code: "SUBDAG_FAILED", message, hint: hintOf(runId), retryable: true };
}

function hintOf(runId: string): string {
  return `dagwright runs explain ${runId}`;
}
