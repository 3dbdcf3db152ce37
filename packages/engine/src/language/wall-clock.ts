/**
 * Wall times of a time zone. A wall time is kept as the milliseconds it would be in UTC, so that calendars can count
 * with it without knowing of daylight saving.
 */

const formats = new Map<string, Intl.DateTimeFormat>();

/** Whether a name is an IANA time zone of this platform. */
export function isTimezone(name: string): boolean {
  try {
    formatOf(name);
    return true;
  } catch {
    return false;
  }
}

/** The wall time that clocks of a zone show at an instant (to the second). */
export function wallAt(instant: number, timezone: string): number {
  if (timezone === "UTC") return Math.floor(instant / 1000) * 1000;
  const part: Record<string, number> = {};
  for (const { type, value } of formatOf(timezone).formatToParts(instant)) part[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/**
 * The one instant at which a wall time fires, or null where clocks skip it. Of the two instants of a repeated wall
 * time, it is the one that Temporal's schedules (Go's `time.Date`) take: the offset in force when UTC shows that wall
 * time, if it fits, else the one in force before.
 */
export function instantOf(wall: number, timezone: string): number | null {
  if (timezone === "UTC") return wall;
  const first = wall - offsetAt(wall, timezone);
  if (wallAt(first, timezone) === wall) return first;
  const second = wall - offsetAt(first, timezone);
  return wallAt(second, timezone) === wall ? second : null;
}

/** Milliseconds by which clocks of a zone are ahead of UTC at an instant. */
export function offsetAt(instant: number, timezone: string): number {
  return wallAt(instant, timezone) - Math.floor(instant / 1000) * 1000;
}

function formatOf(timezone: string): Intl.DateTimeFormat {
  let format = formats.get(timezone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: timezone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    formats.set(timezone, format);
  }
  return format;
}
