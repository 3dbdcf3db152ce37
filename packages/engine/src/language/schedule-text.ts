import { conditionText } from "../core/asset-condition.ts";
import type { GraphSchedule } from "../core/graph.ts";

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
] as const;

/** A schedule in words: `0 0 * * * (UTC)`, `every 6h`, `every 1d, offset 2h`, `on s3://a and s3://b`. */
export function scheduleText(schedule: GraphSchedule): string {
  if (schedule.kind === "assets") return `on ${conditionText(schedule.condition)}`;
  if (schedule.kind === "cron") return `${schedule.expressions.join("; ")} (${schedule.timezone})`;
  const every = `every ${durationText(schedule.everyMs)}`;
  return schedule.offsetMs === 0 ? every : `${every}, offset ${durationText(schedule.offsetMs)}`;
}

/** A span of time in the largest unit that divides it: 5400000 → `90m`. */
export function durationText(ms: number): string {
  const [unit, size] = UNITS.find(([, size]) => ms % size === 0) ?? UNITS[4];
  return `${ms / size}${unit}`;
}
