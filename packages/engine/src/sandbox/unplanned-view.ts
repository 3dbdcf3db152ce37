import type { Json } from "../core/graph.ts";
import type { RunView, TaskError } from "../core/state.ts";
import type { PlanRequest } from "./protocol.ts";

/** The view of a run that failed before it had a plan: as much as is known of it, and why it failed. */
export function unplannedView(
  { dagId, runId, input, startedAt, scheduledFor }: PlanRequest,
  error: TaskError,
): RunView {
  const now = new Date(Date.now()).toISOString();
  const given = fieldsOf(input);
  const date = momentOf(given.logicalDate) ?? scheduledFor ?? startedAt;
  return {
    runId,
    dagId,
    dagVersion: "",
    logicalDate: date,
    dataInterval: { start: date, end: date },
    trigger: TRIGGERS.find((one) => one === given.trigger) ?? (scheduledFor === undefined ? "manual" : "schedule"),
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

const TRIGGERS = ["schedule", "manual", "backfill", "asset", "signal"] as const;

function fieldsOf(input: unknown): { logicalDate?: unknown; trigger?: unknown } {
  return typeof input === "object" && input !== null ? input : {};
}

function momentOf(text: unknown): string | undefined {
  const moment = typeof text === "string" ? new Date(text) : undefined;
  return moment === undefined || Number.isNaN(moment.getTime()) ? undefined : moment.toISOString();
}

/** What came in as params: it came as JSON through Temporal. */
function paramsOf(input: unknown): Json {
  const params: unknown = typeof input === "object" && input !== null && "params" in input ? input.params : {};
  return params as Json;
}
