import { type ScheduleOptions, ScheduleOverlapPolicy } from "@temporalio/client";
import { durationText } from "../core/duration-text.ts";
import type { TimeSchedule } from "../core/graph.ts";
import { type CatchupRule, catchupRule } from "../language/catchup.ts";
import type { Dag } from "../language/dag.ts";
import { firstFire, longestInterval } from "../language/schedule-times.ts";
import { MEMO_TIMES } from "../sandbox/protocol.ts";

/** Marks a schedule as ours, with the task queue whose workers' code it stands for. */
export const MEMO_QUEUE = "dagwright.taskQueue";
/** In the action's memo: the fields that the schedule was made from, to see what of the code has changed since. */
export const MEMO_FIELDS = "dagwright.schedule";
/** In the action's memo: the file that the DAG was read from. */
export const MEMO_SOURCE = "dagwright.source";

/** How far back all missed runs are made up for, in milliseconds: as far as a schedule can be away. */
const CATCHUP_MS = 3650 * 86_400_000;
/** Temporal's least. */
const LEAST_WINDOW_MS = 10_000;
/** By which an interval over a change of clocks is longer, in milliseconds. */
const CHANGE_OF_CLOCKS_MS = 3_600_000;

/** Raised when what we ask of Temporal for the same fields changes: schedules made before are brought in line. */
const FORM = "2";

const OVERLAPS = {
  skip: ScheduleOverlapPolicy.SKIP,
  buffer_one: ScheduleOverlapPolicy.BUFFER_ONE,
  buffer_all: ScheduleOverlapPolicy.BUFFER_ALL,
  allow_all: ScheduleOverlapPolicy.ALLOW_ALL,
  cancel_other: ScheduleOverlapPolicy.CANCEL_OTHER,
  terminate_other: ScheduleOverlapPolicy.TERMINATE_OTHER,
} as const;

/** What a schedule is made from, as text by name; what is not set has its default. */
export type ScheduleFields = Readonly<Record<string, string>>;

/** A schedule as its DAG wants it: in words to compare, and in Temporal's terms to make. */
export interface DesiredSchedule {
  readonly fields: ScheduleFields;
  readonly options: Pick<ScheduleOptions, "spec" | "action" | "policies">;
}

/** A DAG's schedule in Temporal's terms; null when it has none. Which of the missed runs start decides the launcher. */
export function desiredSchedule(
  { id, graph: { schedule }, options: { catchup } }: Dag,
  taskQueue: string,
  source?: string,
): DesiredSchedule | null {
  // What waits for assets has a trigger of its own.
  if (schedule === null || schedule.kind === "assets") return null;
  const rule = catchupRule(catchup);
  const fields = fieldsOf(schedule, rule, taskQueue);
  return {
    fields,
    options: {
      spec: specOf(schedule),
      policies: { overlap: OVERLAPS[schedule.overlap ?? "buffer_all"], catchupWindow: windowOf(schedule, rule) },
      // Temporal appends the moment for which it fires. Not findable as a run: it launches one.
      action: {
        type: "startWorkflow",
        workflowType: id,
        workflowId: `${id}/scheduled`,
        taskQueue,
        args: [{}],
        memo: {
          [MEMO_TIMES]: schedule,
          [MEMO_FIELDS]: fields,
          ...(source === undefined ? {} : { [MEMO_SOURCE]: source }),
        },
        staticSummary: `starts ${id} for the interval that is over`,
      },
    },
  };
}

function fieldsOf(schedule: TimeSchedule, { windowMs, limit }: CatchupRule, taskQueue: string): ScheduleFields {
  const { jitterMs = 0, overlap = "buffer_all", start, end } = schedule;
  const times: ScheduleFields =
    schedule.kind === "cron"
      ? { cron: schedule.expressions.join("; "), timezone: schedule.timezone }
      : { every: durationText(schedule.everyMs), offset: durationText(schedule.offsetMs) };
  const kept = limit === null ? "all" : `the last ${limit === 1 ? "interval" : limit}`;
  return {
    ...times,
    ...(jitterMs > 0 ? { jitter: durationText(jitterMs) } : {}),
    overlap,
    ...(start === undefined ? {} : { start }),
    ...(end === undefined ? {} : { end }),
    catchup: windowMs === null ? kept : `${kept} within ${durationText(windowMs)}`,
    taskQueue,
    form: FORM,
  };
}

/** How late a fire may come: at least as late as the rule lets it; the launcher passes over what is beyond the rule. */
function windowOf(schedule: TimeSchedule, { windowMs, limit }: CatchupRule): number {
  const change = schedule.kind === "cron" && schedule.timezone !== "UTC" ? CHANGE_OF_CLOCKS_MS : 0;
  const reach = limit === null ? CATCHUP_MS : limit * (longestInterval(schedule) + change) + (schedule.jitterMs ?? 0);
  return Math.min(CATCHUP_MS, Math.max(LEAST_WINDOW_MS, Math.min(reach, windowMs ?? reach)));
}

function specOf(schedule: TimeSchedule): ScheduleOptions["spec"] {
  const { end, jitterMs = 0 } = schedule;
  const startAt = firstFire(schedule);
  const bounds = {
    ...(startAt === null ? {} : { startAt }),
    ...(end === undefined ? {} : { endAt: new Date(end) }),
    jitter: jitterMs,
  };
  if (schedule.kind === "every")
    return { intervals: [{ every: schedule.everyMs, offset: schedule.offsetMs }], ...bounds };
  return { cronExpressions: [...schedule.expressions], timezone: schedule.timezone, ...bounds };
}
