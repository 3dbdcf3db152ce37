/** A span of time: milliseconds, or a number with a unit: "250ms", "30s", "5m", "2h", "1d", "1w". */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d" | "w"}`;

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Milliseconds of a duration; null when it is none (negative, not finite, unknown unit). */
export function millisecondsOf(duration: unknown): number | null {
  if (typeof duration === "number") return Number.isFinite(duration) && duration >= 0 ? duration : null;
  if (typeof duration !== "string") return null;
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/.exec(duration);
  return match ? Number(match[1]) * (UNITS[match[2] ?? ""] ?? Number.NaN) : null;
}
