import { z } from "zod";

/** From the least to the gravest. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;

export const LogLevel = z.enum(LOG_LEVELS);
export type LogLevel = z.infer<typeof LogLevel>;

/** One line of a log: the JSON object that stands on it. */
export const LogLine = z.object({
  at: z.string(),
  level: LogLevel,
  message: z.string(),
  fields: z.record(z.string(), z.unknown()).optional(),
});
export type LogLine = z.infer<typeof LogLine>;

/** Whether a line of `level` is to be kept (or shown) where `least` is asked for. */
export function isAtLeast(level: LogLevel, least: LogLevel): boolean {
  return LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(least);
}

/** A line as it stands in a file, with its line break. */
export function lineOf(level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>): string {
  const line = { at: new Date().toISOString(), level, message, ...(fields === undefined ? {} : { fields }) };
  return `${JSON.stringify(line, plain())}\n`;
}

/** A line as text: moment, level, message, fields. */
export function logText({ at, level, message, fields }: LogLine): string {
  return `${at} ${level.toUpperCase()} ${message}${fields ? ` ${JSON.stringify(fields)}` : ""}`;
}

/** The lines of a file's text. What is no line is left out: the last one of a worker that was killed may be half. */
export function linesIn(text: string): LogLine[] {
  return text.split("\n").flatMap((line) => {
    const parsed = LogLine.safeParse(jsonOf(line));
    return parsed.success ? [parsed.data] : [];
  });
}

/** Any value as the JSON that a log keeps of it: errors with message and stack, circles cut. */
export function plainJson(value: unknown): z.infer<ReturnType<typeof z.json>> {
  const text = JSON.stringify(value, plain());
  return text === undefined ? null : JSON.parse(text);
}

/** What `JSON.stringify` cannot say by itself. */
function plain() {
  const above: { readonly value: object; readonly shown: object }[] = [];
  return function (this: unknown, _key: string, value: unknown): unknown {
    // `this` is what holds the value: all that was entered after it has been left.
    while (above.length > 0 && above.at(-1)?.shown !== this) above.pop();
    if (typeof value === "bigint") return String(value);
    if (typeof value !== "object" || value === null) return value;
    if (above.some((one) => one.value === value)) return "[circular]";
    const shown =
      value instanceof Error ? { ...value, name: value.name, message: value.message, stack: value.stack } : value;
    above.push({ value, shown });
    return shown;
  };
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
