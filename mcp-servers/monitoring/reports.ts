import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

/**
 * Writes a report to `root/kind/<key>.json`, whole or not at all; the same key replaces the same file.
 * @param key Any text; kept readable where it fits a file name, and made unique by its hash.
 * @returns The file's URL.
 */
export async function writeReport(root: string, kind: string, key: string, report: unknown): Promise<string> {
  const hash = createHash("sha256").update(key).digest("hex").slice(0, 16);
  const name = `${key.replaceAll(/[^A-Za-z0-9._-]+/g, "-").slice(-80)}-${hash}.json`;
  const file = join(root, kind, name);
  await mkdir(dirname(file), { recursive: true });
  const draft = `${file}.${randomUUID()}.tmp`;
  try {
    const handle = await open(draft, "wx");
    try {
      await handle.writeFile(`${JSON.stringify(report, null, 2)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  return pathToFileURL(file).href;
}
