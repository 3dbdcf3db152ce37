import { join } from "node:path";
import type { LogFields, TaskAttempt, TaskLog } from "../language/context.ts";
import { isAtLeast, type LogLevel, lineOf } from "../logs/log-line.ts";
import { type LogLimits, RotatingFile } from "../logs/rotating-file.ts";

/** Where the logs of attempts lie, and what is kept of them. */
export interface AttemptLogs extends LogLimits {
  readonly folder: string;
  /** The least level that is kept. @default "debug" */
  readonly level?: LogLevel;
}

/** File of an attempt's log: `<folder>/<run>/<task>/<attempt>.jsonl`, with what a file name cannot hold as "__". */
export function attemptLogFile(folder: string, { run, taskId, attempt }: TaskAttempt): string {
  return join(folder, fileName(run.id), fileName(taskId), `${attempt}.jsonl`);
}

/** A log that appends one JSON object a line: `{ at, level, message, fields? }`. A disk that refuses it fails no task. */
export function openAttemptLog(
  file: string,
  { level: least = "debug", ...limits }: Omit<AttemptLogs, "folder">,
): TaskLog {
  const kept = new RotatingFile(file, limits);
  const write = (level: LogLevel, message: string, fields?: LogFields) => {
    if (!isAtLeast(level, least)) return;
    try {
      kept.append(lineOf(level, message, fields));
    } catch (error) {
      // Not by `console`: inside an attempt that is this log.
      process.stderr.write(
        `A log line could not be written to ${file}: ${error instanceof Error ? error.message : error}\n`,
      );
    }
  };
  return {
    debug: (message, fields) => write("debug", message, fields),
    info: (message, fields) => write("info", message, fields),
    warn: (message, fields) => write("warn", message, fields),
    error: (message, fields) => write("error", message, fields),
  };
}

function fileName(id: string): string {
  return id.replaceAll(/[^\w.:@=-]/g, "__").replace(/^\.+/, "__");
}
