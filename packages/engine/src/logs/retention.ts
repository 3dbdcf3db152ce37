import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

const DAY_MS = 86_400_000;

/**
 * Removes the logs of runs in which nothing was written for so many days; files beside the runs' folders stay.
 *
 * @param folder `<folder>/<run>/<task>/<attempt>.jsonl`; it need not exist.
 * @param days 0 keeps them for ever.
 * @returns How many runs' logs were removed.
 */
export async function sweepLogs(folder: string, days: number, now = Date.now()): Promise<number> {
  if (days <= 0) return 0;
  const runs = (await entriesOf(folder)).filter((entry) => entry.isDirectory());
  let removed = 0;
  for (const { name } of runs) {
    const run = join(folder, name);
    if (now - (await lastWritten(run)) <= days * DAY_MS) continue;
    await rm(run, { recursive: true, force: true });
    removed += 1;
  }
  return removed;
}

async function lastWritten(folder: string): Promise<number> {
  const files = [folder, ...(await readdir(folder, { recursive: true })).map((file) => join(folder, file))];
  // What another worker has just removed counts as old.
  const times = await Promise.all(
    files.map((file) =>
      stat(file).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      ),
    ),
  );
  return Math.max(...times);
}

async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
