import { format } from "node:util";
import { isAtLeast, type LogLevel, LogLine, lineOf } from "./log-line.ts";

/** The methods of `console`, and the levels that their lines have. */
export const CONSOLE_LEVELS = { debug: "debug", log: "info", info: "info", warn: "warn", error: "error" } as const;

const METHODS = Object.keys(CONSOLE_LEVELS) as (keyof typeof CONSOLE_LEVELS)[];

/** Hands what `console` is told to `tell`; what `tell` declines (`false`) goes where it went before. */
export function redirectConsole(tell: (level: LogLevel, args: readonly unknown[]) => boolean): void {
  for (const method of METHODS) {
    const before = console[method].bind(console);
    console[method] = (...args: unknown[]) => {
      if (!tell(CONSOLE_LEVELS[method], args)) before(...args);
    };
  }
}

/** What `console` was told, as message and fields: an object after a text is the fields. */
export function messageOf(args: readonly unknown[]): [message: string, fields?: Readonly<Record<string, unknown>>] {
  const [message, fields, ...more] = args;
  const simple = typeof message === "string" && more.length === 0 && typeof fields === "object" && fields !== null;
  return simple && !(fields instanceof Error) && !Array.isArray(fields) ? [message, { ...fields }] : [format(...args)];
}

/** From now on what this process tells `console` goes to stderr, as text: stdout is for what it answers. */
export function logProcessAsText(): void {
  redirectConsole((_, args) => {
    process.stderr.write(`${format(...args)}\n`);
    return true;
  });
}

/** From now on this process says on stderr in JSON lines what it tells `console`; below `least` it says nothing. */
export function logProcessAsJson(least: LogLevel): void {
  redirectConsole((level, args) => {
    if (isAtLeast(level, least)) process.stderr.write(lineOf(level, ...messageOf(args)));
    return true;
  });
}

/**
 * Passes what this process writes to stdout and stderr, by whatever way, through `shown`: `redactor.text`, of a process
 * that runs tasks and nothing else.
 */
export function guardOutput(shown: (text: string) => string): void {
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream);
    const guarded = (chunk: string | Uint8Array, ...rest: unknown[]): boolean =>
      Reflect.apply(write, stream, [
        shown(typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8")),
        ...rest,
      ]);
    stream.write = guarded;
  }
}

/** A line that another process printed, as a line of a log: JSON lines stay, all else becomes a message. */
export function printedLine(text: string, level: LogLevel): string {
  try {
    if (LogLine.safeParse(JSON.parse(text)).success) return `${text}\n`;
  } catch {
    // Plain words.
  }
  return lineOf(level, text);
}
