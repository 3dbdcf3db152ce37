import { appendFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { LogFields, TaskAttempt, TaskLog } from "../language/context.ts";

/** File of an attempt's log: `<folder>/<run>/<task>/<attempt>.jsonl`, with what a file name cannot hold as "__". */
export function attemptLogFile(folder: string, { run, taskId, attempt }: TaskAttempt): string {
  return join(folder, fileName(run.id), fileName(taskId), `${attempt}.jsonl`);
}

/** A log that appends one JSON object a line: `{ at, level, message, fields? }`. A disk that refuses it fails no task. */
export function openAttemptLog(file: string): TaskLog {
  let ready = false;
  const write = (level: string, message: string, fields?: LogFields) => {
    try {
      if (!ready) mkdirSync(dirname(file), { recursive: true });
      ready = true;
      appendFileSync(
        file,
        `${JSON.stringify({ at: new Date().toISOString(), level, message, ...(fields ? { fields } : {}) })}\n`,
      );
    } catch (error) {
      console.error(`A log line could not be written to ${file}: ${error instanceof Error ? error.message : error}`);
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
