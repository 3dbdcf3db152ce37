import { stat } from "node:fs/promises";

/** A file that was changed this short a time before it was read may have been read half, in milliseconds. */
const TOO_FRESH_MS = 50;

/** Remembers how files looked when they were last read. */
export class FileStamps {
  private stamps: ReadonlyMap<string, string> = new Map();
  private others: readonly string[] = [];

  /** Whether one of these files, or of those that were read besides, is new, gone or other than before. */
  async haveChanged(files: readonly string[]): Promise<boolean> {
    const now = new Map<string, string>();
    const all = new Set([...files, ...this.others]);
    await Promise.all([...all].map(async (file) => now.set(file, (await stampOf(file)).text)));
    const changed = now.size !== this.stamps.size || [...now].some(([file, text]) => this.stamps.get(file) !== text);
    this.stamps = now;
    return changed;
  }

  /** Says which files were read since `begun` (milliseconds since 1970). */
  async complete(files: readonly string[], begun: number): Promise<void> {
    const now = new Map(this.stamps);
    await Promise.all(
      files.map(async (file) => {
        if (now.has(file)) return;
        const { text, changedAt } = await stampOf(file);
        if (changedAt < begun - TOO_FRESH_MS) now.set(file, text);
      }),
    );
    this.others = files;
    this.stamps = now;
  }
}

async function stampOf(file: string): Promise<{ text: string; changedAt: number }> {
  const info = await stat(file).catch(() => null);
  if (info === null) return { text: "", changedAt: 0 };
  const { mtimeMs, size, ino } = info;
  return { text: `${mtimeMs}/${size}/${ino}`, changedAt: mtimeMs };
}
