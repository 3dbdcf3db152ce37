import type { Json } from "../core/graph.ts";
import type { RunView, TaskError, TaskStatus } from "../core/state.ts";
import { isFinal } from "../core/trigger-rules.ts";
import { taskViewOf } from "../core/view.ts";
import type { FormerRun, PlanRequest } from "./protocol.ts";

/**
 * The view of a run that failed before it had a plan: as much as is known of it, and why it failed. One that was to begin
 * anew keeps its params and its DAG's version, and its tasks as they were to begin: so it can be cleared again.
 */
export function unplannedView(
  { dagId, runId, input, startedAt, scheduledFor }: PlanRequest,
  error: TaskError,
  before?: unknown,
): RunView {
  const now = new Date(Date.now()).toISOString();
  const given = fieldsOf(input);
  const former = isFormer(before) ? before : undefined;
  const date = momentOf(given.logicalDate) ?? scheduledFor ?? startedAt;
  return {
    runId,
    dagId,
    dagVersion: former?.dagVersion ?? "",
    logicalDate: date,
    dataInterval: intervalOf(given.dataInterval) ?? { start: date, end: date },
    trigger: TRIGGERS.find((one) => one === given.trigger) ?? (scheduledFor === undefined ? "manual" : "schedule"),
    conf: {},
    params: former?.params ?? paramsOf(input),
    state: "failed",
    startedAt,
    endedAt: now,
    output: null,
    error,
    tasks: tasksOf(given.seed),
  };
}

const TRIGGERS = ["schedule", "manual", "backfill", "asset", "signal"] as const;

function fieldsOf(input: unknown): {
  logicalDate?: unknown;
  trigger?: unknown;
  dataInterval?: unknown;
  seed?: unknown;
} {
  return typeof input === "object" && input !== null ? input : {};
}

function isFormer(value: unknown): value is FormerRun {
  return typeof value === "object" && value !== null && "dagVersion" in value && "params" in value;
}

function intervalOf(given: unknown): RunView["dataInterval"] | undefined {
  if (typeof given !== "object" || given === null || !("start" in given) || !("end" in given)) return undefined;
  const { start, end } = given;
  return typeof start === "string" && typeof end === "string" ? { start, end } : undefined;
}

function tasksOf(seed: unknown): RunView["tasks"] {
  if (typeof seed !== "object" || seed === null) return {};
  const statuses = Object.entries(seed).filter((entry): entry is [string, TaskStatus] => isStatus(entry[1]));
  return Object.fromEntries(
    statuses.map(([id, status]) => {
      const view = taskViewOf(status, undefined);
      return [id, isFinal(status.state) ? view : { ...view, state: "none" }];
    }),
  );
}

function isStatus(value: unknown): value is TaskStatus {
  return typeof value === "object" && value !== null && "state" in value && "attempts" in value;
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
