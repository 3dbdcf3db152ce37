import type { Json } from "../core/graph.ts";
import type { RunView, TaskError } from "../core/state.ts";
import type { PlanRequest } from "./protocol.ts";

/** The view of a run that failed before it had a plan: as much as is known of it, and why it failed. */
export function unplannedView(
  { dagId, runId, input, startedAt, scheduledFor }: PlanRequest,
  error: TaskError,
): RunView {
  const now = new Date(Date.now()).toISOString();
  const date = scheduledFor ?? startedAt;
  return {
    runId,
    dagId,
    dagVersion: "",
    logicalDate: date,
    dataInterval: { start: date, end: date },
    trigger: scheduledFor === undefined ? "manual" : "schedule",
    conf: {},
    params: paramsOf(input),
    state: "failed",
    startedAt,
    endedAt: now,
    output: null,
    error,
    tasks: {},
  };
}

/** What came in as params: it came as JSON through Temporal. */
function paramsOf(input: unknown): Json {
  const params: unknown = typeof input === "object" && input !== null && "params" in input ? input.params : {};
  return params as Json;
}
