import { createHash } from "node:crypto";
import { type ScheduleOptions, ScheduleOverlapPolicy } from "@temporalio/client";
import { defineSearchAttributeKey } from "@temporalio/common";
import type { TimeSchedule } from "../core/graph.ts";
import type { Dag } from "../language/dag.ts";
import { lastCompleteInterval } from "../language/interval.ts";

/** Marks a schedule as ours, with the task queue whose workers' code it stands for. */
export const MEMO_QUEUE = "dagwright.taskQueue";
/** In the action's memo: what the schedule was made from, to see whether the code has changed since. */
export const MEMO_DIGEST = "dagwright.schedule";

/** How far back missed runs are made up for, in milliseconds: as far as a schedule can be away. */
const CATCHUP_MS = 3650 * 86_400_000;
/** A moment from which periods are measured: the same at every sync. */
const REFERENCE = new Date("2001-01-01T00:00:00Z");
/** Temporal's least. */
const LEAST_WINDOW_MS = 10_000;

const OVERLAPS = {
  skip: ScheduleOverlapPolicy.SKIP,
  buffer_one: ScheduleOverlapPolicy.BUFFER_ONE,
  buffer_all: ScheduleOverlapPolicy.BUFFER_ALL,
  allow_all: ScheduleOverlapPolicy.ALLOW_ALL,
  cancel_other: ScheduleOverlapPolicy.CANCEL_OTHER,
  terminate_other: ScheduleOverlapPolicy.TERMINATE_OTHER,
} as const;

/** The parts of a schedule that its DAG decides. */
export type DesiredSchedule = Pick<ScheduleOptions, "spec" | "action" | "policies"> & { readonly digest: string };

/**
 * A DAG's schedule in Temporal's terms. With `catchup`, every interval missed while the server was away is run; without,
 * only the last one.
 */
export function desiredSchedule({ id, graph, options }: Dag, taskQueue: string): DesiredSchedule | null {
  const { schedule } = graph;
  // What waits for assets has a trigger of its own.
  if (schedule === null || schedule.kind === "assets") return null;
  const { start, end } = lastCompleteInterval(schedule, REFERENCE);
  const window = options.catchup === true ? CATCHUP_MS : Math.max(end.getTime() - start.getTime(), LEAST_WINDOW_MS);
  const overlap = schedule.kind === "cron" ? OVERLAPS[schedule.overlap] : ScheduleOverlapPolicy.BUFFER_ALL;
  const digest = createHash("sha256")
    .update(JSON.stringify([schedule, window, overlap, id, taskQueue]))
    .digest("hex")
    .slice(0, 16);
  return {
    spec: specOf(schedule),
    policies: { overlap, catchupWindow: window },
    // Temporal appends the moment for which it fires.
    action: {
      type: "startWorkflow",
      workflowType: id,
      workflowId: `${id}/scheduled`,
      taskQueue,
      args: [{}],
      memo: { [MEMO_DIGEST]: digest },
      // Findable before a worker has planned it.
      typedSearchAttributes: [
        { key: defineSearchAttributeKey("DagId", "KEYWORD"), value: id },
        { key: defineSearchAttributeKey("RunState", "KEYWORD"), value: "queued" },
        { key: defineSearchAttributeKey("RunTrigger", "KEYWORD"), value: "schedule" },
      ],
    },
    digest,
  };
}

function specOf(schedule: TimeSchedule): ScheduleOptions["spec"] {
  const { start, end } = schedule;
  const bounds = {
    ...(start === undefined ? {} : { startAt: new Date(start) }),
    ...(end === undefined ? {} : { endAt: new Date(end) }),
  };
  if (schedule.kind === "every")
    return { intervals: [{ every: schedule.everyMs, offset: schedule.offsetMs }], ...bounds };
  const { expressions, timezone, jitterMs } = schedule;
  return { cronExpressions: [...expressions], timezone, jitter: jitterMs, ...bounds };
}
