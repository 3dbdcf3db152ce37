import { conditionText } from "../core/asset-condition.ts";
import { durationText } from "../core/duration-text.ts";
import type { GraphSchedule } from "../core/graph.ts";

/** A schedule in words: `0 0 * * * (UTC)`, `every 6h`, `every 1d, offset 2h`, `on s3://a and s3://b`. */
export function scheduleText(schedule: GraphSchedule): string {
  if (schedule.kind === "assets") return `on ${conditionText(schedule.condition)}`;
  if (schedule.kind === "cron") return `${schedule.expressions.join("; ")} (${schedule.timezone})`;
  const every = `every ${durationText(schedule.everyMs)}`;
  return schedule.offsetMs === 0 ? every : `${every}, offset ${durationText(schedule.offsetMs)}`;
}
