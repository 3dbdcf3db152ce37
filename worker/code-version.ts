import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Tracking } from "@dagwright/tracking";

/** The commit of a folder's code, with `-dirty` when it was changed since; undefined where git knows none. */
export async function codeVersionOf(folder: string): Promise<string | undefined> {
  try {
    // No tag is asked for: the answer is the commit.
    const describe = ["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"];
    const { stdout } = await promisify(execFile)("git", ["-C", folder, ...describe], { timeout: 5_000 });
    return stdout.trim() || undefined;
  } catch {
    return undefined;
  }
}

/** Tracking whose runs say which code made them, unless they say it themselves. */
export function withCodeVersion(tracking: Tracking, codeVersion: string | undefined): Tracking {
  if (codeVersion === undefined) return tracking;
  return {
    ...tracking,
    startRun: (run) => tracking.startRun({ ...run, lineage: { codeVersion, ...run.lineage } }),
  };
}
