import type { WorkflowExecutionInfo } from "@temporalio/client";
import { isOver } from "../core/decide.ts";
import type { RunState } from "../core/state.ts";
import { normalMoment } from "../language/logical-date.ts";
import type { StoredRunHead } from "../store/run-store.ts";
import { publishedOf } from "./closed-run.ts";
import type { RunList, RunRow } from "./engine-client.ts";
import type { ClientGround } from "./ground.ts";
import { whenReachable } from "./store-outage.ts";
import { isNotFound } from "./temporal-call.ts";

/** How many runs of the server are looked at, at most. */
const LONGEST_SCAN = 2_000;

/** Runs of the server and, beyond its retention, of the store. The newest start first. */
export async function listRuns(
  ground: ClientGround,
  { dagId, state, since, limit = 100 }: RunList = {},
): Promise<RunRow[]> {
  const rows = new Map<string, RunRow>();
  const seen = new Set<string>();
  // What the store saw running may have ended since.
  const ended = state !== undefined && isOver(state) ? state : undefined;
  const ofDag = dagId === undefined ? "DagId IS NOT NULL" : `DagId = ${JSON.stringify(dagId)}`;
  const query = since === undefined ? ofDag : `${ofDag} AND StartTime >= ${JSON.stringify(since)}`;
  for await (const execution of ground.temporal.workflow.list({ query })) {
    // Newest first: a run that was started again hides its former executions.
    if (seen.has(execution.workflowId)) continue;
    seen.add(execution.workflowId);
    const row = rowOf(execution);
    if (state === undefined || row.state === state) rows.set(row.runId, row);
    // The server lists by close time, not by start: all that are looked at are sorted below.
    if (seen.size >= LONGEST_SCAN) break;
  }
  const asked = ground.store?.listRuns({ dagId, state: ended, limit: limit + seen.size });
  // What has not ended Temporal knows: of that, the store is not needed to speak.
  const stored = state === undefined || isOver(state) ? await asked : await whenReachable(asked);
  for (const head of stored ?? []) {
    const listed = rows.get(head.runId);
    if (listed !== undefined) rows.set(head.runId, { ...listed, endedAt: endOfTasks(listed, head) });
    if (seen.has(head.runId)) continue;
    // Of a run that was not listed for its start, the store knows the start as well.
    if (since !== undefined && Date.parse(head.startedAt ?? "") < Date.parse(since)) continue;
    const row = await storedRow(ground, head);
    if (row !== null && (state === undefined || row.state === state)) rows.set(row.runId, row);
  }
  return [...rows.values()].sort((a, b) => (b.startedAt ?? "").localeCompare(a.startedAt ?? "")).slice(0, limit);
}

/**
 * When a run's tasks ended: as the store knows it. Temporal's execution goes on for as long as callbacks do, which may
 * be tried again for hours. What the store has of a former execution says nothing.
 */
function endOfTasks({ state, startedAt, endedAt }: RunRow, head: StoredRunHead): string | null {
  if (head.endedAt === undefined || !isOver(state) || state !== head.state) return endedAt;
  const ofThisExecution = Date.parse(head.startedAt ?? "") >= Date.parse(startedAt ?? "");
  return ofThisExecution ? head.endedAt : endedAt;
}

function rowOf(execution: Omit<WorkflowExecutionInfo, "raw">): RunRow {
  const { workflowId, type, status, startTime, closeTime } = execution;
  const { dagId, logicalDate, trigger, state } = publishedOf(execution);
  return {
    runId: workflowId,
    dagId: dagId ?? type,
    logicalDate: logicalDate === undefined ? null : normalMoment(logicalDate),
    state: status.name === "RUNNING" ? state : closedState(status.name, state),
    trigger,
    startedAt: startTime.toISOString(),
    endedAt: closeTime?.toISOString() ?? null,
  };
}

/** A run that Temporal ended (terminated, timed out) could not publish that it is over. */
function closedState(status: WorkflowExecutionInfo["status"]["name"], published: RunState): RunState {
  if (isOver(published)) return published;
  if (status === "COMPLETED") return "success";
  return status === "CANCELLED" ? "cancelled" : "failed";
}

/** A run of the store that the server's list did not show; null when it would have come later in that list. */
async function storedRow({ temporal }: ClientGround, head: StoredRunHead): Promise<RunRow | null> {
  const { runId, dagId, logicalDate, state, trigger, startedAt = null, endedAt = null } = head;
  const row = { runId, dagId, logicalDate, state, trigger, startedAt, endedAt };
  if (isOver(state)) return row;
  try {
    return rowOf(await temporal.workflow.getHandle(runId).describe());
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return { ...row, state: "failed" };
  }
}
