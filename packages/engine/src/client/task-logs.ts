import { readFileSync } from "node:fs";
import { isAtLeast, type LogLevel, type LogLine, linesIn } from "../logs/log-line.ts";
import { logFiles } from "../logs/rotating-file.ts";
import type { RunStore, StoredAttempt } from "../store/run-store.ts";

/** An attempt, and what it logged. */
export interface AttemptLog
  extends Pick<StoredAttempt, "taskId" | "attempt" | "state" | "startedAt" | "endedAt" | "error"> {
  readonly lines: readonly LogLine[];
}

/** Which attempts and lines are asked for. */
export interface LogFilter {
  /** Only of this task (of a mapped one, of all its items) or this item (`measure[3]`). */
  readonly task?: string | undefined;
  /** Only of this attempt; counts from 1. */
  readonly attempt?: number | undefined;
  /** Lines of this level and graver. @default all */
  readonly level?: LogLevel | undefined;
  /** The last so many lines of each attempt. @default all */
  readonly tail?: number | undefined;
}

/**
 * The attempts of a run with their logs, in the order of their starts. Logs lie on the machines of the workers: what is
 * not on this one reads as empty.
 */
export async function attemptLogs(
  store: RunStore | null,
  runId: string,
  filter: LogFilter = {},
): Promise<AttemptLog[]> {
  return logsOf((await store?.listAttempts(runId)) ?? [], filter);
}

/** The same of attempts that the store has given. */
export function logsOf(attempts: readonly StoredAttempt[], filter: LogFilter = {}): AttemptLog[] {
  const found = attemptsOf(attempts, filter);
  return found.map((one) => {
    const { taskId, attempt, state, startedAt, endedAt, error, logFile } = one;
    const lines = logFile === undefined ? [] : ownLines(logFiles(logFile).flatMap(linesInFile), one, found);
    return {
      ...{ taskId, attempt, state, startedAt },
      ...(endedAt === undefined ? {} : { endedAt }),
      ...(error === undefined ? {} : { error }),
      lines: linesOf(lines, filter),
    };
  });
}

/** An attempt after a clear goes on in the file of the one before: each has the lines until the next began. */
function ownLines(
  lines: readonly LogLine[],
  { logFile, startedAt }: StoredAttempt,
  attempts: readonly StoredAttempt[],
): readonly LogLine[] {
  const starts = attempts.filter((one) => one.logFile === logFile).map((one) => one.startedAt);
  if (starts.length === 1) return lines;
  const next = starts.filter((start) => start > startedAt).sort()[0];
  const isFirst = starts.every((start) => start >= startedAt);
  return lines.filter(({ at }) => (isFirst || at >= startedAt) && (next === undefined || at < next));
}

export function attemptsOf(attempts: readonly StoredAttempt[], { task, attempt }: LogFilter): StoredAttempt[] {
  return attempts
    .filter(({ taskId }) => task === undefined || taskId === task || taskId.startsWith(`${task}[`))
    .filter((one) => attempt === undefined || one.attempt === attempt);
}

export function linesOf(lines: readonly LogLine[], { level = "debug", tail }: LogFilter): LogLine[] {
  const shown = lines.filter((line) => isAtLeast(line.level, level));
  return tail === undefined ? shown : shown.slice(Math.max(0, shown.length - tail));
}

function linesInFile(file: string): LogLine[] {
  try {
    return linesIn(readFileSync(file, "utf8"));
  } catch {
    // It was set aside, or removed, in this moment.
    return [];
  }
}
