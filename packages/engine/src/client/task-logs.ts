import { readFileSync } from "node:fs";
import { z } from "zod";
import type { RunStore, StoredAttempt } from "../store/run-store.ts";

const LogEntry = z.object({
  at: z.string(),
  level: z.enum(["debug", "info", "warn", "error"]),
  message: z.string(),
  fields: z.record(z.string(), z.unknown()).optional(),
});

/** One line of an attempt's log. */
export type LogLine = z.infer<typeof LogEntry>;

/** An attempt, and what it logged. */
export interface AttemptLog
  extends Pick<StoredAttempt, "taskId" | "attempt" | "state" | "startedAt" | "endedAt" | "error"> {
  readonly lines: readonly LogLine[];
}

/**
 * The attempts of a run with their logs, in the order of their starts. Logs lie on the machines of the workers: what is
 * not on this one reads as empty.
 *
 * @param task Only of this task (of a mapped one, of all its items) or this item (`measure[3]`).
 */
export async function attemptLogs(store: RunStore | null, runId: string, task?: string): Promise<AttemptLog[]> {
  return logsOf((await store?.listAttempts(runId)) ?? [], task);
}

/** The same of attempts that the store has given. */
export function logsOf(attempts: readonly StoredAttempt[], task?: string): AttemptLog[] {
  return attempts
    .filter(({ taskId }) => task === undefined || taskId === task || taskId.startsWith(`${task}[`))
    .map(({ taskId, attempt, state, startedAt, endedAt, error, logFile }) => ({
      ...{ taskId, attempt, state, startedAt },
      ...(endedAt === undefined ? {} : { endedAt }),
      ...(error === undefined ? {} : { error }),
      lines: logFile === undefined ? [] : linesOf(logFile),
    }));
}

/** A line as text: moment, level, message, fields. */
export function logText({ at, level, message, fields }: LogLine): string {
  return `${at} ${level.toUpperCase()} ${message}${fields ? ` ${JSON.stringify(fields)}` : ""}`;
}

function linesOf(file: string): LogLine[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    // A task that logged nothing has no file; another machine's is not here.
    return [];
  }
  return text.split("\n").flatMap((line) => {
    // The last line of a worker that was killed may be half.
    const parsed = LogEntry.safeParse(jsonOf(line));
    return parsed.success ? [parsed.data] : [];
  });
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
