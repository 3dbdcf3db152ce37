import { execFile } from "node:child_process";
import { ConnectionCommandError } from "./errors.ts";

/** How long the command may take, in milliseconds. */
const PATIENCE_MS = 10_000;

/** The most that it may print, in bytes. */
const MOST = 1_048_576;

/** The parts of a command line: words, or (where they hold spaces) a JSON list of texts. */
export function commandParts(line: string): readonly [string, ...string[]] | null {
  const [program, ...parts] = line.trim().startsWith("[") ? listIn(line) : line.trim().split(/\s+/);
  return program ? [program, ...parts] : null;
}

/**
 * What a command prints for a name, which is its last argument. It runs without a shell, with this process's
 * environment, and has 10 seconds.
 *
 * @param variable That names the command: for the error.
 * @throws ConnectionCommandError
 */
export async function printedBy(
  [program, ...parts]: readonly [string, ...string[]],
  name: string,
  variable: string,
): Promise<string> {
  return await new Promise((resolve, reject) => {
    execFile(program, [...parts, name], { timeout: PATIENCE_MS, maxBuffer: MOST }, (error, stdout) => {
      if (error === null) resolve(stdout);
      else reject(new ConnectionCommandError(variable, program, name, reasonOf(error)));
    });
  });
}

function reasonOf({ code, killed, signal }: { code?: unknown; killed?: boolean; signal?: unknown }): string {
  if (code === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER") return `it printed more than ${MOST} bytes`;
  if (killed) return `it took longer than ${PATIENCE_MS / 1000} s`;
  if (typeof code === "string") return code === "ENOENT" ? "there is no such program" : code;
  return typeof code === "number" ? `exit code ${code}` : `it was ended by ${String(signal)}`;
}

function listIn(line: string): string[] {
  try {
    const parsed: unknown = JSON.parse(line);
    return Array.isArray(parsed) && parsed.every((part) => typeof part === "string") ? parsed : [];
  } catch {
    return [];
  }
}
